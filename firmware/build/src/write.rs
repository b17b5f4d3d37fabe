//! The text of the module.

use std::fmt::Write as _;
use std::path::Path;

use crate::signature::{Port, Signature};

/// Writes the module. The Plan has been looked over, so it is trusted where it is called.
pub(crate) fn module(signature: &Signature, path: &Path, plan_bytes: usize) -> String {
    let Signature { inputs, outputs, arena_bytes, macs } = signature;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let answer = answer_type(outputs);
    let parameters: String = inputs.iter().map(|port| format!(", {}: &{}", port.name, array(port))).collect();
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!(
        "/// `{name}`: {plan_bytes} bytes of flash, {macs} multiplications; the arena takes {arena_bytes} bytes of RAM."
    ));
    // How far the items are seen is up to the module that includes this.
    let seen = "#[allow(unreachable_pub)]";
    line(seen);
    line("#[derive(Debug)]");
    line("pub struct Model {");
    line(&format!("    arena: Aligned<{arena_bytes}>,"));
    line(&format!("    outputs: {answer},"));
    line("}");
    line("");
    line("#[derive(Debug)]");
    line("#[repr(C, align(16))]");
    line("struct Aligned<const N: usize>([u8; N]);");
    line("");
    line(&format!("static PLAN: Aligned<{plan_bytes}> = Aligned(*include_bytes!({:?}));", path.display().to_string()));
    if outputs.len() != 1 {
        line("");
        line("/// What the model answers.");
        line(seen);
        line("#[derive(Debug, Clone, Copy, PartialEq)]");
        line("pub struct Outputs {");
        for port in outputs {
            line(&format!("    /// {}.", described(port)));
            line(&format!("    pub {}: {},", port.name, array(port)));
        }
        line("}");
    }
    line("");
    line("impl Default for Model {");
    line("    fn default() -> Self {");
    line("        Self::new()");
    line("    }");
    line("}");
    line("");
    line(seen);
    line("impl Model {");
    line("    /// A model that has not been asked yet.");
    line("    #[must_use]");
    line("    pub const fn new() -> Self {");
    line(&format!("        Self {{ arena: Aligned([0; {arena_bytes}]), outputs: {} }}", answer_zero(outputs)));
    line("    }");
    line("");
    line("    /// Predicts.");
    line("    ///");
    for port in inputs {
        line(&format!("    /// - {}", described(port)));
    }
    for port in outputs {
        line(&format!("    /// - answers {}", described(port)));
    }
    line("    ///");
    line("    /// # Errors");
    line("    /// An index among the inputs that points nowhere, or an integer division by zero.");
    line(&format!(
        "    pub fn predict(&mut self{parameters}) -> ::core::result::Result<&{answer}, ::mote_engine::Fault> {{"
    ));
    line("        const BROKEN: ::mote_engine::Fault = ::mote_engine::Fault::MalformedPlan;");
    line("        let plan = ::mote_plan::Plan::trust(&PLAN.0).map_err(|_| BROKEN)?;");
    line("        let mut arena = ::mote_engine::Arena::new(&mut self.arena.0)?;");
    for (index, Port { name, .. }) in inputs.iter().enumerate() {
        line(&format!("        let place = ::mote_engine::input_mut(&plan, 0, {index}, &mut arena).ok_or(BROKEN)?;"));
        line(&format!("        for (place, value) in place.as_chunks_mut().0.iter_mut().zip({name}) {{"));
        line("            *place = value.to_le_bytes();");
        line("        }");
    }
    line("        ::mote_engine::run(&plan, 0, &mut arena)?;");
    for (index, port) in outputs.iter().enumerate() {
        let place = if outputs.len() == 1 { "self.outputs".into() } else { format!("self.outputs.{}", port.name) };
        line(&format!("        let bytes = ::mote_engine::output(&plan, 0, {index}, &arena).ok_or(BROKEN)?;"));
        line(&format!("        for (value, bytes) in {place}.iter_mut().zip(bytes.as_chunks().0) {{"));
        line(&format!("            *value = {}::from_le_bytes(*bytes);", port.scalar));
        line("        }");
    }
    line("        Ok(&self.outputs)");
    line("    }");
    line("}");
    text
}

fn array(port: &Port) -> String {
    format!("[{}; {}]", port.scalar, port.count)
}

fn described(port: &Port) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail. Backticks and backslashes of a name would end the code span.
    let stated = port.stated.replace(|letter: char| !letter.is_ascii_graphic() || "`\\".contains(letter), "_");
    let _ = write!(text, "`{}`: `{stated}`, {:?}", port.name, port.dims);
    text
}

fn answer_type(outputs: &[Port]) -> String {
    match outputs {
        [port] => array(port),
        _ => "Outputs".into(),
    }
}

fn answer_zero(outputs: &[Port]) -> String {
    let zero = |port: &Port| format!("[{}; {}]", if port.scalar.starts_with('f') { "0.0" } else { "0" }, port.count);
    match outputs {
        [port] => zero(port),
        _ => {
            let fields: Vec<String> = outputs.iter().map(|port| format!("{}: {}", port.name, zero(port))).collect();
            format!("Outputs {{ {} }}", fields.join(", "))
        }
    }
}

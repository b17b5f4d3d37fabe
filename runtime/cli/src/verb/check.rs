use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use mote_compiler::check::{Assumed, Check, check};
use mote_compiler::import::{Dim, InputSpec};
use mote_compiler::{CompileError, Compiled, ImportError};
use mote_host::{Host, HostConfig};
use mote_plan::AlignedBytes;
use serde_json::{Value, json};

use crate::args::ModelArgs;
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Source, guest_image, view};

/// Options of `mote check`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// An ONNX model
    model: PathBuf,
    #[command(flatten)]
    model_args: ModelArgs,
}

/// Instructions of a Cortex-M4F for each scalar operation of the bound, as `firmware/REPORT.md` measures networks.
const MCU_INSTRUCTIONS_PER_OPERATION: f64 = 1.75;
/// A common clock of one, in operations per millisecond at an instruction a cycle.
const MCU_CYCLES_PER_MS: f64 = 100_000.0;

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let Source::Onnx(file) = Source::read(&options.model)? else {
        return Err(Failure::model("model.form", "compiled already").at(options.model.display()));
    };
    let told = file.options(&options.model_args.request())?;
    let progress = console.progress("checking");
    let found = check(&file.bytes, &told);
    let found = found.map_err(|error| Failure::compile(&error).at(options.model.display()))?;
    let costs = found.outcome.as_ref().ok().map(Costs::of).transpose()?;
    drop(progress);
    console.data(|| as_json(&found, costs.as_ref()), || as_text(&found, costs.as_ref()))?;
    match &found.outcome {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&found, error).at(options.model.display())),
    }
}

/// What standard output has told already is only counted.
fn refused(found: &Check, error: &CompileError) -> Failure {
    let mut failure = match error {
        CompileError::Import(ImportError::Refused(_)) => {
            Failure::model("check.refused", format!("refused: {}", counted(found.refusals().len())))
        }
        other => Failure::compile(other),
    };
    if let Some(advice) = found.advice().first() {
        failure.hint = Some(advice.to_string());
    }
    failure
}

/// What a model that compiles takes, in its largest entry.
struct Costs {
    plan_bytes: usize,
    constant_bytes: u32,
    arena_bytes: u32,
    macs: u64,
    operations: u64,
    /// Milliseconds of one call on this machine, where its engine could be measured.
    here_ms: Option<f64>,
    mcu_ms: f64,
}

impl Costs {
    fn of(compiled: &Compiled) -> Result<Self, Failure> {
        let bytes = AlignedBytes::copy_of(&compiled.plan);
        let plan = view(&bytes)?;
        let largest = compiled.report.largest();
        let operations = largest.map_or(0, mote_compiler::EntryReport::ops);
        let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).ok();
        let ns_per_operation = host.and_then(|host| host.calibrate(&guest_image()).ok());
        Ok(Self {
            plan_bytes: compiled.plan.len(),
            constant_bytes: plan.sections().constants,
            arena_bytes: plan.arena_bytes(),
            macs: largest.map_or(0, mote_compiler::EntryReport::macs),
            operations,
            here_ms: ns_per_operation.map(|ns| ns * operations as f64 / 1e6),
            mcu_ms: operations as f64 * MCU_INSTRUCTIONS_PER_OPERATION / MCU_CYCLES_PER_MS,
        })
    }

    fn text(&self) -> String {
        let Self { plan_bytes, constant_bytes, arena_bytes, macs, operations, here_ms, mcu_ms } = self;
        let here = here_ms.map_or_else(String::new, |ms| format!("about {ms:.3} ms on this machine, "));
        format!(
            "works\n  memory  Plan {plan_bytes} bytes, {constant_bytes} of them weights; arena {arena_bytes} bytes\n  \
             work    {macs} MACs, at most {operations} scalar operations\n  \
             speed   {here}{mcu_ms:.1} ms on a Cortex-M4F at 100 MHz\n"
        )
    }

    fn json(&self) -> Value {
        json!({
            "plan_bytes": self.plan_bytes,
            "constant_bytes": self.constant_bytes,
            "arena_bytes": self.arena_bytes,
            "macs": self.macs,
            "ops": self.operations,
            "estimated_ms": { "this_machine": self.here_ms, "cortex_m4f_100_mhz": self.mcu_ms },
        })
    }
}

fn as_text(found: &Check, costs: Option<&Costs>) -> String {
    let survey = &found.survey;
    let opsets: Vec<String> = survey.opsets.iter().map(|(domain, version)| format!("{domain} {version}")).collect();
    let by = if survey.producer.is_empty() { "an unnamed program" } else { &survey.producer };
    let mut text = format!("written by {by}, operator sets {}\n", opsets.join(", "));
    for input in &survey.inputs {
        text += &format!("  input   {} {} {}\n", input.name, element(input), shape(input).join(" x "));
    }
    let operators: Vec<String> = survey.operators.iter().map(|(name, count)| format!("{count} {name}")).collect();
    text += &format!("  nodes   {} ({})\n", survey.operators.values().sum::<usize>(), operators.join(", "));
    text += &format!("  stored  {} bytes\n", survey.stored_bytes);
    for Assumed { input, axis, symbol, size } in &found.assumed {
        let name = symbol.as_deref().unwrap_or("a dimension without a name");
        text += &format!("assumed   {name} = {size}, dimension {axis} of `{input}`\n");
    }
    text += &costs.map_or_else(String::new, Costs::text);
    text += &refusals_text(found);
    for advice in found.advice() {
        text += &format!("advice    {advice}\n");
    }
    text
}

/// The refused nodes, those of one operator and reason together.
fn refusals_text(found: &Check) -> String {
    let mut groups: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for refusal in found.refusals() {
        groups.entry((&refusal.op, refusal.reason.to_string())).or_default().push(&refusal.node);
    }
    let line = |((op, reason), nodes): (&(&str, String), &Vec<&str>)| {
        format!("refused   {op}, {}: {reason}\n            {}\n", counted(nodes.len()), nodes.join(" "))
    };
    groups.iter().map(line).collect()
}

fn counted(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

fn as_json(found: &Check, costs: Option<&Costs>) -> Value {
    let survey = &found.survey;
    let inputs: Vec<Value> = survey
        .inputs
        .iter()
        .map(|input| json!({ "name": input.name, "dtype": element(input), "shape": shape(input) }))
        .collect();
    let assumed: Vec<Value> = found
        .assumed
        .iter()
        .map(|a| json!({ "input": a.input, "axis": a.axis, "symbol": a.symbol, "size": a.size }))
        .collect();
    let refused: Vec<Value> = found
        .refusals()
        .iter()
        .map(|r| json!({ "operator": r.op, "node": r.node, "reason": r.reason.to_string() }))
        .collect();
    json!({
        "producer": survey.producer,
        "opsets": survey.opsets.iter().map(|(domain, version)| (domain.clone(), json!(version))).collect::<serde_json::Map<_, _>>(),
        "inputs": inputs,
        "operators": survey.operators,
        "stored_bytes": survey.stored_bytes,
        "assumed": assumed,
        "works": found.outcome.is_ok(),
        "costs": costs.map(Costs::json),
        "refused": refused,
        "error": found.outcome.as_ref().err().map(ToString::to_string),
        "advice": found.advice().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn element(input: &InputSpec) -> &'static str {
    if input.text { "string" } else { input.dtype.name() }
}

/// The dimensions as the model states them.
fn shape(input: &InputSpec) -> Vec<String> {
    let dim = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Named(symbol) => symbol.clone(),
        Dim::Unknown => "?".to_owned(),
    };
    input.dims.as_ref().map_or_else(|| vec!["of any rank".to_owned()], |dims| dims.iter().map(dim).collect())
}

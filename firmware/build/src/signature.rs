//! What an entry takes and answers, as Rust types.

use mote_abi::DType;
use mote_plan::{Plan, TensorId};

/// The first entry of a Plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) arena_bytes: u32,
    pub(crate) macs: u64,
}

/// One input or output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// A Rust identifier, unlike all others of its side.
    pub(crate) name: String,
    /// The model's own name.
    pub(crate) stated: String,
    pub(crate) scalar: &'static str,
    pub(crate) dims: Vec<u32>,
    pub(crate) count: u32,
}

impl Signature {
    pub(crate) fn of(plan: &Plan<'_>) -> Option<Self> {
        let entry = plan.entry(0)?;
        Some(Self {
            inputs: ports(plan, entry.inputs())?,
            outputs: ports(plan, entry.outputs())?,
            arena_bytes: entry.arena_bytes,
            macs: entry.macs,
        })
    }
}

fn ports(plan: &Plan<'_>, ids: impl Iterator<Item = TensorId>) -> Option<Vec<Port>> {
    let mut ports: Vec<Port> = Vec::new();
    for id in ids {
        let tensor = plan.tensor(id)?;
        let stated = plan.name(&tensor)?.to_owned();
        let plain = identifier(&stated);
        let taken = |name: &str| ports.iter().any(|port| port.name == name);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let name = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken(name))?;
        let (dims, count) = (tensor.dims().to_vec(), tensor.count());
        ports.push(Port { name, stated, scalar: scalar(tensor.dtype), dims, count });
    }
    Some(ports)
}

/// A bool is a byte of 0 or 1; a 16-bit float is its bits.
fn scalar(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::I8 => "i8",
        DType::U8 | DType::Bool => "u8",
        DType::I16 => "i16",
        DType::U16 | DType::F16 | DType::BF16 => "u16",
        DType::I32 => "i32",
        DType::U32 => "u32",
        DType::I64 => "i64",
        DType::U64 => "u64",
    }
}

/// Words that no identifier may be, and those that `predict` uses itself.
const TAKEN: [&str; 44] = [
    "abstract", "arena", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try",
    "type", "use", "while",
];

/// A model's name as an identifier: lower case, everything else an underscore.
fn identifier(name: &str) -> String {
    let legal = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let mut text: String = name.chars().map(legal).collect();
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        text.insert_str(0, "port_");
    }
    if TAKEN.contains(&text.as_str()) || ["plan", "where", "yield"].contains(&text.as_str()) {
        text.push('_');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn any_name_becomes_an_identifier() {
        let cases = [("window", "window"), ("X:0", "x_0"), ("0", "port_0"), ("", "port_"), ("in", "in_")];
        for (name, expected) in cases {
            assert_eq!(identifier(name), expected);
        }
    }
}

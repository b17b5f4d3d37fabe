//! What no runtime of fixed shapes can be asked: the only cases that may be refused without counting.

use super::glance::{Glance, Kind, Node};

/// Element types of 8 and fewer bits without a counterpart: float8 (17 to 20, 24), int4 and float4 (21 to 23), int2.
const NARROW: std::ops::RangeInclusive<u64> = 17..=26;
const RANDOM: [&str; 6] =
    ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"];
/// Operators whose outputs are as long as their data say.
const DATA_SIZED: [&str; 4] = ["NonZero", "Unique", "Compress", "NonMaxSuppression"];
/// Operators that make texts which are in no file.
const TEXT_BUILDING: [&str; 3] = ["StringConcat", "StringNormalizer", "StringSplit"];
const TRAINING: &str = "ai.onnx.preview.training";

/// Why a model cannot be asked for, where that is so.
pub(super) fn infeasible(model: &Glance) -> Option<&'static str> {
    let all = || model.inputs.iter().chain(&model.outputs).map(|(_, kind)| *kind);
    if model.outputs.iter().any(|(_, kind)| *kind == Kind::Other) {
        return Some("sequence or optional outputs");
    }
    if all().any(|kind| matches!(kind, Kind::Tensor(code) if NARROW.contains(&code))) {
        return Some("float8 and types of at most 4 bits");
    }
    model.nodes.iter().find_map(node)
}

fn node(node: &Node) -> Option<&'static str> {
    let op = node.op.as_str();
    let int = |name: &str| node.ints.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| *value);
    let trains = node.domain == TRAINING
        || (op == "BatchNormalization" && int("training_mode") == Some(1))
        || (op == "Dropout" && node.inputs.get(2).is_some_and(|name| !name.is_empty()));
    if trains {
        return Some("training operators");
    }
    if RANDOM.contains(&op) && !node.attributes.iter().any(|name| name == "seed") {
        return Some("unseeded random");
    }
    if int("to").is_some_and(|code| NARROW.contains(&code)) {
        return Some("float8 and types of at most 4 bits");
    }
    if TEXT_BUILDING.contains(&op) || (op == "Cast" && int("to") == Some(8)) {
        return Some("models that build strings");
    }
    DATA_SIZED.contains(&op).then_some("output sizes that depend on data, without a bound")
}

//! Which operators there are: from (domain, operator, operator set) to attributes and builder.

use super::item::Item;
use super::node::{Built, Cx};
use super::{
    activation, attention, causal, contrib, conv, deform, dynamic, elementwise, grid, legacy, linear, loss, ml, ngrams,
    norm, overlap, pool, recurrent, reduce, region, resize, scatter, sequence, shape, signal, source, transposed,
    unpool,
};
use super::{integer, qlinear, quantized};
use crate::error::Reason;

/// Operators of the standard.
pub(super) const ONNX: &str = "";
/// Oldest and newest operator set of [`ONNX`] whose operators are known.
pub(super) const OPSETS: std::ops::RangeInclusive<i64> = 1..=28;
/// Contributed operators of ONNX Runtime.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// Operators that the standard tries out.
pub(super) const PREVIEW: &str = "ai.onnx.preview";

/// Classical models.
pub(super) const ML: &str = "ai.onnx.ml";
/// Operator sets of [`ML`] whose operators are known.
pub(super) const ML_OPSETS: std::ops::RangeInclusive<i64> = 1..=5;

/// How a node is built.
#[derive(Clone, Copy)]
pub(super) enum Build {
    /// From its operands alone.
    Operator(fn(&mut Cx<'_>) -> Built),
    /// From its operands and the graphs that change scores and weights between them.
    Flex,
    /// From its branches.
    If,
    /// From its body.
    Loop,
    /// From its body.
    Scan,
    /// From its body, once per element of a sequence.
    SequenceMap,
    /// From operands that may be sequences or absent.
    Items(fn(&mut Cx<'_>, &[Option<Item>]) -> Result<Vec<Item>, Reason>),
}

/// One operator from one operator set on.
pub(super) struct Entry {
    pub(super) domain: &'static str,
    pub(super) op: &'static str,
    /// First operator set with this meaning.
    pub(super) since: i64,
    /// Every attribute that it may have.
    pub(super) attributes: &'static [&'static str],
    pub(super) build: Build,
}

impl Entry {
    /// An operator of the standard.
    pub(super) const fn onnx(
        op: &'static str,
        since: i64,
        attributes: &'static [&'static str],
        build: fn(&mut Cx<'_>) -> Built,
    ) -> Self {
        Self { domain: ONNX, op, since, attributes, build: Build::Operator(build) }
    }

    /// A contributed operator.
    pub(super) const fn microsoft(
        op: &'static str,
        attributes: &'static [&'static str],
        build: fn(&mut Cx<'_>) -> Built,
    ) -> Self {
        Self { domain: MICROSOFT, op, since: 1, attributes, build: Build::Operator(build) }
    }
}

impl Entry {
    /// An operator of classical models, in its only meaning or its first.
    pub(super) const fn ml(
        op: &'static str,
        attributes: &'static [&'static str],
        build: fn(&mut Cx<'_>) -> Built,
    ) -> Self {
        Self::ml_since(op, 1, attributes, build)
    }

    /// An operator of classical models from one operator set on.
    pub(super) const fn ml_since(
        op: &'static str,
        since: i64,
        attributes: &'static [&'static str],
        build: fn(&mut Cx<'_>) -> Built,
    ) -> Self {
        Self { domain: ML, op, since, attributes, build: Build::Operator(build) }
    }
}

/// An operator whose operands or results may be sequences or absent.
pub(super) const fn items(
    op: &'static str,
    since: i64,
    attributes: &'static [&'static str],
    build: fn(&mut Cx<'_>, &[Option<Item>]) -> Result<Vec<Item>, Reason>,
) -> Entry {
    Entry { domain: ONNX, op, since, attributes, build: Build::Items(build) }
}

const fn control(op: &'static str, since: i64, attributes: &'static [&'static str], build: Build) -> Entry {
    Entry { domain: ONNX, op, since, attributes, build }
}

const CONTROL: &[Entry] = &[
    control("SequenceMap", 17, &["body"], Build::SequenceMap),
    Entry {
        domain: PREVIEW,
        op: "FlexAttention",
        since: 1,
        attributes: attention::FLEX_ATTRIBUTES,
        build: Build::Flex,
    },
    control("If", 1, &["then_branch", "else_branch"], Build::If),
    control("Loop", 1, &["body"], Build::Loop),
    control("Scan", 8, &["body", "num_scan_inputs", "directions"], Build::Scan),
    control(
        "Scan",
        9,
        &[
            "body",
            "num_scan_inputs",
            "scan_input_axes",
            "scan_input_directions",
            "scan_output_axes",
            "scan_output_directions",
        ],
        Build::Scan,
    ),
];

const FAMILIES: &[&[Entry]] = &[
    activation::OPS,
    attention::OPS,
    causal::OPS,
    contrib::OPS,
    conv::OPS,
    CONTROL,
    deform::OPS,
    dynamic::OPS,
    elementwise::OPS,
    grid::OPS,
    integer::OPS,
    legacy::OPS,
    linear::OPS,
    loss::OPS,
    ngrams::OPS,
    norm::OPS,
    overlap::OPS,
    pool::OPS,
    qlinear::OPS,
    quantized::OPS,
    recurrent::OPS,
    reduce::OPS,
    region::OPS,
    resize::OPS,
    scatter::OPS,
    sequence::OPS,
    shape::OPS,
    signal::OPS,
    source::OPS,
    transposed::OPS,
    unpool::OPS,
];

/// Every meaning of every operator.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().chain(&ml::FAMILIES).flat_map(|family| family.iter())
}

/// Operators that draw random numbers: a model with one has no answer that could be the same everywhere.
const RANDOM: [&str; 6] =
    ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Finds the newest meaning of an operator that is not newer than the operator set.
pub(super) fn find(domain: &str, op: &str, opset: i64) -> Result<&'static Entry, Reason> {
    if ![ONNX, MICROSOFT, ML, PREVIEW].contains(&domain) {
        return Err(Reason::Domain(domain.to_owned()));
    }
    let mut known = false;
    let all = entries().filter(|e| e.op == op && e.domain == domain);
    let newest = all.inspect(|_| known = true).filter(|e| e.since <= opset).max_by_key(|e| e.since);
    newest.ok_or(match known {
        true => Reason::Version(opset),
        false if domain == ONNX && RANDOM.contains(&op) => Reason::Random,
        false => Reason::Operator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_meaning_within_the_operator_set_is_found() {
        let since = |opset| find(ONNX, "Softmax", opset).unwrap().since;
        assert_eq!([since(7), since(12), since(13), since(22)], [1, 1, 13, 13]);
        assert!(matches!(find(ONNX, "Gelu", 19), Err(Reason::Version(19))));
        assert!(matches!(find(ONNX, "Nope", 19), Err(Reason::Operator)));
        assert!(matches!(find("ai.acme", "Relu", 1), Err(Reason::Domain(_))));
    }

    #[test]
    fn no_meaning_is_listed_twice() {
        let mut keys: Vec<_> = entries().map(|e| (e.domain, e.op, e.since)).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}

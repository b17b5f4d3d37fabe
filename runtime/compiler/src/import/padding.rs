//! Values whose number of elements along one axis depends on data.
//!
//! They are as long as their bound; elements from a computed count on are padding. What reads such a value must treat the
//! elements along that axis one by one, so that padding stays padding; every other node is refused. Shapes are among
//! those: the true one is not known.

use mote_abi::DType;
use tract_onnx::pb::NodeProto;

use super::emit::Emit;
use super::node::{axes, axis};
use crate::error::Reason;
use crate::graph::ValueId;

/// Where the padding of a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Padding {
    /// The axis.
    pub(crate) axis: usize,
    /// Number of elements before the padding.
    pub(crate) count: ValueId,
}

impl Emit {
    /// Says that elements of a value from a computed count on are padding.
    pub(crate) fn pad_from(&mut self, id: ValueId, axis: usize, count: ValueId) {
        self.paddings.insert(id, Padding { axis, count });
    }

    pub(crate) fn padding(&self, id: ValueId) -> Option<Padding> {
        self.paddings.get(&id).copied()
    }

    pub(crate) fn is_padded(&self, id: ValueId) -> bool {
        self.paddings.contains_key(&id)
    }

    /// The caller's bound for a node, by its name or that of one of its outputs.
    pub(super) fn bound(&mut self, node: &NodeProto) -> Option<usize> {
        let names = std::iter::once(&node.name).chain(&node.output).filter(|name| !name.is_empty());
        let name = names.into_iter().find(|name| self.bounds.contains_key(*name))?;
        let (bound, used) = self.bounds.get_mut(name)?;
        *used = true;
        Some(*bound)
    }

    /// A bound that no node asked for.
    pub(super) fn unused_bound(&self) -> Option<String> {
        self.bounds.iter().find(|(_, (_, used))| !used).map(|(name, _)| name.clone())
    }
}

/// Carries the padding of inputs on to the outputs of a node that has just been built.
pub(super) fn follow(
    emit: &mut Emit,
    node: &NodeProto,
    opset: i64,
    inputs: &[Option<ValueId>],
    outputs: &[ValueId],
) -> Result<(), Reason> {
    let padded: Vec<Padding> = inputs.iter().flatten().filter_map(|&id| emit.padding(id)).collect();
    let Some(&Padding { count, .. }) = padded.first() else { return Ok(()) };
    if padded.iter().any(|other| other.count != count) || !node.domain.is_empty() && node.domain != "ai.onnx" {
        return Err(Reason::Padded);
    }
    let reader = Reader { emit, node, opset, inputs, outputs };
    let axis = reader.axis()?.ok_or(Reason::Padded)?;
    for &id in outputs {
        emit.pad_from(id, axis, count);
    }
    Ok(())
}

/// A node that reads padded values.
struct Reader<'a> {
    emit: &'a Emit,
    node: &'a NodeProto,
    opset: i64,
    inputs: &'a [Option<ValueId>],
    outputs: &'a [ValueId],
}

impl Reader<'_> {
    /// The axis of the outputs along which the padding lies; `None` where the node mixes elements.
    fn axis(&self) -> Result<Option<usize>, Reason> {
        let op = self.node.op_type.as_str();
        let first = self.padded(0);
        if ELEMENT_WISE.contains(&op) {
            return Ok(self.element_wise());
        }
        let Some(along) = first else {
            return Ok(match op {
                "Gather" => self.padded(1).and_then(|at| Some(self.own_axis(0, 0).ok()? + at)),
                "GatherElements" => self.padded(1).filter(|&at| self.own_axis(0, 0).is_ok_and(|axis| axis == at)),
                "GatherND" => self.padded(1).filter(|&at| at + 1 < self.rank(1) && self.int("batch_dims", 0) == 0),
                // The columns of the product.
                "MatMul" => self.padded(1).filter(|&at| at + 1 == self.rank(1) && at > 0).map(|_| self.out().len() - 1),
                _ => None,
            });
        };
        let others = (1..self.inputs.len()).any(|i| self.padded(i).is_some());
        if op != "Concat" && others {
            return Ok(None);
        }
        Ok(match op {
            "Gather" => {
                let axis = self.own_axis(0, 0)?;
                let made = if along < axis { along } else { along + self.rank(1) - 1 };
                (axis != along).then_some(made)
            }
            "Transpose" => self.transposed(along),
            "Reshape" | "Flatten" => self.reshaped(along),
            "Squeeze" => self.given_axes("axes", 1, 13)?.and_then(|given| {
                (!given.contains(&along)).then(|| along - given.iter().filter(|&&a| a < along).count())
            }),
            "Unsqueeze" => self
                .given_axes_of("axes", 1, 13, self.out().len())?
                .map(|given| (0..self.out().len()).filter(|a| !given.contains(a)).nth(along).unwrap_or(along)),
            "Concat" => self.joined(along)?,
            "Slice" => self.cut(along)?.then_some(along),
            "Split" => (self.own_axis(0, 0)? != along).then_some(along),
            "TopK" => (self.own_axis(0, -1)? != along).then_some(along),
            "Softmax" | "LogSoftmax" | "Hardmax" if self.opset >= 13 => {
                (self.own_axis(0, -1)? != along).then_some(along)
            }
            "Softmax" | "LogSoftmax" | "Hardmax" => (along < self.own_axis(0, 1)?).then_some(along),
            "LayerNormalization" => (along < self.own_axis(0, -1)?).then_some(along),
            "ArgMax" | "ArgMin" => self.reduced(along, &[self.own_axis(0, 0)?]),
            "MatMul" => self.product(along),
            "Gemm" => (along == 0 && self.int("transA", 0) == 0 && self.thin(2, 0)).then_some(0),
            _ if op.starts_with("Reduce") => {
                let since = if op == "ReduceSum" { 13 } else { 18 };
                self.given_axes("axes", 1, since)?.and_then(|axes| self.reduced(along, &axes))
            }
            _ => None,
        })
    }

    fn padded(&self, i: usize) -> Option<usize> {
        self.inputs.get(i).copied().flatten().and_then(|id| self.emit.padding(id)).map(|padding| padding.axis)
    }

    fn dims(&self, i: usize) -> Vec<usize> {
        self.inputs.get(i).copied().flatten().map_or(vec![], |id| self.emit.dims(id))
    }

    fn rank(&self, i: usize) -> usize {
        self.dims(i).len()
    }

    fn out(&self) -> Vec<usize> {
        self.outputs.first().map_or(vec![], |&id| self.emit.dims(id))
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.node.attribute.iter().find(|a| a.name == name).map_or(default, |a| a.i)
    }

    /// The attribute `axis` as an index into the dimensions of an input.
    fn own_axis(&self, input: usize, default: i64) -> Result<usize, Reason> {
        axis(self.int("axis", default), self.rank(input))
    }

    /// Axes from an attribute or, from an operator set on, from an input; `None` where none are given.
    fn given_axes(&self, name: &str, input: usize, since: i64) -> Result<Option<Vec<usize>>, Reason> {
        self.given_axes_of(name, input, since, self.rank(0))
    }

    fn given_axes_of(&self, name: &str, input: usize, since: i64, rank: usize) -> Result<Option<Vec<usize>>, Reason> {
        let given = if self.opset >= since { self.constant(input) } else { self.ints(name) };
        given.filter(|given| !given.is_empty()).map(|given| axes(&given, rank)).transpose()
    }

    fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone())
    }

    fn constant(&self, input: usize) -> Option<Vec<i64>> {
        self.inputs.get(input).copied().flatten().and_then(|id| self.emit.ints(id))
    }

    /// Whether an input has one element or none of its own along an axis of the output.
    fn thin(&self, input: usize, out_axis: usize) -> bool {
        let dims = self.dims(input);
        (out_axis + dims.len()).checked_sub(self.out().len()).is_none_or(|axis| dims.get(axis).is_none_or(|&d| d == 1))
    }

    fn element_wise(&self) -> Option<usize> {
        let rank = self.out().len();
        let on_output = |i: usize| self.padded(i).map(|axis| axis + rank - self.rank(i));
        let axis = (0..self.inputs.len()).find_map(on_output)?;
        let alike = (0..self.inputs.len()).all(|i| on_output(i).map_or_else(|| self.thin(i, axis), |own| own == axis));
        // Padding divides as well, and an integer zero would end the run.
        let divides = matches!(self.node.op_type.as_str(), "Div" | "Mod") && self.padded(1).is_some();
        let integer = self.outputs.first().is_some_and(|&id| !matches!(self.emit.dtype(id), DType::F32 | DType::F64));
        (alike && !(divides && integer)).then_some(axis)
    }

    fn transposed(&self, along: usize) -> Option<usize> {
        let reversed = || (0..self.rank(0) as i64).rev().collect();
        self.ints("perm").unwrap_or_else(reversed).iter().position(|&p| axis(p, self.rank(0)).is_ok_and(|p| p == along))
    }

    /// The axis that stays whole with as many elements before and after it. A shape that states its length is that of no
    /// other count.
    fn reshaped(&self, along: usize) -> Option<usize> {
        let (from, to) = (self.dims(0), self.out());
        let count = |dims: &[usize]| dims.iter().product::<usize>();
        let same = |k: usize| {
            to[k] == from[along]
                && count(&to[..k]) == count(&from[..along])
                && count(&to[k + 1..]) == count(&from[along + 1..])
        };
        let made = (0..to.len()).find(|&k| same(k))?;
        let stated = self.constant(1).and_then(|shape| shape.get(made).copied()).unwrap_or(-1);
        (stated == -1 || stated == 0 && made == along).then_some(made)
    }

    fn joined(&self, along: usize) -> Result<Option<usize>, Reason> {
        let all = (0..self.inputs.len()).all(|i| self.padded(i) == Some(along));
        Ok((all && self.own_axis(0, 0)? != along).then_some(along))
    }

    /// Whether a slice leaves an axis whole.
    fn cut(&self, along: usize) -> Result<bool, Reason> {
        let part = |name: &str, input: usize| if self.opset >= 10 { self.constant(input) } else { self.ints(name) };
        let (starts, ends) = (part("starts", 1).unwrap_or_default(), part("ends", 2).unwrap_or_default());
        let given = part("axes", 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = part("steps", 4).unwrap_or_else(|| vec![1; starts.len()]);
        for (i, &at) in given.iter().enumerate() {
            let whole = starts.get(i) == Some(&0)
                && steps.get(i) == Some(&1)
                && ends.get(i).is_some_and(|&end| end >= i64::from(i32::MAX));
            if axis(at, self.rank(0))? == along && !whole {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn reduced(&self, along: usize, axes: &[usize]) -> Option<usize> {
        let before = if self.int("keepdims", 1) == 0 { axes.iter().filter(|&&a| a < along).count() } else { 0 };
        (!axes.contains(&along)).then(|| along - before)
    }

    /// The rows of a product.
    fn product(&self, along: usize) -> Option<usize> {
        let rank = self.rank(0);
        let rows = along + 2 == rank || along + 2 < rank && self.rank(1) <= 2;
        // A vector on the right takes the last axis away and leaves those before it.
        rows.then(|| if self.rank(1) == 1 { along } else { along + self.out().len() - rank })
    }
}

/// Operators that compute each element from the elements at its place.
const ELEMENT_WISE: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitShift",
    "BitwiseAnd",
    "BitwiseNot",
    "BitwiseOr",
    "BitwiseXor",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "Div",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Where",
    "Xor",
];

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn element_wise_operators_are_in_the_table() {
        for op in ELEMENT_WISE {
            assert!(table::find(table::ONNX, op, 28).is_ok(), "{op}");
        }
    }
}

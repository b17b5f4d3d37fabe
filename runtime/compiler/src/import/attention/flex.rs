//! Attention whose scores and weights the model's own graphs change (ONNX FlexAttention-1 of ai.onnx.preview).

use mote_abi::DType;
use mote_abi::op::Binary;
use tract_onnx::pb::{GraphProto, NodeProto};

use super::core::{Heads, softmax};
use super::precision;
use crate::error::Reason;
use crate::graph::{Op, ValueId};
use crate::import::item::Item;
use crate::import::node::Cx;
use crate::import::walk::{Failure, Made, Walk};

pub(in crate::import) const ATTRIBUTES: &[&str] = &["prob_mod", "scale", "score_mod", "softmax_precision"];

impl Walk<'_> {
    /// Builds the node around its graphs.
    pub(in crate::import) fn flex(&mut self, node: &NodeProto, opset: i64, inputs: &[Option<Item>]) -> Made {
        let operands = inputs.iter().map(|item| Item::operand(item.as_ref())).collect::<Result<_, _>>()?;
        let mut cx = Cx::new(&mut self.emit, node, opset, operands, None)?;
        let heads =
            Heads { q: super::float_input(&cx, 0)?, k: super::float_input(&cx, 1)?, v: super::float_input(&cx, 2)? };
        let extents = heads.extents(&cx)?;
        let (dtype, precision) = (cx.dtype(heads.q), precision(&cx, cx.dtype(heads.q))?);
        let scores = scores(&mut cx, &heads, extents, precision)?;
        let Some(scores) = self.changed(node, "score_mod", scores)? else { return Ok(None) };
        let weights = softmax(&mut self.emit, scores, precision)?;
        let Some(weights) = self.changed(node, "prob_mod", weights)? else { return Ok(None) };

        let [b, n, s, _, m, t, width] = extents;
        let emit = &mut self.emit;
        let weights = emit.reshape(weights, vec![b, m, n / m * s, t])?;
        let values = emit.cast(heads.v, precision)?;
        let y = emit.emit(Op::MatMul, &[Some(weights), Some(values)], precision, vec![b, m, n / m * s, width])?;
        let y = emit.reshape(y, vec![b, n, s, width])?;
        Ok(Some(vec![Some(Item::Tensor(emit.cast(y, dtype)?))]))
    }

    /// What a graph of the node makes of x, or x where there is none; `None` where a node of it was refused.
    fn changed(&mut self, node: &NodeProto, name: &'static str, x: ValueId) -> Result<Option<ValueId>, Failure> {
        let Some(attribute) = node.attribute.iter().find(|a| a.name == name) else { return Ok(Some(x)) };
        let graph: &GraphProto = attribute.g.as_ref().ok_or(Reason::AttributeType(name))?;
        if graph.input.len() != 1 || graph.output.len() != 1 {
            return Err(Reason::Form("its graphs must take one tensor and give one").into());
        }
        let title = self.emit.node.clone();
        let made = self.scoped(graph, &[Item::Tensor(x)])?;
        let [Some(Item::Tensor(made))] = made[..] else { return Ok(None) };
        self.emit.node = title;
        let (had, has) = (self.emit.dims(x), self.emit.dims(made));
        if had != has {
            return Err(Reason::Shapes(had, has).into());
        }
        if self.emit.dtype(made) != self.emit.dtype(x) {
            return Err(Reason::Types(self.emit.dtype(x), self.emit.dtype(made)).into());
        }
        Ok(Some(made))
    }
}

/// Products of queries and keys, each scaled by the root of the scale, `[B, N, S, T]`.
fn scores(cx: &mut Cx<'_>, heads: &Heads, extents: [usize; 7], precision: DType) -> Result<ValueId, Reason> {
    let [b, n, s, h, m, t, _] = extents;
    let scale = cx.optional_float("scale")?.map_or(1.0 / (h as f64).sqrt(), f64::from);
    let root = cx.scalar_like(heads.q, f64::from(f64::from(scale as f32).sqrt() as f32))?;
    let q = cx.binary(Binary::Mul, heads.q, root)?;
    let q = cx.reshape(q, vec![b, m, n / m * s, h])?;
    let k = cx.binary(Binary::Mul, heads.k, root)?;
    let k = cx.transpose(k, &[0, 1, 3, 2])?;
    let dtype = cx.dtype(q);
    let scores = cx.emit(Op::MatMul, &[Some(q), Some(k)], dtype, vec![b, m, n / m * s, t])?;
    let scores = cx.reshape(scores, vec![b, n, s, t])?;
    cx.cast(scores, precision)
}

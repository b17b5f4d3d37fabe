//! Appends operators to the Graph. An operator whose operands are all constant is computed at once and leaves a constant.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mote_abi::op::{Aggregate, Binary, Reduce, Unary};
use mote_abi::{DType, Half};

use super::padding::Padding;
use super::strings::Strings;
use super::{Limits, quantized};
use crate::error::Reason;
use crate::forest::{self, Form, Packed, Tree};
use crate::graph::{Clamp, Graph, Node, Op, Value, ValueId, Window};

/// Most dimensions of a tensor.
const MAX_RANK: usize = mote_plan::format::MAX_RANK;
/// Most bytes of one tensor.
const MAX_TENSOR_BYTES: usize = mote_plan::format::MAX_BYTES as usize;

/// What the bookkeeping of one constant expression counts for, beside its result.
const FOLD_BYTES: usize = 2048;

/// Graph under construction.
pub(crate) struct Emit {
    pub(crate) graph: Graph,
    /// Name of the source node at work, for messages.
    pub(crate) node: String,
    /// Bytes of constants that may still be made.
    allowance: usize,
    /// Scalar operations that may still be spent on constants.
    work: usize,
    /// Loops around the node at work.
    pub(super) repeated: usize,
    pub(super) strings: Strings,
    /// Names of the columns of values that stand for maps.
    pub(super) columns: HashMap<ValueId, Vec<String>>,
    /// What has been widened from half precision, and to what.
    widened: HashMap<ValueId, ValueId>,
    /// Values whose number of elements depends on data.
    pub(super) paddings: HashMap<ValueId, Padding>,
    /// Most results of nodes whose number of results depends on data, and whether a node asked for it.
    pub(super) bounds: BTreeMap<String, (usize, bool)>,
}

impl Emit {
    pub(crate) fn new(limits: Limits, bounds: BTreeMap<String, usize>) -> Self {
        Self {
            graph: Graph::default(),
            node: String::new(),
            allowance: limits.computed_bytes,
            work: limits.computed_operations,
            repeated: 0,
            strings: Strings::default(),
            columns: HashMap::new(),
            widened: HashMap::new(),
            paddings: HashMap::new(),
            bounds: bounds.into_iter().map(|(name, bound)| (name, (bound, false))).collect(),
        }
    }

    pub(crate) fn dims(&self, id: ValueId) -> Vec<usize> {
        self.graph.value(id).dims.clone()
    }

    pub(crate) fn rank(&self, id: ValueId) -> usize {
        self.graph.value(id).dims.len()
    }

    pub(crate) fn dtype(&self, id: ValueId) -> DType {
        self.graph.value(id).dtype
    }

    pub(crate) fn is_constant(&self, id: ValueId) -> bool {
        self.graph.value(id).is_constant()
    }

    /// Elements of a constant of an integer type or bool.
    pub(crate) fn ints(&self, id: ValueId) -> Option<Vec<i64>> {
        let value = self.graph.value(id);
        let bytes = value.data.as_ref()?;
        Some(match value.dtype {
            DType::I64 | DType::U64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            DType::I32 => bytes.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect(),
            DType::U32 => bytes.as_chunks().0.iter().map(|b| i64::from(u32::from_le_bytes(*b))).collect(),
            DType::I16 => bytes.as_chunks().0.iter().map(|b| i64::from(i16::from_le_bytes(*b))).collect(),
            DType::U16 => bytes.as_chunks().0.iter().map(|b| i64::from(u16::from_le_bytes(*b))).collect(),
            DType::I8 => bytes.iter().map(|&b| i64::from(b.cast_signed())).collect(),
            DType::U8 | DType::Bool => bytes.iter().map(|&b| i64::from(b)).collect(),
            DType::F32 | DType::F64 | DType::F16 | DType::BF16 => return None,
        })
    }

    /// Elements of a constant of any type, as far as f64 holds them.
    pub(crate) fn floats(&self, id: ValueId) -> Option<Vec<f64>> {
        let value = self.graph.value(id);
        let bytes = value.data.as_ref()?;
        Some(match value.dtype {
            DType::F32 => bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            DType::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            dtype => match dtype.half() {
                Some(half) => bytes.as_chunks().0.iter().map(|b| half.widen(u16::from_le_bytes(*b)).into()).collect(),
                None => self.ints(id)?.into_iter().map(|v| v as f64).collect(),
            },
        })
    }

    /// A constant.
    pub(crate) fn constant(
        &mut self,
        dtype: DType,
        dims: Vec<usize>,
        data: impl Into<Arc<[u8]>>,
    ) -> Result<ValueId, Reason> {
        let data = data.into();
        let bytes = self.checked_bytes(dtype, &dims)?;
        debug_assert_eq!(bytes, data.len());
        self.charge(bytes, &dims)?;
        Ok(self.graph.constant(self.node.clone(), dtype, dims, data))
    }

    pub(crate) fn i64s(&mut self, dims: Vec<usize>, values: &[i64]) -> Result<ValueId, Reason> {
        self.constant(DType::I64, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(crate) fn i32s(&mut self, dims: Vec<usize>, values: &[i32]) -> Result<ValueId, Reason> {
        self.constant(DType::I32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(crate) fn f32s(&mut self, dims: Vec<usize>, values: &[f32]) -> Result<ValueId, Reason> {
        self.constant(DType::F32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn u32s(&mut self, values: &[u32]) -> Result<ValueId, Reason> {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DType::U32, vec![values.len()], data)
    }

    /// A constant whose elements are cut to the type.
    pub(crate) fn reals(&mut self, dtype: DType, dims: Vec<usize>, values: &[f64]) -> Result<ValueId, Reason> {
        self.constant(dtype, dims, values.iter().flat_map(|&v| element(dtype, v)).collect::<Vec<u8>>())
    }

    pub(crate) fn bools(&mut self, dims: Vec<usize>, values: &[bool]) -> Result<ValueId, Reason> {
        self.constant(DType::Bool, dims, values.iter().map(|&v| u8::from(v)).collect::<Vec<u8>>())
    }

    /// A constant of one value everywhere; the value is cut to the type.
    pub(crate) fn filled(&mut self, dtype: DType, dims: Vec<usize>, value: f64) -> Result<ValueId, Reason> {
        let bytes = self.checked_bytes(dtype, &dims)?;
        self.charge(bytes, &dims)?;
        let element = element(dtype, value);
        let data: Vec<u8> = element.iter().copied().cycle().take(bytes).collect();
        Ok(self.graph.constant(self.node.clone(), dtype, dims, data))
    }

    /// A constant scalar of the type of `like`.
    pub(crate) fn scalar_like(&mut self, like: ValueId, value: f64) -> Result<ValueId, Reason> {
        self.filled(self.dtype(like), vec![], value)
    }

    /// Appends an operator with one output.
    pub(crate) fn emit(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        dtype: DType,
        dims: Vec<usize>,
    ) -> Result<ValueId, Reason> {
        Ok(self.emit_all(op, inputs, vec![(dtype, dims)])?[0])
    }

    /// Appends an operator whose one output has the type of `like`.
    pub(crate) fn emit_as(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        like: ValueId,
        dims: Vec<usize>,
    ) -> Result<ValueId, Reason> {
        self.emit(op, inputs, self.dtype(like), dims)
    }

    /// Appends an operator.
    pub(crate) fn emit_all(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        outputs: Vec<(DType, Vec<usize>)>,
    ) -> Result<Vec<ValueId>, Reason> {
        let mut bytes = 0;
        for (dtype, dims) in &outputs {
            bytes += self.checked_bytes(*dtype, dims)?;
        }
        if inputs.iter().flatten().all(|&id| self.is_constant(id)) {
            self.charge(bytes.saturating_add(FOLD_BYTES), &outputs[0].1)?;
            self.charge_work(&op, inputs, &outputs)?;
            return self.fold(&op, inputs, outputs);
        }
        let name = self.node.clone();
        let outputs: Vec<ValueId> =
            outputs.into_iter().map(|(dtype, dims)| self.graph.computed(name.clone(), dtype, dims)).collect();
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: outputs.clone() });
        Ok(outputs)
    }

    fn fold(
        &mut self,
        op: &Op,
        inputs: &[Option<ValueId>],
        outputs: Vec<(DType, Vec<usize>)>,
    ) -> Result<Vec<ValueId>, Reason> {
        let operands: Vec<Option<&Value>> = inputs.iter().map(|id| id.map(|id| self.graph.value(id))).collect();
        let data = match (op, operands.first()) {
            (Op::Reshape | Op::BitCast, Some(Some(Value { data: Some(data), .. }))) => vec![data.clone()],
            _ => crate::eval::fold(op, &operands, &outputs)?,
        };
        let name = self.node.clone();
        let made = outputs.into_iter().zip(data);
        let made: Vec<ValueId> =
            made.map(|((dtype, dims), data)| self.graph.constant(name.clone(), dtype, dims, data)).collect();
        self.remember(op, inputs, made[0])?;
        Ok(made)
    }

    /// Notes what integers a constant stands for, so that passes can put them in its place.
    fn remember(&mut self, op: &Op, inputs: &[Option<ValueId>], y: ValueId) -> Result<(), Reason> {
        let Some(x) = inputs.first().copied().flatten() else { return Ok(()) };
        let known = match op {
            Op::Dequantize => quantized::of(&self.graph, inputs),
            Op::Transpose { perm } => self.graph.quantized.get(&x).cloned().map(|mut known| {
                known.axis = known.axis.and_then(|axis| perm.iter().position(|&from| from == axis));
                known
            }),
            Op::Reshape => self.graph.quantized.get(&x).cloned().and_then(|mut known| {
                known.axis = match known.axis {
                    None => None,
                    Some(axis) => Some(quantized::axis_after(&self.dims(x), axis, &self.dims(y))?),
                };
                Some(known)
            }),
            _ => None,
        };
        let Some(mut known) = known else { return Ok(()) };
        if *op != Op::Dequantize {
            let integers = known.integers;
            known.integers = self.emit(op.clone(), &[Some(integers)], self.dtype(integers), self.dims(y))?;
        }
        self.graph.quantized.insert(y, known);
        Ok(())
    }

    /// Refuses a constant that is too large to be made, before its elements are.
    pub(crate) fn room_for(&self, dtype: DType, dims: &[usize]) -> Result<(), Reason> {
        let bytes = self.checked_bytes(dtype, dims)?;
        if bytes <= self.allowance { Ok(()) } else { Err(Reason::TooLarge(dims.to_vec())) }
    }

    /// Bytes of a tensor, or a refusal where it has too many or too many dimensions.
    pub(crate) fn checked_bytes(&self, dtype: DType, dims: &[usize]) -> Result<usize, Reason> {
        // An empty axis must not hide others whose product overflows.
        let bound = dims.iter().try_fold(dtype.size() as usize, |n, &d| n.checked_mul(d.max(1)));
        let bound = bound.filter(|&n| n <= MAX_TENSOR_BYTES && dims.len() <= MAX_RANK);
        let bound = bound.ok_or_else(|| Reason::TooLarge(dims.to_vec()))?;
        Ok(if dims.contains(&0) { 0 } else { bound })
    }

    /// Counts bytes of constants made while importing against their limit.
    fn charge(&mut self, bytes: usize, dims: &[usize]) -> Result<(), Reason> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or_else(|| Reason::TooLarge(dims.to_vec()))?;
        Ok(())
    }

    /// Counts the arithmetic of one constant expression against its limit.
    fn charge_work(
        &mut self,
        op: &Op,
        inputs: &[Option<ValueId>],
        outputs: &[(DType, Vec<usize>)],
    ) -> Result<(), Reason> {
        let dims = |i: usize| inputs.get(i).copied().flatten().map_or(&[][..], |id| &self.graph.value(id).dims);
        let made = match op {
            Op::Dft { .. } => dims(0)[0].saturating_mul(dims(1)[0]),
            Op::NonZero | Op::Unique { .. } => dims(0).iter().product(),
            Op::NonMaxSuppression(_) => dims(1).iter().product(),
            _ => outputs[0].1.iter().product::<usize>(),
        };
        let per_element = match op {
            Op::Conv { .. } | Op::QConv(_) => dims(1).iter().skip(1).product(),
            Op::ConvTranspose { .. } => dims(1).iter().product(),
            Op::MatMul | Op::SquareDistance => dims(0).last().copied().unwrap_or(1),
            Op::Pool { window, .. } => window.kernel.iter().product(),
            Op::ArgPool(window) => window.kernel.iter().product(),
            Op::GridSample { .. } => 64,
            Op::RoiAlign { .. } | Op::MaxRoiPool { .. } => {
                dims(0).iter().skip(1).take(2).product::<usize>().max(1) * 16
            }
            Op::Lstm(_) => 4 * (dims(1).iter().skip(1).product::<usize>() + made),
            Op::Gru(_) => 3 * (dims(1).iter().skip(1).product::<usize>() + made),
            Op::Rnn(_) => dims(1).iter().skip(1).product::<usize>() + made,
            Op::Det => dims(0).iter().skip(1).map(|&n| n + 1).product::<usize>().saturating_mul(dims(0)[1] + 1),
            Op::Reduce { .. } | Op::ArgReduce { .. } => dims(0).iter().product::<usize>() / made.max(1),
            Op::Couple => 100 * (made + 1),
            Op::Trees { depth, .. } => (depth + 1) * dims(4).iter().product::<usize>(),
            Op::Dft { .. } => 8 * crate::lower::factor_sum(dims(1)[0] as u64) as usize,
            Op::NonZero => dims(0).len(),
            Op::Unique { .. } => 128,
            Op::NonMaxSuppression(settings) => 128 + 30 * settings.per_class,
            Op::TopK { axis, .. } => dims(0).get(*axis).copied().unwrap_or(1),
            _ => 1,
        };
        let work = made.saturating_mul(per_element);
        self.work = self.work.checked_sub(work).ok_or(Reason::Form("computing it while compiling takes too long"))?;
        Ok(())
    }

    /// Accounts for a stored tensor. It extends the allowance by what it may become, for weights are transposed and scaled
    /// while importing; in a loop, it is one more copy.
    pub(crate) fn stored(&mut self, bytes: usize, dims: &[usize]) -> Result<(), Reason> {
        if self.repeated > 0 {
            return self.charge(bytes, dims);
        }
        self.allowance = self.allowance.saturating_add(4 * bytes);
        Ok(())
    }

    pub(crate) fn unary(&mut self, op: Unary, x: ValueId) -> Result<ValueId, Reason> {
        self.unary_with(op, x, 0.0, 0.0)
    }

    pub(crate) fn unary_with(&mut self, op: Unary, x: ValueId, alpha: f32, beta: f32) -> Result<ValueId, Reason> {
        let dtype = match op {
            Unary::IsNan | Unary::IsInf => DType::Bool,
            _ => self.dtype(x),
        };
        self.emit(Op::Unary { op, alpha, beta }, &[Some(x)], dtype, self.dims(x))
    }

    pub(crate) fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> Result<ValueId, Reason> {
        let (ta, tb) = (self.dtype(a), self.dtype(b));
        if ta != tb {
            return Err(Reason::Types(ta, tb));
        }
        let dims = broadcast(&self.graph.value(a).dims, &self.graph.value(b).dims)?;
        let dtype = if is_comparison(op) { DType::Bool } else { ta };
        self.emit(Op::Binary(op), &[Some(a), Some(b)], dtype, dims)
    }

    pub(crate) fn select(&mut self, condition: ValueId, a: ValueId, b: ValueId) -> Result<ValueId, Reason> {
        let (ta, tb) = (self.dtype(a), self.dtype(b));
        if ta != tb {
            return Err(Reason::Types(ta, tb));
        }
        if self.dtype(condition) != DType::Bool {
            return Err(Reason::Type(self.dtype(condition)));
        }
        let dims = broadcast(
            &broadcast(&self.graph.value(a).dims, &self.graph.value(b).dims)?,
            &self.graph.value(condition).dims,
        )?;
        self.emit(Op::Select, &[Some(condition), Some(a), Some(b)], ta, dims)
    }

    pub(crate) fn cast(&mut self, x: ValueId, dtype: DType) -> Result<ValueId, Reason> {
        if self.dtype(x) == dtype {
            return Ok(x);
        }
        self.emit(Op::Cast, &[Some(x)], dtype, self.dims(x))
    }

    /// What a model computes in half precision is computed in f32: x in that type, once for all who read it.
    pub(crate) fn widened(&mut self, x: ValueId) -> Result<ValueId, Reason> {
        if self.dtype(x).half().is_none() {
            return Ok(x);
        }
        if let Some(&wide) = self.widened.get(&x) {
            return Ok(wide);
        }
        let dims = self.dims(x);
        if self.is_constant(x) {
            self.stored(self.checked_bytes(DType::F32, &dims)?, &dims)?;
        }
        let wide = self.cast(x, DType::F32)?;
        self.widened.insert(x, wide);
        if let Some(padding) = self.padding(x) {
            self.pad_from(wide, padding.axis, padding.count);
        }
        Ok(wide)
    }

    /// Gives x the type of `like`.
    pub(crate) fn cast_as(&mut self, x: ValueId, like: ValueId) -> Result<ValueId, Reason> {
        self.cast(x, self.dtype(like))
    }

    pub(crate) fn reshape(&mut self, x: ValueId, dims: Vec<usize>) -> Result<ValueId, Reason> {
        let old = self.dims(x);
        if old == dims {
            return Ok(x);
        }
        if old.iter().product::<usize>()
            != dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX)
        {
            return Err(Reason::Shapes(old, dims));
        }
        self.emit(Op::Reshape, &[Some(x)], self.dtype(x), dims)
    }

    /// Gives x the shape of `like`.
    pub(crate) fn reshape_as(&mut self, x: ValueId, like: ValueId) -> Result<ValueId, Reason> {
        self.reshape(x, self.dims(like))
    }

    /// Axis i of the result is axis `perm[i]` of x.
    pub(crate) fn transpose(&mut self, x: ValueId, perm: &[usize]) -> Result<ValueId, Reason> {
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            return Ok(x);
        }
        let old = self.dims(x);
        let dims = perm.iter().map(|&p| old[p]).collect();
        self.emit(Op::Transpose { perm: perm.to_vec() }, &[Some(x)], self.dtype(x), dims)
    }

    /// Elements `start[i] + k * step[i]` for k below `len[i]`.
    pub(crate) fn slice(
        &mut self,
        x: ValueId,
        start: Vec<usize>,
        step: Vec<isize>,
        len: Vec<usize>,
    ) -> Result<ValueId, Reason> {
        if start.iter().all(|&s| s == 0) && step.iter().all(|&s| s == 1) && len == self.graph.value(x).dims {
            return Ok(x);
        }
        self.emit(Op::Slice { start, step }, &[Some(x)], self.dtype(x), len)
    }

    /// Elements `from..from + len` of one axis.
    pub(crate) fn narrow(&mut self, x: ValueId, axis: usize, from: usize, len: usize) -> Result<ValueId, Reason> {
        let mut dims = self.dims(x);
        let mut start = vec![0; dims.len()];
        start[axis] = from;
        dims[axis] = len;
        self.slice(x, start, vec![1; dims.len()], dims)
    }

    pub(crate) fn concat(&mut self, parts: &[ValueId], axis: usize) -> Result<ValueId, Reason> {
        let [first, rest @ ..] = parts else { return Err(Reason::MissingInput(0)) };
        if rest.is_empty() {
            return Ok(*first);
        }
        let mut dims = self.dims(*first);
        for &part in rest {
            let other = &self.graph.value(part).dims;
            let fits = other.len() == dims.len() && (0..dims.len()).all(|i| i == axis || other[i] == dims[i]);
            if !fits {
                return Err(Reason::Shapes(dims, other.clone()));
            }
            if self.dtype(part) != self.dtype(*first) {
                return Err(Reason::Types(self.dtype(*first), self.dtype(part)));
            }
            dims[axis] += other[axis];
        }
        let inputs: Vec<Option<ValueId>> = parts.iter().copied().map(Some).collect();
        self.emit(Op::Concat { axis }, &inputs, self.dtype(*first), dims)
    }

    pub(crate) fn expand(&mut self, x: ValueId, dims: Vec<usize>) -> Result<ValueId, Reason> {
        if self.graph.value(x).dims == dims {
            return Ok(x);
        }
        self.emit(Op::Expand, &[Some(x)], self.dtype(x), dims)
    }

    pub(crate) fn gather(&mut self, x: ValueId, indices: ValueId, axis: usize) -> Result<ValueId, Reason> {
        let mut dims = self.dims(x);
        let index_dims = self.dims(indices);
        dims.splice(axis..=axis, index_dims);
        self.emit(Op::Gather { axis }, &[Some(x), Some(indices)], self.dtype(x), dims)
    }

    /// Reduces ascending axes, which stay as 1 where `keep`.
    pub(crate) fn reduce(&mut self, op: Reduce, x: ValueId, axes: &[usize], keep: bool) -> Result<ValueId, Reason> {
        let mut dims = self.dims(x);
        for &axis in axes {
            dims[axis] = 1;
        }
        let y = self.emit(Op::Reduce { op, axes: axes.to_vec() }, &[Some(x)], self.dtype(x), dims)?;
        if keep { Ok(y) } else { self.drop_axes(y, axes) }
    }

    /// Removes axes of extent 1.
    pub(crate) fn drop_axes(&mut self, x: ValueId, axes: &[usize]) -> Result<ValueId, Reason> {
        let dims = self.dims(x);
        let kept = (0..dims.len()).filter(|i| !axes.contains(i)).map(|i| dims[i]).collect();
        self.reshape(x, kept)
    }

    /// Scores `[N, targets]` of rows `x [N, F]`, f32 or f64, by decision trees.
    pub(crate) fn trees(
        &mut self,
        x: ValueId,
        trees: &[Tree],
        targets: usize,
        aggregate: Aggregate,
    ) -> Result<ValueId, Reason> {
        let (dtype, dims) = (self.dtype(x), self.dims(x));
        let &[rows, features] = dims.as_slice() else { return Err(Reason::Shape { what: "the input", got: dims }) };
        if !matches!(dtype, DType::F32 | DType::F64) {
            return Err(Reason::Type(dtype));
        }
        let Packed { rules, next, values, roots, targets: owners, scores, depth } =
            forest::pack(trees, Form { dtype, features, targets, aggregate })?;
        let mut inputs = vec![Some(x), Some(self.u32s(&rules)?), Some(self.u32s(&next)?)];
        inputs.push(Some(self.reals(dtype, vec![values.len()], &values)?));
        inputs.push(Some(self.u32s(&roots)?));
        if !scores.is_empty() {
            inputs.push(if owners.is_empty() { None } else { Some(self.u32s(&owners)?) });
            inputs.push(Some(self.reals(dtype, vec![scores.len()], &scores)?));
        }
        self.emit(Op::Trees { aggregate, depth }, &inputs, dtype, vec![rows, targets])
    }

    /// Position of each element among ascending keys of its type, their number where it is none of them: i32.
    pub(crate) fn find(&mut self, x: ValueId, keys: ValueId) -> Result<ValueId, Reason> {
        if self.dtype(x) != self.dtype(keys) {
            return Err(Reason::Types(self.dtype(x), self.dtype(keys)));
        }
        self.emit(Op::Find, &[Some(x), Some(keys)], DType::I32, self.dims(x))
    }

    /// Square distances `[N, M]` between rows `a [N, F]` and `b [M, F]`, f32 or f64.
    pub(crate) fn square_distance(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, Reason> {
        let (left, right) = (self.dims(a), self.dims(b));
        match (left.as_slice(), right.as_slice()) {
            (&[n, f], &[m, g]) if f == g && self.dtype(a) == self.dtype(b) => {
                self.emit_as(Op::SquareDistance, &[Some(a), Some(b)], a, vec![n, m])
            }
            _ => Err(Reason::Shapes(left, right)),
        }
    }

    /// Probabilities `[N, C]` of classes from those of the first of each pair, `[N, C (C - 1) / 2]` f32.
    pub(crate) fn couple(&mut self, pairs: ValueId, classes: usize) -> Result<ValueId, Reason> {
        let rows = self.dims(pairs)[0];
        self.emit(Op::Couple, &[Some(pairs)], DType::F32, vec![rows, classes])
    }

    /// Names the columns of a value.
    pub(crate) fn name_columns(&mut self, x: ValueId, names: Vec<String>) {
        self.columns.insert(x, names);
    }

    pub(crate) fn softmax(&mut self, x: ValueId, axis: usize, log: bool) -> Result<ValueId, Reason> {
        self.emit(Op::Softmax { axis, log }, &[Some(x)], self.dtype(x), self.dims(x))
    }

    /// `x [.., K] * w [K, N] + bias [N]` for a constant f32 w, as a 1x1 convolution over the rows of x.
    pub(crate) fn rows_times(&mut self, x: ValueId, w: ValueId, bias: Option<ValueId>) -> Result<ValueId, Reason> {
        let (mut dims, weight) = (self.dims(x), self.dims(w));
        let (k, n) = (weight[0], weight[1]);
        let rows = dims[..dims.len() - 1].iter().product();
        let w = self.transpose(w, &[1, 0])?;
        let w = self.reshape(w, vec![n, 1, 1, k])?;
        let x = self.reshape(x, vec![1, 1, rows, k])?;
        let op = Op::Conv { window: Window::UNIT, groups: 1, clamp: Clamp::NONE };
        let y = self.emit(op, &[Some(x), Some(w), bias], DType::F32, vec![1, 1, rows, n])?;
        *dims.last_mut().expect("x has a last axis") = n;
        self.reshape(y, dims)
    }

    /// Permutation that swaps the channel axis 1 to the end, for ranks of at least 2.
    pub(crate) fn channels_last(&mut self, x: ValueId) -> Result<ValueId, Reason> {
        let rank = self.rank(x);
        let perm: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
        self.transpose(x, &perm)
    }

    /// Undoes [`Self::channels_last`].
    pub(crate) fn channels_first(&mut self, x: ValueId) -> Result<ValueId, Reason> {
        let rank = self.rank(x);
        let perm: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        self.transpose(x, &perm)
    }
}

impl Window {
    /// One pixel.
    pub(crate) const UNIT: Self = Self { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
}

/// Shape that both broadcast to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Reason> {
    let rank = if a.len() > b.len() { a.len() } else { b.len() };
    let at = |dims: &[usize], i: usize| (i + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Reason::Shapes(a.to_vec(), b.to_vec()))
}

fn is_comparison(op: Binary) -> bool {
    matches!(op, Binary::Equal | Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual)
}

/// Little-endian element of a type.
pub(crate) fn element(dtype: DType, value: f64) -> Vec<u8> {
    match dtype {
        DType::F32 => (value as f32).to_le_bytes().to_vec(),
        DType::F64 => value.to_le_bytes().to_vec(),
        DType::I8 => (value as i8).to_le_bytes().to_vec(),
        DType::U8 => vec![value as u8],
        DType::I16 => (value as i16).to_le_bytes().to_vec(),
        DType::U16 => (value as u16).to_le_bytes().to_vec(),
        DType::I32 => (value as i32).to_le_bytes().to_vec(),
        DType::U32 => (value as u32).to_le_bytes().to_vec(),
        DType::I64 => (value as i64).to_le_bytes().to_vec(),
        DType::U64 => (value as u64).to_le_bytes().to_vec(),
        DType::Bool => vec![u8::from(value != 0.0)],
        DType::F16 => Half::Binary16.narrow(value).to_le_bytes().to_vec(),
        DType::BF16 => Half::Bfloat16.narrow(value).to_le_bytes().to_vec(),
    }
}

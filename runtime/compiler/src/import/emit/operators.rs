//! The operators of the Graph by name, each with the shape and type of what it answers.

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Reduce, Unary};

use super::Emit;
use crate::error::Reason;
use crate::forest::{self, Form, Packed, Tree};
use crate::graph::{Clamp, Op, ValueId, Window};

impl Emit {
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

//! The arithmetic of estimators over rows: operators on `[rows, columns]` in the precision that was asked for.

use std::collections::BTreeMap;

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use super::error::EstimatorError;
use super::fields::Matrix;
use crate::error::Reason;
use crate::graph::{Op, ValueId};
use crate::import::{Emit, Limits};

pub(super) type Made = Result<ValueId, Reason>;

/// A graph under construction, and the type it computes in.
pub(super) struct Net {
    pub(super) emit: Emit,
    pub(super) dtype: DType,
    pub(super) rows: usize,
    /// Estimators at work, outermost first, and all that were ever at work.
    pub(super) depth: usize,
    pub(super) estimators: usize,
}

impl Net {
    pub(super) fn new(dtype: DType, rows: usize, limits: Limits) -> Self {
        Self { emit: Emit::new(limits, BTreeMap::new()), dtype, rows, depth: 0, estimators: 0 }
    }

    /// Builds in double precision what single would spoil, and rounds the result.
    pub(super) fn in_double(
        &mut self,
        x: ValueId,
        build: impl FnOnce(&mut Self, ValueId) -> Result<ValueId, EstimatorError>,
    ) -> Result<ValueId, EstimatorError> {
        let wide = self.emit.cast(x, DType::F64)?;
        let asked = std::mem::replace(&mut self.dtype, DType::F64);
        let made = build(self, wide);
        self.dtype = asked;
        Ok(self.number(made?)?)
    }

    /// Number of columns.
    pub(super) fn width(&self, x: ValueId) -> usize {
        self.emit.dims(x).last().copied().unwrap_or(1)
    }

    /// A constant that is given per column.
    pub(super) fn row(&mut self, values: &[f64]) -> Made {
        self.constant(vec![1, values.len()], values)
    }

    pub(super) fn scalar(&mut self, value: f64) -> Made {
        self.constant(vec![], &[value])
    }

    pub(super) fn constant(&mut self, dims: Vec<usize>, values: &[f64]) -> Made {
        self.constant_of(self.dtype, dims, values)
    }

    pub(super) fn constant_of(&mut self, dtype: DType, dims: Vec<usize>, values: &[f64]) -> Made {
        self.emit.room_for(dtype, &dims)?;
        let bytes: Vec<u8> = match dtype {
            DType::F32 => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        self.emit.constant(dtype, dims, bytes)
    }

    pub(super) fn i64s(&mut self, values: &[i64]) -> Made {
        self.emit.i64s(vec![values.len()], values)
    }

    /// A constant repeated for every row.
    pub(super) fn every_row(&mut self, values: &[f64]) -> Made {
        let row = self.row(values)?;
        let rows = self.rows;
        self.emit.expand(row, vec![rows, values.len()])
    }

    pub(super) fn unary(&mut self, op: Unary, x: ValueId) -> Made {
        self.emit.unary(op, x)
    }

    pub(super) fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> Made {
        self.emit.binary(op, a, b)
    }

    pub(super) fn add(&mut self, a: ValueId, b: ValueId) -> Made {
        self.binary(Binary::Add, a, b)
    }

    pub(super) fn sub(&mut self, a: ValueId, b: ValueId) -> Made {
        self.binary(Binary::Sub, a, b)
    }

    pub(super) fn mul(&mut self, a: ValueId, b: ValueId) -> Made {
        self.binary(Binary::Mul, a, b)
    }

    pub(super) fn div(&mut self, a: ValueId, b: ValueId) -> Made {
        self.binary(Binary::Div, a, b)
    }

    /// An operator with a value for each column.
    pub(super) fn with_row(&mut self, op: Binary, x: ValueId, values: &[f64]) -> Made {
        let row = self.row(values)?;
        self.binary(op, x, row)
    }

    /// An operator with one value for all.
    pub(super) fn with_scalar(&mut self, op: Binary, x: ValueId, value: f64) -> Made {
        let scalar = self.emit.scalar_like(x, value)?;
        self.binary(op, x, scalar)
    }

    /// `a - x` for one number a.
    pub(super) fn scalar_minus(&mut self, value: f64, x: ValueId) -> Made {
        let scalar = self.emit.scalar_like(x, value)?;
        self.sub(scalar, x)
    }

    /// A bool as 0 or 1.
    pub(super) fn number(&mut self, x: ValueId) -> Made {
        self.emit.cast(x, self.dtype)
    }

    /// `x w + b`.
    pub(super) fn dense(&mut self, x: ValueId, w: &Matrix, bias: &[f64]) -> Made {
        let weight = self.constant(vec![w.rows, w.columns], &w.data)?;
        if self.dtype == DType::F32 {
            let bias = self.constant(vec![bias.len()], bias)?;
            return self.emit.rows_times(x, weight, Some(bias));
        }
        let dims = vec![self.emit.dims(x)[0], w.columns];
        let y = self.emit.emit_as(Op::MatMul, &[Some(x), Some(weight)], x, dims)?;
        self.with_row(Binary::Add, y, bias)
    }

    /// `x w`.
    pub(super) fn times(&mut self, x: ValueId, w: &Matrix) -> Made {
        self.dense(x, w, &vec![0.0; w.columns])
    }

    /// Reduces each row to one column.
    pub(super) fn over_columns(&mut self, op: Reduce, x: ValueId) -> Made {
        self.emit.reduce(op, x, &[1], true)
    }

    /// Columns by index.
    pub(super) fn columns(&mut self, x: ValueId, indices: &[usize]) -> Made {
        let consecutive = indices.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if let (true, Some(&first)) = (consecutive, indices.first()) {
            return self.emit.narrow(x, 1, first, indices.len());
        }
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let indices = self.i64s(&indices)?;
        self.emit.gather(x, indices, 1)
    }

    pub(super) fn column(&mut self, x: ValueId, index: usize) -> Made {
        self.columns(x, &[index])
    }

    /// Columns side by side.
    pub(super) fn beside(&mut self, parts: &[ValueId]) -> Made {
        self.emit.concat(parts, 1)
    }

    /// Drops the axis of a single column.
    pub(super) fn flat(&mut self, x: ValueId) -> Made {
        let rows = self.rows;
        self.emit.reshape(x, vec![rows])
    }

    /// Index of the largest column, the first of equals; `[rows]`.
    pub(super) fn arg_max(&mut self, x: ValueId) -> Made {
        self.arg(x, true, false)
    }

    pub(super) fn arg_min(&mut self, x: ValueId) -> Made {
        self.arg(x, false, false)
    }

    pub(super) fn arg(&mut self, x: ValueId, max: bool, last: bool) -> Made {
        let dims = vec![self.emit.dims(x)[0], 1];
        let y = self.emit.emit(Op::ArgReduce { axis: 1, max, last }, &[Some(x)], DType::I64, dims)?;
        self.flat(y)
    }

    /// Class 1 where a single column is above a bound, else class 0; `[rows]`.
    pub(super) fn above(&mut self, x: ValueId, bound: f64) -> Made {
        let x = self.flat(x)?;
        let above = self.with_scalar(Binary::Greater, x, bound)?;
        self.emit.cast(above, DType::I64)
    }

    pub(super) fn softmax(&mut self, x: ValueId) -> Made {
        if self.dtype == DType::F32 {
            return self.emit.softmax(x, 1, false);
        }
        let largest = self.over_columns(Reduce::Max, x)?;
        let x = self.sub(x, largest)?;
        let e = self.unary(Unary::Exp, x)?;
        let sum = self.over_columns(Reduce::Sum, e)?;
        self.div(e, sum)
    }

    /// `1 - p` beside p.
    pub(super) fn complement(&mut self, p: ValueId) -> Made {
        let q = self.scalar_minus(1.0, p)?;
        self.beside(&[q, p])
    }

    /// Divides each row by its sum; a row of zeros becomes `instead` everywhere.
    pub(super) fn shares(&mut self, x: ValueId, instead: f64) -> Made {
        let sum = self.over_columns(Reduce::Sum, x)?;
        let nothing = self.with_scalar(Binary::Equal, sum, 0.0)?;
        let one = self.scalar(1.0)?;
        let sum = self.emit.select(nothing, one, sum)?;
        let shares = self.div(x, sum)?;
        let instead = self.scalar(instead)?;
        self.emit.select(nothing, instead, shares)
    }

    /// `low` where below it, `high` where above it.
    pub(super) fn clip(&mut self, x: ValueId, low: f64, high: f64) -> Made {
        let x = self.with_scalar(Binary::Max, x, low)?;
        self.with_scalar(Binary::Min, x, high)
    }

    /// A function of numbers known while compiling, by the kernels that compute it later.
    pub(super) fn of_constants(&mut self, op: Unary, values: &[f64]) -> Result<Vec<f64>, Reason> {
        let x = self.constant_of(DType::F64, vec![values.len()], values)?;
        let y = self.emit.unary(op, x)?;
        Ok(self.emit.floats(y).unwrap_or_default())
    }

    /// Squared distances `[rows, points]`, in the type of x.
    pub(super) fn squared_distances(&mut self, x: ValueId, points: &Matrix) -> Made {
        let dtype = self.emit.dtype(x);
        let points = self.constant_of(dtype, vec![points.rows, points.columns], &points.data)?;
        self.emit.square_distance(x, points)
    }

    /// `x - point` for each point: `[rows, points, columns]`, in the type of x.
    pub(super) fn differences(&mut self, x: ValueId, points: &Matrix) -> Made {
        let dims = self.emit.dims(x);
        let dtype = self.emit.dtype(x);
        let x = self.emit.reshape(x, vec![dims[0], 1, dims[1]])?;
        let points = self.constant_of(dtype, vec![1, points.rows, points.columns], &points.data)?;
        self.sub(x, points)
    }
}

/// The largest number of the computed type that is not above a bound: `x <= bound` says the same of both.
pub(super) fn at_most(dtype: DType, bound: f64) -> f64 {
    let near = bound as f32;
    match dtype {
        DType::F32 if f64::from(near) > bound => f64::from(near.next_down()),
        DType::F32 => f64::from(near),
        _ => bound,
    }
}

/// The smallest number of the computed type that is not below a bound: `x >= bound` says the same of both.
pub(super) fn at_least(dtype: DType, bound: f64) -> f64 {
    -at_most(dtype, -bound)
}

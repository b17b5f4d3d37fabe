//! Piecewise linear curves through points, level outside them: `numpy.interp`.

use mote_abi::op::{Binary, Reduce};

use super::net::{Made, Net};
use crate::graph::ValueId;

/// A curve.
pub(super) struct Curve<'a> {
    /// Ascending; equal ones are a step.
    knots: &'a [f64],
    values: &'a [f64],
}

impl<'a> Curve<'a> {
    pub(super) fn new(knots: &'a [f64], values: &'a [f64]) -> Option<Self> {
        let ascending = knots.windows(2).all(|pair| pair[0] <= pair[1]);
        let fits = ascending && !knots.is_empty() && knots.len() == values.len();
        fits.then_some(Self { knots, values })
    }
}

/// The curve at each x of a column; at a step its last value.
pub(super) fn upper(net: &mut Net, x: ValueId, curve: &Curve<'_>) -> Made {
    at(net, x, curve.knots, curve.values)
}

/// The mean of a step's first and last value.
pub(super) fn middle(net: &mut Net, x: ValueId, curve: &Curve<'_>) -> Made {
    let upper = at(net, x, curve.knots, curve.values)?;
    let mirrored = |values: &[f64]| values.iter().rev().map(|v| -v).collect::<Vec<f64>>();
    let x = net.unary(mote_abi::op::Unary::Neg, x)?;
    let lower = at(net, x, &mirrored(curve.knots), &mirrored(curve.values))?;
    let sum = net.sub(upper, lower)?;
    net.with_scalar(Binary::Mul, sum, 0.5)
}

/// The sum of what each piece contributes: its rise, as far as x has come through it.
fn at(net: &mut Net, x: ValueId, knots: &[f64], values: &[f64]) -> Made {
    let last = knots.len() - 1;
    // Index of the last knot that is not above x, with the first for all that lie before it.
    let reached = net.with_row(Binary::GreaterOrEqual, x, &knots[1..])?;
    let reached = net.emit.cast(reached, mote_abi::DType::I32)?;
    if last == 0 {
        return net.every_row(values);
    }
    let index = net.over_columns(Reduce::Sum, reached)?;
    let index = net.emit.cast(index, mote_abi::DType::I64)?;
    let index = net.flat(index)?;
    let slope = |i: usize| {
        if i == last || knots[i + 1] == knots[i] {
            0.0
        } else {
            (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
        }
    };
    let slopes: Vec<f64> = (0..=last).map(slope).collect();
    let pick = |net: &mut Net, from: &[f64]| -> Made {
        let table = net.constant(vec![from.len()], from)?;
        let picked = net.emit.gather(table, index, 0)?;
        let rows = net.rows;
        net.emit.reshape(picked, vec![rows, 1])
    };
    let (knot, value, slope) = (pick(net, knots)?, pick(net, values)?, pick(net, &slopes)?);
    let x = net.with_scalar(Binary::Max, x, knots[0])?;
    let way = net.sub(x, knot)?;
    let rise = net.mul(way, slope)?;
    net.add(value, rise)
}

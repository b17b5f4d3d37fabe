//! Reductions over a set of axes.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::memory::{BLOCK, Load, Store};
use crate::number::{Function, Number};
use crate::scalar::binary::{max, min};
use crate::scalar::unary::advance;
use crate::walk::Walk;

/// The reduction and its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// Which reduction.
    pub op: op::Reduce,
    /// Bit i is set where axis i is reduced.
    pub axes: u32,
}

/// Reduces dense `x` to dense `y`, whose reduced axes are 1. Integer means truncate; integers have no L2, LogSum and
/// LogSumExp. An empty maximum is the lowest number, an empty minimum the highest.
///
/// # Errors
/// Contradicting shapes, or a reduction that the type does not have.
pub fn reduce<W: Number, X, Y>(step: &Reduce, x: &X, x_layout: &Layout, y: &mut Y, y_layout: &Layout) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let (kept, reduced) = split(step.axes, x_layout, y_layout)?;
    let outer = Walk::new([(&kept, x.count()), (y_layout, y.count())])?;
    // Where the reduced axes begin is what the outer walk answers; `x_layout.fits` covers both.
    x_layout.fits(x.count())?;
    let inner = Walk::new([(&reduced, x.count())])?;
    let [x_step, y_step] = outer.steps();
    outer.rows(|[x_at, y_at]| {
        for i in 0..outer.row_len() {
            let result = one_output(step.op, x, &inner, advance(x_at, i, x_step))?;
            y.store(advance(y_at, i, y_step), 1, &[result]);
        }
        Ok(())
    })
}

/// The layout of x with the reduced axes cut to 1, and the one with only them.
fn split(axes: u32, x: &Layout, y: &Layout) -> Result<(Layout, Layout)> {
    if x.rank() != y.rank() {
        return Err(KernelError::Shape);
    }
    let (mut kept, mut reduced) = (*x, *x);
    let unused = x.axes.len() - x.rank();
    for (i, (kept, reduced)) in kept.axes.iter_mut().zip(&mut reduced.axes).enumerate() {
        let is_reduced = i.checked_sub(unused).is_some_and(|i| axes >> (i & 31) & 1 == 1);
        if is_reduced {
            kept.len = 1;
        } else {
            reduced.len = 1;
        }
    }
    if !kept.same_lens(y) { Err(KernelError::Shape) } else { Ok((kept, reduced)) }
}

fn one_output<W: Number, X: Load<W> + ?Sized>(op: op::Reduce, x: &X, inner: &Walk<1>, at: usize) -> Result<W> {
    use op::Reduce as Op;
    let sum = || fold(x, inner, at, W::ZERO, |v| v, W::add);
    let squares = || fold(x, inner, at, W::ZERO, |v| v.mul(v), W::add);
    let apply = |v: W, function| v.function(function).ok_or(KernelError::Unsupported);
    match op {
        Op::Sum => sum(),
        Op::Mean => Ok(sum()?.div(W::from_count(inner.count()))),
        Op::Max => fold(x, inner, at, W::LOWEST, |v| v, max),
        Op::Min => fold(x, inner, at, W::HIGHEST, |v| v, min),
        Op::Prod => fold(x, inner, at, W::ONE, |v| v, W::mul),
        Op::L1 => fold(x, inner, at, W::ZERO, W::abs, W::add),
        Op::SumSquare => squares(),
        Op::L2 => apply(squares()?, Function::Sqrt),
        Op::LogSum => apply(sum()?, Function::Log),
        Op::LogSumExp => {
            let most = fold(x, inner, at, W::LOWEST, |v| v, max)?;
            let shift = if most == W::LOWEST || most == W::HIGHEST { W::ZERO } else { most };
            let exp = |v: W| v.sub(shift).function(Function::Exp).unwrap_or(W::ZERO);
            Ok(shift.add(apply(fold(x, inner, at, W::ZERO, exp, W::add)?, Function::Log)?))
        }
    }
}

/// The order of `ORDER.md`: four partial results over the elements numbered row-major, combined `(0+2)+(1+3)`, then the
/// rest one by one.
fn fold<W: Number, X: Load<W> + ?Sized>(
    x: &X,
    inner: &Walk<1>,
    at: usize,
    identity: W,
    map: impl Fn(W) -> W,
    join: impl Fn(W, W) -> W,
) -> Result<W> {
    let mut lanes = [identity; 4];
    let mut block = [W::ZERO; BLOCK];
    let mut filled = 0;
    let [step] = inner.steps();
    inner.rows(|[row]| {
        let mut done = 0;
        while done < inner.row_len() {
            let count = (inner.row_len() - done).min(BLOCK - filled);
            if let Some(free) = block.get_mut(filled..filled + count) {
                x.load(advance(row.wrapping_add(at), done, step), step, free);
            }
            (done, filled) = (done + count, filled + count);
            if filled == BLOCK {
                lanes = join_lanes(lanes, &block, &map, &join);
                filled = 0;
            }
        }
        Ok(())
    })?;
    let (rest, _) = block.split_at(filled.min(BLOCK));
    let (quads, tail) = rest.as_chunks::<4>();
    lanes = join_lanes(lanes, quads.as_flattened(), &map, &join);
    let [a, b, c, d] = lanes;
    let whole = join(join(a, c), join(b, d));
    Ok(tail.iter().fold(whole, |acc, &v| join(acc, map(v))))
}

fn join_lanes<W: Number>(mut lanes: [W; 4], block: &[W], map: impl Fn(W) -> W, join: impl Fn(W, W) -> W) -> [W; 4] {
    for quad in block.as_chunks::<4>().0 {
        for (lane, &v) in lanes.iter_mut().zip(quad) {
            *lane = join(*lane, map(v));
        }
    }
    lanes
}

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
    // Together the two walks reach every element of x and no other.
    x_layout.fits(x.count())?;
    let outer = Walk::new([(&kept, x.count()), (y_layout, y.count())])?;
    let inner = Walk::new([(&reduced, x.count())])?;
    let [x_step, y_step] = outer.steps();
    for [x_at, y_at] in outer.rows() {
        for i in 0..outer.row_len() {
            let line = Line { x, inner: &inner, at: advance(x_at, i, x_step) };
            y.store(advance(y_at, i, y_step), 1, &[line.reduce(step.op)?]);
        }
    }
    Ok(())
}

/// The layout of x with the reduced axes cut to 1, and the one with only them.
fn split(axes: u32, x: &Layout, y: &Layout) -> Result<(Layout, Layout)> {
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
    if kept.same_lens(y) { Ok((kept, reduced)) } else { Err(KernelError::Shape) }
}

/// The elements that become one output.
struct Line<'a, X: ?Sized> {
    x: &'a X,
    inner: &'a Walk<1>,
    at: usize,
}

/// How elements enter a partial result.
#[derive(Clone, Copy)]
enum Pass<W> {
    Sum,
    SumOfAbsolutes,
    SumOfSquares,
    /// Sum of `e^(x - shift)`.
    SumOfExponentials(W),
    Product,
    Max,
    Min,
}

impl<X: ?Sized> Line<'_, X> {
    fn reduce<W: Number>(&self, op: op::Reduce) -> Result<W>
    where
        X: Load<W>,
    {
        use op::Reduce as Op;
        let apply = |v: W, function| v.function(function).ok_or(KernelError::Unsupported);
        let pass = match op {
            Op::Sum | Op::Mean | Op::LogSum => Pass::Sum,
            Op::L1 => Pass::SumOfAbsolutes,
            Op::SumSquare | Op::L2 => Pass::SumOfSquares,
            Op::Prod => Pass::Product,
            Op::Max | Op::LogSumExp => Pass::Max,
            Op::Min => Pass::Min,
        };
        let result = self.fold(pass);
        match op {
            Op::Mean => Ok(result.div(W::from_count(self.inner.count()))),
            Op::LogSum => apply(result, Function::Log),
            Op::L2 => apply(result, Function::Sqrt),
            Op::LogSumExp => {
                // An infinite maximum would make NaN of the difference to itself.
                let shift = if result == W::LOWEST || result == W::HIGHEST { W::ZERO } else { result };
                Ok(shift.add(apply(self.fold(Pass::SumOfExponentials(shift)), Function::Log)?))
            }
            _ => Ok(result),
        }
    }

    /// The order of `ORDER.md`: four partial results over the elements numbered row-major, combined `(0+2)+(1+3)`, then
    /// the rest one by one.
    #[inline(never)]
    fn fold<W: Number>(&self, pass: Pass<W>) -> W
    where
        X: Load<W>,
    {
        // u64 compares as i64 once the sign bit is inverted.
        let flips = W::INTEGER && self.x.is_u64() && matches!(pass, Pass::Max | Pass::Min);
        let mut lanes = [pass.identity(); 4];
        let mut block = [W::ZERO; BLOCK];
        let mut filled = 0;
        let [step] = self.inner.steps();
        for [row] in self.inner.rows() {
            let mut done = 0;
            while done < self.inner.row_len() {
                let count = (self.inner.row_len() - done).min(BLOCK - filled);
                if let Some(free) = block.get_mut(filled..filled + count) {
                    self.x.load(advance(row.wrapping_add(self.at), done, step), step, free);
                    if flips {
                        free.iter_mut().for_each(|v| *v = v.flip());
                    }
                }
                (done, filled) = (done + count, filled + count);
                if filled == BLOCK {
                    pass.take_fours(&mut lanes, block.as_chunks::<4>().0);
                    filled = 0;
                }
            }
        }
        let (fours, tail) = block.split_at(filled.min(BLOCK)).0.as_chunks::<4>();
        pass.take_fours(&mut lanes, fours);
        let [a, b, c, d] = lanes;
        let whole = pass.join(pass.join(a, c), pass.join(b, d));
        let result = tail.iter().fold(whole, |acc, &v| pass.take(acc, v));
        if flips { result.flip() } else { result }
    }
}

impl<W: Number> Pass<W> {
    fn identity(self) -> W {
        match self {
            Self::Product => W::ONE,
            Self::Max => W::LOWEST,
            Self::Min => W::HIGHEST,
            _ => W::ZERO,
        }
    }

    /// A partial result and one more element. One body for all: only sums are worth vector code.
    #[inline(never)]
    fn take(self, acc: W, v: W) -> W {
        match self {
            Self::Sum => acc.add(v),
            Self::SumOfAbsolutes => acc.add(v.abs()),
            Self::SumOfSquares => acc.add(v.mul(v)),
            Self::SumOfExponentials(shift) => acc.add(v.sub(shift).function(Function::Exp).unwrap_or(W::ZERO)),
            Self::Product => acc.mul(v),
            Self::Max => max(acc, v),
            Self::Min => min(acc, v),
        }
    }

    /// Two partial results.
    fn join(self, a: W, b: W) -> W {
        match self {
            Self::Product => a.mul(b),
            Self::Max => max(a, b),
            Self::Min => min(a, b),
            _ => a.add(b),
        }
    }

    fn take_fours(self, lanes: &mut [W; 4], fours: &[[W; 4]]) {
        for four in fours {
            match self {
                Self::Sum => lanes.iter_mut().zip(four).for_each(|(lane, &v)| *lane = lane.add(v)),
                _ => lanes.iter_mut().zip(four).for_each(|(lane, &v)| *lane = self.take(*lane, v)),
            }
        }
    }
}

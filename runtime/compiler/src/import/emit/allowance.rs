//! What constants may cost while importing: bytes and arithmetic.

use mote_abi::DType;

use super::Emit;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

/// Most dimensions of a tensor.
const MAX_RANK: usize = mote_plan::format::MAX_RANK;
/// Most bytes of one tensor.
const MAX_TENSOR_BYTES: usize = mote_plan::format::MAX_BYTES as usize;

impl Emit {
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
    pub(super) fn charge(&mut self, bytes: usize, dims: &[usize]) -> Result<(), Reason> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or_else(|| Reason::TooLarge(dims.to_vec()))?;
        Ok(())
    }

    /// Counts the arithmetic of one constant expression against its limit.
    pub(super) fn charge_work(
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
}

//! Convolutions of bytes.

mod lanes;
mod panels;

use crate::error::Result;
use crate::scalar::quantized::conv::{self, Filter, Packing, QConv, Sums};

/// Like [`crate::scalar::quantized::conv::q_conv`].
///
/// # Errors
/// Contradicting shapes.
pub fn q_conv(shape: &QConv, x: &[u8], filter: &Filter<'_>, y: &mut Sums<'_>) -> Result {
    shape.check(filter, y)?;
    if shape.y.count() == 0 {
        return Ok(());
    }
    match shape.packing {
        Packing::Panels => panels::panels(shape, x, filter, y),
        Packing::Lanes if filter.zero.is_none() => lanes::lanes(shape, x, filter, y),
        _ => conv::q_conv(shape, x, filter, y),
    }
}

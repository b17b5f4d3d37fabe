//! Transposed convolution, computed output by output so that every sum has one fixed order.

use crate::error::{KernelError, Result};
use crate::scalar::conv_group::ConvGroup;

/// `y[oy, ox] = clamp(bias + sum of x[iy, ix] * w[ky, kx])` over the taps for which
/// `iy * stride + ky * dilation - pad = oy`, and likewise for columns. `w` `[Ci][kh*kw][Co/groups]`.
///
/// # Errors
/// Contradicting shapes.
pub fn conv_transpose(shape: &ConvGroup, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) -> Result {
    let ConvGroup { x: input, y: output, window, .. } = shape;
    let [ci, co] = shape.per_group()?;
    let want = input.channels.saturating_mul(window.taps()).saturating_mul(co);
    if w.len() != want || bias.len() != output.channels || input.batch != output.batch {
        return Err(KernelError::Shape);
    }
    // The filter slides over the output with input positions as its steps.
    window.check(input.size)?;
    window.check(output.size)?;
    let taps = window.taps();
    output.pixels(|at| {
        let to = output.at(at.image, at.row, at.column);
        for c in 0..output.channels {
            let (group, column) = (c.checked_div(co).unwrap_or(0), c.checked_rem(co).unwrap_or(0));
            let mut acc = *bias.get(c).ok_or(KernelError::Shape)?;
            for ky in 0..window.kernel[0] {
                let Some(iy) = source(shape, 0, at.row, ky) else { continue };
                for kx in 0..window.kernel[1] {
                    let Some(ix) = source(shape, 1, at.column, kx) else { continue };
                    let from = input.at(at.image, iy, ix) + group * ci;
                    let tap = ky as usize * window.kernel[1] as usize + kx as usize;
                    for i in 0..ci {
                        let value = x.get(from + i).ok_or(KernelError::Shape)?;
                        let weight = w.get(((group * ci + i) * taps + tap) * co + column).ok_or(KernelError::Shape)?;
                        acc += value * weight;
                    }
                }
            }
            *y.get_mut(to + c).ok_or(KernelError::Shape)? = shape.clamp.apply(acc);
        }
        Ok(())
    })
}

/// The input coordinate that reaches an output coordinate through a tap, if one does.
fn source(shape: &ConvGroup, axis: usize, output: usize, tap: u32) -> Option<usize> {
    let window = &shape.window;
    let (stride, dilation, pad, extent) = match axis {
        0 => (window.stride[0], window.dilation[0], window.pad[0], shape.x.size[0]),
        _ => (window.stride[1], window.dilation[1], window.pad[1], shape.x.size[1]),
    };
    let distance = (output + pad as usize).checked_sub(tap as usize * dilation as usize)?;
    let input = distance.checked_div(stride as usize)?;
    (distance.checked_rem(stride as usize)? == 0 && input < extent).then_some(input)
}

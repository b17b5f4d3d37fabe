//! One function for each kernel: reads a step's record, checks it against its tensors and calls `mote-kernels`.

mod dynamic;
mod element_wise;
mod image;
mod index;
mod line;
mod matrix;
mod movement;
mod quantized;
mod recurrent;
mod region;
mod search;
mod signal;

pub use dynamic::{bound, non_max_suppression, non_zero, unique};
pub use element_wise::{binary, binary_f32, binary_f64, select, unary, unary_f32, unary_f64};
pub use image::{conv, conv_group, conv_transpose, depthwise, pool, pool_f64};
pub use index::{gather, gather_elements, gather_nd, scatter_elements, scatter_nd};
pub use line::{
    arg_reduce, arg_reduce_f32, cum_prod, cum_sum, cum_sum_f32, lerp, reduce, reduce_f32, reduce_f64, softmax,
    softmax_f64, top_k, top_k_f32,
};
pub use matrix::{det, mat_mul, mat_mul_f32, mat_mul_f64};
pub use movement::{cast, copy, fill, halo};
pub use quantized::{dequantize, lookup, q_binary, q_conv, q_conv_group, q_depthwise, q_pool, quantize};
pub use recurrent::{gru, lstm, rnn};
pub use region::{arg_pool, grid_sample, max_roi_pool, roi_align};
pub use search::{couple, find, find_f32, square_distance, square_distance_f32, trees, trees_f32};
pub use signal::{dft, dft_f32};

use mote_kernels::Around;
use mote_plan::step::Params;
use mote_plan::{Step, Tensor};

use crate::arena::Operands;
use crate::fault::{Fault, Result};

fn params<P: Params>(step: &Step<'_>) -> Result<P> {
    step.params().ok_or(Fault::MalformedPlan)
}

fn require(holds: bool) -> Result {
    if holds { Ok(()) } else { Err(Fault::MalformedPlan) }
}

fn usize_of(word: u32) -> Result<usize> {
    usize::try_from(word).map_err(|_| Fault::MalformedPlan)
}

/// A word that is 1 for yes and 0 for no.
fn flag(word: u32) -> Result<bool> {
    match word {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::MalformedPlan),
    }
}

/// The first input, dense, seen from an axis; the first output must differ along that axis only, by the extent answered.
fn along(operands: &Operands<'_>, axis: u32) -> Result<(Around, u32)> {
    operands.all_dense()?;
    let axis_index = usize_of(axis)?;
    let (x, y) = (operands.input_tensor(0)?, operands.output_tensor(0)?);
    let len = equal_but_for(x, y, axis_index)?;
    Ok((operands.input_layout(0)?.around(axis_index)?, len))
}

fn equal_but_for(x: &Tensor, y: &Tensor, axis: usize) -> Result<u32> {
    let len = *y.dims().get(axis).ok_or(Fault::MalformedPlan)?;
    let others_equal = x.dims().iter().zip(y.dims()).enumerate().all(|(i, (x, y))| i == axis || x == y);
    require(others_equal && x.dims().len() == y.dims().len())?;
    Ok(len)
}

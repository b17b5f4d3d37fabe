//! The arithmetic of `kernels/ORDER.md`, one element at a time.

use mote_abi::op;
use mote_plan::{Tensor, step};

use crate::bench::{boxes, element};

/// The arena as the reference reads and writes it.
pub(crate) struct Memory(pub(crate) Vec<u8>);

impl Memory {
    pub(crate) fn get(&self, tensor: &Tensor, n: u32, y: u32, x: u32, c: u32) -> f32 {
        let at = element(tensor, n, y, x, c) as usize;
        f32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn set(&mut self, tensor: &Tensor, [n, y, x, c]: [u32; 4], value: f32) {
        let at = element(tensor, n, y, x, c) as usize;
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

/// The input element under a tap, if it is inside.
fn under(tensor: &Tensor, params: &step::Conv, y: u32, x: u32, ky: u32, kx: u32) -> Option<(u32, u32)> {
    let along = |i: usize, output: u32, tap: u32, extent: u32| {
        let at = i64::from(output * params.stride[i] + tap * params.dilation[i]) - i64::from(params.pad[i]);
        (0..i64::from(extent)).contains(&at).then_some(at as u32)
    };
    Some((along(0, y, ky, tensor.dims()[1])?, along(1, x, kx, tensor.dims()[2])?))
}

pub(crate) fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let value = if value < low { low } else { value };
    if high < value { high } else { value }
}

/// `w` is `[kh][kw][ci][co]`.
pub(crate) fn conv(
    memory: &mut Memory,
    params: &step::Conv,
    x: &Tensor,
    w: &[f32],
    bias: &[f32],
    residual: Option<&Tensor>,
    y: &Tensor,
) {
    let &[n, h, width, co] = y.dims() else { panic!("rank") };
    let ci = x.dims()[3];
    for (n, oy, ox, o) in boxes(n, h, width, co) {
        let mut acc = bias[o as usize];
        for (_, ky, kx, i) in boxes(1, params.kernel[0], params.kernel[1], ci) {
            if let Some((iy, ix)) = under(x, params, oy, ox, ky, kx) {
                let weight = w[(((ky * params.kernel[1] + kx) * ci + i) * co + o) as usize];
                acc += memory.get(x, n, iy, ix, i) * weight;
            }
        }
        if let Some(residual) = residual {
            acc += memory.get(residual, n, oy, ox, o);
        }
        memory.set(y, [n, oy, ox, o], clamp(acc, params.low, params.high));
    }
}

/// `w` is `[kh][kw][c]`.
pub(crate) fn depthwise(memory: &mut Memory, params: &step::Conv, x: &Tensor, w: &[f32], bias: &[f32], y: &Tensor) {
    let &[n, h, width, channels] = y.dims() else { panic!("rank") };
    for (n, oy, ox, c) in boxes(n, h, width, channels) {
        let mut acc = bias[c as usize];
        for (_, _, ky, kx) in boxes(1, 1, params.kernel[0], params.kernel[1]) {
            if let Some((iy, ix)) = under(x, params, oy, ox, ky, kx) {
                acc += memory.get(x, n, iy, ix, c) * w[((ky * params.kernel[1] + kx) * channels + c) as usize];
            }
        }
        memory.set(y, [n, oy, ox, c], clamp(acc, params.low, params.high));
    }
}

/// Stacks of row-major matrices; a stack of one repeats.
pub(crate) fn mat_mul(memory: &mut Memory, a: &Tensor, b: &Tensor, y: &Tensor) {
    let at = |tensor: &Tensor, stack: u32, row: u32, column: u32| {
        let &[stacks, rows, columns] = tensor.dims() else { panic!("rank") };
        let index = (stack.min(stacks - 1) * rows + row) * columns + column;
        (tensor.offset + 4 * index) as usize
    };
    let &[batch, m, n] = y.dims() else { panic!("rank") };
    for (_, stack, i, j) in boxes(1, batch, m, n) {
        let get = |at: usize| f32::from_le_bytes(memory.0[at..at + 4].try_into().unwrap());
        let terms = (0..a.dims()[2]).map(|k| get(at(a, stack, i, k)) * get(at(b, stack, k, j)));
        let sum = terms.fold(0.0, |acc, term| acc + term);
        let to = at(y, stack, i, j);
        memory.0[to..to + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

pub(crate) fn pool(memory: &mut Memory, params: &step::Pool, x: &Tensor, y: &Tensor) {
    let &[n, h, width, channels] = y.dims() else { panic!("rank") };
    let window = step::Conv {
        kernel: params.kernel,
        stride: params.stride,
        dilation: params.dilation,
        pad: params.pad,
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };
    let padded = |i: usize, output: u32, tap: u32| {
        output * params.stride[i] + tap * params.dilation[i] < params.pad[i] + x.dims()[1 + i] + params.pad_end[i]
    };
    for (n, oy, ox, c) in boxes(n, h, width, channels) {
        let (mut inside, mut counted) = (Vec::new(), 0);
        for (_, _, ky, kx) in boxes(1, 1, params.kernel[0], params.kernel[1]) {
            counted += u32::from(padded(0, oy, ky) && padded(1, ox, kx));
            if let Some((iy, ix)) = under(x, &window, oy, ox, ky, kx) {
                inside.push(memory.get(x, n, iy, ix, c));
            }
        }
        let mean = |count: u32| inside.iter().fold(0.0, |acc, v| acc + v) * (1.0 / count as f32);
        let value = match params.op {
            op::Pool::Max => inside
                .iter()
                .copied()
                .reduce(|acc, v| if (v > acc || v.is_nan()) && !acc.is_nan() { v } else { acc })
                .unwrap(),
            op::Pool::Average => mean(inside.len() as u32),
            op::Pool::AverageWithPadding => mean(counted),
        };
        memory.set(y, [n, oy, ox, c], value);
    }
}

//! Products of two computed matrices: the convolution's loops over a B that nobody has packed.

use mote_abi::DType;
use mote_plan::Tensor;

use super::asm::{Asm, Bounds};
use super::gemm_loop::{Stride, Tile};
use super::nest::{self, Bases, Grid, Layer, Rectangle, Repeat, Taps};
use super::{Address, Call, Site};

/// Longest row of either matrix in bytes that stays a small offset.
const MAX_ROW_BYTES: u64 = 1 << 24;

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let (a, b, y) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let ([a_batch, m, k], [b_batch, b_k, n], [batch, y_m, y_n]) = (matrices(&a)?, matrices(&b)?, matrices(&y)?);
    let repeats = |own: u32| own == batch || own == 1;
    if (k, m, n) != (b_k, y_m, y_n) || !repeats(a_batch) || !repeats(b_batch) {
        return None;
    }
    let near = |columns: u32| u64::from(columns) * 4 <= MAX_ROW_BYTES;
    if !near(k) || !near(n) {
        return None;
    }

    let args = vec![Address::of(&a), Address::of(&b), Address::of(&y)];
    let mut asm = Asm::new(site.flavour.profile, 3);
    let (x, w, to) = (asm.ptr(), asm.ptr(), asm.ptr());
    for (i, base) in (0..).zip([x, w, to]) {
        asm.offset(base, asm.param(i), 0);
    }
    let bases = Bases { x, w, bias: None, y: to, residual: None, bounds: None };
    let b = Stride::plain(n * 4);
    let layer = Layer { tile: Tile::main(site.flavour), n, b, bounds: Bounds { low: None, high: None } };
    // One B for every matrix of A: their rows are rows of one tall matrix.
    let stacked = b_batch == 1 && a_batch == batch;
    let (times, rows) = if stacked { (1, m * batch) } else { (batch, m) };
    let once = Repeat { count: 1, a_step: 0, b_skip: 0 };
    let output = Grid { start: 0, column: n * 4, row: 0 };
    let rectangle = Rectangle {
        rows: 1,
        columns: rows,
        x: Grid { start: 0, column: k * 4, row: 0 },
        y: output,
        residual: output,
        taps: Taps { first: 0, outer: once, inner: once, k },
    };
    asm.repeat(times, |asm| {
        nest::emit(asm, &layer, &bases, rectangle);
        asm.advance(x, if a_batch == 1 { 0 } else { m * k * 4 });
        asm.advance(w, if b_batch == 1 { 0 } else { k * n * 4 });
        asm.advance(to, m * n * 4);
    });
    Some(Call { body: asm.finish(), args })
}

/// The three dimensions of a dense f32 stack of matrices, none of them 0.
fn matrices(tensor: &Tensor) -> Option<[u32; 3]> {
    let dims: [u32; 3] = tensor.dims().try_into().ok()?;
    let sound = tensor.dtype == DType::F32 && tensor.is_dense() && !dims.contains(&0);
    sound.then_some(dims)
}

//! Depthwise convolution: a few output pixels of a row by 4 channels at a time, filter rows as a real loop.

use mote_plan::step;

use super::asm::{Asm, Bounds, Ptr};
use super::pixels::Pixels;
use super::span::{self, Span, Window};
use super::{Address, Call, Site};

/// Filter columns that stay in registers; wider filters load each weight where it is used.
const MAX_HELD_COLUMNS: u32 = 7;
/// Filters of more taps are left to the image.
const MAX_TAPS: u32 = 1 << 20;

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Conv = site.step.params()?;
    let (x_tensor, y_tensor) = (site.input(0)?, site.output(0)?);
    let (x, y) = (Pixels::of_f32(&x_tensor)?, Pixels::of_f32(&y_tensor)?);
    let taps = u64::from(params.kernel[0]) * u64::from(params.kernel[1]);
    let groups = u64::from(x.c.div_ceil(4));
    let w = site.packed(1, (groups * 4).checked_mul(taps)?)?;
    let bias = site.packed(2, groups * 4)?;
    if (x.n, x.c) != (y.n, y.c) {
        return None;
    }
    let window = |axis: usize, input, output, before, after| Window {
        input,
        output,
        kernel: params.kernel[axis],
        stride: params.stride[axis],
        dilation: params.dilation[axis],
        pad: params.pad[axis],
        before: u32::from(before),
        after: u32::from(after),
        counted_after: None,
    };
    let windows = [window(0, x.h, y.h, x.halo.top, x.halo.bottom), window(1, x.w, y.w, x.halo.left, x.halo.right)];
    let (rows, columns) = span::crossed(&windows)?;
    let steps = [windows[0].steps(x.row)?, windows[1].steps(x.pixel)?];
    let taps = u32::try_from(taps).ok().filter(|&taps| taps <= MAX_TAPS)?;

    let args = vec![Address::of(&x_tensor), w, bias, Address::of(&y_tensor)];
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let (x_base, y_base) = (asm.ptr(), asm.ptr());
    asm.offset(x_base, asm.param(0), x.start);
    asm.offset(y_base, asm.param(3), y.start);
    let layer = Layer { params, windows, steps, taps, x, y };
    asm.repeat(x.n, |asm| {
        for rows in &rows {
            for columns in &columns {
                layer.rectangle(asm, x_base, y_base, rows, columns);
            }
        }
        asm.advance(x_base, x.image);
        asm.advance(y_base, y.image);
    });
    Some(Call { body: asm.finish(), args })
}

struct Layer {
    params: step::Conv,
    windows: [Window; 2],
    /// Per axis: bytes of the input between outputs, and between taps.
    steps: [(u32, u32); 2],
    taps: u32,
    x: Pixels,
    y: Pixels,
}

/// Pointers of a row of outputs.
#[derive(Clone, Copy)]
struct Row {
    x: Ptr,
    y: Ptr,
}

impl Layer {
    fn rectangle(&self, asm: &mut Asm, x_base: Ptr, y_base: Ptr, rows: &Span, columns: &Span) {
        let y0 = self.windows[0].position(rows.first, rows.tap);
        let x0 = self.windows[1].position(columns.first, columns.tap);
        let start = y0 * i64::from(self.x.row) + x0 * i64::from(self.x.pixel);
        let row = Row { x: asm.ptr(), y: asm.ptr() };
        asm.offset(row.x, x_base, start as u32);
        asm.offset(row.y, y_base, rows.first * self.y.row + columns.first * self.y.pixel);
        let pixels = self.tile_pixels(columns);
        asm.repeat(rows.count, |asm| {
            let at = Row { x: asm.ptr(), y: asm.ptr() };
            asm.offset(at.x, row.x, 0);
            asm.offset(at.y, row.y, 0);
            asm.repeat(columns.count / pixels, |asm| {
                self.pixels(asm, at, rows, columns, pixels);
                asm.advance(at.x, pixels * self.steps[1].0);
                asm.advance(at.y, pixels * self.y.pixel);
            });
            match columns.count % pixels {
                0 => {}
                over => self.pixels(asm, at, rows, columns, over),
            }
            asm.advance(row.x, self.steps[0].0);
            asm.advance(row.y, self.y.row);
        });
    }

    /// Output pixels of a tile: neighbours share the inputs under their windows, the less the wider the stride.
    fn tile_pixels(&self, columns: &Span) -> u32 {
        let pixels = if self.params.stride[1] == 1 { 4 } else { 2 };
        columns.count.min(pixels)
    }

    /// All channels of a tile.
    fn pixels(&self, asm: &mut Asm, at: Row, rows: &Span, columns: &Span, pixels: u32) {
        let (x, y, w, bias) = (asm.ptr(), asm.ptr(), asm.ptr(), asm.ptr());
        asm.offset(x, at.x, 0);
        asm.offset(y, at.y, 0);
        asm.offset(w, asm.param(1), (rows.tap * self.params.kernel[1] + columns.tap) * 16);
        asm.offset(bias, asm.param(2), 0);
        let group = Group { x, y, w, bias };
        asm.repeat(self.x.c / 4, |asm| {
            self.group(asm, &group, rows, columns, pixels, 4);
            asm.advance(x, 16);
            asm.advance(y, 16);
            asm.advance(w, self.taps * 16);
            asm.advance(bias, 16);
        });
        match self.x.c % 4 {
            0 => {}
            lanes => self.group(asm, &group, rows, columns, pixels, lanes),
        }
    }

    /// One group of up to 4 channels.
    fn group(&self, asm: &mut Asm, group: &Group, rows: &Span, columns: &Span, pixels: u32, lanes: u32) {
        let acc = asm.vec4s(pixels);
        asm.load(acc[0], group.bias, 0);
        for &other in &acc[1..] {
            asm.assign(other, acc[0]);
        }
        let (x, w) = (asm.ptr(), asm.ptr());
        asm.offset(x, group.x, 0);
        asm.offset(w, group.w, 0);
        let wide = columns.tap_end - columns.tap;
        let (stride, tap) = self.steps[1];
        asm.repeat(rows.tap_end - rows.tap, |asm| {
            if wide <= MAX_HELD_COLUMNS {
                let weights = asm.vec4s(wide);
                for (i, &weight) in (0..).zip(&weights) {
                    asm.load(weight, w, 16 * i);
                }
                let mut reads: Vec<u32> =
                    (0..pixels).flat_map(|t| (0..wide).map(move |i| t * stride + i * tap)).collect();
                reads.sort_unstable();
                reads.dedup();
                for read in reads {
                    let value = asm.vec4();
                    asm.load_lanes(value, x, read, lanes);
                    for (i, &weight) in (0..).zip(&weights) {
                        for (t, &acc) in (0..).zip(&acc) {
                            if t * stride + i * tap == read {
                                asm.multiply_add(acc, weight, value);
                            }
                        }
                    }
                }
                asm.advance(x, self.steps[0].1);
                asm.advance(w, self.params.kernel[1] * 16);
            } else {
                let at = asm.ptr();
                asm.offset(at, x, 0);
                asm.repeat(wide, |asm| {
                    let (weight, value) = (asm.vec4(), asm.vec4());
                    asm.load(weight, w, 0);
                    for (t, &acc) in (0..).zip(&acc) {
                        asm.load_lanes(value, at, t * stride, lanes);
                        asm.multiply_add(acc, weight, value);
                    }
                    asm.advance(at, tap);
                    asm.advance(w, 16);
                });
                asm.advance(x, self.steps[0].1);
                asm.advance(w, (self.params.kernel[1] - wide) * 16);
            }
        });
        for (t, &acc) in (0..).zip(&acc) {
            asm.clamp(acc, Bounds::new(self.params.low, self.params.high));
            asm.store_lanes(acc, group.y, t * self.y.pixel, lanes);
        }
    }
}

/// Pointers of a group of channels.
struct Group {
    x: Ptr,
    y: Ptr,
    w: Ptr,
    bias: Ptr,
}

//! Pooling: 4 channels at a time, one output pixel after the other, the window's taps in ascending order.

use mote_abi::op;
use mote_plan::step;

use super::asm::{Asm, Ptr, Vec4};
use super::pixels::Pixels;
use super::span::{self, Span, Window};
use super::{Address, Call, Site};

/// Windows of so many taps are written out; larger ones loop.
const MAX_UNROLLED_TAPS: u32 = 9;

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Pool = site.step.params()?;
    let (x_tensor, y_tensor) = (site.input(0)?, site.output(0)?);
    let (x, y) = (Pixels::of_f32(&x_tensor)?, Pixels::of_f32(&y_tensor)?);
    if (x.n, x.c) != (y.n, y.c) {
        return None;
    }
    // Padding never wins a maximum and is counted, not read, by a mean: the halo stays out of the window.
    let window = |axis: usize, input, output| Window {
        input,
        output,
        kernel: params.kernel[axis],
        stride: params.stride[axis],
        dilation: params.dilation[axis],
        pad: params.pad[axis],
        before: 0,
        after: 0,
        counted_after: (params.op == op::Pool::AverageWithPadding).then_some(params.pad_end[axis]),
    };
    let windows = [window(0, x.h, y.h), window(1, x.w, y.w)];
    let (rows, columns) = span::crossed(&windows)?;
    let steps = [windows[0].steps(x.row)?, windows[1].steps(x.pixel)?];

    let args = vec![Address::of(&x_tensor), Address::of(&y_tensor)];
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let (x_base, y_base) = (asm.ptr(), asm.ptr());
    asm.offset(x_base, asm.param(0), x.start);
    asm.offset(y_base, asm.param(1), y.start);
    let layer = Layer { op: params.op, windows, steps, x, y };
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
    op: op::Pool,
    windows: [Window; 2],
    /// Per axis: bytes of the input between outputs, and between taps.
    steps: [(u32, u32); 2],
    x: Pixels,
    y: Pixels,
}

impl Layer {
    fn rectangle(&self, asm: &mut Asm, x_base: Ptr, y_base: Ptr, rows: &Span, columns: &Span) {
        let y0 = self.windows[0].position(rows.first, rows.tap);
        let x0 = self.windows[1].position(columns.first, columns.tap);
        let start = y0 * i64::from(self.x.row) + x0 * i64::from(self.x.pixel);
        let (x_row, y_row) = (asm.ptr(), asm.ptr());
        asm.offset(x_row, x_base, start as u32);
        asm.offset(y_row, y_base, rows.first * self.y.row + columns.first * self.y.pixel);
        asm.repeat(rows.count, |asm| {
            let (x_at, y_at) = (asm.ptr(), asm.ptr());
            asm.offset(x_at, x_row, 0);
            asm.offset(y_at, y_row, 0);
            asm.repeat(columns.count, |asm| {
                self.pixel(asm, x_at, y_at, rows, columns);
                asm.advance(x_at, self.steps[1].0);
                asm.advance(y_at, self.y.pixel);
            });
            asm.advance(x_row, self.steps[0].0);
            asm.advance(y_row, self.y.row);
        });
    }

    /// All channels of one output pixel.
    fn pixel(&self, asm: &mut Asm, x_at: Ptr, y_at: Ptr, rows: &Span, columns: &Span) {
        let (x, y) = (asm.ptr(), asm.ptr());
        asm.offset(x, x_at, 0);
        asm.offset(y, y_at, 0);
        asm.repeat(self.x.c / 4, |asm| {
            self.group(asm, x, y, rows, columns, 4);
            asm.advance(x, 16);
            asm.advance(y, 16);
        });
        match self.x.c % 4 {
            0 => {}
            lanes => self.group(asm, x, y, rows, columns, lanes),
        }
    }

    fn group(&self, asm: &mut Asm, x: Ptr, y: Ptr, rows: &Span, columns: &Span, lanes: u32) {
        let (acc, value) = (asm.vec4(), asm.vec4());
        if self.op == op::Pool::Max {
            asm.load_lanes(acc, x, 0, lanes);
        } else {
            asm.splat(acc, 0.0);
        }
        let (mut high, mut wide) = (rows.tap_end - rows.tap, columns.tap_end - columns.tap);
        let (row_step, column_step) = (self.steps[0].1, self.steps[1].1);
        if high > 1 && u64::from(wide) * u64::from(column_step) == u64::from(row_step) {
            (high, wide) = (1, wide * high);
        }
        let at = asm.ptr();
        asm.offset(at, x, 0);
        if high * wide <= MAX_UNROLLED_TAPS {
            for _ in 0..high {
                for i in 0..wide {
                    asm.load_lanes(value, at, i * column_step, lanes);
                    self.fold(asm, acc, value);
                }
                asm.advance(at, row_step);
            }
        } else {
            asm.repeat(high, |asm| {
                let tap = asm.ptr();
                asm.offset(tap, at, 0);
                asm.repeat(wide, |asm| {
                    asm.load_lanes(value, tap, 0, lanes);
                    self.fold(asm, acc, value);
                    asm.advance(tap, column_step);
                });
                asm.advance(at, row_step);
            });
        }
        if self.op != op::Pool::Max {
            let reciprocal = 1.0 / (u64::from(rows.counted) * u64::from(columns.counted)) as f32;
            asm.combine_splat(acc, acc, reciprocal, |op| {
                op.f32x4_mul();
            });
        }
        asm.store_lanes(acc, y, 0, lanes);
    }

    fn fold(&self, asm: &mut Asm, acc: Vec4, value: Vec4) {
        if self.op != op::Pool::Max {
            asm.combine(acc, acc, value, |op| {
                op.f32x4_add();
            });
            return;
        }
        // A larger element or a NaN replaces; over a NaN, another NaN is the same answer.
        let (larger, nan) = (asm.vec4(), asm.vec4());
        asm.combine(larger, value, acc, |op| {
            op.f32x4_gt();
        });
        asm.combine(nan, value, value, |op| {
            op.f32x4_ne();
        });
        asm.combine(larger, larger, nan, |op| {
            op.v128_or();
        });
        asm.choose(acc, larger, value, acc);
    }
}

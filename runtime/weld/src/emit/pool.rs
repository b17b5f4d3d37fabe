//! Pooling: 4 channels at a time, one output pixel after the other, the window's taps in ascending order.

use mote_abi::op;
use mote_plan::step;

use super::asm::{Asm, Ptr, Vec4};
use super::pixels::Pixels;
use super::slide::{Patch, Place, Slide};
use super::span::Window;
use super::{Address, Call, Site};

/// Windows of so many taps are written out; larger ones loop.
const MAX_UNROLLED_TAPS: u32 = 9;

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Pool = site.step.params()?;
    let (x_tensor, y_tensor) = (site.input(0)?, site.output(0)?);
    let (x, y) = (Pixels::of_f32(&x_tensor)?, Pixels::of_f32(&y_tensor)?);
    if x.c != y.c {
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
    let slide = Slide::new(x, y, [window(0, x.h, y.h), window(1, x.w, y.w)])?;

    let args = vec![Address::of(&x_tensor), Address::of(&y_tensor)];
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let from = Place { x: asm.param(0), y: asm.param(1) };
    let layer = Layer { op: params.op, slide: &slide };
    slide.over_images(&mut asm, from, |asm, base, patch| {
        slide.over_patch(asm, base, patch, 1, |asm, at, _| layer.pixel(asm, at, patch));
    });
    Some(Call { body: asm.finish(), args })
}

struct Layer<'a> {
    op: op::Pool,
    slide: &'a Slide,
}

impl Layer<'_> {
    /// All channels of one output pixel.
    fn pixel(&self, asm: &mut Asm, at: Place, patch: Patch<'_>) {
        let (x, y) = (asm.ptr(), asm.ptr());
        asm.offset(x, at.x, 0);
        asm.offset(y, at.y, 0);
        asm.repeat(self.slide.x.c / 4, |asm| {
            self.group(asm, x, y, patch, 4);
            asm.advance(x, 16);
            asm.advance(y, 16);
        });
        match self.slide.x.c % 4 {
            0 => {}
            lanes => self.group(asm, x, y, patch, lanes),
        }
    }

    fn group(&self, asm: &mut Asm, x: Ptr, y: Ptr, patch: Patch<'_>, lanes: u32) {
        let (acc, value) = (asm.vec4(), asm.vec4());
        if self.op == op::Pool::Max {
            asm.load_lanes(acc, x, 0, lanes);
        } else {
            asm.splat(acc, 0.0);
        }
        let (mut high, mut wide) = patch.taps();
        let [(_, row_step), (_, column_step)] = self.slide.steps;
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
            let reciprocal = 1.0 / (u64::from(patch.rows.counted) * u64::from(patch.columns.counted)) as f32;
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

//! Depthwise convolution: a few output pixels of a row by 4 channels at a time, filter rows as a real loop.

use mote_plan::step;

use super::asm::{Asm, Bounds, Ptr};
use super::pixels::Pixels;
use super::slide::{Patch, Place, Slide};
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
    if x.c != y.c {
        return None;
    }
    let slide = Slide::convolution(x, y, &params)?;
    let taps = u32::try_from(taps).ok().filter(|&taps| taps <= MAX_TAPS)?;

    let args = vec![Address::of(&x_tensor), w, bias, Address::of(&y_tensor)];
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let from = Place { x: asm.param(0), y: asm.param(3) };
    let layer = Layer { params, taps, slide: &slide };
    slide.over_images(&mut asm, from, |asm, base, patch| {
        let pixels = layer.tile_pixels(patch);
        slide.over_patch(asm, base, patch, pixels, |asm, at, pixels| layer.pixels(asm, at, patch, pixels));
    });
    Some(Call { body: asm.finish(), args })
}

struct Layer<'a> {
    params: step::Conv,
    taps: u32,
    slide: &'a Slide,
}

impl Layer<'_> {
    /// Output pixels of a tile: neighbours share the inputs under their windows, the less the wider the stride.
    fn tile_pixels(&self, patch: Patch<'_>) -> u32 {
        let pixels = if self.params.stride[1] == 1 { 4 } else { 2 };
        patch.columns.count.min(pixels)
    }

    /// All channels of a tile.
    fn pixels(&self, asm: &mut Asm, at: Place, patch: Patch<'_>, pixels: u32) {
        let (x, y, w, bias) = (asm.ptr(), asm.ptr(), asm.ptr(), asm.ptr());
        asm.offset(x, at.x, 0);
        asm.offset(y, at.y, 0);
        asm.offset(w, asm.param(1), (patch.rows.tap * self.params.kernel[1] + patch.columns.tap) * 16);
        asm.offset(bias, asm.param(2), 0);
        let group = Group { x, y, w, bias };
        asm.repeat(self.slide.x.c / 4, |asm| {
            self.group(asm, &group, patch, pixels, 4);
            asm.advance(x, 16);
            asm.advance(y, 16);
            asm.advance(w, self.taps * 16);
            asm.advance(bias, 16);
        });
        match self.slide.x.c % 4 {
            0 => {}
            lanes => self.group(asm, &group, patch, pixels, lanes),
        }
    }

    /// One group of up to 4 channels.
    fn group(&self, asm: &mut Asm, group: &Group, patch: Patch<'_>, pixels: u32, lanes: u32) {
        let acc = asm.vec4s(pixels);
        asm.load(acc[0], group.bias, 0);
        for &other in &acc[1..] {
            asm.assign(other, acc[0]);
        }
        let (x, w) = (asm.ptr(), asm.ptr());
        asm.offset(x, group.x, 0);
        asm.offset(w, group.w, 0);
        let (high, wide) = patch.taps();
        let [(_, row_tap), (stride, tap)] = self.slide.steps;
        asm.repeat(high, |asm| {
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
                asm.advance(x, row_tap);
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
                asm.advance(x, row_tap);
                asm.advance(w, (self.params.kernel[1] - wide) * 16);
            }
        });
        for (t, &acc) in (0..).zip(&acc) {
            asm.clamp(acc, Bounds::new(self.params.low, self.params.high));
            asm.store_lanes(acc, group.y, t * self.slide.y.pixel, lanes);
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

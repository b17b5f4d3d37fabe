//! Convolution and fully connected layers: a segmented GEMM over NHWC images.
//!
//! Padding that the input's halo holds is data like any other. Padding without a halo splits the output into rectangles
//! whose windows see the same taps; the taps outside are left out, which changes no bit (`kernels/ORDER.md`).

use mote_plan::{Region, step};

use super::asm::{Asm, Bounds};
use super::gemm_loop::{Stride, Tile};
use super::nest::{self, Bases, Grid, Layer, Rectangle, Repeat, Taps};
use super::pixels::Pixels;
use super::slide::{Patch, Slide};
use super::{Address, Call, Site};

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Conv = site.step.params()?;
    let (x_tensor, y_tensor) = (site.input(0)?, site.output(0)?);
    let (x, y) = (Pixels::of_f32(&x_tensor)?, Pixels::of_f32(&y_tensor)?);
    let residual_tensor = site.input(3);
    let residual = match &residual_tensor {
        Some(tensor) => Some(Pixels::of_f32(tensor).filter(|residual| residual.same_shape(&y))?),
        None if site.step.input(3).is_some() => return None,
        None => None,
    };
    let taps = u64::from(params.kernel[0]) * u64::from(params.kernel[1]);
    let k = taps.checked_mul(u64::from(x.c))?;
    let panels = u64::from(y.c.div_ceil(8));
    let w = site.packed(1, (panels * 8).checked_mul(k)?)?;
    let bias = site.packed(2, panels * 8)?;
    let slide = Slide::convolution(x, y, &params)?;
    let panel = u32::try_from(k * 32).ok()?;

    // The last two words of the record, see `step::Conv`.
    let bounds = Address { region: Region::Const, offset: site.record + site.step.len_bytes() - 8 };
    let mut args = vec![Address::of(&x_tensor), w, bias, Address::of(&y_tensor), bounds];
    args.extend(residual_tensor.map(|tensor| Address::of(&tensor)));
    let mut asm = Asm::new(site.flavour.profile, args.len() as u32);
    let (x_base, y_base) = (asm.ptr(), asm.ptr());
    asm.offset(x_base, asm.param(0), x.start);
    asm.offset(y_base, asm.param(3), y.start);
    let residual_base = residual.map(|residual| {
        let base = asm.ptr();
        asm.offset(base, asm.param(5), residual.start);
        base
    });
    let bases = Bases {
        x: x_base,
        w: asm.param(1),
        bias: Some(asm.param(2)),
        y: y_base,
        residual: residual_base,
        bounds: Some(asm.param(4)),
    };

    // Where there is no residual, the output's layout stands in for it and constrains nothing.
    let r = residual.unwrap_or(y);
    let shape = Shape { width: params.kernel[1], slide: &slide, residual: r, panel };
    let images = shape.images();
    let main = Tile::main(site.flavour);
    asm.repeat(images, |asm| {
        for patch in slide.patches() {
            let mut rectangle = shape.rectangle(patch);
            if images == 1 && x.n > 1 {
                rectangle = shape.stack_images(rectangle);
            }
            let tile = main.for_runs(rectangle.taps.k, rectangle.taps.outer.count * rectangle.taps.inner.count > 1);
            let layer = Layer { tile, n: y.c, b: Stride::packed(panel), bounds: Bounds::new(params.low, params.high) };
            nest::emit(asm, &layer, &bases, rectangle);
        }
        asm.advance(bases.x, x.image);
        asm.advance(bases.y, y.image);
        if let Some(base) = bases.residual {
            asm.advance(base, r.image);
        }
    });
    Some(Call { body: asm.finish(), args })
}

struct Shape<'a> {
    /// Taps of a filter row.
    width: u32,
    slide: &'a Slide,
    residual: Pixels,
    panel: u32,
}

impl Shape<'_> {
    /// Turns of the loop over images: one where a single rectangle can run on from image to image.
    fn images(&self) -> u32 {
        let Slide { x, y, .. } = self.slide;
        let mut patches = self.slide.patches();
        let (Some(whole), None) = (patches.next(), patches.next()) else { return x.n };
        let rectangle = self.rectangle(whole);
        let grids = [(rectangle.x, x.image), (rectangle.y, y.image), (rectangle.residual, self.residual.image)];
        let seamless = grids.iter().all(|(grid, image)| {
            (grid.is_contiguous(rectangle.columns) || rectangle.rows == 1)
                && u64::from(rectangle.rows) * u64::from(rectangle.columns) * u64::from(grid.column)
                    == u64::from(*image)
        });
        if seamless { 1 } else { x.n }
    }

    /// The rectangle run on over every image.
    fn stack_images(&self, one: Rectangle) -> Rectangle {
        Rectangle { rows: 1, columns: one.rows * one.columns * self.slide.x.n, ..one }
    }

    fn rectangle(&self, patch: Patch<'_>) -> Rectangle {
        let output = |pixels: &Pixels| Grid { start: patch.start(pixels), column: pixels.pixel, row: pixels.row };
        let [(row, _), (column, _)] = self.slide.steps;
        Rectangle {
            rows: patch.rows.count,
            columns: patch.columns.count,
            x: Grid { start: self.slide.first_tap(patch), column, row },
            y: output(&self.slide.y),
            residual: output(&self.residual),
            taps: self.taps(patch),
        }
    }

    fn taps(&self, patch: Patch<'_>) -> Taps {
        let Slide { x, steps, .. } = self.slide;
        let tap_bytes = x.c * 32;
        let (high, wide) = patch.taps();
        let first = (patch.rows.tap * self.width + patch.columns.tap) * tap_bytes;
        let mut outer = Repeat { count: high, a_step: steps[0].1, b_skip: (self.width - wide) * tap_bytes };
        let mut inner = Repeat { count: wide, a_step: steps[1].1, b_skip: 0 };
        let mut k = x.c;
        if inner.a_step == x.pixel || wide == 1 {
            k *= inner.count;
            inner.count = 1;
            // Filter rows that follow each other in A and in B are one run.
            if outer.b_skip == 0 && outer.a_step == k * 4 {
                k *= outer.count;
                outer.count = 1;
            }
        }
        debug_assert!(u64::from(first) + u64::from(k) * 32 <= u64::from(self.panel));
        Taps { first, outer, inner, k }
    }
}

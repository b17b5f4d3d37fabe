//! Convolution and fully connected layers: a segmented GEMM over NHWC images.
//!
//! Padding that the input's halo holds is data like any other. Padding without a halo splits the output into rectangles
//! whose windows see the same taps; the taps outside are left out, which changes no bit (`kernels/ORDER.md`).

use mote_plan::{Region, step};

use super::asm::{Asm, Bounds};
use super::gemm_loop::{Stride, Tile};
use super::nest::{self, Bases, Grid, Layer, Rectangle, Repeat, Taps};
use super::pixels::Pixels;
use super::span::{self, Span, Window};
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
    if x.n != y.n {
        return None;
    }

    let windows = windows(&params, &x, &y);
    let (rows, columns) = span::crossed(&windows)?;
    let steps = [windows[0].steps(x.row)?, windows[1].steps(x.pixel)?];
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
    let shape = Shape { width: params.kernel[1], windows, steps, x, y, residual: r, panel };
    let images = shape.images(&rows, &columns);
    let main = Tile::main(site.flavour);
    asm.repeat(images, |asm| {
        for rows in &rows {
            for columns in &columns {
                let mut rectangle = shape.rectangle(rows, columns);
                if images == 1 && x.n > 1 {
                    rectangle = shape.stack_images(rectangle);
                }
                let tile = main.for_runs(rectangle.taps.k, rectangle.taps.outer.count * rectangle.taps.inner.count > 1);
                let layer =
                    Layer { tile, n: y.c, b: Stride::packed(panel), bounds: Bounds::new(params.low, params.high) };
                nest::emit(asm, &layer, &bases, rectangle);
            }
        }
        asm.advance(bases.x, x.image);
        asm.advance(bases.y, y.image);
        if let Some(base) = bases.residual {
            asm.advance(base, r.image);
        }
    });
    Some(Call { body: asm.finish(), args })
}

fn windows(params: &step::Conv, x: &Pixels, y: &Pixels) -> [Window; 2] {
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
    [window(0, x.h, y.h, x.halo.top, x.halo.bottom), window(1, x.w, y.w, x.halo.left, x.halo.right)]
}

struct Shape {
    /// Taps of a filter row.
    width: u32,
    windows: [Window; 2],
    /// Per axis: bytes of the input between outputs, and between taps.
    steps: [(u32, u32); 2],
    x: Pixels,
    y: Pixels,
    residual: Pixels,
    panel: u32,
}

impl Shape {
    /// Turns of the loop over images: one where a single rectangle can run on from image to image.
    fn images(&self, rows: &[Span], columns: &[Span]) -> u32 {
        if self.x.n == 1 {
            return 1;
        }
        let whole = rows.len() == 1 && columns.len() == 1;
        let rectangle = self.rectangle(&rows[0], &columns[0]);
        let grids =
            [(rectangle.x, self.x.image), (rectangle.y, self.y.image), (rectangle.residual, self.residual.image)];
        let seamless = grids.iter().all(|(grid, image)| {
            (grid.is_contiguous(rectangle.columns) || rectangle.rows == 1)
                && u64::from(rectangle.rows) * u64::from(rectangle.columns) * u64::from(grid.column)
                    == u64::from(*image)
        });
        if whole && seamless { 1 } else { self.x.n }
    }

    /// The rectangle run on over every image.
    fn stack_images(&self, one: Rectangle) -> Rectangle {
        Rectangle { rows: 1, columns: one.rows * one.columns * self.x.n, ..one }
    }

    fn rectangle(&self, rows: &Span, columns: &Span) -> Rectangle {
        let output = |pixels: &Pixels| Grid {
            start: rows.first * pixels.row + columns.first * pixels.pixel,
            column: pixels.pixel,
            row: pixels.row,
        };
        let y0 = self.windows[0].position(rows.first, rows.tap);
        let x0 = self.windows[1].position(columns.first, columns.tap);
        let start = y0 * i64::from(self.x.row) + x0 * i64::from(self.x.pixel);
        let x = Grid {
            // Addresses wrap: a tap in the halo lies before the first element.
            start: start as u32,
            column: self.steps[1].0,
            row: self.steps[0].0,
        };
        Rectangle {
            rows: rows.count,
            columns: columns.count,
            x,
            y: output(&self.y),
            residual: output(&self.residual),
            taps: self.taps(rows, columns),
        }
    }

    fn taps(&self, rows: &Span, columns: &Span) -> Taps {
        let tap_bytes = self.x.c * 32;
        let (high, wide) = (rows.tap_end - rows.tap, columns.tap_end - columns.tap);
        let first = (rows.tap * self.width + columns.tap) * tap_bytes;
        let mut outer = Repeat { count: high, a_step: self.steps[0].1, b_skip: (self.width - wide) * tap_bytes };
        let mut inner = Repeat { count: wide, a_step: self.steps[1].1, b_skip: 0 };
        let mut k = self.x.c;
        if inner.a_step == self.x.pixel || wide == 1 {
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

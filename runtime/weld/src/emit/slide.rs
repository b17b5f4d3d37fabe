//! A window that slides over images: what convolution, depthwise convolution and pooling have in common.

use mote_plan::step;

use super::asm::{Asm, Ptr};
use super::pixels::Pixels;
use super::span::{self, Span, Window};

/// Input and output images and the window between them.
pub(super) struct Slide {
    pub(super) x: Pixels,
    pub(super) y: Pixels,
    windows: [Window; 2],
    rows: Vec<Span>,
    columns: Vec<Span>,
    /// Per axis, rows first: bytes of the input between outputs, and between taps.
    pub(super) steps: [(u32, u32); 2],
}

/// A rectangle of outputs whose windows have the same taps inside.
#[derive(Clone, Copy)]
pub(super) struct Patch<'a> {
    pub(super) rows: &'a Span,
    pub(super) columns: &'a Span,
}

/// Where input and output of a position are read and written.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: Ptr,
    pub(super) y: Ptr,
}

impl Slide {
    /// `None` where images and windows are not worth code of their own, see [`span::crossed`].
    pub(super) fn new(x: Pixels, y: Pixels, windows: [Window; 2]) -> Option<Self> {
        if x.n != y.n {
            return None;
        }
        let (rows, columns) = span::crossed(&windows)?;
        let steps = [windows[0].steps(x.row)?, windows[1].steps(x.pixel)?];
        Some(Self { x, y, windows, rows, columns, steps })
    }

    /// The windows of a convolution, which read the halo like any other data.
    pub(super) fn convolution(x: Pixels, y: Pixels, params: &step::Conv) -> Option<Self> {
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
        let rows = window(0, x.h, y.h, x.halo.top, x.halo.bottom);
        let columns = window(1, x.w, y.w, x.halo.left, x.halo.right);
        Self::new(x, y, [rows, columns])
    }

    /// All rectangles, row by row; there is at least one.
    pub(super) fn patches(&self) -> impl Iterator<Item = Patch<'_>> {
        self.rows.iter().flat_map(|rows| self.columns.iter().map(move |columns| Patch { rows, columns }))
    }

    /// Bytes from the input's first element to the first tap of a rectangle. Addresses wrap: a tap in the halo lies
    /// before the first element.
    pub(super) fn first_tap(&self, Patch { rows, columns }: Patch<'_>) -> u32 {
        let y0 = self.windows[0].position(rows.first, rows.tap);
        let x0 = self.windows[1].position(columns.first, columns.tap);
        (y0 * i64::from(self.x.row) + x0 * i64::from(self.x.pixel)) as u32
    }

    /// Calls `body` for every rectangle of every image, from the images that the two parameters point at.
    pub(super) fn over_images(&self, asm: &mut Asm, from: Place, mut body: impl FnMut(&mut Asm, Place, Patch<'_>)) {
        let base = Place { x: asm.ptr(), y: asm.ptr() };
        asm.offset(base.x, from.x, self.x.start);
        asm.offset(base.y, from.y, self.y.start);
        asm.repeat(self.x.n, |asm| {
            for patch in self.patches() {
                body(asm, base, patch);
            }
            asm.advance(base.x, self.x.image);
            asm.advance(base.y, self.y.image);
        });
    }

    /// Calls `body` for `tile` outputs of a row at a time, and for what is left of it; it is told how many.
    pub(super) fn over_patch(
        &self,
        asm: &mut Asm,
        base: Place,
        patch: Patch<'_>,
        tile: u32,
        mut body: impl FnMut(&mut Asm, Place, u32),
    ) {
        let Patch { rows, columns } = patch;
        let row = Place { x: asm.ptr(), y: asm.ptr() };
        asm.offset(row.x, base.x, self.first_tap(patch));
        asm.offset(row.y, base.y, patch.start(&self.y));
        asm.repeat(rows.count, |asm| {
            let at = Place { x: asm.ptr(), y: asm.ptr() };
            asm.offset(at.x, row.x, 0);
            asm.offset(at.y, row.y, 0);
            asm.repeat(columns.count / tile, |asm| {
                body(asm, at, tile);
                asm.advance(at.x, tile * self.steps[1].0);
                asm.advance(at.y, tile * self.y.pixel);
            });
            match columns.count % tile {
                0 => {}
                rest => body(asm, at, rest),
            }
            asm.advance(row.x, self.steps[0].0);
            asm.advance(row.y, self.y.row);
        });
    }
}

impl Patch<'_> {
    /// Bytes from an image's first element to the rectangle's.
    pub(super) fn start(&self, image: &Pixels) -> u32 {
        self.rows.first * image.row + self.columns.first * image.pixel
    }

    /// Rows and columns of taps inside.
    pub(super) fn taps(&self) -> (u32, u32) {
        (self.rows.tap_end - self.rows.tap, self.columns.tap_end - self.columns.tap)
    }
}

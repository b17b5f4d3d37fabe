use crate::error::{KernelError, Result};
use crate::layout::Layout;

/// An NHWC image inside its storage: extents, and distances in elements. Neighbouring channels are adjacent; a halo makes
/// rows and images longer than their pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Images.
    pub batch: usize,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub channels: usize,
    image_step: usize,
    row_step: usize,
    pub(crate) pixel_step: usize,
    start: usize,
}

impl Image {
    /// The image of a rank-4 layout that lies inside a slice of so many elements.
    ///
    /// # Errors
    /// Another rank, a gap between channels, a negative stride or an element outside the slice.
    pub fn new(layout: &Layout, elements: usize) -> Result<Self> {
        layout.fits(elements)?;
        let [n, h, w, c] = layout.used() else { return Err(KernelError::Shape) };
        if c.stride != 1 && c.len > 1 {
            return Err(KernelError::Shape);
        }
        let step = |stride: isize| usize::try_from(stride).map_err(|_| KernelError::Shape);
        Ok(Self {
            batch: n.len,
            size: [h.len, w.len],
            channels: c.len,
            image_step: step(n.stride)?,
            row_step: step(h.stride)?,
            pixel_step: step(w.stride)?,
            start: layout.start,
        })
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        crate::layout::count([self.batch, self.size[0], self.size[1], self.channels].into_iter())
    }

    /// Position of the first channel of a pixel. Meaningful for pixels inside the image.
    pub(crate) fn at(&self, image: usize, row: usize, column: usize) -> usize {
        self.start
            .wrapping_add(image.wrapping_mul(self.image_step))
            .wrapping_add(row.wrapping_mul(self.row_step))
            .wrapping_add(column.wrapping_mul(self.pixel_step))
    }

    /// Whether the pixels of a row follow each other without a gap.
    pub(crate) fn rows_are_runs(&self) -> bool {
        self.pixel_step == self.channels
    }

    /// The same pixels as one row, where neither rows nor images have gaps between them.
    pub(crate) fn as_one_row(&self) -> Option<Self> {
        let row = self.size[1].checked_mul(self.pixel_step)?;
        let image = self.size[0].checked_mul(row)?;
        let rows_touch = self.row_step == row || self.size[0] == 1;
        let images_touch = self.image_step == image || self.batch == 1;
        let pixels = self.batch.checked_mul(self.size[0])?.checked_mul(self.size[1])?;
        (rows_touch && images_touch).then_some(Self { batch: 1, size: [1, pixels], ..*self })
    }

    /// Calls for every pixel of every image, row-major, unless the image has no elements.
    pub(crate) fn pixels(&self, mut visit: impl FnMut(Pixel) -> Result) -> Result {
        if self.count() == 0 {
            return Ok(());
        }
        for image in 0..self.batch {
            for row in 0..self.size[0] {
                for column in 0..self.size[1] {
                    visit(Pixel { image, row, column })?;
                }
            }
        }
        Ok(())
    }
}

/// Coordinates of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixel {
    pub(crate) image: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// A filter or pooling window sliding over an image. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps.
    pub kernel: [u32; 2],
    /// Distance between neighbouring windows, in input pixels.
    pub stride: [u32; 2],
    /// Distance between neighbouring taps, in input pixels.
    pub dilation: [u32; 2],
    /// Zero pixels above and left of the input.
    pub pad: [u32; 2],
}

/// Coordinates beyond this are refused, so that sums of them never overflow.
const FARTHEST: u64 = 1 << 29;

impl Window {
    /// Refuses windows whose coordinates are absurd for an output of so many rows and columns.
    ///
    /// # Errors
    /// A zero stride or dilation, or coordinates beyond 2^29.
    pub(crate) fn check(&self, size: [usize; 2]) -> Result {
        let [high, wide] = size;
        self.check_axis(Axis::Vertical, high)?;
        self.check_axis(Axis::Horizontal, wide)
    }

    fn check_axis(&self, axis: Axis, size: usize) -> Result {
        check_slide(self.along(axis), size)
    }

    /// Kernel, stride, dilation and padding of one axis.
    fn along(&self, axis: Axis) -> [usize; 4] {
        [self.kernel, self.stride, self.dilation, self.pad].map(|[vertical, horizontal]| match axis {
            Axis::Vertical => vertical as usize,
            Axis::Horizontal => horizontal as usize,
        })
    }

    /// Number of taps.
    pub(crate) fn taps(&self) -> usize {
        (self.kernel[0] as usize).saturating_mul(self.kernel[1] as usize)
    }

    /// The taps of the window at an output position that lie inside an input of `extent` pixels.
    pub(crate) fn inside(&self, axis: Axis, output: usize, extent: usize) -> Taps {
        self.slide(axis, extent).at(output)
    }

    /// One axis of the window over an input of `extent` pixels.
    pub(crate) fn slide(&self, axis: Axis, extent: usize) -> Slide {
        Slide::new(self.along(axis), extent)
    }
}

/// Refuses kernel, stride, dilation and padding of one axis whose coordinates are absurd for so many outputs.
///
/// # Errors
/// A zero stride or dilation, or coordinates beyond 2^29.
pub(crate) fn check_slide(along: [usize; 4], size: usize) -> Result {
    let [kernel, stride, dilation, pad] = along.map(|word| word as u64);
    let reach = stride.saturating_mul(size as u64).saturating_add(kernel.saturating_mul(dilation));
    if reach.saturating_add(pad) > FARTHEST || stride == 0 || dilation == 0 {
        return Err(KernelError::Shape);
    }
    Ok(())
}

/// A window that slides along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slide {
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
    extent: usize,
    /// Output positions at which every tap lies inside the input.
    pub(crate) interior: core::ops::Range<usize>,
}

impl Slide {
    /// Kernel, stride, dilation and padding over an input of `extent` pixels.
    pub(crate) fn new([kernel, stride, dilation, pad]: [usize; 4], extent: usize) -> Self {
        // All taps lie inside where output * stride is at least pad and below extent + pad - (kernel - 1) * dilation.
        let reach = kernel.saturating_sub(1).saturating_mul(dilation);
        let end = ceil_div(extent.saturating_add(pad).saturating_sub(reach), stride);
        Self { kernel, stride, dilation, pad, extent, interior: ceil_div(pad, stride)..end }
    }

    /// The taps at an output position that lie inside the input.
    #[inline]
    pub(crate) fn at(&self, output: usize) -> Taps {
        let Self { kernel, dilation, pad, .. } = *self;
        let from = output.wrapping_mul(self.stride);
        let origin = from.wrapping_sub(pad);
        if self.interior.contains(&output) {
            return Taps { first: 0, end: kernel, origin, dilation };
        }
        // Tap k reads from + k * dilation - pad, which must be in 0..extent.
        let first = ceil_div(pad.saturating_sub(from), dilation);
        let end = ceil_div(self.extent.saturating_add(pad).saturating_sub(from), dilation).min(kernel);
        Taps { first: first.min(end), end, origin, dilation }
    }
}

/// Selects the vertical or the horizontal half of a window's pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Vertical,
    Horizontal,
}

/// Taps `first..end` of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    pub(crate) first: usize,
    pub(crate) end: usize,
    origin: usize,
    dilation: usize,
}

impl Taps {
    /// Input coordinate of a tap.
    pub(crate) fn input(&self, tap: usize) -> usize {
        self.origin.wrapping_add(tap.wrapping_mul(self.dilation))
    }

    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.first)
    }
}

pub(crate) fn ceil_div(a: usize, b: usize) -> usize {
    match a.checked_sub(1) {
        Some(a) => a.checked_div(b).unwrap_or(0) + 1,
        None => 0,
    }
}

/// Bounds that an output is clamped to; NaN and -0.0 pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// Lower bound, -inf for none.
    pub low: f32,
    /// Upper bound, +inf for none.
    pub high: f32,
}

impl Clamp {
    /// No bounds.
    pub const NONE: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };

    pub(crate) fn apply(&self, value: f32) -> f32 {
        crate::scalar::math::clamp(value, self.low, self.high)
    }
}

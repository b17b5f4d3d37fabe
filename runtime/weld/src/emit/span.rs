//! Which taps of a window lie inside the input, along one axis.

/// Consecutive outputs whose windows have the same taps inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First output and number of outputs.
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// First tap inside, and the first after it that is not.
    pub(crate) tap: u32,
    pub(crate) tap_end: u32,
    /// Taps that a mean divides by.
    pub(crate) counted: u32,
}

/// A window sliding along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) input: u32,
    pub(crate) output: u32,
    pub(crate) kernel: u32,
    pub(crate) stride: u32,
    pub(crate) dilation: u32,
    pub(crate) pad: u32,
    /// Readable zeros before and after the input.
    pub(crate) before: u32,
    pub(crate) after: u32,
    /// Padding after the input that a mean counts; `None` where a mean counts the taps inside alone.
    pub(crate) counted_after: Option<u32>,
}

/// More rectangles than this, spans of one axis times spans of the other, would write too much code.
const MAX_RECTANGLES: usize = 25;
/// Largest stride, dilation, kernel and padding that is worth code of its own.
const MAX_EXTENT: u32 = 1 << 16;
/// Largest distance in bytes between the rows of a tile, so that a few of them stay small offsets.
const MAX_STEP_BYTES: u64 = 1 << 24;

/// The spans of the rows and of the columns. `None` as in [`Window::spans`], or where they cross in too many rectangles.
pub(crate) fn crossed(windows: &[Window; 2]) -> Option<(Vec<Span>, Vec<Span>)> {
    let (rows, columns) = (windows[0].spans()?, windows[1].spans()?);
    (rows.len() * columns.len() <= MAX_RECTANGLES).then_some((rows, columns))
}

impl Window {
    /// The spans in order. `None` where there are too many, where a window has no tap inside, or where the numbers are
    /// none of a window.
    fn spans(&self) -> Option<Vec<Span>> {
        let sensible = 1..=MAX_EXTENT;
        let extents = [self.stride, self.dilation, self.kernel];
        if self.pad > MAX_EXTENT || !extents.iter().all(|extent| sensible.contains(extent)) {
            return None;
        }
        let mut spans: Vec<Span> = Vec::new();
        let mut output = 0;
        while output < self.output {
            let (tap, tap_end, counted) = self.taps(output)?;
            let count = if tap_end - tap == self.kernel { self.full_from(output) } else { 1 };
            let same = |span: &&mut Span| (span.tap, span.tap_end, span.counted) == (tap, tap_end, counted);
            match spans.last_mut().filter(same) {
                Some(last) => last.count += count,
                None => spans.push(Span { first: output, count, tap, tap_end, counted }),
            }
            if spans.len() > MAX_RECTANGLES {
                return None;
            }
            output += count;
        }
        Some(spans)
    }

    /// The bytes between neighbouring outputs and between neighbouring taps, where elements lie so many bytes apart.
    pub(crate) fn steps(&self, element: u32) -> Option<(u32, u32)> {
        let step = |count: u32| Some(u64::from(count) * u64::from(element)).filter(|&bytes| bytes <= MAX_STEP_BYTES);
        Some((step(self.stride)? as u32, step(self.dilation)? as u32))
    }

    /// Number of outputs from this one on whose windows lie inside with all taps.
    fn full_from(&self, output: u32) -> u32 {
        let room = i64::from(self.input) + i64::from(self.after) - 1 - self.position(output, self.kernel - 1);
        let more = room / i64::from(self.stride);
        more.min(i64::from(self.output - 1 - output)) as u32 + 1
    }

    /// Distance in elements from the input's first element to the one under a tap of an output; may be negative.
    pub(crate) fn position(&self, output: u32, tap: u32) -> i64 {
        i64::from(output) * i64::from(self.stride) - i64::from(self.pad) + i64::from(tap) * i64::from(self.dilation)
    }

    fn taps(&self, output: u32) -> Option<(u32, u32, u32)> {
        let inside = self.below(output, -i64::from(self.before));
        let end = self.below(output, i64::from(self.input) + i64::from(self.after));
        if inside >= end {
            return None;
        }
        let counted = match self.counted_after {
            None => end - inside,
            Some(after) => self.below(output, i64::from(self.input) + i64::from(after)),
        };
        Some((inside, end, counted))
    }

    /// Number of leading taps that lie before a position.
    fn below(&self, output: u32, position: i64) -> u32 {
        let steps = (position - self.position(output, 0)).max(0);
        let taps = (steps as u64).div_ceil(u64::from(self.dilation));
        taps.min(u64::from(self.kernel)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(input: u32, output: u32, kernel: u32, stride: u32, dilation: u32, pad: u32) -> Window {
        Window { input, output, kernel, stride, dilation, pad, before: 0, after: 0, counted_after: None }
    }

    fn shape(window: &Window) -> Option<Vec<(u32, u32, u32, u32)>> {
        Some(window.spans()?.iter().map(|s| (s.first, s.count, s.tap, s.tap_end)).collect())
    }

    #[test]
    fn padding_splits_the_edges_off() {
        let same = window(5, 5, 3, 1, 1, 1);
        assert_eq!(shape(&same), Some(vec![(0, 1, 1, 3), (1, 3, 0, 3), (4, 1, 0, 2)]));
        let haloed = Window { before: 1, after: 1, ..same };
        assert_eq!(shape(&haloed), Some(vec![(0, 5, 0, 3)]));
        let dilated = window(7, 7, 3, 1, 2, 2);
        assert_eq!(shape(&dilated), Some(vec![(0, 2, 1, 3), (2, 3, 0, 3), (5, 2, 0, 2)]));
        let strided = window(6, 3, 3, 2, 1, 0);
        assert_eq!(shape(&strided), Some(vec![(0, 2, 0, 3), (2, 1, 0, 2)]));
    }

    #[test]
    fn a_mean_with_padding_counts_up_to_the_declared_end() {
        let counted = Window { counted_after: Some(1), ..window(4, 3, 3, 2, 1, 1) };
        let counts: Vec<u32> = counted.spans().unwrap().iter().map(|s| s.counted).collect();
        assert_eq!(counts, [3, 3, 2]);
    }

    #[test]
    fn senseless_windows_are_left_alone() {
        assert_eq!(shape(&window(4, 4, 3, 0, 1, 1)), None);
        assert_eq!(shape(&window(2, 9, 1, 1, 1, 4)), None, "the first window sees nothing");
        assert_eq!(shape(&window(64, 64, 33, 1, 1, 16)), None, "too many edges");
    }
}

//! A ring of samples that yields overlapping windows.

use crate::StreamError;

/// How samples become windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    channels: usize,
    length: usize,
    hop: usize,
}

impl Shape {
    /// Windows of `length` samples of `channels` values, one every `hop` samples. `hop` may exceed
    /// `length`; samples between windows are then passed over.
    ///
    /// # Errors
    /// [`StreamError::BadShape`].
    pub const fn new(channels: usize, length: usize, hop: usize) -> Result<Self, StreamError> {
        match channels.checked_mul(length) {
            Some(values) if values > 0 && hop > 0 => Ok(Self { channels, length, hop }),
            _ => Err(StreamError::BadShape),
        }
    }

    /// Values per sample.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Samples per window.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Samples from the start of one window to the start of the next.
    #[must_use]
    pub const fn hop(&self) -> usize {
        self.hop
    }

    /// Values in a window, and in the ring that the caller provides.
    #[must_use]
    pub const fn ring_len(&self) -> usize {
        self.channels * self.length
    }
}

/// What did not arrive as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Stats {
    /// How often numbers were missing; each time the window starts anew.
    pub gaps: u64,
    /// How many numbers were missing.
    pub lost: u64,
    /// Samples dropped because their number had passed: repeated or overtaken.
    pub late: u64,
}

/// Cuts a stream of samples into windows.
#[derive(Debug)]
pub struct Windows<M> {
    shape: Shape,
    /// Time-major: sample `s` is `ring[s * channels..][..channels]`.
    ring: M,
    /// The slot that is written next.
    next: usize,
    /// Slots that hold a sample since the last gap.
    filled: usize,
    /// Samples until the next window is complete.
    until: usize,
    /// Filled slots that hold a value that is not finite.
    not_finite: usize,
    expected: Option<u64>,
    stats: Stats,
}

impl<M: AsRef<[f32]> + AsMut<[f32]>> Windows<M> {
    /// An empty stream over `ring`, which holds [`Shape::ring_len`] values: an array, a borrowed slice or a box.
    ///
    /// # Errors
    /// [`StreamError::WrongLength`].
    pub fn new(shape: Shape, ring: M) -> Result<Self, StreamError> {
        same_length(shape.ring_len(), ring.as_ref().len())?;
        let stats = Stats::default();
        let until = shape.length;
        Ok(Self { shape, ring, next: 0, filled: 0, until, not_finite: 0, expected: None, stats })
    }

    /// Takes one sample of `channels` values. `sequence` is the sender's count of samples; `None` trusts that
    /// none is missing. A number that has passed is dropped; after a missing one the window starts anew,
    /// because a model has no way to know that time was cut out of its input.
    ///
    /// # Errors
    /// [`StreamError::WrongLength`]; the sample is not taken.
    pub fn push(&mut self, sequence: Option<u64>, sample: &[f32]) -> Result<Option<Window<'_>>, StreamError> {
        same_length(self.shape.channels, sample.len())?;
        if let (Some(expected), Some(sequence)) = (self.expected, sequence) {
            if sequence < expected {
                self.stats.late = self.stats.late.saturating_add(1);
                return Ok(None);
            }
            if sequence > expected {
                self.stats.gaps = self.stats.gaps.saturating_add(1);
                self.stats.lost = self.stats.lost.saturating_add(sequence - expected);
                self.empty();
            }
        }
        self.expected = sequence.map(|sequence| sequence.saturating_add(1));
        self.store(sample);
        self.until -= 1;
        if self.until > 0 {
            return Ok(None);
        }
        self.until = self.shape.hop;
        Ok(Some(self.window(sequence)))
    }

    /// Forgets everything but the statistics: the sender has started again and counts from anywhere.
    pub fn restart(&mut self) {
        self.empty();
        self.expected = None;
    }

    /// What did not arrive as it should, since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The shape of the windows.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn empty(&mut self) {
        (self.next, self.filled, self.not_finite) = (0, 0, 0);
        self.until = self.shape.length;
    }

    fn store(&mut self, sample: &[f32]) {
        let start = self.next * self.shape.channels;
        if let Some(slot) = self.ring.as_mut().get_mut(start..start + self.shape.channels) {
            if self.filled == self.shape.length && !is_finite(slot) {
                self.not_finite -= 1;
            }
            slot.copy_from_slice(sample);
        }
        if !is_finite(sample) {
            self.not_finite += 1;
        }
        self.filled = self.shape.length.min(self.filled + 1);
        self.next = (self.next + 1) % self.shape.length;
    }

    fn window(&self, last: Option<u64>) -> Window<'_> {
        let (newer, older) = self.ring.as_ref().split_at(self.next * self.shape.channels);
        let quality = if self.not_finite == 0 { Quality::Good } else { Quality::NotFinite };
        Window { older, newer, shape: self.shape, last, quality }
    }
}

fn is_finite(sample: &[f32]) -> bool {
    sample.iter().all(|value| value.is_finite())
}

fn same_length(expected: usize, got: usize) -> Result<(), StreamError> {
    if expected == got { Ok(()) } else { Err(StreamError::WrongLength { expected, got }) }
}

/// In which order a model takes a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// `[length, channels]`: sample after sample.
    TimeMajor,
    /// `[channels, length]`: channel after channel.
    ChannelMajor,
}

/// Whether a window is worth predicting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Every value is finite.
    Good,
    /// A value is NaN or infinite. A model would answer all the same, so this is said rather than repaired.
    NotFinite,
}

/// A complete window, in place.
#[derive(Debug, Clone, Copy)]
pub struct Window<'w> {
    older: &'w [f32],
    newer: &'w [f32],
    shape: Shape,
    last: Option<u64>,
    quality: Quality,
}

impl<'w> Window<'w> {
    /// Whether it is worth predicting on.
    #[must_use]
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// The number of its last sample, if samples are numbered.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Its samples, oldest first; `channels` values each.
    pub fn samples(&self) -> impl Iterator<Item = &'w [f32]> + use<'w> {
        let channels = self.shape.channels;
        self.older.chunks_exact(channels).chain(self.newer.chunks_exact(channels))
    }

    /// Writes all values over `out`, which holds [`Shape::ring_len`] of them.
    ///
    /// # Errors
    /// [`StreamError::WrongLength`].
    pub fn copy_to(&self, order: Order, out: &mut [f32]) -> Result<(), StreamError> {
        same_length(self.shape.ring_len(), out.len())?;
        match order {
            Order::TimeMajor => {
                let (first, second) = out.split_at_mut(self.older.len());
                first.copy_from_slice(self.older);
                second.copy_from_slice(self.newer);
            }
            Order::ChannelMajor => {
                for (channel, row) in out.chunks_exact_mut(self.shape.length).enumerate() {
                    for (to, sample) in row.iter_mut().zip(self.samples()) {
                        *to = sample.get(channel).copied().unwrap_or_default();
                    }
                }
            }
        }
        Ok(())
    }
}

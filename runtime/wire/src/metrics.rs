//! Folded telemetry: one window of outcomes, mergeable by addition.

use minicbor::Decoder;

use crate::body::{Body, Fault, Full, Output, in_range, read, required, write};
use crate::{WireError, is_name};

/// Classes counted one by one; any beyond share the last count.
pub const CLASSES: usize = 32;
/// Latency buckets: bucket `i` counts latencies below `2^i` microseconds that fit no lower one; the last
/// counts the rest. `2^22` us is 4.2 s.
pub const LATENCY_BUCKETS: usize = 24;

/// A row of counts that saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counts<const N: usize>(pub [u32; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Counts<N> {
    /// Counts one at `index`, or at the last place if there is no such index.
    pub fn count(&mut self, index: usize) {
        if let Some(count) = self.0.get_mut(index.min(N.saturating_sub(1))) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds each count of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (count, &more) in self.0.iter_mut().zip(&other.0) {
            *count = count.saturating_add(more);
        }
    }

    /// Trailing zeros stay at home.
    fn write(&self, encoder: &mut Output<'_>) -> Result<(), Full> {
        let length = self.0.iter().rposition(|&count| count != 0).map_or(0, |last| last + 1);
        encoder.array(length as u64)?;
        self.0.iter().take(length).try_for_each(|&count| encoder.u32(count)?.ok())
    }

    fn read(decoder: &mut Decoder<'_>, key: u32) -> Result<Self, Fault> {
        let length = decoder.array()?.ok_or(Fault::Malformed)?;
        in_range((length <= N as u64).then_some(()), key)?;
        let mut counts = Self::default();
        for count in counts.0.iter_mut().take(length as usize) {
            *count = decoder.u32()?;
        }
        Ok(counts)
    }
}

/// One window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Metrics<'a> {
    /// Counts the device's starts.
    pub boot: u64,
    /// Counts windows within a boot; a gap is a lost window.
    pub sequence: u64,
    /// The model's name.
    pub model: &'a str,
    /// The release's version.
    pub version: u64,
    /// How long the window was, in milliseconds.
    pub window_ms: u32,
    /// Inferences that gave an answer.
    pub answered: u32,
    /// Inferences that gave none.
    pub failed: u32,
    /// Windows of input that were flagged and not predicted on.
    pub flagged: u32,
    /// Windows of telemetry dropped before this one because the backlog was full.
    pub dropped: u32,
    /// Sum of latencies of answered inferences, in microseconds.
    pub latency_sum_us: u64,
    /// The smallest, 0 if none.
    pub latency_min_us: u32,
    /// The largest, 0 if none.
    pub latency_max_us: u32,
    /// How latencies are distributed.
    pub latency: Counts<LATENCY_BUCKETS>,
    /// How often each class was the answer.
    pub classes: Counts<CLASSES>,
}

impl<'a> Body<'a> for Metrics<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (mut boot, mut sequence, mut model, mut version) = (None, None, None, None);
        let mut counted = [0; 7];
        let mut latency_sum_us = 0;
        let (mut latency, mut classes) = (Counts::default(), Counts::default());
        read(bytes, |key, decoder| {
            match key {
                1 => boot = Some(decoder.u64()?),
                2 => sequence = Some(decoder.u64()?),
                3 => model = Some(in_range(Some(decoder.str()?).filter(|name| is_name(name)), 3)?),
                4 => version = Some(decoder.u64()?),
                5..=11 => {
                    let value = decoder.u32()?;
                    if let Some(count) = counted.get_mut(key as usize - 5) {
                        *count = value;
                    }
                }
                12 => latency_sum_us = decoder.u64()?,
                13 => latency = Counts::read(decoder, 13)?,
                14 => classes = Counts::read(decoder, 14)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let [window_ms, answered, failed, flagged, dropped, latency_min_us, latency_max_us] = counted;
        Ok(Self {
            boot: required(boot, 1)?,
            sequence: required(sequence, 2)?,
            model: required(model, 3)?,
            version: required(version, 4)?,
            window_ms,
            answered,
            failed,
            flagged,
            dropped,
            latency_sum_us,
            latency_min_us,
            latency_max_us,
            latency,
            classes,
        })
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        in_range(is_name(self.model).then_some(()), 3)?;
        write(out, |encoder| {
            encoder.map(14)?.u8(1)?.u64(self.boot)?.u8(2)?.u64(self.sequence)?;
            encoder.u8(3)?.str(self.model)?.u8(4)?.u64(self.version)?;
            encoder.u8(5)?.u32(self.window_ms)?.u8(6)?.u32(self.answered)?;
            encoder.u8(7)?.u32(self.failed)?.u8(8)?.u32(self.flagged)?;
            encoder.u8(9)?.u32(self.dropped)?.u8(10)?.u32(self.latency_min_us)?;
            encoder.u8(11)?.u32(self.latency_max_us)?.u8(12)?.u64(self.latency_sum_us)?;
            self.latency.write(encoder.u8(13)?)?;
            self.classes.write(encoder.u8(14)?)
        })
    }
}

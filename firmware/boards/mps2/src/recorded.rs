//! A recording in the store, for the emulated inertial unit.
//!
//! It is the number of samples (u32), then for each the twelve bytes of the output registers, angular rates before
//! accelerations. It starts over when it has ended; a sample of nothing but 0x8000 is one that the part does not answer
//! for. Blank memory is a part at rest. `mote-firmware-sim` writes it.

use mote_firmware::sensor::Counts;

/// Bytes of a sample.
const SAMPLE: usize = 12;
/// Lying flat: one g on the z axis at 4 g full scale.
const AT_REST: [u8; SAMPLE] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0x20];
/// No answer.
const MISSING: [u8; SAMPLE] = [0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80];

/// The recording.
#[derive(Debug)]
pub struct Recorded {
    samples: &'static [[u8; SAMPLE]],
}

impl Recorded {
    /// The recording in `memory`.
    pub fn new(memory: &'static [u8]) -> Self {
        let count = memory.first_chunk().map_or(0, |count| u32::from_le_bytes(*count) as usize);
        let samples = memory.get(4..).unwrap_or_default().as_chunks().0;
        Self { samples: samples.get(..count).filter(|samples| !samples.is_empty()).unwrap_or(&[AT_REST]) }
    }
}

impl Counts for Recorded {
    fn counts(&mut self, sample: usize) -> Option<[u8; SAMPLE]> {
        let counts = self.samples.get(sample % self.samples.len()).unwrap_or(&AT_REST);
        Some(*counts).filter(|counts| *counts != MISSING)
    }
}

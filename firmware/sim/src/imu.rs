//! An LSM6DSO on an I2C bus that moves as a recording says.

use std::rc::Rc;

use mote_firmware::sensor::{AccelerationRange, Counts, EmulatedLsm6dso, RateRange};

use crate::time::pass;

/// The ranges that the recording is measured in.
pub const RANGES: (AccelerationRange, RateRange) = (AccelerationRange::G4, RateRange::Dps2000);

/// Samples of six values: acceleration in g, angular rate in rad/s. Where one is missing the part does not answer.
#[derive(Debug, Clone)]
pub struct Recording {
    samples: Rc<[Option<[f32; 6]>]>,
    /// How long the part holds the bus when it is read.
    stall_us: u64,
}

impl Recording {
    /// One series of a `stream.csv`: columns `series,t,ax,ay,az,wx,wy,wz,label`.
    #[must_use]
    pub fn of(csv: &str, series: &str) -> Option<Self> {
        let rows: Option<Vec<_>> = csv
            .lines()
            .filter_map(|line| line.strip_prefix(series)?.strip_prefix(','))
            .map(|row| {
                let mut values = row.split(',').skip(1).map(str::parse);
                let mut sample = [0.0; 6];
                for value in &mut sample {
                    *value = values.next()?.ok()?;
                }
                Some(Some(sample))
            })
            .collect();
        rows.filter(|rows| !rows.is_empty()).map(Self::from_iter)
    }

    /// A movement that needs no file: slow swings, a different one on each axis.
    #[must_use]
    pub fn swinging(samples: usize) -> Self {
        let swing = |at: usize, axis: usize| ((at * (axis + 1)) % 64) as f32 / 32.0 - 1.0;
        (0..samples.max(1)).map(|at| Some(std::array::from_fn(|axis| swing(at, axis)))).collect()
    }

    /// The same without every `nth` sample.
    #[must_use]
    pub fn with_gaps(&self, nth: usize) -> Self {
        self.samples.iter().zip(1..).map(|(sample, number)| sample.filter(|_| number % nth != 0)).collect()
    }

    /// The recording as an emulated board replays it: the number of samples, then the output registers of each; 0x8000
    /// in all of them where the part does not answer.
    #[must_use]
    pub fn registers(&self) -> Vec<u8> {
        let count = self.samples.len() as u32;
        let missing = [0x00, 0x80].repeat(6);
        let samples = (0..self.samples.len()).flat_map(|at| self.registers_of(at).map_or(missing.clone(), Vec::from));
        count.to_le_bytes().into_iter().chain(samples).collect()
    }

    /// The same from a part that holds the bus for so long at each read.
    #[must_use]
    pub fn stalling(self, us: u64) -> Self {
        Self { stall_us: us, ..self }
    }

    /// What the part answers in its output registers for a sample: rates, then accelerations.
    fn registers_of(&self, at: usize) -> Option<[u8; 12]> {
        let [ax, ay, az, wx, wy, wz] = self.samples[at % self.samples.len()]?;
        let (acceleration, rate) = RANGES;
        let (g, rad) = (acceleration.g_per_count(), rate.rad_per_count());
        let counts = [wx / rad, wy / rad, wz / rad, ax / g, ay / g, az / g];
        let mut bytes = [0; 12];
        for (place, count) in bytes.chunks_exact_mut(2).zip(counts) {
            let half = if count < 0.0 { -0.5 } else { 0.5 };
            // The cast saturates, as the part does.
            place.copy_from_slice(&((count + half) as i16).to_le_bytes());
        }
        Some(bytes)
    }
}

impl FromIterator<Option<[f32; 6]>> for Recording {
    fn from_iter<I: IntoIterator<Item = Option<[f32; 6]>>>(samples: I) -> Self {
        Self { samples: samples.into_iter().collect(), stall_us: 0 }
    }
}

impl Counts for Recording {
    fn counts(&mut self, sample: usize) -> Option<[u8; 12]> {
        pass(self.stall_us);
        self.registers_of(sample)
    }
}

/// The bus with the part on it.
pub type Bus = EmulatedLsm6dso<Recording>;

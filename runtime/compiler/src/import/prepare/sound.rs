use super::Prepared;
use super::script::{FLOAT, Script, int, ints, text};

/// How a sound becomes an input: frames, each tapered and transformed, powers summed by mel filters, compressed. The
/// filters are those of the standard's MelWeightMatrix: triangles on the HTK scale, as TensorFlow has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// The model's input.
    pub input: String,
    /// What callers give: `[1, samples]` of f32.
    pub name: String,
    /// Samples of one call.
    pub samples: usize,
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples of a frame, which is as long as the transform.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// What a frame is multiplied with.
    pub taper: Taper,
    /// Whether the first frame's middle is the first sample; what lies before and after is the sound, mirrored.
    pub centred: bool,
    /// Mel filters; 0 keeps the spectrum itself.
    pub mels: usize,
    /// Lowest and highest frequency of the filters, in Hz.
    pub band: [f32; 2],
    /// Whether magnitudes are taken, else their squares.
    pub magnitude: bool,
    /// What small and large values become.
    pub compression: Compression,
    /// Values below it count as it before they are compressed.
    pub floor: f32,
    /// Which axis comes first.
    pub order: Order,
}

/// What a frame is multiplied with; all periodic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taper {
    /// Raised cosine.
    #[default]
    Hann,
    /// Raised cosine that does not reach 0.
    Hamming,
    /// Three cosines.
    Blackman,
    /// Nothing.
    None,
}

/// What small and large values become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// What they are.
    None,
    /// Their natural logarithm.
    #[default]
    Natural,
    /// Their logarithm to the base 10.
    Decimal,
    /// Ten times that.
    Decibel,
}

/// Which axis of a spectrogram comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// `[1, frames, mels]`.
    #[default]
    Frames,
    /// `[1, mels, frames]`.
    Mels,
}

/// Most samples of one call.
const MAX_SAMPLES: usize = 1 << 24;
/// Longest frame.
const MAX_FRAME: usize = 1 << 14;

impl Sound {
    pub(super) fn write(&self, script: &mut Script) -> Result<Prepared, &'static str> {
        self.check()?;
        let mut signal = script.input();
        let mut samples = self.samples;
        if self.centred {
            let half = (self.frame / 2) as i64;
            let pads = script.i64s(&[0, half, 0, half]);
            signal = script.add("Pad", &[&signal, &pads], vec![text("mode", "reflect")]);
            samples += 2 * (self.frame / 2);
        }
        let frames = samples.checked_sub(self.frame).ok_or("a sound is as long as a frame at least")? / self.hop + 1;
        let spectrum = self.spectrum(script, &signal);
        let (mut y, mut columns) = (spectrum, self.frame / 2 + 1);
        if self.mels > 0 {
            let filters = self.filters(script);
            y = script.add("MatMul", &[&y, &filters], vec![]);
            columns = self.mels;
        }
        y = self.compressed(script, y);
        let mut made = vec![1, frames, columns];
        if self.order == Order::Mels {
            y = script.add("Transpose", &[&y], vec![ints("perm", &[0, 2, 1])]);
            made = vec![1, columns, frames];
        }
        Ok(Prepared { given: (FLOAT, vec![1, self.samples]), made: (y, made) })
    }

    fn check(&self) -> Result<(), &'static str> {
        if !(1..=MAX_SAMPLES).contains(&self.samples) || !(1..=MAX_SAMPLES).contains(&self.sample_rate) {
            return Err("samples and their rate are 1 to 2^24");
        }
        if !(2..=MAX_FRAME).contains(&self.frame) || !(1..=MAX_FRAME).contains(&self.hop) {
            return Err("frames have 2 to 16384 samples and begin 1 to 16384 after each other");
        }
        let [low, high] = self.band;
        let highest = self.sample_rate as f32 / 2.0;
        if self.mels > 0 && !(low >= 0.0 && low < high && high <= highest) || self.mels > MAX_FRAME {
            return Err("mel filters lie between 0 and half the sample rate, the lowest below the highest");
        }
        if self.compression != Compression::None && !(self.floor > 0.0 && self.floor.is_finite()) {
            return Err("only what is above 0 has a logarithm: the floor is to be positive");
        }
        Ok(())
    }

    /// `[1, frames, bins]`: magnitudes or their squares.
    fn spectrum(&self, script: &mut Script, signal: &str) -> String {
        let axis = script.i64s(&[2]);
        let signal = script.add("Unsqueeze", &[signal, &axis], vec![]);
        let (hop, frame) = (script.i64(self.hop), script.i64(self.frame));
        let op = match self.taper {
            Taper::Hann => Some("HannWindow"),
            Taper::Hamming => Some("HammingWindow"),
            Taper::Blackman => Some("BlackmanWindow"),
            Taper::None => None,
        };
        let taper = op.map(|op| script.add(op, &[&frame], vec![])).unwrap_or_default();
        let parts = script.add("STFT", &[&signal, &hop, &taper, &frame], vec![]);
        let last = script.i64s(&[-1]);
        let power = script.add("ReduceSumSquare", &[&parts, &last], vec![int("keepdims", 0)]);
        if self.magnitude { script.add("Sqrt", &[&power], vec![]) } else { power }
    }

    fn filters(&self, script: &mut Script) -> String {
        let sizes = [self.mels, self.frame, self.sample_rate].map(|n| script.i64(n));
        let band = self.band.map(|edge| script.f32s(&[], &[edge]));
        let [mels, frame, rate] = &sizes;
        script.add("MelWeightMatrix", &[mels, frame, rate, &band[0], &band[1]], vec![])
    }

    fn compressed(&self, script: &mut Script, y: String) -> String {
        // The natural logarithm times this.
        let factor = match self.compression {
            Compression::None => return y,
            Compression::Natural => None,
            Compression::Decimal => Some(std::f32::consts::LOG10_E),
            Compression::Decibel => Some(10.0 * std::f32::consts::LOG10_E),
        };
        let floor = script.f32s(&[], &[self.floor]);
        let y = script.add("Max", &[&y, &floor], vec![]);
        let y = script.add("Log", &[&y], vec![]);
        let Some(factor) = factor else { return y };
        let factor = script.f32s(&[], &[factor]);
        script.add("Mul", &[&y, &factor], vec![])
    }
}

//! `[[picture]]` and `[[sound]]` of a `model.toml`: how inputs are made of what callers give.

use mote_compiler::import::{Compression, Layout, Order, Picture, PictureSize, Resize, Sampling, Sound, Taper};
use serde::Deserialize;

/// An input that is made of a picture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureInput {
    /// The model's input.
    pub input: String,
    /// What callers give.
    #[serde(default = "picture")]
    pub name: String,
    /// Rows of the picture given.
    pub height: usize,
    /// Columns of the picture given.
    pub width: usize,
    /// Values of a pixel.
    #[serde(default = "three")]
    pub channels: usize,
    /// Element type of the picture given.
    #[serde(default)]
    pub dtype: PictureType,
    /// Where the channels of the picture given are.
    #[serde(default)]
    pub layout: PictureLayout,
    /// Where the model expects them.
    #[serde(default = "planes")]
    pub model_layout: PictureLayout,
    /// Whether the model expects the channels the other way round.
    #[serde(default)]
    pub reverse: bool,
    /// What it is resampled to.
    pub resize: Option<PictureResize>,
    /// How values between pixels are found.
    #[serde(default)]
    pub filter: PictureFilter,
    /// Whether shrinking looks at every pixel.
    #[serde(default)]
    pub antialias: bool,
    /// Rows and columns kept from the middle.
    pub crop: Option<[usize; 2]>,
    /// Multiplied with every value.
    #[serde(default = "one")]
    pub scale: f32,
    /// Subtracted, per channel.
    #[serde(default)]
    pub mean: Vec<f32>,
    /// Divided by, per channel.
    #[serde(default)]
    pub std: Vec<f32>,
}

/// What a picture is resampled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum PictureResize {
    /// The shorter side; the longer one in proportion.
    Shorter(usize),
    /// Rows and columns.
    Size([usize; 2]),
}

/// Element type of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureType {
    /// Bytes.
    #[default]
    U8,
    /// Single precision.
    F32,
}

/// Order of a picture's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureLayout {
    /// Channels before rows and columns.
    Nchw,
    /// Channels last.
    #[default]
    Nhwc,
}

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFilter {
    /// The nearest pixel.
    Nearest,
    /// Two neighbours along each axis.
    #[default]
    Linear,
    /// Four neighbours along each axis.
    Cubic,
}

/// An input that is made of a sound.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundInput {
    /// The model's input.
    pub input: String,
    /// What callers give.
    #[serde(default = "sound")]
    pub name: String,
    /// Samples of one call.
    pub samples: usize,
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples of a frame.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// What a frame is multiplied with.
    #[serde(default)]
    pub window: SoundWindow,
    /// Whether the first frame's middle is the first sample.
    #[serde(default)]
    pub centred: bool,
    /// Mel filters; without them the spectrum itself is the input.
    #[serde(default)]
    pub mels: usize,
    /// Lowest frequency of the filters.
    #[serde(default)]
    pub low_hz: f32,
    /// Highest frequency of the filters, half the sample rate if not given.
    pub high_hz: Option<f32>,
    /// Magnitudes instead of their squares.
    #[serde(default)]
    pub magnitude: bool,
    /// How values are compressed.
    #[serde(default)]
    pub log: SoundLog,
    /// The smallest value before that.
    #[serde(default = "small")]
    pub floor: f32,
    /// Which axis comes first.
    #[serde(default)]
    pub order: SoundOrder,
}

/// What a frame is multiplied with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of windows")]
pub enum SoundWindow {
    #[default]
    Hann,
    Hamming,
    Blackman,
    None,
}

/// How values are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundLog {
    /// Not at all.
    None,
    /// Natural logarithm.
    #[default]
    Natural,
    /// Logarithm to the base 10.
    Decimal,
    /// Ten times that.
    Decibel,
}

/// Which axis of a spectrogram comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundOrder {
    /// `[1, frames, mels]`.
    #[default]
    Frames,
    /// `[1, mels, frames]`.
    Mels,
}

fn picture() -> String {
    "picture".to_owned()
}

fn sound() -> String {
    "sound".to_owned()
}

fn three() -> usize {
    3
}

fn one() -> f32 {
    1.0
}

fn small() -> f32 {
    1e-6
}

fn planes() -> PictureLayout {
    PictureLayout::Nchw
}

impl From<PictureLayout> for Layout {
    fn from(layout: PictureLayout) -> Self {
        match layout {
            PictureLayout::Nchw => Self::Planes,
            PictureLayout::Nhwc => Self::Pixels,
        }
    }
}

impl From<&PictureInput> for Picture {
    fn from(stated: &PictureInput) -> Self {
        let to = stated.resize.map(|resize| match resize {
            PictureResize::Shorter(side) => PictureSize::Shorter(side),
            PictureResize::Size(size) => PictureSize::Size(size),
        });
        let sampling = match stated.filter {
            PictureFilter::Nearest => Sampling::Nearest,
            PictureFilter::Linear => Sampling::Linear,
            PictureFilter::Cubic => Sampling::Cubic,
        };
        Self {
            input: stated.input.clone(),
            name: stated.name.clone(),
            size: [stated.height, stated.width],
            channels: stated.channels,
            bytes: stated.dtype == PictureType::U8,
            layout: stated.layout.into(),
            model_layout: stated.model_layout.into(),
            reverse: stated.reverse,
            resize: to.map(|to| Resize { to, sampling, antialias: stated.antialias }),
            crop: stated.crop,
            scale: stated.scale,
            mean: stated.mean.clone(),
            std: stated.std.clone(),
        }
    }
}

impl From<&SoundInput> for Sound {
    fn from(stated: &SoundInput) -> Self {
        Self {
            input: stated.input.clone(),
            name: stated.name.clone(),
            samples: stated.samples,
            sample_rate: stated.sample_rate,
            frame: stated.frame,
            hop: stated.hop,
            taper: match stated.window {
                SoundWindow::Hann => Taper::Hann,
                SoundWindow::Hamming => Taper::Hamming,
                SoundWindow::Blackman => Taper::Blackman,
                SoundWindow::None => Taper::None,
            },
            centred: stated.centred,
            mels: stated.mels,
            band: [stated.low_hz, stated.high_hz.unwrap_or(stated.sample_rate as f32 / 2.0)],
            magnitude: stated.magnitude,
            compression: match stated.log {
                SoundLog::None => Compression::None,
                SoundLog::Natural => Compression::Natural,
                SoundLog::Decimal => Compression::Decimal,
                SoundLog::Decibel => Compression::Decibel,
            },
            floor: stated.floor,
            order: match stated.order {
                SoundOrder::Frames => Order::Frames,
                SoundOrder::Mels => Order::Mels,
            },
        }
    }
}

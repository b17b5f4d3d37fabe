//! `model.toml`: what is known of a model beside its weights.

use std::path::{Path, PathBuf};

use mote_compiler::CompileOptions;
use mote_compiler::import::Preparation;
use serde::Deserialize;

use crate::preparation::{PictureInput, SoundInput};

/// The longest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// What a `model.toml` beside an ONNX file states. Every table may be missing; keys that are not listed here are for
/// people.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The model's name.
    pub name: Option<String>,
    /// Class names of the first output's last axis.
    pub labels: Vec<String>,
    /// How a recorded stream is watched.
    pub stream: Option<Stream>,
    /// How an anomaly score is judged.
    pub anomaly: Option<Anomaly>,
    /// Inputs that are made of pictures.
    #[serde(rename = "picture")]
    pub pictures: Vec<PictureInput>,
    /// Inputs that are made of sounds.
    #[serde(rename = "sound")]
    pub sounds: Vec<SoundInput>,
    /// The trained networks of the folder, oldest first.
    pub versions: Vec<Version>,
}

/// How a stream becomes windows.
#[derive(Clone, Debug, Deserialize)]
pub struct Stream {
    /// The recorded stream, in the same folder.
    pub file: PathBuf,
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Samples per second.
    pub sample_rate_hz: f64,
    /// Samples per window.
    pub window: u32,
    /// Samples between windows.
    pub hop: u32,
    /// Part of the labelled windows that each version gets right.
    #[serde(default)]
    pub accuracy: Vec<f64>,
}

/// How an anomaly score is judged.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Anomaly {
    /// Scores above it are anomalies.
    pub threshold: f32,
}

/// One trained network.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    /// Its version; releases count the number before the first point.
    pub version: String,
    /// The ONNX file, in the same folder.
    pub file: PathBuf,
    /// Folder of recorded inputs and outputs, in the same folder.
    pub cases: Option<PathBuf>,
    /// What was measured on held-out data.
    #[serde(default)]
    pub metric: String,
    /// The measurement.
    #[serde(default)]
    pub value: f64,
    /// What it is compared with.
    #[serde(default)]
    pub baseline: String,
    /// The measurement of that.
    #[serde(default)]
    pub baseline_value: f64,
}

/// A `model.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is longer than anybody writes.
    #[error("{}: {got} bytes, at most {MAX_FILE} are read", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        got: u64,
    },
    /// It is no TOML, or a key has another type than it needs.
    #[error("{}: {}", path.display(), source.message())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
}

impl Facts {
    /// The file's name.
    pub const FILE: &'static str = "model.toml";

    /// Reads a file.
    ///
    /// # Errors
    /// See [`FactsError`].
    pub fn read(path: &Path) -> Result<Self, FactsError> {
        let failed = |source| FactsError::Read { path: path.into(), source };
        let got = std::fs::metadata(path).map_err(failed)?.len();
        if got > MAX_FILE {
            return Err(FactsError::TooLong { path: path.into(), got });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        toml::from_str(&text).map_err(|source| FactsError::Parse { path: path.into(), source: Box::new(source) })
    }

    /// Reads the file beside an ONNX file, if there is one.
    ///
    /// # Errors
    /// See [`FactsError`].
    pub fn beside(onnx: &Path) -> Result<Option<Self>, FactsError> {
        let path = onnx.with_file_name(Self::FILE);
        if path.is_file() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    /// The version that an ONNX file of this folder holds.
    pub fn version_of(&self, onnx: &Path) -> Option<&Version> {
        let name = onnx.file_name()?;
        self.versions.iter().find(|version| version.file.as_os_str() == name)
    }

    /// The newest version, or the one of a number.
    pub fn select(&self, number: Option<u64>) -> Option<&Version> {
        match number {
            Some(number) => self.versions.iter().find(|version| version.number() == number),
            None => self.versions.iter().max_by_key(|version| version.number()),
        }
    }

    /// How inputs are made of what callers give.
    pub fn preparations(&self) -> Vec<Preparation> {
        let pictures = self.pictures.iter().map(|picture| Preparation::Picture(picture.into()));
        pictures.chain(self.sounds.iter().map(|sound| Preparation::Sound(sound.into()))).collect()
    }

    /// Fills in what the options leave open: labels, window, hop, threshold and preparations.
    pub fn complete(&self, options: &mut CompileOptions) {
        if options.labels.is_empty() {
            options.labels.clone_from(&self.labels);
        }
        if let Some(stream) = &self.stream {
            options.window = options.window.or(Some(stream.window));
            options.hop = options.hop.or(Some(stream.hop));
        }
        if options.preparations.is_empty() {
            options.preparations = self.preparations();
        }
        options.threshold = options.threshold.or(self.anomaly.map(|anomaly| anomaly.threshold));
    }
}

impl Version {
    /// The release's version: 2 for a training of version 2.0.0.
    pub fn number(&self) -> u64 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use mote_compiler::import::PictureSize;

    use super::*;

    #[test]
    fn every_table_may_be_missing() {
        let facts: Facts = toml::from_str("name = \"x\"\nseed = 4\n[input]\nname = \"y\"\n").unwrap();
        assert_eq!((facts.name.as_deref(), facts.versions.len()), (Some("x"), 0));
        assert!(toml::from_str::<Facts>("labels = 3").is_err());
    }

    #[test]
    fn preparations_are_told() {
        let text = "[[picture]]\ninput = \"image\"\nheight = 480\nwidth = 640\nresize = 256\ncrop = [224, 224]\n\
                    [[sound]]\ninput = \"mel\"\nsamples = 16000\nsample_rate = 16000\nframe = 400\nhop = 160\n\
                    mels = 40\nlog = \"decibel\"\n";
        let facts: Facts = toml::from_str(text).unwrap();
        let told = facts.preparations();
        assert_eq!(
            told.iter().map(|p| (p.input(), p.name())).collect::<Vec<_>>(),
            [("image", "picture"), ("mel", "sound")]
        );
        let Preparation::Picture(picture) = &told[0] else { panic!("{told:?}") };
        assert_eq!((picture.resize.unwrap().to, picture.crop), (PictureSize::Shorter(256), Some([224, 224])));
        let Preparation::Sound(sound) = &told[1] else { panic!("{told:?}") };
        assert_eq!(sound.band, [0.0, 8000.0]);
        for wrong in ["[[picture]]\nheight = 1\n", "[[sound]]\ninput = \"x\"\nblur = 3\n"] {
            assert!(toml::from_str::<Facts>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_win_over_facts() {
        let text = "labels = [\"a\", \"b\"]\n[anomaly]\nthreshold = 0.5\n\
                    [stream]\nfile = \"s.csv\"\nchannels = [\"x\"]\nsample_rate_hz = 25.0\nwindow = 64\nhop = 16\n\
                    [[versions]]\nversion = \"1.0.0\"\nfile = \"model.onnx\"\n\
                    [[versions]]\nversion = \"2.1.0\"\nfile = \"model-v2.onnx\"\n";
        let facts: Facts = toml::from_str(text).unwrap();
        let mut options = CompileOptions { hop: Some(8), ..CompileOptions::default() };
        facts.complete(&mut options);
        assert_eq!((options.window, options.hop, options.threshold), (Some(64), Some(8), Some(0.5)));
        assert_eq!(options.labels, ["a", "b"]);
        assert_eq!(facts.version_of(Path::new("some/model-v2.onnx")).map(Version::number), Some(2));
        assert_eq!(facts.select(None).map(Version::number), Some(2));
        assert_eq!(facts.select(Some(1)).map(|version| version.file.clone()), Some("model.onnx".into()));
        assert!(facts.select(Some(3)).is_none());
    }
}

//! `mote.toml`: everything a gateway is told. Unknown keys are errors.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mote_seal::is_name;
use mote_stream::{Order, Rule};
use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this gateway is.
    pub gateway: Gateway,
    /// The HTTP server.
    #[serde(default)]
    pub http: Http,
    /// The broker; a gateway without one serves HTTP alone.
    pub mqtt: Option<Mqtt>,
    /// The model that is replaced over MQTT.
    pub update: Option<Update>,
    /// Sensor streams that models watch.
    #[serde(default, rename = "pipeline")]
    pub pipelines: Vec<Pipeline>,
}

/// Who this gateway is and where it keeps things. Relative paths count from the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Device name in the fleet: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// Fleet name, of the same characters.
    pub fleet: String,
    /// Directory of sealed models (`*.mote`) that are loaded at start. Those for pages are kept for pages, and so is
    /// `MODEL.csv`: recorded samples for trying a model out.
    pub models: PathBuf,
    /// Directory for the durable record, staged artifacts and compiled code.
    pub state: PathBuf,
    /// File of trusted public keys, as `mote keygen` writes them.
    pub keys: PathBuf,
    /// Instances that fit at once, at most.
    #[serde(default = "default_slots")]
    pub slots: u32,
}

/// The HTTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of a web page that is served at `/`, such as the playground.
    pub pages: Option<PathBuf>,
    /// Largest request body in bytes.
    #[serde(default = "default_body")]
    pub max_body_bytes: usize,
}

impl Default for Http {
    /// Loopback only, port 8080.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), pages: None, max_body_bytes: default_body() }
    }
}

/// The broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    /// Host name or address.
    pub host: String,
    /// Port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// User name, where the broker wants one.
    pub user: Option<String>,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
}

/// The model that is replaced over MQTT; its device is the gateway. The first version may lie in the models directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Name of the model.
    pub model: String,
    /// Bytes per chunk, 256 to 61376.
    #[serde(default = "default_chunk")]
    pub chunk_bytes: u32,
    /// Chunks on their way at most, 1 to 512.
    #[serde(default = "default_window")]
    pub window: u16,
    /// Windows that a new model answers on trial before it becomes the good one.
    #[serde(default = "default_trial")]
    pub trial_answers: u32,
    /// The first wait before a lost chunk is asked for again, in milliseconds.
    #[serde(default = "default_retry")]
    pub retry_ms: u32,
}

/// One sensor stream: samples in, decisions out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Name of the model that watches.
    pub model: String,
    /// Topic of the samples; one `+` stands for the sensor's name.
    pub subscribe: String,
    /// Topic of the answers; `{sensor}` becomes what `+` stood for.
    pub publish: String,
    /// Values per sample.
    pub channels: usize,
    /// Samples per window; the model's own where absent.
    pub window: Option<usize>,
    /// Samples between windows; the model's own where absent.
    pub hop: Option<usize>,
    /// How a window lies in the model's input.
    #[serde(default)]
    pub order: WindowOrder,
    /// When a decision changes.
    #[serde(default)]
    pub debounce: Debounce,
}

/// How a window lies in the model's input.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowOrder {
    /// Sample after sample.
    TimeMajor,
    /// Channel after channel.
    #[default]
    ChannelMajor,
}

impl From<WindowOrder> for Order {
    fn from(order: WindowOrder) -> Self {
        match order {
            WindowOrder::TimeMajor => Self::TimeMajor,
            WindowOrder::ChannelMajor => Self::ChannelMajor,
        }
    }
}

/// `needed` of the last `of` windows decide.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debounce {
    /// Votes that a label needs; more than half of `of`.
    pub needed: usize,
    /// Windows that vote.
    pub of: usize,
}

impl Default for Debounce {
    /// Two of three.
    fn default() -> Self {
        Self { needed: 2, of: 3 }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a missing key or a value of the wrong type.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A name that could not stand in a topic.
    #[error("{key} = {value:?}: names are 1 to 64 of A-Z a-z 0-9 _ -")]
    Name {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A pipeline topic without exactly one `+`, or a publish topic with a wildcard.
    #[error("pipeline of {model}: {topic:?} {why}")]
    Topic {
        /// The pipeline's model.
        model: String,
        /// The topic.
        topic: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two pipelines with the same samples and answers.
    #[error("two pipelines take {topic:?} for {model}")]
    Twice {
        /// The model of both.
        model: String,
        /// The topic of both.
        topic: String,
    },
    /// A debounce rule that can never decide, or that two labels can satisfy at once.
    #[error("pipeline of {model}: debounce needs more than half of `of` (at most 32), got {needed} of {of}")]
    Debounce {
        /// The pipeline's model.
        model: String,
        /// Votes needed.
        needed: usize,
        /// Votes cast.
        of: usize,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong, see [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.into(), source: Box::new(source) })?;
        let base = path.parent().unwrap_or(Path::new(""));
        let gateway = &mut config.gateway;
        let places = [&mut gateway.models, &mut gateway.state, &mut gateway.keys];
        for place in places.into_iter().chain(&mut config.http.pages) {
            *place = base.join(&*place);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (key, value) in [("gateway.name", &self.gateway.name), ("gateway.fleet", &self.gateway.fleet)] {
            if !is_name(value) {
                return Err(ConfigError::Name { key, value: value.clone() });
            }
        }
        let mut seen = BTreeSet::new();
        for pipeline in &self.pipelines {
            pipeline.check()?;
            if !seen.insert((&pipeline.model, &pipeline.subscribe)) {
                let (model, topic) = (pipeline.model.clone(), pipeline.subscribe.clone());
                return Err(ConfigError::Twice { model, topic });
            }
        }
        Ok(())
    }
}

impl Pipeline {
    /// The debounce rule.
    ///
    /// # Errors
    /// [`ConfigError::Debounce`].
    pub fn rule(&self) -> Result<Rule, ConfigError> {
        let Debounce { needed, of } = self.debounce;
        Rule::new(needed, of).map_err(|_| ConfigError::Debounce { model: self.model.clone(), needed, of })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |topic: &str, why| ConfigError::Topic { model: self.model.clone(), topic: topic.into(), why };
        if self.subscribe.split('/').filter(|level| *level == "+").count() != 1 || self.subscribe.contains('#') {
            return Err(wrong(&self.subscribe, "must hold exactly one level `+` and no `#`"));
        }
        if self.publish.contains(['+', '#']) || !self.publish.contains("{sensor}") {
            return Err(wrong(&self.publish, "must hold {sensor} and no wildcard"));
        }
        self.rule().map(|_| ())
    }
}

fn default_slots() -> u32 {
    64
}

fn default_trial() -> u32 {
    50
}

fn default_chunk() -> u32 {
    16 << 10
}

fn default_window() -> u16 {
    32
}

fn default_retry() -> u32 {
    500
}

fn default_body() -> usize {
    64 << 20
}

fn default_port() -> u16 {
    1883
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[gateway]
name = "gw-1"
fleet = "plant"
models = "models"
state = "state"
keys = "keys.txt"
[mqtt]
host = "127.0.0.1"
[[pipeline]]
model = "activity"
subscribe = "sensors/+/accel"
publish = "decisions/{sensor}/activity"
channels = 6
"#;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mote.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    #[test]
    fn defaults_fill_what_is_not_said() {
        let config = load(GOOD).unwrap();
        assert_eq!((config.http.listen.port(), config.mqtt.unwrap().port), (8080, 1883));
        assert!(config.gateway.models.ends_with("models") && config.gateway.models.is_absolute());
        assert_eq!((config.pipelines[0].debounce.needed, config.pipelines[0].debounce.of), (2, 3));
    }

    #[test]
    fn each_mistake_is_named() {
        let cases = [
            ("name = \"gw-1\"", "name = \"gw.1\"", "gateway.name = \"gw.1\""),
            ("sensors/+/accel", "sensors/accel", "exactly one level"),
            ("{sensor}", "+", "no wildcard"),
            ("channels = 6", "channels = 6\ndebounce = { needed = 1, of = 2 }", "got 1 of 2"),
            ("channels = 6", "chanels = 6", "unknown field `chanels`"),
            ("host = \"127.0.0.1\"", "", "missing field `host`"),
        ];
        for (from, to, expected) in cases {
            let error = load(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}

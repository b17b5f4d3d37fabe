//! The places that a release serves, and the variant that each takes.

use std::fmt;
use std::str::FromStr;

use mote_compiler::Core;
use mote_seal::{Class, Kind};
use mote_weld::Profile;

/// The variant of gateways of any processor, and of microcontrollers of any core.
pub const GENERIC: &str = "generic";

/// One place. Written `gateway`, `browser:strict`, `browser:fast`, `mcu:CORE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Takes a Plan and derives its own code.
    Gateway,
    /// Takes a Module.
    Browser(Profile),
    /// Takes a Plan for its core.
    Mcu(Core),
}

/// A word that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected gateway, browser, browser:strict, browser:fast, mcu or mcu:CORE with a core of generic, cortex-m4, cortex-m33, cortex-m55"
)]
pub struct UnknownTarget;

impl Target {
    /// Where it is.
    pub const fn class(self) -> Class {
        match self {
            Self::Gateway => Class::Gateway,
            Self::Browser(_) => Class::Browser,
            Self::Mcu(_) => Class::Mcu,
        }
    }

    /// Which of several for its class.
    pub const fn variant(self) -> &'static str {
        match self {
            Self::Gateway => GENERIC,
            Self::Browser(Profile::Strict) => "strict",
            Self::Browser(Profile::Fast) => "fast",
            Self::Mcu(core) => core.name(),
        }
    }

    /// What it runs.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Browser(_) => Kind::Module,
            Self::Gateway | Self::Mcu(_) => Kind::Plan,
        }
    }

    /// How its Plan is laid out.
    pub(crate) const fn layout(self) -> mote_compiler::Target {
        match self {
            Self::Gateway | Self::Browser(_) => mote_compiler::Target::Wasm,
            Self::Mcu(core) => mote_compiler::Target::Mcu(core),
        }
    }

    /// Every place that a word means: `browser` both profiles, `mcu` every core.
    ///
    /// # Errors
    /// A word that names none.
    pub fn named(word: &str) -> Result<Vec<Self>, UnknownTarget> {
        match word {
            "browser" => Ok(vec![Self::Browser(Profile::Strict), Self::Browser(Profile::Fast)]),
            "mcu" => Ok(Core::ALL.map(Self::Mcu).to_vec()),
            one => one.parse().map(|target| vec![target]),
        }
    }

    /// Every place that there is.
    pub fn every() -> Vec<Self> {
        let browser = [Profile::Strict, Profile::Fast].map(Self::Browser);
        [Self::Gateway].into_iter().chain(browser).chain(Core::ALL.map(Self::Mcu)).collect()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway => f.write_str("gateway"),
            _ => write!(f, "{}:{}", self.class(), self.variant()),
        }
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        Self::every().into_iter().find(|target| target.to_string() == text).ok_or(UnknownTarget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_places() {
        let names = |word: &str| Target::named(word).map(|targets| targets.iter().map(Target::to_string).collect());
        for (word, want) in [
            ("gateway", Ok(vec!["gateway"])),
            ("browser", Ok(vec!["browser:strict", "browser:fast"])),
            ("browser:fast", Ok(vec!["browser:fast"])),
            ("mcu", Ok(vec!["mcu:cortex-m33", "mcu:cortex-m4", "mcu:cortex-m55", "mcu:generic"])),
            ("mcu:cortex-m4", Ok(vec!["mcu:cortex-m4"])),
            ("mcu:esp32", Err(UnknownTarget)),
            ("gateway:generic", Err(UnknownTarget)),
            ("", Err(UnknownTarget)),
        ] {
            let want: Result<Vec<String>, _> = want.map(|words: Vec<&str>| words.into_iter().map(Into::into).collect());
            assert_eq!(names(word), want, "{word}");
        }
    }
}

//! Profile times tuning: what arithmetic the code may use, and whose compiler it is written for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the code may compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// simd128 alone, a multiplication and an addition: the same bits on every engine.
    Strict,
    /// Relaxed SIMD: the multiply-add may be fused. Within a tolerance; some browsers refuse the module.
    Fast,
}

/// Whose register allocator the loops are shaped for. Never changes a bit of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tuning {
    /// wasmtime.
    Cranelift,
    /// Browsers and Node.
    V8,
}

/// One of the four ways to write a Module's code. Written `strict-v8`, `fast-cranelift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flavour {
    /// The arithmetic.
    pub profile: Profile,
    /// The shape of the loops.
    pub tuning: Tuning,
}

impl Flavour {
    /// Every flavour.
    pub const ALL: [Self; 4] = [
        Self { profile: Profile::Strict, tuning: Tuning::V8 },
        Self { profile: Profile::Strict, tuning: Tuning::Cranelift },
        Self { profile: Profile::Fast, tuning: Tuning::V8 },
        Self { profile: Profile::Fast, tuning: Tuning::Cranelift },
    ];

    /// The name used in Cards, files and options.
    pub const fn name(self) -> &'static str {
        match (self.profile, self.tuning) {
            (Profile::Strict, Tuning::V8) => "strict-v8",
            (Profile::Strict, Tuning::Cranelift) => "strict-cranelift",
            (Profile::Fast, Tuning::V8) => "fast-v8",
            (Profile::Fast, Tuning::Cranelift) => "fast-cranelift",
        }
    }
}

impl Default for Flavour {
    /// What files are written in: strict, for browsers. Gateways derive their own code from the Plan inside.
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no flavour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such flavour: expected strict-v8, strict-cranelift, fast-v8 or fast-cranelift")]
pub struct UnknownFlavour;

impl FromStr for Flavour {
    type Err = UnknownFlavour;

    fn from_str(name: &str) -> Result<Self, UnknownFlavour> {
        Self::ALL.into_iter().find(|flavour| flavour.name() == name).ok_or(UnknownFlavour)
    }
}

impl Serialize for Flavour {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Flavour {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

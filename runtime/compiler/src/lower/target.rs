//! What a Plan is laid out for.

use std::fmt;
use std::str::FromStr;

/// Results do not depend on it, bytes and speed do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// Gateways and browsers: images padded with zeros, constants and buffers on cache lines. Written `wasm`.
    #[default]
    Wasm,
    /// Microcontrollers: unpadded and tight. Written `mcu` or `mcu:CORE`.
    Mcu(Core),
}

/// The core whose instructions weights are packed for. f32 weights are packed alike for every core, so the Plans of a
/// model without integer weights are equal byte for byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Core {
    /// Any core, with or without a floating-point unit.
    #[default]
    Generic,
    /// ARMv7E-M: Cortex-M4 and M7.
    CortexM4,
    /// ARMv8-M with the DSP extension.
    CortexM33,
    /// ARMv8.1-M with integer vectors.
    CortexM55,
}

/// A word that names no target or core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected wasm, mcu, mcu:generic, mcu:cortex-m4, mcu:cortex-m33 or mcu:cortex-m55")]
pub struct UnknownTarget;

/// Alignment of constants and buffers on a microcontroller: its memory has no lines, and a Plan begins on 16.
const MCU_CONST_ALIGN: u32 = 16;
/// That of the widest element.
const MCU_BUFFER_ALIGN: u32 = 8;

impl Target {
    /// Alignment of every constant, in bytes.
    pub(super) const fn const_align(self) -> u32 {
        match self {
            Self::Wasm => mote_plan::format::CONST_ALIGN,
            Self::Mcu(_) => MCU_CONST_ALIGN,
        }
    }

    /// Alignment of every buffer of the arena, in bytes.
    pub(super) const fn buffer_align(self) -> u32 {
        match self {
            Self::Wasm => super::memory::LINE,
            Self::Mcu(_) => MCU_BUFFER_ALIGN,
        }
    }
}

impl Core {
    /// Every core, in the order of their names.
    pub const ALL: [Self; 4] = [Self::CortexM33, Self::CortexM4, Self::CortexM55, Self::Generic];

    /// The name used in releases, files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::CortexM4 => "cortex-m4",
            Self::CortexM33 => "cortex-m33",
            Self::CortexM55 => "cortex-m55",
        }
    }
}

impl fmt::Display for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Core {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        Self::ALL.into_iter().find(|core| core.name() == name).ok_or(UnknownTarget)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wasm => f.write_str("wasm"),
            Self::Mcu(core) => write!(f, "mcu:{core}"),
        }
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        match text.split_once(':') {
            None if text == "wasm" => Ok(Self::Wasm),
            None if text == "mcu" => Ok(Self::Mcu(Core::Generic)),
            Some(("mcu", core)) => core.parse().map(Self::Mcu),
            _ => Err(UnknownTarget),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let every = Core::ALL.map(Target::Mcu).into_iter().chain([Target::Wasm]);
        for target in every {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert_eq!("mcu".parse(), Ok(Target::Mcu(Core::Generic)));
        for wrong in ["", "mcu:", "mcu:cortex-m0", "wasm:generic", "gateway"] {
            assert_eq!(wrong.parse::<Target>(), Err(UnknownTarget), "{wrong}");
        }
        assert!(Core::ALL.map(Core::name).is_sorted());
    }
}

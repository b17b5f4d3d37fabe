//! Inputs at which arithmetic on different machines parts ways: subnormals, both zeros, NaN with any payload, infinities,
//! and finite numbers from one end of the range to the other.
//!
//! Made from recorded inputs, so that shapes fit and integers stay within what the model was trained on.

use mote_abi::DType;

use crate::fuzz::Random;
use crate::npz::Array;

/// What one set of inputs is full of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// Zeros of either sign.
    Zeros,
    /// Numbers below the smallest normal one.
    Subnormals,
    /// Finite numbers of every exponent: sums of them absorb, overflow and cancel.
    Extremes,
    /// Recorded values with NaN among them, quiet and signalling, of either sign and any payload.
    Nan,
    /// Recorded values with infinities of either sign among them.
    Infinities,
    /// All of these, and recorded values.
    Mixture,
}

/// Of [`Special::Nan`] and [`Special::Infinities`], one value in so many is one.
const RARITY: usize = 8;

impl Special {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Zeros, Self::Subnormals, Self::Extremes, Self::Nan, Self::Infinities, Self::Mixture];

    /// Inputs of this kind: of the names, types and shapes of the recorded ones, the same for equal ones.
    #[must_use]
    pub fn inputs(self, recorded: &[Array]) -> Vec<Array> {
        let mut random = Random::new(self as u64);
        recorded.iter().map(|array| self.array(array, &mut random)).collect()
    }

    fn array(self, recorded: &Array, random: &mut Random) -> Array {
        let size = recorded.dtype.size() as usize;
        let given: Vec<&[u8]> = recorded.bytes.chunks_exact(size).collect();
        let Some(format) = Format::of(recorded.dtype) else {
            let bytes = given.iter().flat_map(|_| random.pick(&given).to_vec()).collect();
            return Array { bytes, ..recorded.clone() };
        };
        let mut bytes = Vec::with_capacity(recorded.bytes.len());
        for (index, &given) in given.iter().enumerate() {
            let mut bits = [0; 8];
            bits[..size].copy_from_slice(given);
            // The first is always special: some models take a single number.
            let special = self.number(&format, index == 0, u64::from_le_bytes(bits), random);
            bytes.extend_from_slice(&special.to_le_bytes()[..size]);
        }
        Array { bytes, ..recorded.clone() }
    }

    fn number(self, format: &Format, surely: bool, recorded: u64, random: &mut Random) -> u64 {
        let negative = random.once_in(2);
        let fraction = random.bits() % (1 << format.fraction_bits);
        let rare = surely || random.once_in(RARITY);
        match self {
            Self::Zeros => format.number(negative, 0, 0),
            Self::Subnormals => format.number(negative, 0, fraction.max(1)),
            Self::Extremes => format.number(negative, random.bits() % format.all_ones(), fraction),
            Self::Nan if rare => format.number(negative, format.all_ones(), fraction.max(1)),
            Self::Infinities if rare => format.number(negative, format.all_ones(), 0),
            Self::Nan | Self::Infinities => recorded,
            Self::Mixture => match random.below(Self::ALL.len()) {
                // Itself, the last: a recorded value.
                5 => recorded,
                kind => Self::ALL[kind].number(format, true, recorded, random),
            },
        }
    }
}

/// An IEEE 754 binary format.
struct Format {
    fraction_bits: u32,
    exponent_bits: u32,
}

impl Format {
    fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 => Some(Self { fraction_bits: 23, exponent_bits: 8 }),
            DType::F64 => Some(Self { fraction_bits: 52, exponent_bits: 11 }),
            DType::F16 => Some(Self { fraction_bits: 10, exponent_bits: 5 }),
            DType::BF16 => Some(Self { fraction_bits: 7, exponent_bits: 8 }),
            _ => None,
        }
    }

    /// The exponent of infinities and NaN.
    fn all_ones(&self) -> u64 {
        (1 << self.exponent_bits) - 1
    }

    fn number(&self, negative: bool, exponent: u64, fraction: u64) -> u64 {
        (u64::from(negative) << self.exponent_bits | exponent) << self.fraction_bits | fraction
    }
}

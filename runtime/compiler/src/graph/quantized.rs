//! Tensors that stand for numbers `(integer - zero) * scale`, and the settings of what is computed with them.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool};

use super::{ValueId, Window};

/// What an f32 constant was dequantized from: `(integer - zero) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// Integer constant of the same shape.
    pub integers: ValueId,
    /// The axis along which scales and zero points differ; `None` where there is one of each.
    pub axis: Option<usize>,
    /// One per index of the axis, or one.
    pub scale: Vec<f32>,
    /// As many as scales.
    pub zero: Vec<i64>,
}

/// Settings of a convolution in integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QConv {
    /// The window.
    pub window: Window,
    /// Number of groups.
    pub groups: usize,
    /// Zero point of x, where it is no operand.
    pub x_zero: i32,
    /// Where results of 8 bits go.
    pub to: Steps,
}

/// The 8-bit integers of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Zero point.
    pub zero: i32,
    /// Smallest.
    pub low: i32,
    /// Largest.
    pub high: i32,
}

/// Settings of a sum or product of quantized tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QBinary {
    /// [`Binary::Add`] or [`Binary::Mul`].
    pub op: Binary,
    /// Steps of y in one of a and in one of b; of a product, the first in one of a times one of b.
    pub scale: [f32; 2],
    /// Zero points of a and b.
    pub zero: [i32; 2],
    /// Where results go.
    pub to: Steps,
}

/// Settings of an average over windows of a quantized tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QPool {
    /// The window.
    pub window: Window,
    /// How it is summarised.
    pub op: Pool,
    /// Steps of y in one of x.
    pub scale: f32,
    /// Zero point of x.
    pub x_zero: i32,
    /// Where results go.
    pub to: Steps,
}

impl Steps {
    /// Every integer of an 8-bit type; `None` for another type.
    pub fn all(dtype: DType, zero: i32) -> Option<Self> {
        match dtype {
            DType::I8 => Some(Self { zero, low: i8::MIN.into(), high: i8::MAX.into() }),
            DType::U8 => Some(Self { zero, low: u8::MIN.into(), high: u8::MAX.into() }),
            _ => None,
        }
    }
}

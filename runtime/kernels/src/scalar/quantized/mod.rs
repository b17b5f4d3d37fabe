//! 8-bit tensors: numbers `(q - zero) * scale`, computed in integers and brought back to 8 bits by [`Requantize`].

pub mod binary;
pub mod conv;
pub mod linear;
pub mod lookup;
pub mod pool;

use crate::error::{KernelError, Result};

/// How the bytes of an 8-bit tensor stand for numbers. An i8 is a u8 whose top bit is inverted and whose zero point is 128
/// higher, so that one loop serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte {
    flip: u8,
    origin: i16,
}

impl Byte {
    /// Bytes of i8 (`signed`) or u8 with a zero point in that type.
    ///
    /// # Errors
    /// A zero point outside the type.
    pub fn new(signed: bool, zero: i32) -> Result<Self> {
        let byte = if signed { i8::try_from(zero).map(i8::cast_unsigned) } else { u8::try_from(zero) };
        let flip = if signed { 0x80 } else { 0 };
        let origin = byte.map_err(|_| KernelError::Shape)? ^ flip;
        Ok(Self { flip, origin: origin.into() })
    }

    /// The distance of a byte from the zero point, -255 to 255.
    #[inline(always)]
    pub fn value(self, byte: u8) -> i16 {
        i16::from(byte ^ self.flip) - self.origin
    }

    /// The byte so far from the zero point.
    fn byte(self, value: i32) -> u8 {
        value.wrapping_add(self.origin.into()) as u8 ^ self.flip
    }

    /// What turns four bytes at once into those of u8.
    pub(crate) fn flips(self) -> u32 {
        u32::from_le_bytes([self.flip; 4])
    }

    /// The zero point in u8.
    pub(crate) fn origin(self) -> i16 {
        self.origin
    }

    /// The byte of the zero point.
    pub(crate) fn zero_byte(self) -> u8 {
        self.byte(0)
    }

    /// The byte of the lowest number of the type.
    pub(crate) fn lowest(self) -> u8 {
        self.flip
    }

    /// The byte's rank among those of its type, 0 to 255.
    pub(crate) fn rank(self, byte: u8) -> u8 {
        byte ^ self.flip
    }
}

/// 1.5 * 2^23: what is added to it is rounded to a whole number, ties to even, which then stands in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// The whole number nearest to v, ties to even, after v was clamped to bounds within +-2^21; NaN gives the lower one.
#[inline(always)]
pub(crate) fn round_within(v: f32, low: f32, high: f32) -> i32 {
    let v = if v > low { v } else { low };
    let v = if v < high { v } else { high };
    (v + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()).cast_signed()
}

/// From numbers in steps of the output's scale to its bytes: clamp, round half to even, add the zero point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requantize {
    to: Byte,
    low: f32,
    high: f32,
}

impl Requantize {
    /// Bytes of a tensor that stay within `low..=high`, in the integers of its type.
    ///
    /// # Errors
    /// Bounds outside the type, or the wrong way round.
    pub fn new(signed: bool, zero: i32, [low, high]: [i32; 2]) -> Result<Self> {
        let to = Byte::new(signed, zero)?;
        // A bound is a number of the type like the zero point.
        let (bottom, top) = (Byte::new(signed, low)?.origin, Byte::new(signed, high)?.origin);
        if bottom > top {
            return Err(KernelError::Shape);
        }
        Ok(Self { to, low: (bottom - to.origin).into(), high: (top - to.origin).into() })
    }

    /// The byte of a number of steps from the zero point.
    #[inline(always)]
    pub fn byte(&self, steps: f32) -> u8 {
        self.to.byte(round_within(steps, self.low, self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_round_half_to_even_and_saturate() {
        let unsigned = Requantize::new(false, 10, [0, 255]).unwrap();
        let signed = Requantize::new(true, -1, [-128, 127]).unwrap();
        for (steps, byte, int) in [
            (0.5, 10, -1),
            (1.5, 12, 1),
            (2.5, 12, 1),
            (-0.5, 10, -1),
            (-2.5, 8, -3),
            (1e9, 255, 127),
            (f32::NEG_INFINITY, 0, -128),
            (f32::NAN, 0, -128),
        ] {
            assert_eq!(unsigned.byte(steps), byte, "{steps}");
            assert_eq!(signed.byte(steps).cast_signed(), int, "{steps}");
        }
    }

    #[test]
    fn bounds_and_zero_points_belong_to_the_type() {
        assert!(Byte::new(false, -1).is_err() && Byte::new(true, 128).is_err());
        assert!(Requantize::new(true, 0, [5, 4]).is_err() && Requantize::new(false, 0, [0, 256]).is_err());
        let relu = Requantize::new(true, -5, [-5, 20]).unwrap();
        assert_eq!([-3.0, 3.0, 300.0].map(|v| relu.byte(v).cast_signed()), [-5, -2, 20]);
        assert_eq!(Byte::new(true, -128).unwrap().value(0x7f), 255);
    }
}

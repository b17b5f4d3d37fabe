//! 8-bit weights as kernels take them: i8, so that u8 moves down by 128 and its zero point with it.

use mote_abi::DType;

/// Weights as bytes of i8, and their zero points where one of them is not 0.
pub(crate) struct Centered {
    pub(crate) bytes: Vec<u8>,
    /// One per output channel.
    pub(crate) zero: Option<Vec<i32>>,
}

/// The weights of so many output channels, which are outermost; zero points are one or one per channel. `None` for other
/// types and other counts.
pub(crate) fn weights(dtype: DType, data: &[u8], channels: usize, zero: &[i64]) -> Option<Centered> {
    let (flip, down) = match dtype {
        DType::I8 => (0, 0),
        DType::U8 => (0x80, 128),
        _ => return None,
    };
    let zero: Vec<i32> = match *zero {
        [one] => vec![i32::try_from(one).ok()?.checked_sub(down)?; channels],
        ref many if many.len() == channels => {
            many.iter().map(|&zero| i32::try_from(zero).ok()?.checked_sub(down)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let zero = zero.iter().any(|&zero| zero != 0).then_some(zero);
    Some(Centered { bytes: data.iter().map(|byte| byte ^ flip).collect(), zero })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_from_the_zero_point_stays() {
        for (dtype, byte, zero) in
            [(DType::U8, 200_u8, 128), (DType::U8, 0, 5), (DType::I8, 0x80, 0), (DType::I8, 3, -7)]
        {
            let stored = if dtype == DType::I8 { i64::from(byte.cast_signed()) } else { byte.into() };
            let Centered { bytes, zero: moved } = weights(dtype, &[byte], 1, &[zero]).unwrap();
            let moved = moved.map_or(0, |zero| zero[0]);
            assert_eq!(i64::from(i32::from(bytes[0].cast_signed()) - moved), stored - zero, "{dtype} {byte}");
        }
        assert!(weights(DType::U8, &[1, 2], 2, &[128]).unwrap().zero.is_none());
        assert!(weights(DType::I8, &[1, 2], 2, &[0, 0, 0]).is_none());
    }
}

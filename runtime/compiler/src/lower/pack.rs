//! Weights in the order in which kernels read them; see `plan/FORMAT.md`, packed weights.

use super::error::LowerError;
use crate::graph::Value;
use mote_abi::DType;

/// Columns of a panel of convolution and recurrent weights.
pub(super) const PANEL: usize = 8;
/// Channels of a panel of depthwise weights.
pub(super) const LANES: usize = 4;

/// The elements of a constant that is multiplied or added in a contraction. Bias is never -0.0 and weights are finite
/// (`kernels/ORDER.md`), so padding may be multiplied or skipped without a difference.
pub(super) fn weights(value: &Value) -> Result<Vec<f32>, LowerError> {
    let bad = || LowerError::NonFiniteWeight { tensor: value.name.clone() };
    let data = value.data.as_deref().filter(|data| value.dtype == DType::F32 && data.len() == 4 * value.count());
    let data = data.ok_or_else(bad)?;
    let floats: Vec<f32> = data.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect();
    if floats.iter().all(|x| x.is_finite()) { Ok(floats) } else { Err(bad()) }
}

/// `[N][K]`, row after row, to `[ceil(N / width)][K][width]`, N padded with zeros.
pub(super) fn panels(rows: &[f32], n: usize, k: usize, width: usize) -> Vec<f32> {
    let mut packed = vec![0.0; n.next_multiple_of(width) * k];
    for (row, values) in rows.chunks_exact(k.max(1)).enumerate() {
        let panel = &mut packed[row / width * k * width..][..k * width];
        for (i, &value) in values.iter().enumerate() {
            panel[i * width + row % width] = value;
        }
    }
    packed
}

/// A bias of n elements, absent as zeros, padded to a multiple of `width`; -0.0 becomes +0.0.
pub(super) fn bias(values: Option<&[f32]>, n: usize, width: usize) -> Vec<f32> {
    let mut padded = vec![0.0; n.next_multiple_of(width)];
    for (to, &from) in padded.iter_mut().zip(values.unwrap_or(&[])) {
        *to = from + 0.0;
    }
    padded
}

/// Neighbours along the reduction that lie together in a panel of 8-bit weights.
const DEPTH: usize = 4;

/// `[N][rows][k]` of 8 bits to `[ceil(N / 8)][rows][ceil(k / 4)][8][4]`, padded with zeros.
pub(super) fn byte_panels(weights: &[u8], n: usize, rows: usize, k: usize) -> Vec<u8> {
    let row = k.next_multiple_of(DEPTH);
    let mut packed = vec![0; n.next_multiple_of(PANEL) * rows * row];
    for (i, line) in weights.chunks_exact(k.max(1)).enumerate() {
        let (column, ky) = (i / rows, i % rows);
        let first = (column / PANEL * rows + ky) * row * PANEL + column % PANEL * DEPTH;
        for (k, &weight) in line.iter().enumerate() {
            packed[first + k / DEPTH * DEPTH * PANEL + k % DEPTH] = weight;
        }
    }
    packed
}

/// `[C][taps]` of 8 bits to `[ceil(C / 4)][taps][4]`, padded with zeros.
pub(super) fn byte_lanes(weights: &[u8], channels: usize, taps: usize) -> Vec<u8> {
    let mut packed = vec![0; channels.next_multiple_of(LANES) * taps];
    for (i, &weight) in weights.iter().enumerate() {
        let (channel, tap) = (i / taps, i % taps);
        packed[(channel / LANES * taps + tap) * LANES + channel % LANES] = weight;
    }
    packed
}

/// Little-endian bytes.
pub(super) fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_interleave_columns() {
        let rows: Vec<f32> = (0..10).map(|i| i as f32).collect();
        assert_eq!(panels(&rows, 5, 2, 4), [0., 2., 4., 6., 1., 3., 5., 7., 8., 0., 0., 0., 9., 0., 0., 0.]);
    }

    #[test]
    fn bytes_interleave_columns_in_fours() {
        let weights: Vec<u8> = (1..=12).collect();
        // Two columns of two rows of three.
        let packed = byte_panels(&weights, 2, 2, 3);
        assert_eq!(packed.len(), 64);
        assert_eq!((&packed[..8], &packed[32..40]), (&[1, 2, 3, 0, 7, 8, 9, 0][..], &[4, 5, 6, 0, 10, 11, 12, 0][..]));
        assert_eq!(byte_lanes(&weights, 6, 2)[..12], [1, 3, 5, 7, 2, 4, 6, 8, 9, 11, 0, 0]);
    }

    #[test]
    fn bias_is_padded_and_never_negative_zero() {
        let padded = bias(Some(&[-0.0, -1.0]), 2, 4);
        assert_eq!(padded.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), [0, (-1.0_f32).to_bits(), 0, 0]);
        assert_eq!(bias(None, 3, 8), [0.0; 8]);
    }

    #[test]
    fn weights_must_be_finite() {
        for (x, ok) in [(1.0_f32, true), (-0.0, true), (f32::MAX, true), (f32::NAN, false), (f32::INFINITY, false)] {
            let data = Some(x.to_le_bytes().to_vec().into());
            let value = Value { name: "w".into(), dtype: DType::F32, dims: vec![1], data };
            assert_eq!(weights(&value).is_ok(), ok, "{x}");
        }
    }
}

//! Changes that know nothing of what the bytes mean.

use super::Random;

/// Flips, overwrites, cuts, repeats, inserts or borrows a piece.
pub(super) fn mutate(random: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    if out.is_empty() {
        return other.to_vec();
    }
    let at = random.below(out.len());
    let end = at + 1 + random.below((out.len() - at).min(64));
    match random.below(7) {
        0 | 1 => out[at] ^= 1 << random.below(8),
        2 => out[at] = random.bits() as u8,
        3 => out.truncate(at),
        4 => {
            let piece = out[at..end].to_vec();
            out.splice(at..at, piece);
        }
        5 => drop(out.drain(at..end)),
        _ => {
            let from = random.below(other.len());
            let piece = other[from..(from + (end - at)).min(other.len())].to_vec();
            out.splice(at..end, piece);
        }
    }
    out
}

//! A set of chunk indices that all lie within one window.

/// The widest window, in chunks: what a request's bitmap can name.
pub(crate) const WINDOW: u32 = 8 * mote_wire::MAX_WINDOW as u32;

/// Indices are kept modulo [`WINDOW`]; the window's owner guarantees that no two collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bits([u64; WINDOW as usize / 64]);

impl Bits {
    pub(crate) fn has(&self, index: u32) -> bool {
        self.0.get(word(index)).is_some_and(|bits| bits & bit(index) != 0)
    }

    pub(crate) fn insert(&mut self, index: u32) {
        if let Some(bits) = self.0.get_mut(word(index)) {
            *bits |= bit(index);
        }
    }

    pub(crate) fn remove(&mut self, index: u32) {
        if let Some(bits) = self.0.get_mut(word(index)) {
            *bits &= !bit(index);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
    }
}

fn word(index: u32) -> usize {
    (index % WINDOW / 64) as usize
}

fn bit(index: u32) -> u64 {
    1 << (index % 64)
}

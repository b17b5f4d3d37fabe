//! How parameters stand in a record.

use mote_abi::op;

use crate::bytes::u32_at;

/// Parameters of one kind, stored as little-endian 32-bit words in field order.
pub trait Params: Sized {
    /// Takes the fields from the words.
    fn read(words: &mut Words<'_>) -> Option<Self>;
    /// Hands the fields on as words.
    fn write(&self, sink: &mut impl FnMut(u32));
}

/// The words of a step's parameters, front to back.
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn next(&mut self) -> Option<u32> {
        let word = u32_at(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(word)
    }
}

pub(super) trait Word: Sized {
    fn take(words: &mut Words<'_>) -> Option<Self>;
    fn put(&self, sink: &mut impl FnMut(u32));
}

impl Word for u32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next()
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(*self);
    }
}

impl Word for i32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next().map(u32::cast_signed)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(self.cast_unsigned());
    }
}

impl Word for f32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next().map(Self::from_bits)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(self.to_bits());
    }
}

impl<T: Word + Clone + Default, const N: usize> Word for [T; N] {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        let mut all = core::array::from_fn(|_| T::default());
        for item in &mut all {
            *item = T::take(words)?;
        }
        Some(all)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        for item in self {
            item.put(sink);
        }
    }
}

macro_rules! code_words {
    ($($ty:ty),*) => {$(
        impl Word for $ty {
            fn take(words: &mut Words<'_>) -> Option<Self> {
                Self::from_code(words.next()?)
            }
            fn put(&self, sink: &mut impl FnMut(u32)) {
                sink(self.code());
            }
        }
    )*};
}

code_words!(op::Unary, op::Binary, op::Reduce, op::Pool, op::Aggregate, op::Filter, op::Outside, op::Coordinates);

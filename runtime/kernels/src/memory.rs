//! Blocks of numbers in and out of typed slices.

use crate::number::Number;

/// Numbers of one block: four vectors of f32.
pub(crate) const BLOCK: usize = 16;

/// Elements that can be read as numbers of one type.
pub trait Load<W> {
    /// Number of elements.
    fn count(&self) -> usize;
    /// Reads elements `at`, `at + step`, ... and leaves those outside the slice untouched.
    fn load(&self, at: usize, step: isize, into: &mut [W]);
    /// Whether the numbers are the bits of u64 in i64.
    fn is_u64(&self) -> bool {
        false
    }
}

/// Elements that can be written from numbers of one type.
pub trait Store<W> {
    /// Writes elements `at`, `at + step`, ... and drops those outside the slice.
    fn store(&mut self, at: usize, step: isize, from: &[W]);
}

/// The elements of an integer or bool tensor, read as i64.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named after the element type")]
pub enum Ints<'a> {
    I8(&'a [i8]),
    U8(&'a [u8]),
    I16(&'a [i16]),
    U16(&'a [u16]),
    I32(&'a [i32]),
    U32(&'a [u32]),
    I64(&'a [i64]),
    U64(&'a [u64]),
    Bool(&'a [u8]),
}

/// The writable elements of an integer or bool tensor. Storing keeps the low bits; a bool is true for all but 0.
#[derive(Debug)]
#[expect(missing_docs, reason = "named after the element type")]
pub enum IntsMut<'a> {
    I8(&'a mut [i8]),
    U8(&'a mut [u8]),
    I16(&'a mut [i16]),
    U16(&'a mut [u16]),
    I32(&'a mut [i32]),
    U32(&'a mut [u32]),
    I64(&'a mut [i64]),
    U64(&'a mut [u64]),
    Bool(&'a mut [u8]),
}

/// What an element-wise function of floats writes: floats, or the truth of its predicate.
#[derive(Debug)]
pub enum Floats<'a, W> {
    /// Numbers.
    Numbers(&'a mut [W]),
    /// A bool tensor: false for 0, true for all else.
    Truths(&'a mut [u8]),
}

impl<W: Copy> Load<W> for [W] {
    fn count(&self) -> usize {
        self.len()
    }
    #[inline(never)]
    fn load(&self, at: usize, step: isize, into: &mut [W]) {
        gather(self, at, step, into, |v| v);
    }
}

impl<W: Copy> Store<W> for [W] {
    #[inline(never)]
    fn store(&mut self, at: usize, step: isize, from: &[W]) {
        scatter(self, at, step, from, |v| v);
    }
}

impl<W: Number> Load<W> for Floats<'_, W> {
    fn count(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Truths(truths) => truths.len(),
        }
    }
    fn load(&self, at: usize, step: isize, into: &mut [W]) {
        if let Self::Numbers(numbers) = self {
            numbers.load(at, step, into);
        }
    }
}

impl<W: Number> Store<W> for Floats<'_, W> {
    fn store(&mut self, at: usize, step: isize, from: &[W]) {
        match self {
            Self::Numbers(numbers) => numbers.store(at, step, from),
            Self::Truths(truths) => strided(truths, at, step, from, |v| u8::from(v != W::ZERO)),
        }
    }
}

impl Load<i64> for Ints<'_> {
    fn count(&self) -> usize {
        match self {
            Self::I8(slice) => slice.len(),
            Self::U8(slice) | Self::Bool(slice) => slice.len(),
            Self::I16(slice) => slice.len(),
            Self::U16(slice) => slice.len(),
            Self::I32(slice) => slice.len(),
            Self::U32(slice) => slice.len(),
            Self::I64(slice) => slice.len(),
            Self::U64(slice) => slice.len(),
        }
    }

    #[inline(never)]
    fn load(&self, at: usize, step: isize, into: &mut [i64]) {
        match self {
            Self::I8(slice) => gather(slice, at, step, into, i64::from),
            Self::U8(slice) | Self::Bool(slice) => gather(slice, at, step, into, i64::from),
            Self::I16(slice) => gather(slice, at, step, into, i64::from),
            Self::U16(slice) => gather(slice, at, step, into, i64::from),
            Self::I32(slice) => gather(slice, at, step, into, i64::from),
            Self::U32(slice) => gather(slice, at, step, into, i64::from),
            Self::I64(slice) => gather(slice, at, step, into, |v| v),
            Self::U64(slice) => gather(slice, at, step, into, u64::cast_signed),
        }
    }

    fn is_u64(&self) -> bool {
        matches!(self, Self::U64(_))
    }
}

impl IntsMut<'_> {
    fn as_ints(&self) -> Ints<'_> {
        match self {
            Self::I8(slice) => Ints::I8(slice),
            Self::U8(slice) => Ints::U8(slice),
            Self::I16(slice) => Ints::I16(slice),
            Self::U16(slice) => Ints::U16(slice),
            Self::I32(slice) => Ints::I32(slice),
            Self::U32(slice) => Ints::U32(slice),
            Self::I64(slice) => Ints::I64(slice),
            Self::U64(slice) => Ints::U64(slice),
            Self::Bool(slice) => Ints::Bool(slice),
        }
    }
}

impl Load<i64> for IntsMut<'_> {
    fn count(&self) -> usize {
        self.as_ints().count()
    }
    fn load(&self, at: usize, step: isize, into: &mut [i64]) {
        self.as_ints().load(at, step, into);
    }
    fn is_u64(&self) -> bool {
        self.as_ints().is_u64()
    }
}

impl Store<i64> for IntsMut<'_> {
    #[inline(never)]
    fn store(&mut self, at: usize, step: isize, from: &[i64]) {
        match self {
            Self::I8(slice) => strided(slice, at, step, from, |v| v as i8),
            Self::U8(slice) => strided(slice, at, step, from, |v| v as u8),
            Self::I16(slice) => strided(slice, at, step, from, |v| v as i16),
            Self::U16(slice) => strided(slice, at, step, from, |v| v as u16),
            Self::I32(slice) => strided(slice, at, step, from, |v| v as i32),
            Self::U32(slice) => strided(slice, at, step, from, |v| v as u32),
            Self::I64(slice) => strided(slice, at, step, from, |v| v),
            Self::U64(slice) => strided(slice, at, step, from, i64::cast_unsigned),
            Self::Bool(slice) => strided(slice, at, step, from, |v| u8::from(v != 0)),
        }
    }
}

/// One element, 0 where the slice ends before.
pub(crate) fn one<W: Number>(from: &(impl Load<W> + ?Sized), at: usize) -> W {
    let mut value = [W::ZERO];
    from.load(at, 0, &mut value);
    value[0]
}

fn gather<T: Copy, W>(from: &[T], mut at: usize, step: isize, into: &mut [W], widen: impl Fn(T) -> W) {
    let mut rest = into;
    if step == 1 {
        // Whole blocks of neighbours are a fixed number of vector moves.
        let (blocks, tail) = rest.as_chunks_mut::<BLOCK>();
        for block in blocks {
            if let Some(from) = from.get(at..).and_then(<[T]>::first_chunk::<BLOCK>) {
                for (to, &from) in block.iter_mut().zip(from) {
                    *to = widen(from);
                }
            }
            at = at.wrapping_add(BLOCK);
        }
        rest = tail;
    }
    for to in rest {
        if let Some(&value) = from.get(at) {
            *to = widen(value);
        }
        at = at.wrapping_add_signed(step);
    }
}

fn scatter<T, W: Copy>(into: &mut [T], mut at: usize, step: isize, from: &[W], narrow: impl Fn(W) -> T) {
    let mut rest = from;
    if step == 1 {
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            if let Some(into) = into.get_mut(at..).and_then(<[T]>::first_chunk_mut::<BLOCK>) {
                for (to, &from) in into.iter_mut().zip(block) {
                    *to = narrow(from);
                }
            }
            at = at.wrapping_add(BLOCK);
        }
        rest = tail;
    }
    strided(into, at, step, rest, narrow);
}

fn strided<T, W: Copy>(into: &mut [T], mut at: usize, step: isize, from: &[W], narrow: impl Fn(W) -> T) {
    for &value in from {
        if let Some(to) = into.get_mut(at) {
            *to = narrow(value);
        }
        at = at.wrapping_add_signed(step);
    }
}

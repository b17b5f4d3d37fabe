//! Blocks of numbers in and out of typed slices.

use crate::number::Number;

/// Numbers of one block: enough for vector loops, small enough for the guest's stack.
pub(crate) const BLOCK: usize = 32;

/// Elements that can be read as numbers of one type.
pub trait Load<W> {
    /// Number of elements.
    fn count(&self) -> usize;
    /// Reads elements `at`, `at + step`, ... and leaves those outside the slice untouched.
    fn load(&self, at: usize, step: isize, into: &mut [W]);
}

/// Elements that can be written from numbers of one type.
pub trait Store<W> {
    /// Writes elements `at`, `at + step`, ... and drops those outside the slice.
    fn store(&mut self, at: usize, step: isize, from: &[W]);
}

/// The elements of an integer or bool tensor; u64 is a plain slice.
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
    Bool(&'a [u8]),
}

/// The writable elements of an integer or bool tensor; u64 is a plain slice.
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
    Bool(&'a mut [u8]),
}

/// A bool tensor that receives the truth of numbers: false for zero, true for all else.
#[derive(Debug)]
pub struct Truths<'a>(pub &'a mut [u8]);

impl<W: Copy> Load<W> for [W] {
    fn count(&self) -> usize {
        self.len()
    }
    fn load(&self, at: usize, step: isize, into: &mut [W]) {
        gather(self, at, step, into, |v| v);
    }
}

impl<W: Copy> Store<W> for [W] {
    fn store(&mut self, at: usize, step: isize, from: &[W]) {
        scatter(self, at, step, from, |v| v);
    }
}

impl<W: Number> Load<W> for Truths<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn load(&self, at: usize, step: isize, into: &mut [W]) {
        gather(self.0, at, step, into, |v| W::truth(v != 0));
    }
}

impl<W: Number> Store<W> for Truths<'_> {
    fn store(&mut self, at: usize, step: isize, from: &[W]) {
        scatter(self.0, at, step, from, |v| u8::from(v != W::ZERO));
    }
}

macro_rules! each_ints {
    ($ints:expr, $slice:ident => $body:expr) => {
        match $ints {
            Self::I8($slice) => $body,
            Self::U8($slice) | Self::Bool($slice) => $body,
            Self::I16($slice) => $body,
            Self::U16($slice) => $body,
            Self::I32($slice) => $body,
            Self::U32($slice) => $body,
            Self::I64($slice) => $body,
        }
    };
}

impl Load<i64> for Ints<'_> {
    fn count(&self) -> usize {
        each_ints!(self, slice => slice.len())
    }
    fn load(&self, at: usize, step: isize, into: &mut [i64]) {
        each_ints!(self, slice => gather(slice, at, step, into, Into::into));
    }
}

impl Load<i64> for IntsMut<'_> {
    fn count(&self) -> usize {
        each_ints!(self, slice => slice.len())
    }
    fn load(&self, at: usize, step: isize, into: &mut [i64]) {
        each_ints!(self, slice => gather(slice, at, step, into, Into::into));
    }
}

impl Store<i64> for IntsMut<'_> {
    fn store(&mut self, at: usize, step: isize, from: &[i64]) {
        match self {
            Self::I8(slice) => scatter(slice, at, step, from, |v| v as i8),
            Self::U8(slice) => scatter(slice, at, step, from, |v| v as u8),
            Self::I16(slice) => scatter(slice, at, step, from, |v| v as i16),
            Self::U16(slice) => scatter(slice, at, step, from, |v| v as u16),
            Self::I32(slice) => scatter(slice, at, step, from, |v| v as i32),
            Self::U32(slice) => scatter(slice, at, step, from, |v| v as u32),
            Self::I64(slice) => scatter(slice, at, step, from, |v| v),
            Self::Bool(slice) => scatter(slice, at, step, from, |v| u8::from(v != 0)),
        }
    }
}

/// One element, the default where the slice ends before.
pub(crate) fn one<W: Number>(from: &(impl Load<W> + ?Sized), at: usize) -> W {
    let mut value = [W::ZERO];
    from.load(at, 0, &mut value);
    value[0]
}

fn gather<T: Copy, W>(from: &[T], mut at: usize, step: isize, into: &mut [W], widen: impl Fn(T) -> W) {
    if step == 1 {
        if let Some(run) = from.get(at..at.wrapping_add(into.len())) {
            for (to, &from) in into.iter_mut().zip(run) {
                *to = widen(from);
            }
        }
        return;
    }
    for to in into {
        if let Some(&value) = from.get(at) {
            *to = widen(value);
        }
        at = at.wrapping_add_signed(step);
    }
}

fn scatter<T, W: Copy>(into: &mut [T], mut at: usize, step: isize, from: &[W], narrow: impl Fn(W) -> T) {
    if step == 1 {
        if let Some(run) = into.get_mut(at..at.wrapping_add(from.len())) {
            for (to, &from) in run.iter_mut().zip(from) {
                *to = narrow(from);
            }
        }
        return;
    }
    for &value in from {
        if let Some(to) = into.get_mut(at) {
            *to = narrow(value);
        }
        at = at.wrapping_add_signed(step);
    }
}

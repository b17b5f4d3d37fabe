//! Changes of the element type.

use mote_abi::Half;

use crate::error::Result;
use crate::layout::expect_len;
use crate::memory::{BLOCK, Ints, IntsMut, Load, Store};

/// A tensor of any type, to be read. A u64 is unsigned here, so [`Ints::U64`] does not stand for it.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named after the element type")]
pub enum Source<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    U64(&'a [u64]),
    Half(Half, &'a [u16]),
    Ints(Ints<'a>),
}

/// A tensor of any type, to be written.
#[derive(Debug)]
#[expect(missing_docs, reason = "named after the element type")]
pub enum Target<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
    Half(Half, &'a mut [u16]),
    Ints(IntsMut<'a>),
}

/// Converts element by element.
///
/// Floats to integers: truncated towards zero, saturated at the ends of the target's range, NaN gives 0. Integers to
/// narrower integers: the low bits. To a narrower float: nearest, ties to even, from the exact value. To bool: 0 is false, all else (NaN too) is true.
///
/// # Errors
/// Slices of different lengths.
pub fn cast(x: Source<'_>, y: &mut Target<'_>) -> Result {
    match x {
        // Every f32 is an f64, and rounding back or truncating sees the same value.
        Source::F32(x) => convert(x.len(), |at, block| each(at, block, x, f64::from), y, store_float),
        Source::F64(x) => convert(x.len(), |at, block| x.load(at, 1, block), y, store_float),
        Source::Half(format, x) => {
            convert(x.len(), |at, block| each(at, block, x, |v| format.widen(v).into()), y, store_float)
        }
        Source::U64(x) => convert(x.len(), |at, block| x.load(at, 1, block), y, store_unsigned),
        Source::Ints(x) => convert(x.count(), |at, block| x.load(at, 1, block), y, store_signed),
    }
}

fn convert<W: Copy + Default>(
    count: usize,
    load: impl Fn(usize, &mut [W]),
    y: &mut Target<'_>,
    store: impl Fn(&mut Target<'_>, usize, &[W]),
) -> Result {
    let len = match y {
        Target::F32(y) => y.len(),
        Target::F64(y) => y.len(),
        Target::Half(_, y) => y.len(),
        Target::Ints(y) => y.count(),
    };
    expect_len(len, count)?;
    let mut block = [W::default(); BLOCK];
    for at in (0..count).step_by(BLOCK) {
        let (used, _) = block.split_at_mut((count - at).min(BLOCK));
        load(at, used);
        store(y, at, used);
    }
    Ok(())
}

fn store_float(y: &mut Target<'_>, at: usize, block: &[f64]) {
    match y {
        Target::F32(y) => write(y, at, block, |v| v as f32),
        Target::F64(y) => y.store(at, 1, block),
        Target::Half(format, y) => write(y, at, block, |v| format.narrow(v)),
        Target::Ints(IntsMut::I8(y)) => write(y, at, block, |v| v as i8),
        Target::Ints(IntsMut::U8(y)) => write(y, at, block, |v| v as u8),
        Target::Ints(IntsMut::I16(y)) => write(y, at, block, |v| v as i16),
        Target::Ints(IntsMut::U16(y)) => write(y, at, block, |v| v as u16),
        Target::Ints(IntsMut::I32(y)) => write(y, at, block, |v| v as i32),
        Target::Ints(IntsMut::U32(y)) => write(y, at, block, |v| v as u32),
        Target::Ints(IntsMut::I64(y)) => write(y, at, block, |v| v as i64),
        Target::Ints(IntsMut::U64(y)) => write(y, at, block, |v| v as u64),
        Target::Ints(IntsMut::Bool(y)) => write(y, at, block, |v| u8::from(v != 0.0)),
    }
}

fn store_unsigned(y: &mut Target<'_>, at: usize, block: &[u64]) {
    match y {
        Target::F32(y) => write(y, at, block, |v| v as f32),
        Target::F64(y) => write(y, at, block, |v| v as f64),
        Target::Half(format, y) => write(y, at, block, |v| format.narrow(sticky(v))),
        Target::Ints(y) => {
            let mut bits = [0; BLOCK];
            bits.iter_mut().zip(block).for_each(|(to, &from)| *to = from.cast_signed());
            y.store(at, 1, bits.split_at(block.len().min(BLOCK)).0);
        }
    }
}

fn store_signed(y: &mut Target<'_>, at: usize, block: &[i64]) {
    match y {
        Target::F32(y) => write(y, at, block, |v| v as f32),
        Target::F64(y) => write(y, at, block, |v| v as f64),
        Target::Half(format, y) => write(y, at, block, |v| {
            let magnitude = sticky(v.unsigned_abs());
            format.narrow(if v < 0 { -magnitude } else { magnitude })
        }),
        Target::Ints(y) => y.store(at, 1, block),
    }
}

/// An f64 that rounds to half precision as the integer does: bits that an f64 cannot hold leave their trace in its last.
fn sticky(v: u64) -> f64 {
    let low = v & 0x7ff;
    if v >> 53 == 0 || low == 0 { v as f64 } else { ((v - low) | 0x800) as f64 }
}

fn each<T: Copy, W>(at: usize, block: &mut [W], x: &[T], widen: impl Fn(T) -> W) {
    if let Some(run) = x.get(at..at + block.len()) {
        for (to, &from) in block.iter_mut().zip(run) {
            *to = widen(from);
        }
    }
}

fn write<T, W: Copy>(y: &mut [T], at: usize, block: &[W], narrow: impl Fn(W) -> T) {
    if let Some(run) = y.get_mut(at..at + block.len()) {
        for (to, &from) in run.iter_mut().zip(block) {
            *to = narrow(from);
        }
    }
}

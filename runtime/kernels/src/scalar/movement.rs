//! Elements moved as bytes, so that one body serves every type of a size.

/// Some elements of a row: the first one and the distance to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) at: usize,
    pub(crate) step: isize,
}

impl Line {
    /// Neighbours.
    pub(crate) fn run(at: usize) -> Self {
        Self { at, step: 1 }
    }
}

/// Calls a function with the element size as a constant. Sizes other than 1, 2, 4 and 8 move nothing.
macro_rules! with_size {
    ($size:expr, $function:ident($($argument:expr),*)) => {
        match $size {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            4 => $function::<4>($($argument),*),
            8 => $function::<8>($($argument),*),
            _ => Default::default(),
        }
    };
}
pub(crate) use with_size;

/// Copies elements of so many bytes; those outside their slice are left out.
#[inline(never)]
pub(crate) fn move_line(size: usize, x: &[u8], from: Line, y: &mut [u8], to: Line, count: usize) {
    if from.step == 1 && to.step == 1 {
        let bytes = |at: usize| at.wrapping_mul(size)..at.wrapping_add(count).wrapping_mul(size);
        if let (Some(x), Some(y)) = (x.get(bytes(from.at)), y.get_mut(bytes(to.at))) {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x);
        }
        return;
    }
    with_size!(size, strided(x, from, y, to, count));
}

fn strided<const SIZE: usize>(x: &[u8], mut from: Line, y: &mut [u8], mut to: Line, count: usize) {
    let (x, y) = (x.as_chunks::<SIZE>().0, y.as_chunks_mut::<SIZE>().0);
    for _ in 0..count {
        if let (Some(x), Some(y)) = (x.get(from.at), y.get_mut(to.at)) {
            *y = *x;
        }
        from.at = from.at.wrapping_add_signed(from.step);
        to.at = to.at.wrapping_add_signed(to.step);
    }
}

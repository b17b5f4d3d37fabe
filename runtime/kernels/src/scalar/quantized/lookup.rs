//! Any function of one 8-bit number.

use crate::error::Result;
use crate::layout::expect_len;

/// `y = table[x]`, x as u8. `x` is `None` where y itself is read.
///
/// # Errors
/// Slices of different lengths.
pub fn lookup(table: &[u8; 256], x: Option<&[u8]>, y: &mut [u8]) -> Result {
    let value = |byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
    match x {
        Some(x) => {
            expect_len(x.len(), y.len())?;
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = value(x));
        }
        None => y.iter_mut().for_each(|y| *y = value(*y)),
    }
    Ok(())
}

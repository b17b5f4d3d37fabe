//! Writing that survives a power cut amid it: what is there already is not written again, and what cannot be repaired
//! is left for the digest to find.

use crate::error::FlashFault;
use crate::layout::UNIT;
use crate::port::Flash;

/// A byte of erased flash.
pub(crate) const BLANK: u8 = 0xff;

/// The bytes of a place.
pub(crate) fn view<F: Flash>(flash: &F, offset: u32, length: u32) -> Result<&[u8], FlashFault> {
    flash.view(offset, length).ok_or(FlashFault::OutOfPlace { room: flash.capacity() as u32, needed: length })
}

/// Erases whole sectors one by one, and says so after each: an erase is the longest thing that flash does.
pub(crate) fn erase<F: Flash>(
    flash: &mut F,
    from: u32,
    bytes: u32,
    got_on: &mut dyn FnMut(),
) -> Result<(), FlashFault> {
    let sector = F::ERASE_SIZE as u32;
    let end = from.saturating_add(bytes.next_multiple_of(sector));
    let mut at = from;
    while at < end {
        flash.erase(at, at.saturating_add(sector)).map_err(|_| FlashFault::Driver)?;
        at = at.saturating_add(sector);
        got_on();
    }
    Ok(())
}

/// Writes over erased flash and reads back.
pub(crate) fn write<F: Flash>(flash: &mut F, offset: u32, bytes: &[u8]) -> Result<(), FlashFault> {
    flash.write(offset, bytes).map_err(|_| FlashFault::Driver)?;
    let kept = view(flash, offset, bytes.len() as u32)? == bytes;
    if kept { Ok(()) } else { Err(FlashFault::NotKept { offset }) }
}

/// Writes bytes of any length, the last unit filled up with blank.
pub(crate) fn write_padded<F: Flash>(flash: &mut F, offset: u32, bytes: &[u8]) -> Result<(), FlashFault> {
    let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % F::WRITE_SIZE);
    fill(flash, offset, whole)?;
    if rest.is_empty() {
        return Ok(());
    }
    let mut unit = [BLANK; UNIT as usize];
    for (to, from) in unit.iter_mut().zip(rest) {
        *to = *from;
    }
    fill(flash, offset + whole.len() as u32, unit.get(..F::WRITE_SIZE).unwrap_or_default())
}

/// Writes whole units where a power cut may have left some of them written or torn.
fn fill<F: Flash>(flash: &mut F, offset: u32, bytes: &[u8]) -> Result<(), FlashFault> {
    let there = view(flash, offset, bytes.len() as u32)?;
    if there == bytes {
        return Ok(());
    }
    if there.iter().all(|&byte| byte == BLANK) {
        return write(flash, offset, bytes);
    }
    for (at, unit) in (offset..).step_by(F::WRITE_SIZE).zip(bytes.chunks_exact(F::WRITE_SIZE)) {
        let there = view(flash, at, unit.len() as u32)?;
        let torn = there != unit;
        let only_clears = there.iter().zip(unit).all(|(old, new)| old & new == *new);
        if torn && only_clears {
            // Some flash refuses to write a unit twice. Either way the digest decides, and what does not match is
            // fetched again over erased flash.
            let _ = flash.write(at, unit);
        }
    }
    Ok(())
}

//! Zeroes the border of an image and leaves its elements.

use super::asm::{Asm, Ptr, at_byte};
use super::pixels::Pixels;
use super::{Address, Call, Site};

/// Gaps of so many bytes are zeroed by vector stores; longer ones by `memory.fill`.
const MAX_STORED_BYTES: u32 = 2048;

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let tensor = site.output(0)?;
    let y = Pixels::of(&tensor)?;
    let args = vec![Address::of(&tensor)];
    let mut asm = Asm::new(site.flavour.profile, 1);
    let (left, right) = (u32::from(y.halo.left) * y.pixel, u32::from(y.halo.right) * y.pixel);
    let elements = y.w * y.pixel;
    // From the first byte to the first element; from the last element to the image's end.
    let head = y.start;
    let tail = u32::from(y.halo.bottom) * y.row + right;
    let at = asm.ptr();
    asm.offset(at, asm.param(0), 0);
    asm.repeat(y.n, |asm| {
        zero(asm, at, head);
        asm.advance(at, head + elements);
        asm.repeat(y.h - 1, |asm| {
            zero(asm, at, right + left);
            asm.advance(at, y.row);
        });
        zero(asm, at, tail);
        asm.advance(at, tail);
    });
    Some(Call { body: asm.finish(), args })
}

fn zero(asm: &mut Asm, at: Ptr, len: u32) {
    if len > MAX_STORED_BYTES {
        asm.fill(at, 0, 0, len);
        return;
    }
    let mut done = 0;
    while done < len {
        asm.get(at);
        let mut sink = asm.sink();
        done += match len - done {
            16.. => {
                sink.v128_const(0).v128_store(at_byte(done));
                16
            }
            8.. => {
                sink.i64_const(0).i64_store(at_byte(done));
                8
            }
            4.. => {
                sink.i32_const(0).i32_store(at_byte(done));
                4
            }
            2.. => {
                sink.i32_const(0).i32_store16(at_byte(done));
                2
            }
            _ => {
                sink.i32_const(0).i32_store8(at_byte(done));
                1
            }
        };
    }
}

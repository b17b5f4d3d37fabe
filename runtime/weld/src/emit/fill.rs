//! Fills a tensor's storage with one element.

use mote_plan::step;

use super::asm::{Asm, at_byte};
use super::{Address, Call, Site};

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Fill = site.step.params()?;
    let tensor = site.output(0)?;
    let size = tensor.dtype.size() as usize;
    let mut raw = [0; 8];
    raw[..4].copy_from_slice(&params.element[0].to_le_bytes());
    raw[4..].copy_from_slice(&params.element[1].to_le_bytes());
    let element = &raw[..size];

    let args = vec![Address::of(&tensor)];
    let mut asm = Asm::new(site.flavour.profile, 1);
    if element.iter().all(|byte| *byte == element[0]) {
        let to = asm.param(0);
        asm.fill(to, 0, element[0], tensor.bytes);
        return Some(Call { body: asm.finish(), args });
    }

    let pattern = i128::from_le_bytes(std::array::from_fn(|i| element[i % size]));
    let at = asm.ptr();
    asm.offset(at, asm.param(0), 0);
    asm.repeat(tensor.bytes / 16, |asm| {
        asm.get(at);
        asm.sink().v128_const(pattern).v128_store(at_byte(0));
        asm.advance(at, 16);
    });
    let value = u64::from_le_bytes(std::array::from_fn(|i| element[i % size])).cast_signed();
    for i in 0..tensor.bytes % 16 / size as u32 {
        asm.get(at);
        let mut sink = asm.sink();
        let memarg = at_byte(i * size as u32);
        match size {
            8 => sink.i64_const(value).i64_store(memarg),
            4 => sink.i64_const(value).i64_store32(memarg),
            2 => sink.i64_const(value).i64_store16(memarg),
            _ => sink.i64_const(value).i64_store8(memarg),
        };
    }
    Some(Call { body: asm.finish(), args })
}

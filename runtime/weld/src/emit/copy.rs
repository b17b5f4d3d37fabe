//! Moves elements between two strided boxes of any element type.

use mote_plan::step;

use super::asm::{Asm, Ptr, at_byte};
use super::{Address, Call, Site};

/// Runs of so many bytes are moved by loads and stores; longer ones by `memory.copy`.
const MAX_INLINE_BYTES: u32 = 128;
/// So many strided elements are written out; more of them loop.
const MAX_UNROLLED: u32 = 8;
/// Offsets beyond this are left to pointers.
const MAX_OFFSET: i64 = 1 << 20;

/// One axis of both boxes; steps in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    count: u32,
    from: i64,
    to: i64,
}

pub(super) fn emit(site: &Site<'_>) -> Option<Call> {
    let params: step::Copy = site.step.params()?;
    let (x, y) = (site.input(0)?, site.output(0)?);
    let rank = params.rank as usize;
    if rank > params.extent.len() || x.dtype.size() != y.dtype.size() {
        return None;
    }
    let size = x.dtype.size();
    let within = |start: u32, strides: &[i32; 8], bytes: u32| reach_is_inside(&params, start, strides, bytes / size);
    if !within(params.from, &params.from_stride, x.bytes) || !within(params.to, &params.to_stride, y.bytes) {
        return None;
    }

    let args = vec![Address::of(&x), Address::of(&y)];
    let mut asm = Asm::new(site.flavour.profile, 2);
    let (from, to) = (asm.ptr(), asm.ptr());
    asm.offset(from, asm.param(0), params.from * size);
    asm.offset(to, asm.param(1), params.to * size);
    let axes = axes(&params, rank, i64::from(size));
    let (inner, outer) = match axes.split_last() {
        Some((inner, outer)) => (*inner, outer),
        None => (Axis { count: 1, from: i64::from(size), to: i64::from(size) }, &axes[..]),
    };
    nest(&mut asm, outer, from, to, &|asm, from, to| run(asm, inner, size, from, to));
    Some(Call { body: asm.finish(), args })
}

/// Whether every index that the box reaches lies in a storage of so many elements. No axis is empty.
fn reach_is_inside(params: &step::Copy, start: u32, strides: &[i32; 8], elements: u32) -> bool {
    let (mut low, mut high) = (i128::from(start), i128::from(start));
    for (&extent, &stride) in params.extent.iter().zip(strides).take(params.rank as usize) {
        if extent == 0 {
            return false;
        }
        let reach = i128::from(extent - 1) * i128::from(stride);
        low += reach.min(0);
        high += reach.max(0);
    }
    low >= 0 && high < i128::from(elements)
}

/// The axes, outermost first: those of one element dropped, neighbours merged where both boxes run on, and a contiguous
/// axis brought innermost.
fn axes(params: &step::Copy, rank: usize, size: i64) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for i in (0..rank).filter(|&i| params.extent[i] > 1) {
        let from = i64::from(params.from_stride[i]) * size;
        let to = i64::from(params.to_stride[i]) * size;
        let axis = Axis { count: params.extent[i], from, to };
        match axes.last_mut() {
            Some(outer) if outer.from == from * i64::from(axis.count) && outer.to == to * i64::from(axis.count) => {
                *outer = Axis { count: outer.count * axis.count, ..axis };
            }
            _ => axes.push(axis),
        }
    }
    if let Some(contiguous) = axes.iter().position(|axis| axis.from == size && axis.to == size) {
        let axis = axes.remove(contiguous);
        axes.push(axis);
    }
    axes
}

fn nest(asm: &mut Asm, axes: &[Axis], from: Ptr, to: Ptr, body: &dyn Fn(&mut Asm, Ptr, Ptr)) {
    let Some((axis, inner)) = axes.split_first() else {
        body(asm, from, to);
        return;
    };
    let (from_at, to_at) = (asm.ptr(), asm.ptr());
    asm.offset(from_at, from, 0);
    asm.offset(to_at, to, 0);
    asm.repeat(axis.count, |asm| {
        nest(asm, inner, from_at, to_at, body);
        // Addresses wrap, so a negative step is a large positive one.
        asm.advance(from_at, axis.from as u32);
        asm.advance(to_at, axis.to as u32);
    });
}

/// The innermost axis.
fn run(asm: &mut Asm, axis: Axis, size: u32, from: Ptr, to: Ptr) {
    let contiguous = axis.from == i64::from(size) && axis.to == i64::from(size);
    if contiguous && axis.count <= MAX_INLINE_BYTES / size {
        move_inline(asm, axis.count * size, from, to);
        return;
    }
    if contiguous {
        asm.get(to);
        asm.get(from);
        asm.sink().i32_const((axis.count * size).cast_signed()).memory_copy(0, 0);
        return;
    }
    let reach = 0..=MAX_OFFSET;
    let near =
        reach.contains(&(axis.from * i64::from(axis.count))) && reach.contains(&(axis.to * i64::from(axis.count)));
    if near && axis.count <= MAX_UNROLLED {
        for i in 0..axis.count {
            move_element(asm, size, from, i * axis.from as u32, to, i * axis.to as u32);
        }
        return;
    }
    nest(asm, &[axis], from, to, &|asm, from, to| move_element(asm, size, from, 0, to, 0));
}

fn move_inline(asm: &mut Asm, len: u32, from: Ptr, to: Ptr) {
    let mut done = 0;
    while done < len {
        let size = [16, 8, 4, 2, 1].into_iter().find(|size| *size <= len - done).unwrap_or(1);
        move_element(asm, size, from, done, to, done);
        done += size;
    }
}

fn move_element(asm: &mut Asm, size: u32, from: Ptr, from_offset: u32, to: Ptr, to_offset: u32) {
    asm.get(to);
    asm.get(from);
    let (load, store) = (at_byte(from_offset), at_byte(to_offset));
    let mut sink = asm.sink();
    match size {
        16 => sink.v128_load(load).v128_store(store),
        8 => sink.i64_load(load).i64_store(store),
        4 => sink.i32_load(load).i32_store(store),
        2 => sink.i32_load16_u(load).i32_store16(store),
        _ => sink.i32_load8_u(load).i32_store8(store),
    };
}

//! Plans: words changed in a sound one, and sound ones that are run as they should not be.

use mote_abi::DType;
use mote_engine::{Arena, Fault};
use mote_plan::format::{TENSOR_BYTES, header};
use mote_plan::step::{Axis, Binary, Conv};
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, TensorId};
use mote_weld::{Flavour, Image};

use crate::{Attack, named};

/// `y = clamp(x * w + bias)` over eight columns: tensors w, bias, x, y; one step; one entry.
pub(crate) fn sound() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let w = writer.constant(DType::F32, &[1, 2, 8], &[0; 64]).unwrap();
    let bias = writer.constant(DType::F32, &[8], &[1; 32]).unwrap();
    let x = writer.arena(DType::F32, &[1, 1, 1, 2], Halo::NONE, 0).unwrap();
    let y = writer.arena(DType::F32, &[1, 1, 1, 8], Halo::NONE, 64).unwrap();
    writer.step(Kind::Conv, &[Some(x), Some(w), Some(bias)], &[y], &window([1, 1]));
    finish(writer, &[x], y, 64)
}

fn window(kernel: [u32; 2]) -> Conv {
    let (low, high) = (f32::NEG_INFINITY, f32::INFINITY);
    Conv { kernel, stride: [1, 1], dilation: [1, 1], pad: [0, 0], low, high }
}

fn finish(mut writer: Writer, inputs: &[TensorId], output: TensorId, ops: u64) -> Vec<u8> {
    for (id, name) in inputs.iter().chain([&output]).zip(["x", "y", "z"]) {
        writer.name(*id, name).unwrap();
    }
    let (inputs, outputs) = (inputs.to_vec(), vec![output]);
    writer.entry(EntrySpec { batch: 1, inputs, outputs, arena_bytes: 256, macs: 16, ops });
    writer.finish(&Meta { name: "sum".into(), version: 3, ..Meta::default() }).unwrap()
}

/// A sound Plan whose stated bound on operations is this.
pub(crate) fn of_operations(ops: u64) -> Vec<u8> {
    let mut writer = Writer::new(64);
    let x = writer.arena(DType::F32, &[2], Halo::NONE, 0).unwrap();
    finish(writer, &[x], x, ops)
}

/// `y = x[i]`, and `y = a / b` in integers.
fn looking_up() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let x = writer.arena(DType::F32, &[4], Halo::NONE, 0).unwrap();
    let i = writer.arena(DType::I32, &[1], Halo::NONE, 64).unwrap();
    let y = writer.arena(DType::F32, &[1], Halo::NONE, 128).unwrap();
    writer.step(Kind::Gather, &[Some(x), Some(i)], &[y], &Axis { axis: 0 });
    finish(writer, &[x, i], y, 64)
}

fn dividing() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let [a, b, y] = [0, 64, 128].map(|at| writer.arena(DType::I32, &[1], Halo::NONE, at).unwrap());
    writer.step(Kind::Binary, &[Some(a), Some(b)], &[y], &Binary { op: mote_abi::op::Binary::Div });
    finish(writer, &[a, b], y, 64)
}

fn wide() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let w = writer.constant(DType::F32, &[1, 2, 8], &[0; 64]).unwrap();
    let bias = writer.constant(DType::F32, &[8], &[1; 32]).unwrap();
    let x = writer.arena(DType::F32, &[1, 1, 1, 2], Halo::NONE, 0).unwrap();
    let y = writer.arena(DType::F32, &[1, 1, 1, 8], Halo::NONE, 64).unwrap();
    writer.step(Kind::Conv, &[Some(x), Some(w), Some(bias)], &[y], &window([1 << 31, 1 << 31]));
    finish(writer, &[x], y, 64)
}

fn word(plan: &[u8], at: usize) -> usize {
    u32::from_le_bytes(plan[at..at + 4].try_into().unwrap()) as usize
}

/// Views the bytes at so many bytes from a multiple of 16.
fn view(bytes: &[u8], shift: usize) -> Option<String> {
    let mut room = AlignedBytes::zeroed(bytes.len() + shift);
    room[shift..].copy_from_slice(bytes);
    Plan::view(&room[shift..]).err().map(|error| named("Plan", &error))
}

/// Runs a Plan that can be viewed, with inputs of these bytes.
fn run(bytes: &[u8], entry: u32, inputs: &[&[u8]], arena: std::ops::Range<usize>) -> Option<String> {
    let aligned = AlignedBytes::copy_of(bytes);
    let plan = Plan::view(&aligned).unwrap();
    let mut memory = AlignedBytes::zeroed(arena.end);
    let ended = Arena::new(&mut memory[arena]).and_then(|mut arena| {
        for (index, input) in inputs.iter().enumerate() {
            let place = mote_engine::input_mut(&plan, 0, index, &mut arena).ok_or(Fault::BadEntry)?;
            place.copy_from_slice(input);
        }
        mote_engine::run(&plan, entry, &mut arena)
    });
    ended.err().map(|fault| named("Fault", &fault))
}

/// Welds a Plan that can be viewed, without an image.
fn weld(bytes: &[u8]) -> Option<String> {
    let aligned = AlignedBytes::copy_of(bytes);
    let plan = Plan::view(&aligned).unwrap();
    let welded = mote_weld::module(&plan, Flavour::default(), &Image { wasm: &[], digest: [0; 32] });
    welded.err().map(|error| named("Weld", &error))
}

pub(crate) fn attacks() -> Vec<Attack> {
    let changed = |name, error, change: fn(&mut [u8])| {
        let mut bytes = sound();
        change(&mut bytes);
        Attack::new(name, error, move || view(&bytes, 0))
    };
    vec![
        Attack::new("misaligned-plan", "Plan.Misaligned", || view(&sound(), 1)),
        Attack::new("empty-plan", "Plan.Truncated", || view(&[], 0)),
        Attack::new("truncated-plan", "Plan.Truncated", || view(&sound()[..sound().len() - 1], 0)),
        changed("plan-with-another-magic", "Plan.BadMagic", |plan| plan[0] ^= 1),
        changed("plan-from-the-future", "Plan.UnsupportedVersion", |plan| plan[header::VERSION] = 2),
        changed("flipped-plan-offset", "Plan.BadTable", |plan| plan[header::TENSORS + 3] ^= 0x80),
        changed("plan-of-four-billion-tensors", "Plan.BadTable", |plan| plan[header::TENSORS + 4..][..4].fill(0xff)),
        changed("plan-arena-of-4-gib", "Plan.BadTable", |plan| plan[header::ARENA..][..4].fill(0xff)),
        changed("tensor-that-lies-about-its-size", "Plan.BadTensor", |plan| {
            plan[word(plan, header::TENSORS) + 8] ^= 4;
        }),
        changed("tensor-of-unknown-dtype", "Plan.BadTensor", |plan| plan[word(plan, header::TENSORS)] = 99),
        changed("tensor-outside-the-arena", "Plan.TensorOutOfBounds", |plan| {
            plan[word(plan, header::TENSORS) + 2 * TENSOR_BYTES as usize + 6] = 1;
        }),
        changed("tensor-offset-that-wraps", "Plan.TensorOutOfBounds", |plan| {
            let at = word(plan, header::TENSORS) + 2 * TENSOR_BYTES as usize + 4;
            plan[at..at + 4].copy_from_slice(&[0xfc, 0xff, 0xff, 0xff]);
        }),
        changed("step-of-unknown-kind", "Plan.BadStep", |plan| plan[word(plan, word(plan, header::STEPS))] = 0xee),
        changed("step-beyond-the-plan", "Plan.BadStep", |plan| plan[word(plan, header::STEPS) + 3] = 0x7f),
        changed("step-of-unknown-tensor", "Plan.BadStep", |plan| plan[word(plan, word(plan, header::STEPS)) + 8] = 77),
        // The output's id, behind three inputs, becomes that of the weights.
        changed("plan-writes-constant", "Plan.WritesConstant", |plan| {
            plan[word(plan, word(plan, header::STEPS)) + 20] = 0;
        }),
        changed("entry-of-endless-steps", "Plan.BadEntry", |plan| {
            let at = word(plan, header::ENTRIES);
            plan[at + 4..at + 8].fill(0xff);
        }),
        changed("entry-that-overwrites-weights", "Plan.BadEntry", |plan| plan[word(plan, header::IO)] = 0),
        changed("plan-names-that-are-no-text", "Plan.BadText", |plan| {
            let (at, length) = (word(plan, header::META), word(plan, header::META + 4));
            plan[at + length - 2] = 0xff;
        }),
        Attack::new("nan-metadata", "Weld.BadMeta", || {
            let mut bytes = sound();
            let at = bytes.windows(11).position(|window| window == b"\"version\":3").unwrap();
            // JSON has no NaN; the field becomes one letter of it.
            bytes[at + 10] = b'N';
            weld(&bytes)
        }),
        // No emitter takes such a step, and there is no image to take a kernel from.
        Attack::new("welded-window-of-2^62-taps", "Weld.Image", || weld(&wide())),
        Attack::new("window-of-2^62-taps", "Fault.MalformedPlan", || run(&wide(), 0, &[&[0; 8]], 0..256)),
        Attack::new("index-outside", "Fault.IndexOutOfRange", || {
            run(&looking_up(), 0, &[&[0; 16], &i32::MIN.to_le_bytes()], 0..256)
        }),
        Attack::new("division-by-zero", "Fault.DivisionByZero", || run(&dividing(), 0, &[&[1; 4], &[0; 4]], 0..256)),
        Attack::new("entry-that-is-none", "Fault.BadEntry", || run(&sound(), 7, &[], 0..256)),
        Attack::new("arena-too-short", "Fault.ShortArena", || run(&sound(), 0, &[], 0..128)),
        Attack::new("misaligned-arena", "Fault.MisalignedArena", || run(&sound(), 0, &[], 4..260)),
    ]
}

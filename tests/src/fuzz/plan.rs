//! Plans: words of the header, the tables and the step records are changed, and what else depends on them is put right
//! half of the time.

use mote_compiler::{CompileOptions, compile};
use mote_engine::Arena;
use mote_plan::format::{ENTRY_BYTES, HEADER_BYTES, TENSOR_BYTES, header};
use mote_plan::{AlignedBytes, Kind, Plan, Step, step};
use mote_weld::{Flavour, Image};

use super::{Random, Target, bytes};
use crate::evidence;

/// The largest arena that a mutated Plan is run with.
const MAX_ARENA: u32 = 1 << 22;
/// Elements that the tensors and windows of a step that is run may span: a Plan's own count of operations is not believed.
const MAX_WORK: u64 = 1 << 16;

pub(super) fn target() -> Target {
    let plan = |model: &evidence::Evidence| {
        let options = CompileOptions { name: "fuzz".to_owned(), ..CompileOptions::default() };
        compile(&model.bytes(), &options).unwrap_or_else(|e| panic!("{}: {e}", model.name)).plan
    };
    Target { name: "plan", seeds: evidence::models().iter().map(plan).collect(), mutate, enter }
}

fn mutate(random: &mut Random, plan: &[u8], other: &[u8]) -> Vec<u8> {
    if random.once_in(16) {
        return bytes::mutate(random, plan, other);
    }
    let mut plan = plan.to_vec();
    for _ in 0..=random.below(3) {
        change(random, &mut plan);
    }
    plan
}

/// Offset and length of one record or table that somebody reads.
fn place(random: &mut Random, plan: &[u8]) -> (usize, usize) {
    let word = |at: usize| word(plan, at) as usize;
    let row = |random: &mut Random, at: usize, bytes: u32| {
        (word(at) + random.below(word(at + 4)) * bytes as usize, bytes as usize)
    };
    match random.below(20) {
        0 => (8, HEADER_BYTES as usize - 8),
        1..=4 => row(random, header::TENSORS, TENSOR_BYTES),
        5 | 6 => row(random, header::ENTRIES, ENTRY_BYTES),
        7 => row(random, header::IO, 4),
        8 => row(random, header::STEPS, 4),
        9..=16 => {
            let (index, _) = row(random, header::STEPS, 4);
            (word(index), Step::read(plan.get(word(index)..).unwrap_or_default()).map_or(8, |s| s.len_bytes() as usize))
        }
        17 => (word(header::NAMES), word(header::NAMES + 4)),
        18 => (word(header::META), word(header::META + 4)),
        _ => (word(header::CONSTS), word(header::CONSTS + 4)),
    }
}

fn change(random: &mut Random, plan: &mut [u8]) {
    let (start, length) = place(random, plan);
    let at = start + random.below(length / 4) * 4;
    if plan.len() < at + 4 {
        return;
    }
    let old = word(plan, at);
    let new = match random.below(4) {
        // Another value of the same table is most likely to be one that means something.
        0 => word(plan, start + random.below(length / 4) * 4),
        1 => old ^ 1 << random.below(32),
        _ => random.number(u64::from(old)) as u32,
    };
    plan[at..at + 4].copy_from_slice(&new.to_le_bytes());
    if random.once_in(2) {
        repair(plan, at);
    }
}

/// Makes the size of a tensor fit a dimension that was changed at `at`.
fn repair(plan: &mut [u8], at: usize) {
    let table = word(plan, header::TENSORS) as usize;
    let count = word(plan, header::TENSORS + 4) as usize;
    let row = TENSOR_BYTES as usize;
    let Some(inside) = at.checked_sub(table).filter(|&inside| inside < count.saturating_mul(row)) else { return };
    let record = table + inside / row * row;
    let Some(&[dtype, rank, ..]) = plan.get(record..record + row) else { return };
    let size = mote_abi::DType::from_code(dtype).map_or(1, mote_abi::DType::size);
    let dims = (0..usize::from(rank).min(8)).map(|axis| word(plan, record + 16 + 4 * axis));
    let bytes = dims.fold(size, u32::wrapping_mul);
    plan[record + 8..record + 12].copy_from_slice(&bytes.to_le_bytes());
}

fn word(plan: &[u8], at: usize) -> u32 {
    let raw = plan.get(at..).and_then(|rest| rest.first_chunk()).copied();
    u32::from_le_bytes(raw.unwrap_or_default())
}

fn enter(bytes: &[u8]) -> bool {
    let aligned = AlignedBytes::copy_of(bytes);
    let Ok(plan) = Plan::view(&aligned) else {
        // Reading on after a failed check is safe too.
        if let Ok(plan) = Plan::trust(&aligned) {
            walk(&plan);
        }
        return false;
    };
    walk(&plan);
    run(&plan);
    // Hot steps are written without an image; a Plan that needs one ends in an error.
    if let Ok(wasm) = mote_weld::module(&plan, Flavour::default(), &Image { wasm: &[], digest: [0; 32] }) {
        let _admitted = mote_weld::check::module(&wasm);
    }
    true
}

/// Reads everything that can be read.
fn walk(plan: &Plan<'_>) {
    let steps = (0..plan.step_count().min(1 << 12)).filter_map(|index| plan.step(index));
    let named = steps.flat_map(|step| step.inputs().chain(step.outputs()).collect::<Vec<_>>());
    let ends =
        plan.entries().take(64).flat_map(|entry| entry.inputs().chain(entry.outputs()).take(64).collect::<Vec<_>>());
    for tensor in named.chain(ends).filter_map(|id| plan.tensor(id)) {
        let _read = (plan.name(&tensor), plan.constant(&tensor).map(<[u8]>::len), tensor.strides(), tensor.start());
    }
    let _meta = serde_json::from_str::<mote_plan::Meta>(plan.meta_json());
}

/// Runs every step whose extents are small. None may do more than fail.
fn run(plan: &Plan<'_>) {
    if plan.arena_bytes() > MAX_ARENA {
        return;
    }
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).expect("aligned");
    for step in (0..plan.step_count()).filter_map(|index| plan.step(index)) {
        if work(plan, &step) <= MAX_WORK {
            let _fault = mote_engine::step(plan, &step, &mut arena);
        }
    }
}

/// Elements that a step may touch, windows counted at each output.
fn work(plan: &Plan<'_>, step: &Step<'_>) -> u64 {
    let product = |factors: &[u32]| factors.iter().fold(1_u64, |all, &one| all.saturating_mul(one.into()));
    let outputs = step.outputs().filter_map(|id| plan.tensor(id)).map(|t| u64::from(t.count())).max().unwrap_or(0);
    let inputs = step.inputs().filter_map(|id| plan.tensor(id)).map(|t| u64::from(t.count())).max().unwrap_or(0);
    let window = match step.kind {
        Kind::Conv | Kind::Depthwise => step.params::<step::Conv>().map(|p| product(&p.kernel)),
        Kind::ConvGroup | Kind::ConvTranspose => step.params::<step::ConvGroup>().map(|p| product(&p.kernel)),
        Kind::Pool => step.params::<step::Pool>().map(|p| product(&p.kernel)),
        Kind::Copy => step.params::<step::Copy>().map(|p| product(&p.extent)),
        _ => Some(1),
    };
    window.unwrap_or(0).saturating_mul(outputs.max(1)).max(inputs)
}

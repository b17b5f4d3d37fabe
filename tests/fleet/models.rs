//! Two real versions of one model, and what the native engine makes of a window.

use std::path::PathBuf;
use std::sync::OnceLock;

use mote_abi::DType;
use mote_compiler::CompileOptions;
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};
use mote_seal::golden::{self, Generator, Inputs, OutputHasher, Vector};

/// The model that is updated.
pub(crate) const MODEL: &str = "activity-cnn1d";
/// Samples per window; every further sample completes another one.
pub(crate) const WINDOW: u64 = 64;
/// Values per sample.
pub(crate) const CHANNELS: usize = 6;

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("models").join(MODEL)
}

/// The Plan of an odd or an even release version: the pilot and its retraining, turn by turn.
pub(crate) fn plan(version: u64) -> &'static [u8] {
    static PLANS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let [odd, even] = PLANS.get_or_init(|| ["model.onnx", "model-v2.onnx"].map(compile));
    if version % 2 == 1 { odd } else { even }
}

fn compile(file: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    let options = CompileOptions { name: MODEL.into(), version: 1, ..CompileOptions::default() };
    mote_compiler::compile(&bytes, &options).unwrap().plan
}

/// The output of a Plan for one input, by the native engine.
pub(crate) fn native(plan: &[u8], fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let bytes = AlignedBytes::copy_of(plan);
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    fill(mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap());
    mote_engine::run(&plan, 0, &mut arena).unwrap();
    mote_engine::output(&plan, 0, 0, &arena).unwrap().to_vec()
}

/// A golden file of three vectors that a Plan passes.
pub(crate) fn golden_vectors(plan: &[u8]) -> Vec<u8> {
    let vectors = [1, 2, 3].map(|seed| {
        let inputs = Inputs::Generated { generator: Generator::Units, seed };
        let mut hasher = OutputHasher::new();
        hasher.output(DType::F32, &native(plan, |input| inputs.write_to(input).unwrap()));
        Vector { entry: 0, inputs, digest: hasher.finish(), expected: None }
    });
    golden::write(&vectors)
}

/// The winning score of a window, as an answer states it.
pub(crate) fn winning_score(plan: &[u8], samples: &[[f32; CHANNELS]]) -> f32 {
    let values: Vec<u8> = samples.as_flattened().iter().flat_map(|value| value.to_le_bytes()).collect();
    let output = native(plan, |input| input.copy_from_slice(&values));
    output.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).max_by(f32::total_cmp).unwrap()
}

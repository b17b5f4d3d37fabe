//! Versions of one convolutional network whose Plan has 60 KB and more, and what the native engine makes of a window.
//!
//! The network is written here, from a seed: two layers of 64 channels over windows of the wrist watch's six.

use std::collections::BTreeSet;

use mote_compiler::{CompileOptions, Core, Target};
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};
use mote_tests::fuzz::Random;
use mote_tests::onnx;

use crate::site::MODEL;

/// Samples per window.
pub(crate) const WINDOW: usize = 64;
/// Values per sample.
pub(crate) const CHANNELS: usize = 6;
/// What the network decides between.
const CLASSES: usize = 7;
/// Feature maps of each layer.
const WIDTH: usize = 64;
/// Taps of each layer's filters.
const TAPS: usize = 3;

/// The least that the Plan of a version has.
const PLAN_BYTES: usize = 60 << 10;

/// The Plan of a version, for microcontrollers.
pub(crate) fn plan(version: u64) -> Vec<u8> {
    let plan = compile(&network(version, &[]), WINDOW, version);
    assert!(plan.len() >= PLAN_BYTES, "a Plan of {} bytes", plan.len());
    plan
}

/// A version that answers every window with NaN: the root of what is below zero.
pub(crate) fn nan(version: u64) -> Vec<u8> {
    compile(&network(version, &["Exp", "Neg", "Sqrt"]), WINDOW, version)
}

/// Any network over windows of so many samples.
pub(crate) fn compile(onnx: &[u8], window: usize, version: u64) -> Vec<u8> {
    let options = CompileOptions {
        name: MODEL.into(),
        version,
        window: u32::try_from(window).ok(),
        target: Target::Mcu(Core::Generic),
        ..CompileOptions::default()
    };
    mote_compiler::compile(onnx, &options).unwrap().plan
}

/// `last` are operators behind the scores.
fn network(seed: u64, last: &[&str]) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut weights = |name: &str, dims: &[usize]| {
        let taken: usize = dims[1..].iter().product();
        // Uniform, so that the sum of as many products is about as large as one input.
        let scale = 3.0 / (taken as f32) / f32::from(i16::MAX);
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| f32::from(random.bits() as i16) * scale).collect();
        (name.to_owned(), dims.iter().map(|&dim| dim as i64).collect::<Vec<_>>(), values)
    };
    let layers = [
        weights("w1", &[WIDTH, CHANNELS, TAPS]),
        weights("w2", &[WIDTH, WIDTH, TAPS]),
        weights("w3", &[WIDTH, WIDTH, TAPS]),
        weights("w4", &[CLASSES, WIDTH, 1]),
    ];
    let constants = layers.map(|(name, dims, values)| onnx::floats(&name, &dims, &values));
    let conv = |x: &str, w: &str, y: &str| onnx::node("Conv", &[x, w], &[y], &[]);
    let relu = |x: &str, y: &str| onnx::node("Relu", &[x], &[y], &[]);
    let mut nodes = vec![
        onnx::node("Transpose", &["window"], &["x"], &[onnx::ints("perm", &[0, 2, 1])]),
        conv("x", "w1", "a"),
        relu("a", "b"),
        conv("b", "w2", "c"),
        relu("c", "d"),
        conv("d", "w3", "e"),
        relu("e", "f"),
        onnx::node("GlobalAveragePool", &["f"], &["g"], &[]),
        conv("g", "w4", "h"),
        onnx::node("Flatten", &["h"], &["0"], &[]),
    ];
    let steps: Vec<String> = (0..=last.len()).map(|step| step.to_string()).collect();
    for (operator, ends) in last.iter().zip(steps.windows(2)) {
        nodes.push(onnx::node(operator, &[&ends[0]], &[&ends[1]], &[]));
    }
    nodes.push(onnx::node("Identity", &[steps.last().unwrap()], &["scores"], &[]));
    let input = onnx::value("window", onnx::element::F32, &["1", &WINDOW.to_string(), &CHANNELS.to_string()]);
    let output = onnx::value("scores", onnx::element::F32, &["1", &CLASSES.to_string()]);
    onnx::model(17, &onnx::graph(&nodes, &constants, &[input], &[output]))
}

/// The winning score of every window of a recording that starts over when it has ended, as bits.
pub(crate) fn winning_scores(plan: &[u8], recording: &[[f32; CHANNELS]], window: usize) -> BTreeSet<u32> {
    let bytes = AlignedBytes::copy_of(plan);
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let mut score = |start: usize| {
        let samples = recording.iter().cycle().skip(start).take(window);
        let values: Vec<u8> = samples.flatten().flat_map(|value| value.to_le_bytes()).collect();
        mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap().copy_from_slice(&values);
        mote_engine::run(&plan, 0, &mut arena).unwrap();
        let output = mote_engine::output(&plan, 0, 0, &arena).unwrap();
        let scores = output.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw));
        scores.max_by(f32::total_cmp).unwrap().to_bits()
    };
    (0..recording.len()).map(&mut score).collect()
}

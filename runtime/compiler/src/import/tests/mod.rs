//! Each test builds a small ONNX file, compiles it and runs the native engine.

mod attention;
mod classical;
mod contrib;
mod control;
mod dynamic;
mod files;
mod half;
mod hostile;
pub(crate) mod onnx_build;
mod operators;
mod places;
mod prepare;
mod quantized;
mod recurrent;
mod refusals;
mod sequence;
mod signal;
mod stateful;
mod structure;
mod types;
mod windows;

use mote_plan::{AlignedBytes, Plan};
use tract_onnx::pb::{NodeProto, TensorProto};

use super::ImportOptions;
use crate::compile::{CompileError, CompileOptions, Compiled, compile};
use crate::tensor::HostTensor;
use onnx_build::{FLOAT, graph, model, untyped, value};

/// Numbers between -0.75 and 0.75.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + seed * 101) % 61) as f32 / 40.0 - 0.75).collect()
}

fn f32_tensor(name: &str, dims: &[usize], values: &[f32]) -> HostTensor {
    HostTensor {
        name: name.to_owned(),
        dtype: mote_abi::DType::F32,
        dims: dims.to_vec(),
        bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// Compiles for the given inputs, runs once and answers the outputs.
fn run(bytes: &[u8], inputs: &[HostTensor]) -> Result<Vec<HostTensor>, CompileError> {
    Ok(answer(&compile_with(bytes, inputs, ImportOptions::default())?, inputs).unwrap())
}

fn compile_with(bytes: &[u8], inputs: &[HostTensor], import: ImportOptions) -> Result<Compiled, CompileError> {
    let input_shapes = inputs.iter().map(|t| (t.name.clone(), t.dims.clone())).collect();
    let import = ImportOptions { input_shapes, ..import };
    compile(bytes, &CompileOptions { name: "test".to_owned(), import, ..CompileOptions::default() })
}

/// Runs once and answers the outputs.
fn answer(compiled: &Compiled, inputs: &[HostTensor]) -> Result<Vec<HostTensor>, mote_engine::Fault> {
    let plan_bytes = AlignedBytes::copy_of(&compiled.plan);
    let plan = Plan::view(&plan_bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = mote_engine::Arena::new(&mut memory).unwrap();
    let graph = &compiled.entries[0].graph;
    for (i, &id) in graph.inputs.iter().enumerate() {
        let tensor = inputs.iter().find(|t| t.name == graph.value(id).name).unwrap();
        mote_engine::input_mut(&plan, 0, i, &mut arena).unwrap().copy_from_slice(&tensor.bytes);
    }
    mote_engine::run(&plan, 0, &mut arena)?;
    let output = |(i, &id): (usize, &crate::graph::ValueId)| {
        let value = graph.value(id);
        let bytes = mote_engine::output(&plan, 0, i, &arena).unwrap().to_vec();
        HostTensor { name: value.name.clone(), dtype: value.dtype, dims: value.dims.clone(), bytes }
    };
    Ok(graph.outputs.iter().enumerate().map(output).collect())
}

fn i64s(tensor: &HostTensor) -> Vec<i64> {
    tensor.bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
}

fn floats(tensor: &HostTensor) -> Vec<f32> {
    tensor.bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// A model of one node `op(x, ..) -> y` over an f32 input.
fn one_node(opset: i64, node: NodeProto, dims: &[usize], initializers: Vec<TensorProto>) -> Vec<u8> {
    let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
    let dims: Vec<&str> = dims.iter().map(String::as_str).collect();
    let outputs = node.output.iter().filter(|name| !name.is_empty()).map(|name| untyped(name)).collect();
    model(opset, graph(vec![node], vec![value("x", FLOAT, &dims)], outputs, initializers))
}

//! A model built every way it can run.

use std::collections::BTreeMap;
use std::process::Command;

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileError, CompileOptions, compile};
use mote_engine::Arena;
use mote_host::{Code, Host, Instance, LoadOptions};
use mote_plan::{AlignedBytes, Plan, TensorId};
use mote_seal::Kind;
use mote_tests::npz::Array;
use mote_tests::signed::Signed;
use mote_weld::{Flavour, Image, Profile, Tuning};

use crate::program;

/// One Plan and what was made of it.
pub(crate) struct Build {
    plan: AlignedBytes,
    module: Vec<u8>,
    strict: Vec<(&'static str, Instance)>,
    fast: Vec<(&'static str, Instance)>,
}

impl Build {
    /// Compiles for these input shapes, welds and loads.
    pub(crate) fn new(
        onnx: &[u8],
        input_shapes: BTreeMap<String, Vec<usize>>,
        host: &Host,
    ) -> Result<Self, CompileError> {
        let import = ImportOptions { input_shapes, ..ImportOptions::default() };
        let options = CompileOptions { name: "conformance".to_owned(), import, ..CompileOptions::default() };
        let plan = AlignedBytes::copy_of(&compile(onnx, &options)?.plan);
        let image = mote_guest_image::image();
        let image = Image { wasm: image.wasm, digest: image.digest };
        let view = Plan::view(&plan).unwrap();
        let weld = |profile| mote_weld::module(&view, Flavour { profile, tuning: Tuning::V8 }, &image).unwrap();
        let load = |artifact: &[u8], kind, code, profile| {
            let signed = Signed::new(artifact.to_vec(), kind);
            let options = LoadOptions { code, profile, ..LoadOptions::default() };
            host.load(&signed.open().unwrap(), &image, &options).unwrap().instantiate().unwrap()
        };
        let (module, fast) = (weld(Profile::Strict), weld(Profile::Fast));
        let strict = vec![
            ("strict-cranelift", load(&plan, Kind::Plan, Code::Derived, Profile::Strict)),
            ("strict-v8", load(&module, Kind::Module, Code::File, Profile::Strict)),
        ];
        let fast = vec![
            ("fast-cranelift", load(&plan, Kind::Plan, Code::Derived, Profile::Fast)),
            ("fast-v8", load(&fast, Kind::Module, Code::File, Profile::Fast)),
        ];
        Ok(Self { plan, module, strict, fast })
    }

    /// Bytes of the strict module and of the Plan in it.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.module.len(), self.plan.len())
    }

    fn view(&self) -> Plan<'_> {
        Plan::trust(&self.plan).unwrap()
    }

    /// The names of the inputs, in the order of the entry.
    fn inputs(&self) -> Vec<String> {
        let plan = self.view();
        let name = |id: TensorId| plan.name(&plan.tensor(id).unwrap()).unwrap().to_owned();
        plan.entry(0).unwrap().inputs().map(name).collect()
    }

    /// The outputs without their elements, in the order of the entry.
    fn outputs(&self) -> Vec<Array> {
        let plan = self.view();
        let empty = |id: TensorId| {
            let tensor = plan.tensor(id).unwrap();
            let dims = tensor.dims().iter().map(|&dim| dim as usize).collect();
            Array { name: plan.name(&tensor).unwrap().to_owned(), dtype: tensor.dtype, dims, bytes: Vec::new() }
        };
        plan.entry(0).unwrap().outputs().map(empty).collect()
    }

    /// The bytes of the inputs, in the order of the entry.
    fn ordered<'a>(&self, given: &'a [Array]) -> Vec<&'a [u8]> {
        let find = |name: &String| given.iter().find(|array| array.name == *name).map(|array| array.bytes.as_slice());
        self.inputs().iter().map(|name| find(name).unwrap_or_else(|| panic!("no array `{name}`"))).collect()
    }

    /// The answer of the native engine.
    pub(crate) fn native(&self, given: &[Array]) -> Vec<Array> {
        let plan = self.view();
        let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
        let mut arena = Arena::new(&mut memory).unwrap();
        for (index, bytes) in self.ordered(given).into_iter().enumerate() {
            mote_engine::input_mut(&plan, 0, index, &mut arena).unwrap().copy_from_slice(bytes);
        }
        mote_engine::run(&plan, 0, &mut arena).unwrap();
        let filled = |(index, output): (usize, Array)| {
            let bytes = mote_engine::output(&plan, 0, index, &arena).unwrap().to_vec();
            Array { bytes, ..output }
        };
        self.outputs().into_iter().enumerate().map(filled).collect()
    }

    /// The answers of the guests that must give the same bits.
    pub(crate) fn strict_guests(&mut self, given: &[Array]) -> Vec<(&'static str, Vec<Array>)> {
        let (inputs, outputs) = (self.ordered(given), self.outputs());
        self.strict.iter_mut().map(|(way, guest)| (*way, infer(guest, &inputs, &outputs))).collect()
    }

    /// The answers of the guests that only come close.
    pub(crate) fn fast_guests(&mut self, given: &[Array]) -> Vec<(&'static str, Vec<Array>)> {
        let (inputs, outputs) = (self.ordered(given), self.outputs());
        self.fast.iter_mut().map(|(way, guest)| (*way, infer(guest, &inputs, &outputs))).collect()
    }
}

fn infer(guest: &mut Instance, inputs: &[&[u8]], outputs: &[Array]) -> Vec<Array> {
    let answer = guest.infer(0, inputs).unwrap();
    let filled = |(output, (_, bytes)): (&Array, (_, &[u8]))| Array { bytes: bytes.to_vec(), ..output.clone() };
    outputs.iter().zip(answer.iter()).map(filled).collect()
}

/// node, where it is installed.
pub(crate) struct V8;

impl V8 {
    /// Looks for it, or says on stderr that the comparison goes without.
    pub(crate) fn find() -> Option<Self> {
        if !program::exists("node") {
            program::skip("conformance in V8", "node");
            return None;
        }
        Some(Self)
    }

    /// The answers of the strict module to several sets of inputs, by `conformance/run.mjs`.
    pub(crate) fn run(&self, build: &Build, cases: &[&[Array]]) -> Vec<Vec<Array>> {
        let folder = tempfile::tempdir().unwrap();
        let wasm = folder.path().join("model.wasm");
        std::fs::write(&wasm, &build.module).unwrap();
        let script = program::repository().join("tests/conformance/run.mjs");
        let mut node = Command::new("node");
        node.arg(script).arg(&wasm);
        let output = |case: usize| folder.path().join(format!("{case}.out"));
        for (case, given) in cases.iter().enumerate() {
            let input = folder.path().join(format!("{case}.in"));
            std::fs::write(&input, build.ordered(given).concat()).unwrap();
            node.arg(&input).arg(output(case));
        }
        let ended = node.output().unwrap();
        assert!(ended.status.success(), "node: {}", String::from_utf8_lossy(&ended.stderr));
        (0..cases.len()).map(|case| split(&std::fs::read(output(case)).unwrap(), build.outputs())).collect()
    }
}

/// Cuts concatenated outputs apart.
fn split(mut bytes: &[u8], outputs: Vec<Array>) -> Vec<Array> {
    let cut = |output: Array| {
        let length = output.dims.iter().product::<usize>() * output.dtype.size() as usize;
        let (own, rest) = bytes.split_at(length);
        bytes = rest;
        Array { bytes: own.to_vec(), ..output }
    };
    let arrays = outputs.into_iter().map(cut).collect();
    assert!(bytes.is_empty(), "{} bytes too many", bytes.len());
    arrays
}

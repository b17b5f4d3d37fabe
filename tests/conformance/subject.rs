//! One model at one set of input shapes: what was compiled from it, and the inputs it is asked about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileError, CompileOptions, Core, Target, compile_for};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::Digest;
use mote_seal::golden::OutputHasher;
use mote_tests::evidence::Evidence;
use mote_tests::npz::{self, Array};
use mote_tests::special::Special;
use mote_weld::card::TensorCard;
use mote_weld::{Card, Flavour, Image, Profile, Tuning};

/// Shapes by the names of the inputs.
type Shapes = BTreeMap<String, Vec<usize>>;

/// See the file.
pub(crate) struct Subject {
    pub(crate) name: String,
    /// What gateways and pages take.
    pub(crate) plan: AlignedBytes,
    /// What microcontrollers take.
    pub(crate) mcu_plan: AlignedBytes,
    /// The strict module, as it is in a file.
    pub(crate) module: Vec<u8>,
    pub(crate) card: Card,
    /// Recorded inputs first, special ones behind them.
    pub(crate) sets: Vec<Set>,
}

/// The inputs of one call.
pub(crate) struct Set {
    /// Where they come from.
    pub(crate) what: String,
    /// The bytes of the inputs, in the Card's order.
    pub(crate) inputs: Vec<Vec<u8>>,
    /// The file of recorded outputs.
    pub(crate) recorded: Option<PathBuf>,
}

/// Everything that a model is asked, or why it was refused.
pub(crate) fn subjects(model: &Evidence) -> Result<Vec<Subject>, CompileError> {
    let bytes = model.bytes();
    let groups = by_shapes(model);
    let alone = groups.len() == 1;
    let subject = |(shapes, cases): (Shapes, Vec<Case>)| {
        let suffix: Vec<_> = shapes.values().next().into_iter().flatten().map(ToString::to_string).collect();
        let name = if alone { model.name.clone() } else { format!("{} {}", model.name, suffix.join("x")) };
        Subject::new(name, &bytes, shapes, &cases)
    };
    groups.into_iter().map(subject).collect()
}

/// The arrays of recorded inputs and the file of recorded outputs.
type Case = (Vec<Array>, Option<PathBuf>);

/// The cases of a model, those of equal input shapes together.
fn by_shapes(model: &Evidence) -> BTreeMap<Shapes, Vec<Case>> {
    let mut groups = BTreeMap::new();
    for (inputs, recorded) in &model.cases {
        let inputs = npz::read(inputs);
        let shapes = inputs.iter().map(|array| (array.name.clone(), array.dims.clone())).collect();
        let cases: &mut Vec<Case> = groups.entry(shapes).or_default();
        cases.push((inputs, recorded.as_deref().map(Path::to_path_buf)));
    }
    groups
}

impl Subject {
    fn new(name: String, onnx: &[u8], input_shapes: Shapes, cases: &[Case]) -> Result<Self, CompileError> {
        let import = ImportOptions { input_shapes, ..ImportOptions::default() };
        let options = CompileOptions { name: "conformance".to_owned(), import, ..CompileOptions::default() };
        let plans = compile_for(onnx, &options, &[Target::Wasm, Target::Mcu(Core::Generic)])?;
        let [plan, mcu_plan] = plans.as_slice() else { panic!("two targets, {} Plans", plans.len()) };
        let (plan, mcu_plan) = (AlignedBytes::copy_of(plan), AlignedBytes::copy_of(mcu_plan));
        let module = module(&plan, Profile::Strict);
        let card = Card::read(&module).unwrap();
        let inputs = &card.entries[0].inputs;

        let recorded = cases.iter().enumerate().map(|(index, (arrays, recorded))| Set {
            what: format!("recorded case {index}"),
            inputs: ordered(inputs, arrays),
            recorded: recorded.clone(),
        });
        let special = Special::ALL.map(|kind| Set {
            what: format!("special inputs, {kind:?}"),
            inputs: ordered(inputs, &kind.inputs(&cases[0].0)),
            recorded: None,
        });
        let sets = recorded.chain(special).collect();
        Ok(Self { name, plan, mcu_plan, module, card, sets })
    }

    /// Concatenated outputs as arrays.
    pub(crate) fn outputs(&self, mut answer: &[u8]) -> Vec<Array> {
        let cut = |tensor: &TensorCard| {
            let (own, rest) = answer.split_at(tensor.bytes as usize);
            answer = rest;
            Array {
                name: tensor.name.clone(),
                dtype: tensor.dtype().unwrap(),
                dims: tensor.shape.iter().map(|&dim| dim as usize).collect(),
                bytes: own.to_vec(),
            }
        };
        let arrays = self.card.entries[0].outputs.iter().map(cut).collect();
        assert!(answer.is_empty(), "{}: {} bytes too many", self.name, answer.len());
        arrays
    }

    /// One digest over the answers to all sets: that of their canonical bytes.
    pub(crate) fn digest(&self, answers: &[Vec<u8>]) -> Digest {
        let mut hasher = OutputHasher::new();
        for array in answers.iter().flat_map(|answer| self.outputs(answer)) {
            hasher.output(array.dtype, &array.bytes);
        }
        hasher.finish()
    }

    /// Scalar operations over all sets, at most.
    pub(crate) fn operations(&self) -> u64 {
        self.card.entries[0].ops * self.sets.len() as u64
    }
}

/// The module of a Plan, as it is in a file.
pub(crate) fn module(plan: &AlignedBytes, profile: Profile) -> Vec<u8> {
    let flavour = Flavour { profile, tuning: Tuning::V8 };
    mote_weld::module(&Plan::view(plan).unwrap(), flavour, &image()).unwrap()
}

pub(crate) fn image() -> Image<'static> {
    let image = mote_guest_image::image();
    Image { wasm: image.wasm, digest: image.digest }
}

/// The bytes of the arrays that the inputs name.
fn ordered(inputs: &[TensorCard], arrays: &[Array]) -> Vec<Vec<u8>> {
    let find = |input: &TensorCard| arrays.iter().find(|array| array.name == input.name).map(|a| a.bytes.clone());
    inputs.iter().map(|input| find(input).unwrap_or_else(|| panic!("no array `{}`", input.name))).collect()
}

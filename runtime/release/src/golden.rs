//! Golden vectors: inputs, and what the native engine makes of them. A device runs them before it trusts a model.

use mote_abi::DType;
use mote_engine::{Arena, Fault};
use mote_plan::{AlignedBytes, Entry, Plan, TensorId};
use mote_seal::Digest;
use mote_seal::golden::{Expected, Generator, Inputs, MAX_RECORDED, OutputHasher, Vector, write};

use crate::ReleaseError;

/// Most vectors of a file: every device runs all of them before each new model.
const MAX_VECTORS: usize = 8;
/// Vectors of an entry for which no recorded inputs are given or fit.
const GENERATED: u64 = 2;

/// Recorded inputs of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Index of the entry.
    pub entry: u32,
    /// Every input in the entry's order, one after another.
    pub inputs: Vec<u8>,
}

/// One vector and the answer to it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) entry: u32,
    inputs: Source,
    /// Every output in the entry's order, one after another.
    pub(crate) answer: Vec<u8>,
    pub(crate) digest: Digest,
    /// By how much fast code may miss the answer.
    pub(crate) tolerance: Option<f32>,
}

#[derive(Clone, Debug)]
enum Source {
    Recorded(Vec<u8>),
    Generated(Generator, u64),
}

/// What an entry takes and gives: element type and bytes of each tensor.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) inputs: Vec<(DType, usize)>,
    pub(crate) outputs: Vec<(DType, usize)>,
}

impl Shape {
    pub(crate) fn of(plan: &Plan<'_>, entry: &Entry<'_>) -> Self {
        let side = |ids: &mut dyn Iterator<Item = TensorId>| {
            ids.filter_map(|id| plan.tensor(id)).map(|tensor| (tensor.dtype, tensor.bytes as usize)).collect()
        };
        Self { inputs: side(&mut entry.inputs()), outputs: side(&mut entry.outputs()) }
    }

    fn input_bytes(&self) -> usize {
        self.inputs.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Cuts concatenated inputs apart.
    pub(crate) fn split<'i>(&self, mut inputs: &'i [u8]) -> Vec<&'i [u8]> {
        let mut parts = Vec::with_capacity(self.inputs.len());
        for &(_, bytes) in &self.inputs {
            let (part, rest) = inputs.split_at_checked(bytes).unwrap_or((inputs, &[]));
            parts.push(part);
            inputs = rest;
        }
        parts
    }

    /// The digest of concatenated outputs.
    pub(crate) fn digest(&self, mut outputs: &[u8]) -> Digest {
        let mut hasher = OutputHasher::new();
        for &(dtype, bytes) in &self.outputs {
            let (part, rest) = outputs.split_at_checked(bytes).unwrap_or((outputs, &[]));
            hasher.output(dtype, part);
            outputs = rest;
        }
        hasher.finish()
    }

    /// Whether outputs can be compared within a tolerance.
    pub(crate) fn is_f32_out(&self) -> bool {
        self.outputs.iter().all(|(dtype, _)| *dtype == DType::F32)
    }

    /// What can be made up for this entry: by a generator, or zeros where indices and numbers are mixed.
    fn made_up(&self, seed: u64) -> Option<Source> {
        let all = |wanted: &[DType]| self.inputs.iter().all(|(dtype, _)| wanted.contains(dtype));
        if all(&[DType::F32]) {
            return Some(Source::Generated(Generator::Units, seed));
        }
        if all(&[DType::U8, DType::I8]) {
            return Some(Source::Generated(Generator::Bytes, seed));
        }
        (seed == 0 && self.input_bytes() <= MAX_RECORDED).then(|| Source::Recorded(vec![0; self.input_bytes()]))
    }
}

/// A Plan on the native engine.
pub(crate) struct Native<'p> {
    plan: Plan<'p>,
    memory: AlignedBytes,
    pub(crate) shapes: Vec<Shape>,
}

impl<'p> Native<'p> {
    pub(crate) fn new(bytes: &'p [u8]) -> Result<Self, ReleaseError> {
        let plan = Plan::view(bytes)?;
        let shapes = plan.entries().map(|entry| Shape::of(&plan, &entry)).collect();
        Ok(Self { plan, memory: AlignedBytes::zeroed(plan.arena_bytes() as usize), shapes })
    }

    /// Every output, one after another.
    pub(crate) fn run(&mut self, entry: u32, inputs: &[u8]) -> Result<Vec<u8>, Fault> {
        let shape = self.shapes.get(entry as usize).ok_or(Fault::BadEntry)?;
        let mut arena = Arena::new(&mut self.memory)?;
        for (index, part) in shape.split(inputs).into_iter().enumerate() {
            let place = mote_engine::input_mut(&self.plan, entry, index, &mut arena);
            place.filter(|place| place.len() == part.len()).ok_or(Fault::MalformedPlan)?.copy_from_slice(part);
        }
        mote_engine::run(&self.plan, entry, &mut arena)?;
        let mut outputs = Vec::new();
        for index in 0..shape.outputs.len() {
            let bytes = mote_engine::output(&self.plan, entry, index, &arena).ok_or(Fault::MalformedPlan)?;
            outputs.extend_from_slice(bytes);
        }
        Ok(outputs)
    }
}

/// Picks the inputs and records the answers: the given calls as far as they fit, and something for every other entry.
pub(crate) fn questions(native: &mut Native<'_>, calls: &[Call]) -> Result<Vec<Question>, ReleaseError> {
    let mut sources: Vec<(u32, Source)> = Vec::new();
    let mut room = MAX_RECORDED;
    for &Call { entry, ref inputs } in calls {
        let taken = native.shapes.get(entry as usize).map_or(0, Shape::input_bytes);
        if inputs.len() != taken {
            return Err(ReleaseError::InputLength { entry, got: inputs.len(), taken });
        }
        if let Some(left) = room.checked_sub(taken).filter(|_| sources.len() < MAX_VECTORS) {
            room = left;
            sources.push((entry, Source::Recorded(inputs.clone())));
        }
    }
    for (entry, shape) in (0_u32..).zip(&native.shapes) {
        if sources.iter().all(|(there, _)| *there != entry) {
            sources.extend((0..GENERATED).filter_map(|seed| Some((entry, shape.made_up(seed)?))));
        }
    }
    let ask = |(vector, (entry, inputs)): (usize, (u32, Source))| {
        let mut question = Question { entry, inputs, answer: Vec::new(), digest: Digest([0; 32]), tolerance: None };
        let given = question.inputs(&native.shapes)?;
        question.answer = native.run(entry, &given).map_err(|fault| ReleaseError::Fault { vector, fault })?;
        question.digest = native.shapes.get(entry as usize).map_or(Digest([0; 32]), |s| s.digest(&question.answer));
        Ok(question)
    };
    sources.into_iter().enumerate().map(ask).collect()
}

impl Question {
    /// The inputs, written out.
    pub(crate) fn inputs(&self, shapes: &[Shape]) -> Result<Vec<u8>, ReleaseError> {
        let taken = shapes.get(self.entry as usize).map_or(0, Shape::input_bytes);
        let mut inputs = vec![0; taken];
        let wrong = |error: mote_seal::golden::WrongInputLength| ReleaseError::InputLength {
            entry: self.entry,
            got: error.held,
            taken: error.taken,
        };
        self.source().write_to(&mut inputs).map_err(wrong)?;
        Ok(inputs)
    }

    fn source(&self) -> Inputs<'_> {
        match &self.inputs {
            Source::Recorded(bytes) => Inputs::Recorded(bytes),
            &Source::Generated(generator, seed) => Inputs::Generated { generator, seed },
        }
    }

    fn vector(&self) -> Vector<'_> {
        let expected = self.tolerance.filter(|_| self.answer.len() <= MAX_RECORDED).map(|absolute| Expected {
            outputs: &self.answer,
            relative: 0.0,
            absolute,
        });
        Vector { entry: self.entry, inputs: self.source(), digest: self.digest, expected }
    }
}

/// The file of golden vectors; none where there is nothing to ask.
pub(crate) fn file(questions: &[Question]) -> Option<Vec<u8>> {
    let vectors: Vec<Vector<'_>> = questions.iter().map(Question::vector).collect();
    (!vectors.is_empty()).then(|| write(&vectors))
}

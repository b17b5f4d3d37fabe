//! Preparation that a model file does not contain: pictures and sounds as callers have them become the model's inputs.
//!
//! It is written as a function over operators of the standard, called before everything else, so that it becomes ordinary
//! steps of the Plan: the same bits on every host.

mod picture;
mod script;
mod sound;

use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto, type_proto::Value as TypeValue};

use super::function::Functions;
use super::signature::{Dim, InputSpec};
use crate::error::ImportError;
pub use picture::{Layout, Picture, Resize, Sampling, Target};
use script::{Script, described};
pub use sound::{Compression, Order, Sound, Taper};

/// How an input of a model is made of what callers give.
#[derive(Clone, Debug, PartialEq)]
pub enum Preparation {
    /// Of a picture.
    Picture(Picture),
    /// Of a sound.
    Sound(Sound),
}

/// What a preparation reads and makes.
struct Prepared {
    /// Element type of what callers give, by its ONNX code, and its shape.
    given: (i32, Vec<usize>),
    /// What the function answers, and its shape.
    made: (String, Vec<usize>),
}

/// Domain of the functions made here; no model file can name it, for it is no identifier.
const DOMAIN: &str = "mote prepare";

impl Preparation {
    /// The model's input that is made.
    pub fn input(&self) -> &str {
        match self {
            Self::Picture(picture) => &picture.input,
            Self::Sound(sound) => &sound.input,
        }
    }

    /// The input that callers provide instead.
    pub fn name(&self) -> &str {
        match self {
            Self::Picture(picture) => &picture.name,
            Self::Sound(sound) => &sound.name,
        }
    }

    fn write(&self, script: &mut Script) -> Result<Prepared, &'static str> {
        match self {
            Self::Picture(picture) => picture.write(script),
            Self::Sound(sound) => sound.write(script),
        }
    }
}

/// Puts a preparation before a graph: its input takes the place of the model's.
pub(super) fn prepend(
    graph: &mut GraphProto,
    functions: &mut Functions,
    specs: &[InputSpec],
    preparation: &Preparation,
) -> Result<(), ImportError> {
    let refuse = |reason: &'static str| ImportError::Preparation { input: preparation.input().to_owned(), reason };
    let Some(spec) = specs.iter().find(|spec| spec.name == preparation.input()) else {
        return Err(ImportError::UnknownInput { name: preparation.input().to_owned() });
    };
    let mut script = Script::new(preparation.name());
    let Prepared { given, made: (mut made, dims) } = preparation.write(&mut script).map_err(refuse)?;
    let stated = graph.input.iter().position(|input| input.name == spec.name);
    let place = stated.and_then(|i| graph.input.get_mut(i)).ok_or_else(|| refuse("it is no input"))?;
    let dims = match &spec.dims {
        Some(wanted) => {
            let shape = fitted(&dims, wanted).ok_or_else(|| refuse("what is made has another shape than the input"))?;
            if shape != dims {
                let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
                let shape = script.i64s(&shape);
                made = script.add("Reshape", &[&made, &shape], vec![]);
            }
            shape
        }
        None => dims,
    };
    if dims.contains(&0) {
        return Err(refuse("what is made has no elements"));
    }
    let wanted = element_type(place);
    if wanted != script::FLOAT {
        made = script.add("Cast", &[&made], vec![script::int("to", wanted.into())]);
    }
    *place = described(preparation.name(), given.0, &given.1);
    functions.add(DOMAIN, preparation.input(), script.function(&made));
    let call = NodeProto {
        name: format!("preparation of {}", preparation.input()),
        domain: DOMAIN.to_owned(),
        op_type: preparation.input().to_owned(),
        input: vec![preparation.name().to_owned()],
        output: vec![preparation.input().to_owned()],
        ..NodeProto::default()
    };
    graph.node.insert(0, call);
    Ok(())
}

/// The shape with as many axes as the input has, leading ones put in or taken away, where its stated extents agree.
fn fitted(dims: &[usize], wanted: &[Dim]) -> Option<Vec<usize>> {
    let lead = dims.iter().take_while(|&&n| n == 1).count();
    let kept = if dims.len() > wanted.len() { dims.get((dims.len() - wanted.len()).min(lead)..)? } else { dims };
    let shape = [vec![1; wanted.len().checked_sub(kept.len())?], kept.to_vec()].concat();
    let agrees = shape.iter().zip(wanted).all(|(have, want)| !matches!(want, Dim::Fixed(n) if n != have));
    agrees.then_some(shape)
}

fn element_type(input: &ValueInfoProto) -> i32 {
    match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::TensorType(tensor)) => tensor.elem_type,
        _ => script::FLOAT,
    }
}

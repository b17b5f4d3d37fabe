//! tract's own native engine as a second opinion and as a peer in benchmarks. Never the oracle: it shares the file reader.

use std::sync::Arc;

use mote_abi::DType;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use crate::tensor::HostTensor;

/// Why tract gives no opinion.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpinionError {
    /// An input of the model that was not handed in.
    #[error("input `{0}` is missing")]
    MissingInput(String),
    /// Bytes that do not fit a tensor's type and shape.
    #[error("tensor `{0}` has the wrong number of bytes")]
    Length(String),
    /// An input type that tract does not have.
    #[error("input `{0}` has a type that tract does not have")]
    InputType(String),
    /// An output type without a counterpart here.
    #[error("output {0} has a type that is not supported")]
    OutputType(usize),
    /// tract refuses the file, the shapes or the values.
    #[error("tract: {0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
}

/// A model optimised by tract for fixed input shapes.
pub struct SecondOpinion {
    model: Arc<TypedRunnableModel>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl SecondOpinion {
    /// Prepares a model for inputs of the types and shapes of `like`, matched by name.
    ///
    /// # Errors
    /// What tract refuses, or an input without a counterpart in `like`.
    pub fn prepare(bytes: &[u8], like: &[HostTensor]) -> Result<Self, OpinionError> {
        let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        let proto: ModelProto = onnx.proto_model_for_read(&mut &*bytes).map_err(engine)?;
        let outputs = proto.graph.iter().flat_map(|g| &g.output).map(|o| o.name.clone()).collect();
        let mut model = onnx.model_for_proto_model(&proto).map_err(engine)?;
        let sources = model.input_outlets().map_err(engine)?.to_vec();
        let inputs: Vec<String> = sources.iter().map(|outlet| model.node(outlet.node).name.clone()).collect();
        for (i, name) in inputs.iter().enumerate() {
            let tensor = named(like, name)?;
            let fact = InferenceFact::dt_shape(datum_type(tensor)?, &tensor.dims);
            model.set_input_fact(i, fact).map_err(engine)?;
        }
        let model = model.into_optimized().and_then(IntoRunnable::into_runnable).map_err(engine)?;
        Ok(Self { model, inputs, outputs })
    }

    /// Runs the model once.
    ///
    /// # Errors
    /// An input that is missing or of the wrong size, or whatever tract refuses.
    pub fn run(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>, OpinionError> {
        let values =
            self.inputs.iter().map(|name| to_tract(named(inputs, name)?)).collect::<Result<TVec<TValue>, _>>()?;
        let results = self.model.run(values).map_err(engine)?;
        results.iter().enumerate().map(|(i, value)| self.to_host(i, value)).collect()
    }

    fn to_host(&self, i: usize, value: &TValue) -> Result<HostTensor, OpinionError> {
        let dtype = DType::ALL.into_iter().find(|&t| counterpart(t) == Some(value.datum_type()));
        Ok(HostTensor {
            name: self.outputs.get(i).cloned().unwrap_or_default(),
            dtype: dtype.ok_or(OpinionError::OutputType(i))?,
            dims: value.shape().to_vec(),
            bytes: value.as_bytes().to_vec(),
        })
    }
}

/// Prepares and runs a model once.
///
/// # Errors
/// See [`SecondOpinion`].
pub fn second_opinion(bytes: &[u8], inputs: &[HostTensor]) -> Result<Vec<HostTensor>, OpinionError> {
    SecondOpinion::prepare(bytes, inputs)?.run(inputs)
}

fn engine(error: TractError) -> OpinionError {
    OpinionError::Engine(error.into())
}

fn named<'a>(tensors: &'a [HostTensor], name: &str) -> Result<&'a HostTensor, OpinionError> {
    tensors.iter().find(|t| t.name == name).ok_or_else(|| OpinionError::MissingInput(name.to_owned()))
}

fn datum_type(tensor: &HostTensor) -> Result<DatumType, OpinionError> {
    counterpart(tensor.dtype).ok_or_else(|| OpinionError::InputType(tensor.name.clone()))
}

fn counterpart(dtype: DType) -> Option<DatumType> {
    Some(match dtype {
        DType::F32 => DatumType::F32,
        DType::F64 => DatumType::F64,
        DType::I8 => DatumType::I8,
        DType::U8 => DatumType::U8,
        DType::I16 => DatumType::I16,
        DType::U16 => DatumType::U16,
        DType::I32 => DatumType::I32,
        DType::U32 => DatumType::U32,
        DType::I64 => DatumType::I64,
        DType::U64 => DatumType::U64,
        DType::Bool => DatumType::Bool,
        DType::F16 => DatumType::F16,
        DType::BF16 => return None,
    })
}

fn to_tract(tensor: &HostTensor) -> Result<TValue, OpinionError> {
    let mut value = Tensor::zero_dt(datum_type(tensor)?, &tensor.dims).map_err(engine)?;
    let room = value.as_bytes_mut();
    if room.len() != tensor.bytes.len() {
        return Err(OpinionError::Length(tensor.name.clone()));
    }
    room.copy_from_slice(&tensor.bytes);
    Ok(value.into_tvalue())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::onnx_build::{FLOAT, f32s, graph, int, model, node, value};

    #[test]
    fn tract_runs_the_same_file() {
        let nodes =
            vec![node("MatMul", &["x", "w"], &["p"], vec![]), node("Softmax", &["p"], &["y"], vec![int("axis", -1)])];
        let weights = vec![f32s("w", &[2, 2], &[1.0, 1.0, 1.0, 1.0])];
        let bytes = model(
            13,
            graph(nodes, vec![value("x", FLOAT, &["n", "2"])], vec![value("y", FLOAT, &["n", "2"])], weights),
        );
        let bytes_of = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let x = HostTensor { name: "x".to_owned(), dtype: DType::F32, dims: vec![1, 2], bytes: bytes_of(&[3.0, 4.0]) };
        let y = HostTensor { name: "y".to_owned(), dtype: DType::F32, dims: vec![1, 2], bytes: bytes_of(&[0.5, 0.5]) };
        assert_eq!(second_opinion(&bytes, std::slice::from_ref(&x)).unwrap(), [y]);
        assert!(matches!(second_opinion(&bytes, &[]), Err(OpinionError::MissingInput(name)) if name == "x"));
        let short = HostTensor { bytes: vec![0; 4], ..x.clone() };
        let prepared = SecondOpinion::prepare(&bytes, &[x]).unwrap();
        assert!(matches!(prepared.run(&[short]), Err(OpinionError::Length(_))));
    }
}

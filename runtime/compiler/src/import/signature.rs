//! What a caller must provide: the model's inputs, and the sizes of their symbolic dimensions.

use std::collections::{BTreeMap, HashSet};

use mote_abi::DType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as DimValue;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto::Value as TypeValue};

use super::maps::Maps;
use super::{ImportOptions, tensor};
use crate::error::ImportError;

/// One dimension as the model states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// A name; equal names have equal sizes.
    Named(String),
    /// Neither.
    Unknown,
}

/// One input as the model states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Name.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Whether the elements are numbers of strings.
    pub text: bool,
    /// Dimensions; `None` where not even the rank is stated.
    pub dims: Option<Vec<Dim>>,
}

/// Inputs that no initializer provides.
pub(super) fn inputs(graph: &GraphProto, maps: &Maps) -> Result<Vec<InputSpec>, ImportError> {
    let stored: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    graph
        .input
        .iter()
        .filter(|input| !stored.contains(input.name.as_str()))
        .map(|input| input_spec(input, graph, maps))
        .collect()
}

fn input_spec(input: &ValueInfoProto, graph: &GraphProto, maps: &Maps) -> Result<InputSpec, ImportError> {
    let refuse = || ImportError::InputType { name: input.name.clone() };
    let Some(TypeValue::TensorType(stated)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return maps.row(&input.name, graph).map(|(row, _)| row).ok_or_else(refuse);
    };
    let dtype = boundary_type(stated.elem_type).ok_or_else(refuse)?;
    let dims = stated.shape.as_ref().map(|shape| {
        let dim = |value: &Option<DimValue>| match value {
            Some(DimValue::DimValue(n)) if *n >= 0 => Dim::Fixed(usize::try_from(*n).unwrap_or(usize::MAX)),
            // Exporters write `?` for what they do not know, often several times in one shape.
            Some(DimValue::DimParam(name)) if !name.is_empty() && name != "?" => Dim::Named(name.clone()),
            _ => Dim::Unknown,
        };
        shape.dim.iter().map(|d| dim(&d.value)).collect()
    });
    Ok(InputSpec { name: input.name.clone(), dtype, text: tensor::is_text(stated.elem_type), dims })
}

/// Element type of a value that crosses the model's boundary; strings cross as their numbers.
pub(super) fn boundary_type(onnx: i32) -> Option<DType> {
    if tensor::is_text(onnx) { Some(DType::I32) } else { tensor::dtype(onnx) }
}

/// Gives every dimension of every input its size.
pub(crate) fn bind(specs: &[InputSpec], options: &ImportOptions) -> Result<Vec<Vec<usize>>, ImportError> {
    for name in options.input_shapes.keys() {
        if !specs.iter().any(|spec| spec.name == *name) {
            return Err(ImportError::UnknownInput { name: name.clone() });
        }
    }
    let mut sizes = options.dims.clone();
    let named =
        |spec: &InputSpec, wanted: &str| spec.dims.iter().flatten().any(|d| matches!(d, Dim::Named(n) if n == wanted));
    if let Some(symbol) = sizes.keys().find(|symbol| !specs.iter().any(|spec| named(spec, symbol))) {
        return Err(ImportError::UnknownDim { symbol: symbol.clone() });
    }
    for spec in specs {
        if let Some(shape) = options.input_shapes.get(&spec.name) {
            learn(spec, shape, &mut sizes)?;
        }
    }
    specs.iter().map(|spec| shape_of(spec, options.input_shapes.get(&spec.name), &sizes)).collect()
}

/// Takes the sizes of symbolic dimensions from a given shape.
fn learn(spec: &InputSpec, shape: &[usize], sizes: &mut BTreeMap<String, usize>) -> Result<(), ImportError> {
    let Some(dims) = &spec.dims else { return Ok(()) };
    if dims.is_empty() && shape == [1] {
        // Runtimes take a vector of one for a scalar, and exporters rely on it.
        return Ok(());
    }
    let fits =
        dims.len() == shape.len() && dims.iter().zip(shape).all(|(d, &n)| !matches!(d, Dim::Fixed(f) if *f != n));
    if !fits {
        return Err(ImportError::InputShape { name: spec.name.clone(), expected: show(dims), got: shape.to_vec() });
    }
    for (dim, &size) in dims.iter().zip(shape) {
        let Dim::Named(symbol) = dim else { continue };
        let first = *sizes.entry(symbol.clone()).or_insert(size);
        if first != size {
            return Err(ImportError::DimConflict { symbol: symbol.clone(), first, second: size });
        }
    }
    Ok(())
}

fn shape_of(
    spec: &InputSpec,
    given: Option<&Vec<usize>>,
    sizes: &BTreeMap<String, usize>,
) -> Result<Vec<usize>, ImportError> {
    if let Some(shape) = given {
        return Ok(shape.clone());
    }
    let unbound = |axis: usize, symbol: &str| ImportError::UnboundDim {
        input: spec.name.clone(),
        axis,
        symbol: symbol.to_owned(),
    };
    let dims = spec.dims.as_ref().ok_or_else(|| unbound(0, "?"))?;
    dims.iter()
        .enumerate()
        .map(|(axis, dim)| match dim {
            Dim::Fixed(size) => Ok(*size),
            Dim::Named(symbol) => sizes.get(symbol).copied().ok_or_else(|| unbound(axis, symbol)),
            Dim::Unknown => Err(unbound(axis, "?")),
        })
        .collect()
}

fn show(dims: &[Dim]) -> String {
    let parts: Vec<String> = dims
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(n) => n.to_string(),
            Dim::Named(symbol) => symbol.clone(),
            Dim::Unknown => "?".to_owned(),
        })
        .collect();
    format!("[{}]", parts.join(", "))
}

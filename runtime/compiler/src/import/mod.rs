//! ONNX to Graph, by evaluation: nodes are built in order over known shapes, and whatever depends on constants alone is
//! computed at once. Shape arithmetic and conditions vanish by themselves; recorded shapes are never believed.
//!
//! `door` checks the raw bytes, `table` lists the operators, one file per family builds them through `emit`.

mod activation;
mod attention;
mod causal;
mod contrib;
mod control;
mod conv;
mod deform;
mod door;
mod dynamic;
mod elementwise;
mod emit;
mod fault;
mod function;
mod grid;
mod integer;
mod item;
mod legacy;
mod linear;
mod loss;
mod maps;
mod ml;
mod ngrams;
mod node;
mod norm;
mod order;
mod overlap;
mod padding;
mod pool;
mod prepare;
mod qlinear;
mod quantized;
mod recurrent;
mod reduce;
mod region;
mod repeat;
mod resize;
mod scan;
mod scatter;
mod sequence;
mod shape;
mod signal;
mod signature;
mod source;
mod sparse;
mod strings;
mod support;
mod survey;
mod table;
mod tensor;
#[cfg(test)]
pub(crate) mod tests;
mod transposed;
mod unpool;
mod volume;
mod walk;
mod window;

use std::collections::BTreeMap;
use std::path::PathBuf;

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto};

use crate::error::ImportError;
use crate::graph::Graph;
use function::Functions;

pub use door::{DoorError, MAX_FILE_BYTES, MAX_MESSAGES, MAX_NESTING, MAX_VARINTS};
pub(crate) use emit::Emit;
pub use prepare::{
    Compression, Layout, Order, Picture, Preparation, Resize, Sampling, Sound, Taper, Target as PictureSize,
};
pub(crate) use signature::bind;
pub use signature::{Dim, InputSpec};
pub use support::{Operator, SupportSummary, SupportTable, operators};
pub use survey::Survey;

/// What an import may assume and use.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Sizes of symbolic dimensions, by their name.
    pub dims: BTreeMap<String, usize>,
    /// Whole shapes of inputs, by the input's name. They bind symbolic dimensions too.
    pub input_shapes: BTreeMap<String, Vec<usize>>,
    /// Most results of nodes whose number of results depends on data, by the name of the node or of one of its outputs.
    pub bounds: BTreeMap<String, usize>,
    /// Folder of the model file, where external data may lie.
    pub folder: Option<PathBuf>,
    /// Bounds on what an import makes.
    pub limits: Limits,
}

/// Bounds on what an import makes, beyond the fixed ones of the door.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes of the Graph.
    pub nodes: usize,
    /// Bytes of constants computed while importing, beside four times the stored ones.
    pub computed_bytes: usize,
    /// Scalar operations spent on constants while importing.
    pub computed_operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nodes: 1 << 14, computed_bytes: 64 << 20, computed_operations: 1 << 30 }
    }
}

/// A decoded ONNX file that passed the door.
pub struct Model {
    proto: ModelProto,
    functions: Functions,
    maps: maps::Maps,
}

impl Model {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Bytes that are not an ONNX model, hold an unsupported field or import an unknown operator set.
    pub fn read(bytes: &[u8]) -> Result<Self, ImportError> {
        door::check(bytes)?;
        let mut proto = ModelProto::decode(bytes).map_err(|_| ImportError::Decode)?;
        sparse::fill_in(&mut proto, bytes)?;
        if proto.graph.is_none() {
            return Err(ImportError::NoGraph);
        }
        for set in &proto.opset_import {
            let domain = table_domain(&set.domain);
            let unknown = match domain {
                table::ONNX => !table::OPSETS.contains(&set.version),
                table::ML => !table::ML_OPSETS.contains(&set.version),
                _ => false,
            };
            if unknown {
                return Err(ImportError::Opset { domain: set.domain.clone(), version: set.version });
            }
        }
        Ok(Self { proto, functions: Functions::read(bytes)?, maps: maps::Maps::read(bytes)? })
    }

    /// Puts preparations before the model: what callers give to each takes the place of the input that it makes.
    ///
    /// # Errors
    /// An input that the model does not have, or a preparation that does not make what the input states.
    pub fn prepare(&mut self, preparations: &[Preparation]) -> Result<(), ImportError> {
        for preparation in preparations {
            let specs = self.inputs()?;
            let graph = self.proto.graph.as_mut().expect("read refuses a model without a graph");
            prepare::prepend(graph, &mut self.functions, &specs, preparation)?;
        }
        Ok(())
    }

    /// Inputs that a caller provides, in the model's order.
    ///
    /// # Errors
    /// An input that is not a tensor of a supported type.
    pub fn inputs(&self) -> Result<Vec<InputSpec>, ImportError> {
        signature::inputs(self.graph_proto(), &self.maps)
    }

    /// Builds the Graph.
    ///
    /// # Errors
    /// Whatever the file says that is not supported: every refused node at once, else the first contradiction.
    pub fn graph(&self, options: &ImportOptions) -> Result<Graph, ImportError> {
        walk::graph(&self.proto, &self.functions, self.graph_proto(), &self.maps, options)
    }

    fn graph_proto(&self) -> &GraphProto {
        self.proto.graph.as_ref().expect("read refuses a model without a graph")
    }
}

/// Reads a model file and builds its Graph.
///
/// # Errors
/// Whatever [`Model::read`] and [`Model::graph`] refuse.
pub fn graph(bytes: &[u8], options: &ImportOptions) -> Result<Graph, ImportError> {
    Model::read(bytes)?.graph(options)
}

/// `ai.onnx` is the long name of the standard domain.
fn table_domain(domain: &str) -> &str {
    if domain == "ai.onnx" { table::ONNX } else { domain }
}

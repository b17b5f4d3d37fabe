//! What a model file holds, before anything is built from it.

use std::collections::BTreeMap;

use tract_onnx::pb::{GraphProto, NodeProto};

use super::{InputSpec, Model, table, table_domain, tensor};
use crate::error::ImportError;

/// See the file.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The program that wrote it, as the file says.
    pub producer: String,
    /// Imported operator sets: domain, `ai.onnx` for that of the standard, and version.
    pub opsets: Vec<(String, i64)>,
    /// Operators with their domain where it is not that of the standard, and how many nodes each has, branches and all.
    pub operators: BTreeMap<String, usize>,
    /// Bytes of the stored tensors, those in files of their own too.
    pub stored_bytes: u64,
    /// Inputs that a caller provides.
    pub inputs: Vec<InputSpec>,
}

impl Model {
    /// Looks a model over.
    ///
    /// # Errors
    /// An input that is not a tensor of a supported type.
    pub fn survey(&self) -> Result<Survey, ImportError> {
        let domain = |name: &str| if table_domain(name) == table::ONNX { "ai.onnx" } else { name }.to_owned();
        let mut survey = Survey {
            producer: format!("{} {}", self.proto.producer_name, self.proto.producer_version).trim().to_owned(),
            opsets: self.proto.opset_import.iter().map(|set| (domain(&set.domain), set.version)).collect(),
            operators: BTreeMap::new(),
            stored_bytes: 0,
            inputs: self.inputs()?,
        };
        survey.graph(self.graph_proto());
        self.proto.functions.iter().for_each(|function| survey.nodes(&function.node));
        Ok(survey)
    }
}

impl Survey {
    fn graph(&mut self, graph: &GraphProto) {
        for stored in &graph.initializer {
            // Codes 10 and 16 are float16 and bfloat16.
            let elements = stored.dims.iter().try_fold(1_u64, |n, &d| n.checked_mul(u64::try_from(d).ok()?));
            let size = match stored.data_type {
                10 | 16 => 2,
                other => tensor::dtype(other).map_or(0, |dtype| u64::from(dtype.size())),
            };
            self.stored_bytes = self.stored_bytes.saturating_add(elements.unwrap_or(0).saturating_mul(size));
        }
        self.nodes(&graph.node);
    }

    fn nodes(&mut self, nodes: &[NodeProto]) {
        for node in nodes {
            let name = match table_domain(&node.domain) {
                table::ONNX => node.op_type.clone(),
                domain => format!("{domain}.{}", node.op_type),
            };
            *self.operators.entry(name).or_default() += 1;
            node.attribute.iter().flat_map(|attribute| &attribute.g).for_each(|branch| self.graph(branch));
        }
    }
}

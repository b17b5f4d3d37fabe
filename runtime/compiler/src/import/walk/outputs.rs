//! What a model answers, as it states it.

use std::collections::HashSet;

use mote_abi::DType;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto::Value as TypeValue};

use super::Walk;
use crate::error::ImportError;
use crate::graph::{Op, ValueId};
use crate::import::item::Item;
use crate::import::strings::Text;
use crate::import::{signature, tensor};

impl Walk<'_> {
    /// Names the outputs. Where the number of elements of one depends on data, a count follows after the model's own.
    pub(super) fn outputs(&mut self, source: &GraphProto, made: &[Option<Item>]) -> Result<(), ImportError> {
        let mut taken: HashSet<ValueId> = self.emit.graph.inputs.iter().copied().collect();
        self.emit.graph.words.clone_from(&self.emit.strings.words);
        let mut counts = Vec::new();
        for (output, item) in source.output.iter().zip(made) {
            let Some(Item::Tensor(id)) = *item else {
                return Err(ImportError::OutputForm { name: output.name.clone() });
            };
            if let Some(padding) = self.emit.padding(id) {
                counts.push((format!("{}.count", output.name), padding.count));
            }
            let id = self.as_stated(output, id)?;
            let dtype = self.emit.dtype(id);
            let (text, columns) = (self.emit.strings.text_of(id), self.emit.columns.get(&id).cloned());
            if !fits(output, dtype, text.is_some(), columns.is_some()) {
                return Err(ImportError::OutputType { name: output.name.clone(), computed: dtype });
            }
            if text == Some(Text::Open) {
                return Err(ImportError::OpenText { name: output.name.clone() });
            }
            let graph = &mut self.emit.graph;
            graph.texts.extend(text.map(|_| output.name.clone()));
            graph.columns.extend(columns.map(|keys| (output.name.clone(), keys)));
            self.output(&output.name, id, &mut taken);
        }
        for (name, count) in counts {
            if source.output.iter().any(|output| output.name == name) {
                return Err(ImportError::DuplicateValue { value: name });
            }
            self.output(&name, count, &mut taken);
        }
        Ok(())
    }

    /// An output that the model states to be half precision, rounded to it.
    fn as_stated(&mut self, output: &ValueInfoProto, id: ValueId) -> Result<ValueId, ImportError> {
        let Some(TypeValue::TensorType(stated)) = output.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
            return Ok(id);
        };
        let computed = self.emit.dtype(id);
        match tensor::dtype(stated.elem_type).filter(|stated| stated.half().is_some() && computed == DType::F32) {
            None => Ok(id),
            Some(half) => {
                self.emit.node.clone_from(&output.name);
                let refuse = |_| ImportError::OutputType { name: output.name.clone(), computed };
                self.emit.cast(id, half).map_err(refuse)
            }
        }
    }

    /// Makes a value an output. One that is provided, constant or named already gets a copy.
    fn output(&mut self, name: &str, id: ValueId, taken: &mut HashSet<ValueId>) {
        let graph = &mut self.emit.graph;
        let id = if graph.value(id).is_constant() || !taken.insert(id) {
            let (dtype, dims) = (graph.value(id).dtype, graph.value(id).dims.clone());
            graph.node(name, Op::Reshape, &[Some(id)], dtype, dims)
        } else {
            id
        };
        name.clone_into(&mut graph.values[id.0 as usize].name);
        graph.outputs.push(id);
    }
}

/// Whether a value is of the type that the model states, if it does.
fn fits(output: &ValueInfoProto, dtype: DType, is_text: bool, is_map: bool) -> bool {
    let Some(stated) = &output.r#type else { return true };
    match &stated.value {
        Some(TypeValue::TensorType(t)) => {
            signature::boundary_type(t.elem_type) == Some(dtype) && tensor::is_text(t.elem_type) == is_text
        }
        // Sequences and maps are not decoded; ZipMap is all that makes them.
        None => is_map,
    }
}

//! Walks the nodes of a model and its branches.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use mote_abi::DType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto, type_proto::Value as TypeValue};

use super::emit::Emit;
use super::node::Cx;
use super::order::order;
use super::strings::{self, Text};
use super::table::{self, Build};
use super::{ImportOptions, Limits, signature, table_domain, tensor};
use crate::error::{ImportError, Reason, Refusal, Refusals, TensorError};
use crate::graph::{Graph, Node, Op, ValueId};

/// Builds the Graph of a model.
pub(super) fn graph(model: &ModelProto, source: &GraphProto, options: &ImportOptions) -> Result<Graph, ImportError> {
    let mut walk = Walk::new(model, options);
    walk.inputs(source, options)?;
    let made = walk.block(source)?;
    if !walk.refusals.is_empty() {
        let mut all = walk.refusals.into_iter();
        let first = all.next().expect("not empty");
        return Err(ImportError::Refused(Box::new(Refusals { first, others: all.collect() })));
    }
    walk.outputs(source, &made)?;
    Ok(walk.emit.graph)
}

/// What a node makes; a value is `None` where a node of a branch was refused, and so is the whole where nothing is known.
pub(super) type Made = Result<Option<Vec<Option<ValueId>>>, Failure>;

/// Why a node could not be built.
pub(super) enum Failure {
    /// The node is refused, and the walk goes on.
    Node(Reason),
    /// The model contradicts itself.
    Model(ImportError),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Node(reason)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Model(error)
    }
}

/// Operators that take half-precision operands as they are; all others see them in f32. A table stays half where rows are
/// gathered from it.
const TAKE_HALF: [&str; 6] = ["BitCast", "Cast", "CastLike", "Gather", "Shape", "Size"];

pub(super) struct Walk<'m> {
    pub(super) emit: Emit,
    pub(super) limits: Limits,
    folder: Option<&'m Path>,
    opsets: HashMap<&'m str, i64>,
    /// Names in view, innermost scope last. `None` is made by a refused node: its type and shape are not known.
    pub(super) scopes: Vec<HashMap<&'m str, Option<ValueId>>>,
    refusals: Vec<Refusal>,
    /// Rounds of loops written out so far.
    pub(super) rounds: usize,
}

impl<'m> Walk<'m> {
    fn new(model: &'m ModelProto, options: &'m ImportOptions) -> Self {
        let opsets = model.opset_import.iter().map(|set| (table_domain(&set.domain), set.version)).collect();
        Self {
            emit: Emit::new(options.limits),
            limits: options.limits,
            folder: options.folder.as_deref(),
            opsets,
            scopes: vec![HashMap::new()],
            refusals: Vec::new(),
            rounds: 0,
        }
    }

    fn inputs(&mut self, source: &'m GraphProto, options: &ImportOptions) -> Result<(), ImportError> {
        let specs = signature::inputs(source)?;
        let shapes = signature::bind(&specs, options)?;
        let stored: HashSet<&str> = source.initializer.iter().map(|t| t.name.as_str()).collect();
        let provided = source.input.iter().filter(|input| !stored.contains(input.name.as_str()));
        for ((input, spec), shape) in provided.zip(&specs).zip(shapes) {
            if self.emit.checked_bytes(spec.dtype, &shape).is_err() {
                let expected = "of at most 8 dimensions and 2 GiB".to_owned();
                return Err(ImportError::InputShape { name: spec.name.clone(), expected, got: shape });
            }
            let id = self.emit.graph.computed(spec.name.clone(), spec.dtype, shape);
            self.emit.graph.inputs.push(id);
            if spec.text {
                self.emit.mark(id, Text::Open);
                self.emit.graph.texts.push(spec.name.clone());
            }
            self.define(&input.name, Some(id))?;
        }
        Ok(())
    }

    /// Builds the nodes of the model or of a branch in the innermost scope, and answers its outputs.
    pub(super) fn block(&mut self, source: &'m GraphProto) -> Result<Vec<Option<ValueId>>, ImportError> {
        for stored in &source.initializer {
            let unreadable = |reason| ImportError::Tensor { name: stored.name.clone(), reason };
            if tensor::is_text(stored.data_type) {
                let (dims, words) = tensor::words(stored).map_err(unreadable)?;
                let id = self.emit.words(dims, words);
                let id = id.map_err(|_| unreadable(TensorError::Shape(stored.dims.clone())))?;
                self.define(&stored.name, Some(id))?;
                continue;
            }
            let (dtype, dims, data) = tensor::read(stored, self.folder).map_err(unreadable)?;
            let too_large =
                |_| ImportError::Tensor { name: stored.name.clone(), reason: TensorError::Shape(stored.dims.clone()) };
            self.emit.stored(data.len(), &dims).map_err(too_large)?;
            let id = self.emit.graph.constant(stored.name.clone(), dtype, dims, data);
            self.define(&stored.name, Some(id))?;
        }
        let order = order(source).map_err(|stuck| ImportError::Cyclic { node: title(&source.node[stuck]) })?;
        for i in order {
            self.node(&source.node[i])?;
        }
        let mut made = Vec::with_capacity(source.output.len());
        for output in &source.output {
            let id = self.find(&output.name, || "model outputs".to_owned())?;
            self.emit.node.clone_from(&output.name);
            let too_large =
                |_| ImportError::Tensor { name: output.name.clone(), reason: TensorError::Shape(Vec::new()) };
            made.push(id.map(|id| self.emit.widened(id)).transpose().map_err(too_large)?);
        }
        Ok(made)
    }

    fn node(&mut self, node: &'m NodeProto) -> Result<(), ImportError> {
        let mut inputs = Vec::with_capacity(node.input.len());
        let mut known = true;
        for name in &node.input {
            if name.is_empty() {
                inputs.push(None);
                continue;
            }
            let found = self.find(name, || title(node))?;
            known &= found.is_some();
            inputs.push(found);
        }
        let made =
            if known { self.build(node, inputs) } else { self.look_over(node).map(|()| None).map_err(Failure::Node) };
        let made = match made {
            Ok(made) => made,
            Err(Failure::Model(error)) => return Err(error),
            Err(Failure::Node(reason)) => {
                self.refuse(node, reason);
                None
            }
        };
        for (i, name) in node.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let value = made.as_ref().and_then(|values| values.get(i).copied().flatten());
            self.define(name, value)?;
        }
        Ok(())
    }

    /// Builds a node whose operands are known.
    fn build(&mut self, node: &'m NodeProto, mut inputs: Vec<Option<ValueId>>) -> Made {
        let (entry, opset) = self.entry(node)?;
        self.emit.node = title(node);
        if !TAKE_HALF.contains(&entry.op) {
            for input in inputs.iter_mut().flatten() {
                *input = self.emit.widened(*input)?;
            }
        }
        let made = match entry.build {
            Build::Operator(build) => {
                let mut cx = Cx::new(&mut self.emit, node, opset, inputs, self.folder)?;
                let outputs = strings::build(&mut cx, entry.domain, build)?;
                cx.finish(outputs.len())?;
                Some(outputs.into_iter().map(Some).collect())
            }
            Build::If => self.branch(node, &inputs)?,
            Build::Loop => self.repeat(node, &inputs)?,
            Build::Scan => self.scan(node, &inputs)?,
        };
        if self.emit.graph.nodes.len() > self.limits.nodes {
            return Err(Reason::Form("the model has more nodes than the limit").into());
        }
        let count = made.as_ref().map_or(node.output.len(), Vec::len);
        match node.output.iter().skip(count).position(|name| !name.is_empty()) {
            Some(extra) => Err(Reason::Output(count + extra).into()),
            None => Ok(made),
        }
    }

    /// The table's entry of a node, with its attribute names checked.
    fn entry(&self, node: &NodeProto) -> Result<(&'static table::Entry, i64), Reason> {
        let domain = table_domain(&node.domain);
        let opset = self.opsets.get(domain).copied().ok_or_else(|| Reason::Domain(domain.to_owned()))?;
        let entry = table::find(domain, &node.op_type, opset)?;
        match node.attribute.iter().find(|a| !entry.attributes.contains(&a.name.as_str())) {
            Some(unknown) => Err(Reason::Attribute(unknown.name.clone())),
            None => Ok((entry, opset)),
        }
    }

    /// Checks what can be checked of a node without its operands, and of the nodes of its branches.
    fn look_over(&mut self, node: &'m NodeProto) -> Result<(), Reason> {
        for inner in node.attribute.iter().flat_map(|a| a.g.iter()).flat_map(|g| &g.node) {
            if let Err(reason) = self.look_over(inner) {
                self.refuse(inner, reason);
            }
        }
        self.entry(node).map(|_| ())
    }

    /// Names the outputs. A value that is provided, constant or named already gets a copy.
    fn outputs(&mut self, source: &GraphProto, made: &[Option<ValueId>]) -> Result<(), ImportError> {
        let mut taken: HashSet<ValueId> = self.emit.graph.inputs.iter().copied().collect();
        self.emit.graph.words.clone_from(&self.emit.strings.words);
        for (output, id) in source.output.iter().zip(made) {
            let id = self.as_stated(output, id.expect("no node was refused"))?;
            let graph = &mut self.emit.graph;
            let (dtype, dims) = (graph.value(id).dtype, graph.value(id).dims.clone());
            let (text, columns) = (self.emit.strings.text_of(id), self.emit.columns.get(&id).cloned());
            if let Some(stated) = &output.r#type {
                let fits = match &stated.value {
                    Some(TypeValue::TensorType(t)) => {
                        signature::boundary_type(t.elem_type) == Some(dtype)
                            && tensor::is_text(t.elem_type) == text.is_some()
                    }
                    // Sequences and maps are not decoded; ZipMap is all that makes them.
                    None => columns.is_some(),
                };
                if !fits {
                    return Err(ImportError::OutputType { name: output.name.clone(), computed: dtype });
                }
            }
            if text == Some(Text::Open) {
                return Err(ImportError::OpenText { name: output.name.clone() });
            }
            let graph = &mut self.emit.graph;
            graph.texts.extend(text.map(|_| output.name.clone()));
            graph.columns.extend(columns.map(|keys| (output.name.clone(), keys)));
            let id = if graph.value(id).is_constant() || !taken.insert(id) {
                let copy = graph.computed(output.name.clone(), dtype, dims);
                graph.nodes.push(Node {
                    name: output.name.clone(),
                    op: Op::Reshape,
                    inputs: vec![Some(id)],
                    outputs: vec![copy],
                });
                copy
            } else {
                id
            };
            graph.values[id.0 as usize].name.clone_from(&output.name);
            graph.outputs.push(id);
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

    pub(super) fn define(&mut self, name: &'m str, value: Option<ValueId>) -> Result<(), ImportError> {
        let scope = self.scopes.last_mut().expect("the model's scope stays");
        match scope.insert(name, value) {
            Some(_) => Err(ImportError::DuplicateValue { value: name.to_owned() }),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str, reader: impl FnOnce() -> String) -> Result<Option<ValueId>, ImportError> {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        found.copied().ok_or_else(|| ImportError::MissingValue { node: reader(), value: name.to_owned() })
    }

    fn refuse(&mut self, node: &NodeProto, reason: Reason) {
        let op = match table_domain(&node.domain) {
            table::ONNX => node.op_type.clone(),
            domain => format!("{domain}.{}", node.op_type),
        };
        self.refusals.push(Refusal { node: title(node), op, reason });
    }
}

/// What a node is called in messages: its name, else its first output.
pub(super) fn title(node: &NodeProto) -> String {
    let named = std::iter::once(&node.name).chain(&node.output).find(|name| !name.is_empty());
    named.unwrap_or(&node.op_type).clone()
}

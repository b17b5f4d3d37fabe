//! Walks the nodes of a model and its branches.

mod outputs;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};

use super::emit::Emit;
use super::function::{Function, Functions};
use super::item::Item;
use super::maps::Maps;
use super::node::Cx;
use super::order::order;
use super::strings::{self, Text};
use super::table::{self, Build};
use super::{ImportOptions, Limits, padding, signature, table_domain, tensor};
use crate::error::{ImportError, Reason, Refusal, Refusals, TensorError};
use crate::graph::Graph;

/// Most nodes that are looked at, those of functions and loops once for each time that they run.
const MAX_VISITS: usize = 1 << 20;
/// Most functions that call each other.
const MAX_CALLS: usize = 32;

/// Builds the Graph of a model.
pub(super) fn graph(
    model: &ModelProto,
    functions: &Functions,
    source: &GraphProto,
    maps: &Maps,
    options: &ImportOptions,
) -> Result<Graph, ImportError> {
    let mut walk = Walk::new(model, functions, options);
    walk.inputs(source, maps, options)?;
    let made = walk.block(source)?;
    if !walk.refusals.is_empty() {
        let mut all = walk.refusals.into_iter();
        let first = all.next().expect("not empty");
        return Err(ImportError::Refused(Box::new(Refusals { first, others: all.collect() })));
    }
    walk.outputs(source, &made)?;
    match walk.emit.unused_bound() {
        Some(name) => Err(ImportError::UnknownBound { name }),
        None => Ok(walk.emit.graph),
    }
}

/// What a node makes; a value is `None` where a node of a branch was refused, and so is the whole where nothing is known.
pub(super) type Made = Result<Option<Vec<Option<Item>>>, Failure>;

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
    functions: &'m Functions,
    /// Operator sets of the model, or of the function at work.
    opsets: HashMap<String, i64>,
    /// Names in view, innermost scope last. `None` is made by a refused node: its type and shape are not known.
    pub(super) scopes: Vec<HashMap<String, Option<Item>>>,
    refusals: Vec<Refusal>,
    /// Rounds of loops written out so far.
    pub(super) rounds: usize,
    /// Nodes looked at so far.
    visits: usize,
    /// Functions around the node at work.
    calls: usize,
}

impl<'m> Walk<'m> {
    fn new(model: &ModelProto, functions: &'m Functions, options: &'m ImportOptions) -> Self {
        let opsets = model.opset_import.iter().map(|set| (table_domain(&set.domain).to_owned(), set.version)).collect();
        Self {
            emit: Emit::new(options.limits, options.bounds.clone()),
            limits: options.limits,
            folder: options.folder.as_deref(),
            functions,
            opsets,
            scopes: vec![HashMap::new()],
            refusals: Vec::new(),
            rounds: 0,
            visits: 0,
            calls: 0,
        }
    }

    fn inputs(&mut self, source: &GraphProto, maps: &Maps, options: &ImportOptions) -> Result<(), ImportError> {
        let specs = signature::inputs(source, maps)?;
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
            if let Some((_, keys)) = maps.row(&spec.name, source) {
                self.emit.graph.columns.push((spec.name.clone(), keys));
            }
            if spec.text {
                self.emit.mark(id, Text::Open);
                self.emit.graph.texts.push(spec.name.clone());
            }
            self.define(&input.name, Some(Item::Tensor(id)))?;
        }
        Ok(())
    }

    /// Builds the nodes of the model or of a branch in the innermost scope, and answers its outputs.
    pub(super) fn block(&mut self, source: &GraphProto) -> Result<Vec<Option<Item>>, ImportError> {
        for stored in &source.initializer {
            let unreadable = |reason| ImportError::Tensor { name: stored.name.clone(), reason };
            if tensor::is_text(stored.data_type) {
                let (dims, words) = tensor::words(stored).map_err(unreadable)?;
                let id = self.emit.words(dims, words);
                let id = id.map_err(|_| unreadable(TensorError::Shape(stored.dims.clone())))?;
                self.define(&stored.name, Some(Item::Tensor(id)))?;
                continue;
            }
            let (dtype, dims, data) = tensor::read(stored, self.folder).map_err(unreadable)?;
            let too_large =
                |_| ImportError::Tensor { name: stored.name.clone(), reason: TensorError::Shape(stored.dims.clone()) };
            self.emit.stored(data.len(), &dims).map_err(too_large)?;
            let id = self.emit.graph.constant(stored.name.clone(), dtype, dims, data);
            self.define(&stored.name, Some(Item::Tensor(id)))?;
        }
        let order = order(source).map_err(|stuck| ImportError::Cyclic { node: title(&source.node[stuck]) })?;
        for i in order {
            self.node(&source.node[i])?;
        }
        let mut made = Vec::with_capacity(source.output.len());
        for output in &source.output {
            let item = self.find(&output.name, || "model outputs".to_owned())?;
            self.emit.node.clone_from(&output.name);
            let too_large =
                |_| ImportError::Tensor { name: output.name.clone(), reason: TensorError::Shape(Vec::new()) };
            made.push(item.map(|item| self.widened(item)).transpose().map_err(too_large)?);
        }
        Ok(made)
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), ImportError> {
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
            let value = made.as_ref().and_then(|values| values.get(i).cloned().flatten());
            self.define(name, value)?;
        }
        Ok(())
    }

    /// Builds a node whose operands are known.
    fn build(&mut self, node: &NodeProto, inputs: Vec<Option<Item>>) -> Made {
        self.visits += 1;
        if self.visits > MAX_VISITS || self.emit.graph.nodes.len() > self.limits.nodes {
            return Err(Reason::Form("the model has more nodes than the limit").into());
        }
        let made = match self.functions.of(node) {
            Some(function) => self.call(node, function, &inputs)?,
            None => self.operator(node, &inputs)?,
        };
        let count = made.as_ref().map_or(node.output.len(), Vec::len);
        match node.output.iter().skip(count).position(|name| !name.is_empty()) {
            Some(extra) => Err(Reason::Output(count + extra).into()),
            None => Ok(made),
        }
    }

    fn operator(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let (entry, opset) = self.entry(node)?;
        self.emit.node = title(node);
        let mut inputs = inputs.to_vec();
        if !TAKE_HALF.contains(&entry.op) {
            for input in &mut inputs {
                *input = input.take().map(|item| self.widened(item)).transpose()?;
            }
        }
        let inputs = inputs.as_slice();
        match entry.build {
            // The one operator of tensors that loops over sequences are full of.
            Build::Operator(_) if node.op_type == "Identity" && matches!(inputs, [Some(Item::Sequence(_))]) => {
                Ok(Some(inputs.to_vec()))
            }
            Build::Operator(build) => {
                let inputs: Vec<_> =
                    inputs.iter().map(|item| Item::operand(item.as_ref())).collect::<Result<_, _>>()?;
                let mut cx = Cx::new(&mut self.emit, node, opset, inputs.clone(), self.folder)?;
                let outputs = strings::build(&mut cx, entry.domain, build)?;
                cx.finish(outputs.len())?;
                padding::follow(&mut self.emit, node, opset, &inputs, &outputs)?;
                Ok(Some(outputs.into_iter().map(|id| Some(Item::Tensor(id))).collect()))
            }
            Build::Items(build) => {
                // A builder sees tensors twice, so that attributes and inputs it does not read are refused as elsewhere.
                let tensors =
                    inputs.iter().map(|item| if let Some(Item::Tensor(id)) = item { Some(*id) } else { None });
                let mut cx = Cx::new(&mut self.emit, node, opset, tensors.collect(), self.folder)?;
                let made = build(&mut cx, inputs)?;
                cx.finish(made.len())?;
                Ok(Some(made.into_iter().map(Some).collect()))
            }
            Build::SequenceMap => self.map(node, inputs),
            Build::Flex if inputs.iter().flatten().any(|item| self.is_padded(item)) => Err(Reason::Padded.into()),
            Build::Flex => self.flex(node, opset, inputs),
            Build::If => self.branch(node, inputs),
            Build::Loop => self.repeat(node, inputs),
            Build::Scan if opset < 9 => self.batched_scan(node, inputs),
            Build::Scan => self.scan(node, inputs),
        }
    }

    /// Builds the body of a function, which sees nothing but its inputs.
    fn call(&mut self, node: &NodeProto, function: &Function, inputs: &[Option<Item>]) -> Made {
        if inputs.len() > function.input.len() {
            return Err(Reason::Input(function.input.len()).into());
        }
        if self.calls >= MAX_CALLS {
            return Err(Reason::Form("functions call each other too deeply").into());
        }
        let body = function.body(node)?;
        let mut scope = HashMap::new();
        for (i, name) in function.input.iter().enumerate() {
            scope.insert(name.clone(), Some(inputs.get(i).cloned().flatten().unwrap_or(Item::Absent)));
        }
        let scopes = std::mem::replace(&mut self.scopes, vec![scope]);
        let opsets = std::mem::replace(&mut self.opsets, function.opsets());
        self.calls += 1;
        let made = self.block(&body);
        self.calls -= 1;
        self.opsets = opsets;
        self.scopes = scopes;
        Ok(Some(made?))
    }

    /// The table's entry of a node, with its attribute names checked.
    fn entry(&self, node: &NodeProto) -> Result<(&'static table::Entry, i64), Reason> {
        let domain = table_domain(&node.domain);
        let opset = self.opsets.get(domain).copied().ok_or_else(|| Reason::Domain(domain.to_owned()))?;
        let entry = table::find(domain, &node.op_type, opset)?;
        // A reference to an attribute of a function means nothing outside of one.
        let known = |a: &AttributeProto| a.ref_attr_name.is_empty() && entry.attributes.contains(&a.name.as_str());
        match node.attribute.iter().find(|a| !known(a)) {
            Some(unknown) => Err(Reason::Attribute(unknown.name.clone())),
            None => Ok((entry, opset)),
        }
    }

    /// Checks what can be checked of a node without its operands, and of the nodes of its branches.
    fn look_over(&mut self, node: &NodeProto) -> Result<(), Reason> {
        if self.functions.of(node).is_some() {
            return Ok(());
        }
        for inner in node.attribute.iter().flat_map(|a| a.g.iter()).flat_map(|g| &g.node) {
            if let Err(reason) = self.look_over(inner) {
                self.refuse(inner, reason);
            }
        }
        self.entry(node).map(|_| ())
    }

    fn is_padded(&self, item: &Item) -> bool {
        matches!(item, Item::Tensor(id) if self.emit.is_padded(*id))
    }

    /// What is computed of half precision is computed in f32.
    fn widened(&mut self, item: Item) -> Result<Item, Reason> {
        match item {
            Item::Tensor(id) => self.emit.widened(id).map(Item::Tensor),
            other => Ok(other),
        }
    }

    pub(super) fn define(&mut self, name: &str, value: Option<Item>) -> Result<(), ImportError> {
        let scope = self.scopes.last_mut().expect("the model's scope stays");
        match scope.insert(name.to_owned(), value) {
            Some(_) => Err(ImportError::DuplicateValue { value: name.to_owned() }),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str, reader: impl FnOnce() -> String) -> Result<Option<Item>, ImportError> {
        let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        found.cloned().ok_or_else(|| ImportError::MissingValue { node: reader(), value: name.to_owned() })
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

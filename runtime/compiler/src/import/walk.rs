//! Walks the nodes of a model and its branches.

use std::collections::HashMap;
use std::path::Path;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, type_proto::Value as TypeValue};

use super::emit::Emit;
use super::node::Cx;
use super::order::order;
use super::table::{self, Build};
use super::{ImportOptions, Limits, signature, table_domain, tensor};
use crate::error::{ImportError, Reason, Refusal, Refusals};
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

struct Walk<'m> {
    emit: Emit,
    limits: Limits,
    folder: Option<&'m Path>,
    opsets: HashMap<&'m str, i64>,
    /// Names in view, innermost scope last. `None` is made by a refused node: its type and shape are not known.
    scopes: Vec<HashMap<&'m str, Option<ValueId>>>,
    refusals: Vec<Refusal>,
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
        }
    }

    fn inputs(&mut self, source: &'m GraphProto, options: &ImportOptions) -> Result<(), ImportError> {
        let specs = signature::inputs(source)?;
        let shapes = signature::bind(&specs, options)?;
        let stated = source.input.iter().filter(|input| specs.iter().any(|spec| spec.name == input.name));
        for ((input, spec), shape) in stated.zip(&specs).zip(shapes) {
            if self.emit.checked_bytes(spec.dtype, &shape).is_err() {
                let expected = "of at most 8 dimensions and 2 GiB".to_owned();
                return Err(ImportError::InputShape { name: spec.name.clone(), expected, got: shape });
            }
            let id = self.emit.graph.computed(spec.name.clone(), spec.dtype, shape);
            self.emit.graph.inputs.push(id);
            self.define(&input.name, Some(id))?;
        }
        Ok(())
    }

    /// Builds the nodes of the model or of a branch in the innermost scope, and answers its outputs.
    fn block(&mut self, source: &'m GraphProto) -> Result<Vec<Option<ValueId>>, ImportError> {
        for stored in &source.initializer {
            let (dtype, dims, data) = tensor::read(stored, self.folder)
                .map_err(|reason| ImportError::Tensor { name: stored.name.clone(), reason })?;
            self.emit.grant(data.len());
            let id = self.emit.graph.constant(stored.name.clone(), dtype, dims, data);
            self.define(&stored.name, Some(id))?;
        }
        let order = order(source).map_err(|stuck| ImportError::Cyclic { node: title(&source.node[stuck]) })?;
        for i in order {
            self.node(&source.node[i])?;
        }
        source.output.iter().map(|output| self.find(&output.name, || "model outputs".to_owned())).collect()
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
        let made = if known { self.build(node, inputs)? } else { self.look_over(node).map(|()| None) };
        let made = match made {
            Ok(made) => made,
            Err(reason) => {
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

    /// Builds a node whose operands are known. The inner result is `None` where a branch could not be built.
    #[expect(clippy::type_complexity, reason = "a refusal of this node beside an error of the whole model")]
    fn build(
        &mut self,
        node: &'m NodeProto,
        inputs: Vec<Option<ValueId>>,
    ) -> Result<Result<Option<Vec<Option<ValueId>>>, Reason>, ImportError> {
        let (entry, opset) = match self.entry(node) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        self.emit.node = title(node);
        match entry.build {
            Build::Operator(build) => {
                let run = || {
                    let mut cx = Cx::new(&mut self.emit, node, opset, inputs, self.folder)?;
                    let outputs = build(&mut cx)?;
                    cx.finish(outputs.len())?;
                    Ok(Some(outputs.into_iter().map(Some).collect()))
                };
                let built = run();
                if self.emit.graph.nodes.len() > self.limits.nodes {
                    return Ok(Err(Reason::Form("the model has more nodes than the limit")));
                }
                Ok(built)
            }
            Build::If => self.branch(node, &inputs),
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

    /// Builds the branch that a constant condition takes, else both and a selection between equal shapes.
    #[expect(clippy::type_complexity, reason = "as for build")]
    fn branch(
        &mut self,
        node: &'m NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Result<Option<Vec<Option<ValueId>>>, Reason>, ImportError> {
        let graphs = || {
            let [Some(condition)] = inputs else { return Err(Reason::MissingInput(0)) };
            let then = graph_attribute(node, "then_branch")?;
            Ok((*condition, then, graph_attribute(node, "else_branch")?))
        };
        let (condition, then, other) = match graphs() {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        if self.emit.graph.value(condition).count() != 1 {
            return Ok(Err(Reason::Shape { what: "the condition", got: self.emit.dims(condition) }));
        }
        if let Some(taken) = self.emit.ints(condition) {
            return Ok(Ok(Some(self.scoped(if taken[0] != 0 { then } else { other })?)));
        }
        let (a, b) = (self.scoped(then)?, self.scoped(other)?);
        self.emit.node = title(node);
        Ok(self.selection(condition, &a, &b))
    }

    fn selection(
        &mut self,
        condition: ValueId,
        a: &[Option<ValueId>],
        b: &[Option<ValueId>],
    ) -> Result<Option<Vec<Option<ValueId>>>, Reason> {
        if a.len() != b.len() {
            return Err(Reason::Form("its branches have different numbers of outputs"));
        }
        let condition = self.emit.reshape(condition, vec![])?;
        let mut made = Vec::new();
        for pair in a.iter().zip(b) {
            let (Some(a), Some(b)) = (*pair.0, *pair.1) else { return Ok(None) };
            if self.emit.dims(a) != self.emit.dims(b) {
                return Err(Reason::Form("its condition is not constant and its branches have different shapes"));
            }
            made.push(Some(self.emit.select(condition, a, b)?));
        }
        Ok(Some(made))
    }

    fn scoped(&mut self, branch: &'m GraphProto) -> Result<Vec<Option<ValueId>>, ImportError> {
        self.scopes.push(HashMap::new());
        let made = self.block(branch);
        self.scopes.pop();
        made
    }

    /// Names the outputs. A value that is provided, constant or named already gets a copy.
    fn outputs(&mut self, source: &GraphProto, made: &[Option<ValueId>]) -> Result<(), ImportError> {
        for (output, id) in source.output.iter().zip(made) {
            let id = id.expect("no node was refused");
            let graph = &mut self.emit.graph;
            let (dtype, dims) = (graph.value(id).dtype, graph.value(id).dims.clone());
            if let Some(stated) = &output.r#type {
                let stated = match &stated.value {
                    Some(TypeValue::TensorType(t)) => signature::boundary_type(t.elem_type),
                    None => None,
                };
                if stated != Some(dtype) {
                    return Err(ImportError::OutputType { name: output.name.clone(), computed: dtype });
                }
            }
            let taken = graph.value(id).is_constant() || graph.inputs.contains(&id) || graph.outputs.contains(&id);
            let id = if taken {
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

    fn define(&mut self, name: &'m str, value: Option<ValueId>) -> Result<(), ImportError> {
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

fn graph_attribute<'m>(node: &'m NodeProto, name: &'static str) -> Result<&'m GraphProto, Reason> {
    let attribute = node.attribute.iter().find(|a| a.name == name).ok_or(Reason::MissingAttribute(name))?;
    attribute.g.as_ref().ok_or(Reason::AttributeType(name))
}

/// What a node is called in messages: its name, else its first output.
fn title(node: &NodeProto) -> String {
    let named = std::iter::once(&node.name).chain(&node.output).find(|name| !name.is_empty());
    named.unwrap_or(&node.op_type).clone()
}

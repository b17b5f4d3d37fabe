//! The state of lowering one entry: which tensor holds which value, and in which of its forms.

use mote_abi::DType;
use mote_plan::{Halo, Kind};

use super::boxes::Move;
use super::draft::{Draft, Params, Role, Step, TensorRef};
use super::error::LowerError;
use super::layout::Layout;
use crate::graph::{Graph, Node, ValueId};

/// Steps are appended to `draft` node by node.
pub(super) struct Build<'g> {
    pub(super) graph: &'g Graph,
    pub(super) draft: Draft,
    layout: Layout,
    forms: Vec<Forms>,
    node: String,
}

/// The tensors that hold one value. All but `main` are copies, made when first asked for.
#[derive(Clone, Copy, Default)]
struct Forms {
    main: Option<TensorRef>,
    dense: Option<TensorRef>,
    padded: Option<TensorRef>,
}

impl<'g> Build<'g> {
    /// Gives each graph input its tensor.
    pub(super) fn new(graph: &'g Graph, layout: Layout) -> Result<Self, LowerError> {
        let forms = vec![Forms::default(); graph.values.len()];
        let mut build = Self { graph, draft: Draft::default(), layout, forms, node: String::new() };
        for &id in &graph.inputs {
            let value = graph.value(id);
            let tensor = build.draft.fresh(&value.name, value.dtype, &value.dims, Halo::NONE, Role::Input)?;
            build.draft.tensors[tensor.0].name = Some(value.name.clone());
            build.draft.inputs.push(tensor);
            build.forms[id.0 as usize].main = Some(tensor);
        }
        Ok(build)
    }

    /// Steps that follow belong to this node.
    pub(super) fn enter(&mut self, node: &Node) {
        self.node.clone_from(&node.name);
    }

    /// Names the output tensors and keeps their storages to the end.
    pub(super) fn finish(mut self) -> Result<Draft, LowerError> {
        for &id in &self.graph.outputs {
            let value = self.graph.value(id);
            self.node.clone_from(&value.name);
            let mut tensor = self.dense(id)?;
            // A host that writes the next input must not see an output change, so an input is never an output.
            let role = self.draft.storage_of(tensor).map(|storage| self.draft.storages[storage.0].role);
            if role == Some(Role::Input) {
                let copy = self.draft.fresh(&value.name, value.dtype, &value.dims, Halo::NONE, Role::Inner)?;
                self.copy_all(tensor, copy);
                tensor = copy;
            }
            self.draft.tensors[tensor.0].name = Some(value.name.clone());
            if let Some(storage) = self.draft.storage_of(tensor) {
                self.draft.storages[storage.0].role = Role::Output;
            }
            self.draft.outputs.push(tensor);
        }
        Ok(self.draft)
    }

    /// The value in whatever form it has.
    pub(super) fn any(&mut self, id: ValueId) -> Result<TensorRef, LowerError> {
        if let Some(tensor) = self.forms[id.0 as usize].main {
            return Ok(tensor);
        }
        let value = self.graph.value(id);
        let data = value.data.clone().ok_or_else(|| self.malformed())?;
        if data.len() != value.count() * value.dtype.size() as usize {
            return Err(self.malformed());
        }
        let tensor = self.draft.constant(&value.name, value.dtype, &value.dims, data)?;
        self.forms[id.0 as usize].main = Some(tensor);
        Ok(tensor)
    }

    /// The value without a halo.
    pub(super) fn dense(&mut self, id: ValueId) -> Result<TensorRef, LowerError> {
        let main = self.any(id)?;
        if self.draft.tensor(main).spec.is_dense() {
            return Ok(main);
        }
        if let Some(tensor) = self.forms[id.0 as usize].dense {
            return Ok(tensor);
        }
        let value = self.graph.value(id);
        let tensor = self.draft.fresh(&value.name, value.dtype, &value.dims, Halo::NONE, Role::Inner)?;
        self.copy_all(main, tensor);
        self.forms[id.0 as usize].dense = Some(tensor);
        Ok(tensor)
    }

    /// The value with the halo that its convolutions ask for.
    pub(super) fn padded(&mut self, id: ValueId) -> Result<TensorRef, LowerError> {
        let main = self.any(id)?;
        let halo = self.layout.wanted(id);
        if self.draft.tensor(main).spec.halo == halo {
            return Ok(main);
        }
        if let Some(tensor) = self.forms[id.0 as usize].padded {
            return Ok(tensor);
        }
        let value = self.graph.value(id);
        let tensor = self.draft.fresh(&value.name, value.dtype, &value.dims, halo, Role::Inner)?;
        self.zero_halo(tensor);
        self.copy_all(main, tensor);
        self.forms[id.0 as usize].padded = Some(tensor);
        Ok(tensor)
    }

    /// A fresh tensor for a value that a step is about to write, its halo zeroed.
    pub(super) fn result(&mut self, id: ValueId) -> Result<TensorRef, LowerError> {
        let tensor = self.bare_result(id)?;
        self.zero_halo(tensor);
        Ok(tensor)
    }

    /// A fresh tensor for a value that a step is about to write, halo included.
    pub(super) fn bare_result(&mut self, id: ValueId) -> Result<TensorRef, LowerError> {
        let value = self.graph.value(id);
        let tensor = self.draft.fresh(&value.name, value.dtype, &value.dims, self.layout.own(id), Role::Inner)?;
        self.forms[id.0 as usize].main = Some(tensor);
        Ok(tensor)
    }

    /// Zeroes the halo of a tensor, where it has one.
    pub(super) fn zero_halo(&mut self, tensor: TensorRef) {
        if !self.draft.tensor(tensor).spec.is_dense() {
            self.emit(Kind::Halo, [], [tensor], Params::None);
        }
    }

    /// Whether a value is made with a halo.
    pub(super) fn has_halo(&self, id: ValueId) -> bool {
        self.layout.own(id) != Halo::NONE
    }

    /// Lets an existing tensor hold a value.
    pub(super) fn bind(&mut self, id: ValueId, tensor: TensorRef) {
        self.forms[id.0 as usize].main = Some(tensor);
    }

    /// A tensor that only the current node sees.
    pub(super) fn scratch(&mut self, dtype: DType, dims: &[usize]) -> Result<TensorRef, LowerError> {
        let label = self.node.clone();
        self.draft.fresh(&label, dtype, dims, Halo::NONE, Role::Inner)
    }

    /// A constant made by lowering itself.
    pub(super) fn packed(&mut self, dtype: DType, dims: &[usize], bytes: Vec<u8>) -> Result<TensorRef, LowerError> {
        let label = self.node.clone();
        self.draft.constant(&label, dtype, dims, bytes.into())
    }

    /// Another shape over a dense tensor.
    pub(super) fn alias(&mut self, of: TensorRef, dims: &[usize], first: usize) -> Result<TensorRef, LowerError> {
        let label = self.node.clone();
        self.draft.alias(of, &label, dims, first)
    }

    /// A dense tensor as another type of equal size.
    pub(super) fn seen_as(&mut self, of: TensorRef, dtype: DType) -> Result<TensorRef, LowerError> {
        let label = self.node.clone();
        let same_size = self.draft.tensor(of).spec.dtype.size() == dtype.size();
        if same_size { self.draft.seen_as(of, &label, dtype) } else { Err(self.malformed()) }
    }

    /// Appends a step.
    pub(super) fn emit(
        &mut self,
        kind: Kind,
        inputs: impl Into<Vec<Option<TensorRef>>>,
        outputs: impl Into<Vec<TensorRef>>,
        params: Params,
    ) {
        let (inputs, outputs) = (inputs.into(), outputs.into());
        self.draft.steps.push(Step { kind, inputs, outputs, params, node: self.node.clone() });
    }

    /// Appends a copy between two boxes.
    pub(super) fn emit_move(&mut self, from: TensorRef, to: TensorRef, moved: &Move) {
        self.emit(Kind::Copy, [Some(from)], [to], Params::Copy(moved.params()));
    }

    /// The node contradicts its operator.
    pub(super) fn malformed(&self) -> LowerError {
        LowerError::MalformedNode { node: self.node.clone() }
    }

    fn copy_all(&mut self, from: TensorRef, to: TensorRef) {
        let (source, target) = (&self.draft.tensor(from).spec, &self.draft.tensor(to).spec);
        let moved = Move::between(source, target).simplified();
        self.emit_move(from, to, &moved);
    }
}

//! One source node as its builder sees it. Every attribute and input must be read, so that nothing is ignored.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use mote_abi::DType;
use tract_onnx::pb::{AttributeProto, NodeProto, attribute_proto::AttributeType};

use super::emit::Emit;
use super::tensor;
use crate::error::Reason;
use crate::graph::ValueId;

/// What a builder answers: the node's outputs in order; trailing optional ones may be left out.
pub(crate) type Built = Result<Vec<ValueId>, Reason>;

/// A node with its operands, over the Graph under construction.
pub(crate) struct Cx<'a> {
    emit: &'a mut Emit,
    node: &'a NodeProto,
    /// Version of the operator set that the node belongs to.
    pub(crate) opset: i64,
    inputs: Vec<Option<ValueId>>,
    folder: Option<&'a Path>,
    inputs_read: Cell<u64>,
    attributes_read: Cell<u64>,
}

impl Deref for Cx<'_> {
    type Target = Emit;
    fn deref(&self) -> &Emit {
        self.emit
    }
}

impl DerefMut for Cx<'_> {
    fn deref_mut(&mut self) -> &mut Emit {
        self.emit
    }
}

/// Most inputs and attributes of one node that can be tracked; only variadic operators have more inputs.
const TRACKED: usize = 64;

impl<'a> Cx<'a> {
    pub(super) fn new(
        emit: &'a mut Emit,
        node: &'a NodeProto,
        opset: i64,
        inputs: Vec<Option<ValueId>>,
        folder: Option<&'a Path>,
    ) -> Result<Self, Reason> {
        if let Some(extra) = node.attribute.get(TRACKED) {
            return Err(Reason::Attribute(extra.name.clone()));
        }
        Ok(Self { emit, node, opset, inputs, folder, inputs_read: Cell::new(0), attributes_read: Cell::new(0) })
    }

    /// Refuses inputs and attributes that the builder has not read, and outputs that it has not made.
    pub(super) fn finish(&self, made: usize) -> Result<(), Reason> {
        for (i, attribute) in self.node.attribute.iter().enumerate() {
            if self.attributes_read.get() & 1 << i == 0 {
                return Err(Reason::Attribute(attribute.name.clone()));
            }
        }
        for (i, input) in self.inputs.iter().enumerate() {
            let read = self.inputs_read.get() >> i.min(TRACKED - 1) & 1 == 1;
            if input.is_some() && !read {
                return Err(Reason::Input(i));
            }
        }
        match (made..self.node.output.len()).find(|&i| self.wants(i)) {
            Some(i) => Err(Reason::Output(i)),
            None => Ok(()),
        }
    }

    /// Operator name.
    pub(crate) fn op(&self) -> &'a str {
        &self.node.op_type
    }

    /// Whether anybody can read the i-th output.
    pub(crate) fn wants(&self, i: usize) -> bool {
        self.node.output.get(i).is_some_and(|name| !name.is_empty())
    }

    /// Most results, where the caller gave a bound for this node.
    pub(crate) fn bound(&mut self) -> Option<usize> {
        self.emit.bound(self.node)
    }

    /// Number of outputs that the node names.
    pub(crate) fn output_count(&self) -> usize {
        self.node.output.len()
    }

    /// A required input.
    pub(crate) fn input(&self, i: usize) -> Result<ValueId, Reason> {
        self.optional(i).ok_or(Reason::MissingInput(i))
    }

    /// An optional input.
    pub(crate) fn optional(&self, i: usize) -> Option<ValueId> {
        self.inputs_read.set(self.inputs_read.get() | 1 << i);
        self.inputs.get(i).copied().flatten()
    }

    /// Every input, without reading any.
    pub(super) fn operands(&self) -> Vec<Option<ValueId>> {
        self.inputs.clone()
    }

    /// Reads an input that the builder has taken in another form.
    pub(crate) fn taken(&self, i: usize) {
        let _ = self.optional(i);
    }

    /// Puts another value in the place of an input.
    pub(crate) fn replace(&mut self, i: usize, id: ValueId) {
        if let Some(input) = self.inputs.get_mut(i) {
            *input = Some(id);
        }
    }

    /// Every input of a variadic operator; at least one, none absent.
    pub(crate) fn variadic(&self) -> Result<Vec<ValueId>, Reason> {
        self.inputs_read.set(u64::MAX);
        if self.inputs.is_empty() {
            return Err(Reason::MissingInput(0));
        }
        self.inputs.iter().enumerate().map(|(i, id)| id.ok_or(Reason::MissingInput(i))).collect()
    }

    /// Elements of an optional constant integer input.
    pub(crate) fn optional_ints(&self, i: usize) -> Result<Option<Vec<i64>>, Reason> {
        match self.optional(i) {
            None => Ok(None),
            Some(id) if !self.is_constant(id) => Err(Reason::NotConstant(i)),
            Some(id) => self.ints(id).map(Some).ok_or(Reason::Type(self.dtype(id))),
        }
    }

    /// Elements of a required constant integer input.
    pub(crate) fn constant_ints(&self, i: usize) -> Result<Vec<i64>, Reason> {
        self.optional_ints(i)?.ok_or(Reason::MissingInput(i))
    }

    /// Elements of an optional constant input of any type.
    pub(crate) fn optional_floats(&self, i: usize) -> Result<Option<Vec<f64>>, Reason> {
        let Some(id) = self.optional(i) else { return Ok(None) };
        self.floats(id).map(Some).ok_or(Reason::NotConstant(i))
    }

    /// The only element of an optional constant integer input.
    pub(crate) fn optional_scalar(&self, i: usize) -> Result<Option<i64>, Reason> {
        match self.optional_ints(i)?.as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(_) => Err(Reason::Shape { what: "a scalar input", got: self.dims(self.input(i)?) }),
        }
    }

    /// The input of a floating-point operator: f32.
    pub(crate) fn f32_input(&self, i: usize) -> Result<ValueId, Reason> {
        let id = self.input(i)?;
        match self.dtype(id) {
            DType::F32 => Ok(id),
            other => Err(Reason::Type(other)),
        }
    }

    /// The input of a floating-point operator: f32 or f64.
    pub(crate) fn float_input(&self, i: usize) -> Result<ValueId, Reason> {
        let id = self.input(i)?;
        match self.dtype(id) {
            DType::F32 | DType::F64 => Ok(id),
            other => Err(Reason::Type(other)),
        }
    }

    /// A required f32 input whose value is known.
    pub(crate) fn f32_constant(&self, i: usize) -> Result<ValueId, Reason> {
        let id = self.f32_input(i)?;
        if self.is_constant(id) { Ok(id) } else { Err(Reason::NotConstant(i)) }
    }

    fn attribute(&self, name: &'static str, types: &[AttributeType]) -> Result<Option<&'a AttributeProto>, Reason> {
        let Some(i) = self.node.attribute.iter().position(|a| a.name == name) else { return Ok(None) };
        self.attributes_read.set(self.attributes_read.get() | 1 << i);
        let attribute = &self.node.attribute[i];
        if types.iter().any(|t| *t as i32 == attribute.r#type) {
            Ok(Some(attribute))
        } else {
            Err(Reason::AttributeType(name))
        }
    }

    /// Reads an attribute that says nothing about inference.
    pub(crate) fn ignore(&self, name: &'static str) {
        if let Some(i) = self.node.attribute.iter().position(|a| a.name == name) {
            self.attributes_read.set(self.attributes_read.get() | 1 << i);
        }
    }

    /// Whether the node has an attribute.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.node.attribute.iter().any(|a| a.name == name)
    }

    pub(crate) fn optional_int(&self, name: &'static str) -> Result<Option<i64>, Reason> {
        Ok(self.attribute(name, &[AttributeType::Int])?.map(|a| a.i))
    }

    pub(crate) fn int(&self, name: &'static str, default: i64) -> Result<i64, Reason> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// An attribute that is 0 or 1.
    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, Reason> {
        match self.optional_int(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(got) => Err(Reason::AttributeValue { name, got: got.to_string() }),
        }
    }

    /// An attribute that this importer takes with one value only, its default.
    pub(crate) fn only(&self, name: &'static str, value: i64) -> Result<(), Reason> {
        let got = self.int(name, value)?;
        if got == value { Ok(()) } else { Err(Reason::AttributeValue { name, got: got.to_string() }) }
    }

    pub(crate) fn optional_ints_attribute(&self, name: &'static str) -> Result<Option<Vec<i64>>, Reason> {
        Ok(self.attribute(name, &[AttributeType::Ints])?.map(|a| a.ints.clone()))
    }

    pub(crate) fn float(&self, name: &'static str, default: f32) -> Result<f32, Reason> {
        Ok(self.optional_float(name)?.unwrap_or(default))
    }

    pub(crate) fn optional_float(&self, name: &'static str) -> Result<Option<f32>, Reason> {
        Ok(self.attribute(name, &[AttributeType::Float])?.map(|a| a.f))
    }

    pub(crate) fn optional_floats_attribute(&self, name: &'static str) -> Result<Option<Vec<f32>>, Reason> {
        Ok(self.attribute(name, &[AttributeType::Floats])?.map(|a| a.floats.clone()))
    }

    pub(crate) fn text(&self, name: &'static str, default: &'static str) -> Result<&'a str, Reason> {
        match self.attribute(name, &[AttributeType::String])? {
            None => Ok(default),
            Some(a) => std::str::from_utf8(&a.s).map_err(|_| Reason::AttributeType(name)),
        }
    }

    pub(crate) fn texts(&self, name: &'static str) -> Result<Option<Vec<&'a str>>, Reason> {
        let Some(a) = self.attribute(name, &[AttributeType::Strings])? else { return Ok(None) };
        let texts = a.strings.iter().map(|s| std::str::from_utf8(s)).collect::<Result<_, _>>();
        texts.map(Some).map_err(|_| Reason::AttributeType(name))
    }

    /// A tensor attribute as a constant of the Graph.
    pub(crate) fn tensor(&mut self, name: &'static str) -> Result<Option<ValueId>, Reason> {
        let Some(a) = self.attribute(name, &[AttributeType::Tensor])? else { return Ok(None) };
        let proto = a.t.as_ref().ok_or(Reason::AttributeType(name))?;
        if tensor::is_text(proto.data_type) {
            let (dims, words) = tensor::words(proto)?;
            return self.words(dims, words).map(Some);
        }
        let (dtype, dims, data) = tensor::read(proto, self.folder)?;
        self.stored(data.len(), &dims)?;
        self.constant(dtype, dims, data).map(Some)
    }

    /// An element type named by an integer attribute.
    pub(crate) fn element_type(&self, name: &'static str) -> Result<Option<DType>, Reason> {
        let Some(code) = self.optional_int(name)? else { return Ok(None) };
        let known = i32::try_from(code).ok().and_then(tensor::dtype);
        known.map(Some).ok_or(Reason::OnnxType(code))
    }

    /// The integer attribute `axis` as an index below `rank`.
    pub(crate) fn axis_attribute(&self, default: i64, rank: usize) -> Result<usize, Reason> {
        axis(self.int("axis", default)?, rank)
    }
}

/// An axis that may count from the end, as an index below `rank`.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Reason> {
    let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(from_start).ok().filter(|&a| a < rank).ok_or(Reason::Axis { axis, rank })
}

/// Distinct axes, ascending.
pub(crate) fn axes(given: &[i64], rank: usize) -> Result<Vec<usize>, Reason> {
    let mut axes: Vec<usize> = given.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>()?;
    axes.sort_unstable();
    match axes.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Reason::Axis { axis: pair[0] as i64, rank }),
        None => Ok(axes),
    }
}

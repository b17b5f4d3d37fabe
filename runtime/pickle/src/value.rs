//! The values of a pickle. They refer to each other by index, so that shared and circular ones are as cheap as others.

use crate::array::Array;
use crate::dtype::Dtype;
use crate::globals::Global;

/// Index of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(pub(crate) u32);

#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, as found in states of random generators; its value is of no use here.
    Wide,
    Float(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Tuple(Vec<ValueId>),
    List(Vec<ValueId>),
    Set(Vec<ValueId>),
    Dict(Vec<(ValueId, ValueId)>),
    Global(Global),
    Object(Box<Object>),
    Array(Box<Array>),
    Dtype(Box<Dtype>),
}

/// What calling a class or constructor would have made: its name, and what it was given.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) class: Global,
    pub(crate) arguments: Vec<ValueId>,
    pub(crate) state: Option<ValueId>,
    /// Elements of a subclass of list.
    pub(crate) items: Vec<ValueId>,
    /// Entries of a subclass of dict.
    pub(crate) entries: Vec<(ValueId, ValueId)>,
}

impl Object {
    pub(crate) fn new(class: Global, arguments: Vec<ValueId>) -> Self {
        Self { class, arguments, state: None, items: Vec::new(), entries: Vec::new() }
    }
}

//! A document as its readers see it.

use crate::array::{Array, Data};
use crate::globals::Global;
use crate::value::{Object, Value, ValueId};

/// Everything that a file holds.
#[derive(Clone, Debug)]
pub struct Document {
    values: Vec<Value>,
    root: ValueId,
}

impl Document {
    pub(crate) fn new(values: Vec<Value>, root: ValueId) -> Self {
        Self { values, root }
    }

    /// The value that loading would have given.
    pub fn root(&self) -> Node<'_> {
        Node { document: self, id: self.root }
    }
}

/// One value of a document. Values may contain themselves: a reader bounds how deep it goes.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    id: ValueId,
}

impl<'d> Node<'d> {
    fn value(self) -> &'d Value {
        &self.document.values[self.id.0 as usize]
    }

    fn object(self) -> Option<&'d Object> {
        match self.value() {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    fn sibling(self, id: ValueId) -> Self {
        Self { document: self.document, id }
    }

    /// Class of an object.
    pub fn class(self) -> Option<Global> {
        self.object().map(|object| object.class)
    }

    /// A global that is a value itself, such as a function given as a parameter.
    pub fn global(self) -> Option<Global> {
        match self.value() {
            Value::Global(global) => Some(*global),
            _ => None,
        }
    }

    /// Attribute of an object, or entry of a dict, by name.
    pub fn get(self, name: &str) -> Option<Node<'d>> {
        let entries = match self.value() {
            Value::Dict(entries) => entries,
            Value::Object(object) => match object.state.map(|id| self.sibling(id).value()) {
                Some(Value::Dict(entries)) => entries,
                _ => &object.entries,
            },
            _ => return None,
        };
        // As in Python, the last of equal keys stays.
        let named = |&&(key, _): &&(ValueId, ValueId)| self.sibling(key).text() == Some(name);
        entries.iter().rev().find(named).map(|&(_, value)| self.sibling(value))
    }

    /// What the class was called with.
    pub fn arguments(self) -> impl ExactSizeIterator<Item = Node<'d>> {
        let arguments = self.object().map_or(&[][..], |object| &object.arguments);
        arguments.iter().map(move |&id| self.sibling(id))
    }

    /// The state of an object that is no dict of attributes.
    pub fn state(self) -> Option<Node<'d>> {
        self.object()?.state.map(|id| self.sibling(id))
    }

    /// Elements of a tuple, list, set or array of objects.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Node<'d>>> {
        let ids = match self.value() {
            Value::Tuple(ids) | Value::List(ids) | Value::Set(ids) => ids,
            Value::Array(array) => match &array.data {
                Data::Object(objects) => &objects.0,
                _ => return None,
            },
            _ => return None,
        };
        Some(ids.iter().map(move |&id| self.sibling(id)))
    }

    /// Entries of a dict, in the order they were made.
    pub fn entries(self) -> Option<impl ExactSizeIterator<Item = (Node<'d>, Node<'d>)>> {
        let entries = match self.value() {
            Value::Dict(entries) => entries,
            Value::Object(object) => &object.entries,
            _ => return None,
        };
        Some(entries.iter().map(move |&(key, value)| (self.sibling(key), self.sibling(value))))
    }

    /// An array.
    pub fn array(self) -> Option<&'d Array> {
        match self.value() {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// Whether it is Python's None.
    pub fn is_none(self) -> bool {
        matches!(self.value(), Value::None)
    }

    /// Text.
    pub fn text(self) -> Option<&'d str> {
        match self.value() {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A truth value.
    pub fn bool(self) -> Option<bool> {
        match self.value() {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An integer.
    pub fn int(self) -> Option<i64> {
        match self.value() {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number.
    pub fn float(self) -> Option<f64> {
        match self.value() {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(self) -> &'static str {
        match self.value() {
            Value::None => "None",
            Value::Bool(_) => "a bool",
            Value::Int(_) | Value::Wide => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Set(_) => "a set",
            Value::Dict(_) => "a dict",
            Value::Global(_) => "a global",
            Value::Object(_) => "an object",
            Value::Array(_) => "an array",
            Value::Dtype(_) => "a dtype",
        }
    }
}

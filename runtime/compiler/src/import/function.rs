//! Functions that a model brings along: operators defined by nodes. A call is its body, written out.
//!
//! tract's type of functions ends before the defaults of their attributes, so they are decoded here.

use std::collections::HashMap;

use prost::Message;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto};

use super::table_domain;
use crate::error::{ImportError, Reason};

/// The functions of a model, by domain and name.
#[derive(Default)]
pub(super) struct Functions(HashMap<(String, String), Function>);

#[derive(Clone, PartialEq, Message)]
struct Library {
    #[prost(message, repeated, tag = "25")]
    functions: Vec<Function>,
}

/// ONNX `FunctionProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Function {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    output: Vec<String>,
    /// Attributes without a default.
    #[prost(string, repeated, tag = "6")]
    attribute: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "9")]
    opset_import: Vec<OperatorSetIdProto>,
    #[prost(string, tag = "10")]
    domain: String,
    /// Attributes with their defaults.
    #[prost(message, repeated, tag = "11")]
    attribute_proto: Vec<AttributeProto>,
}

impl Functions {
    /// Reads the functions from the bytes of a model file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImportError> {
        let library = Library::decode(bytes).map_err(|_| ImportError::Decode)?;
        let mut functions = HashMap::with_capacity(library.functions.len());
        for function in library.functions {
            let key = (table_domain(&function.domain).to_owned(), function.name.clone());
            if functions.contains_key(&key) {
                return Err(ImportError::DuplicateFunction { domain: key.0, name: key.1 });
            }
            functions.insert(key, function);
        }
        Ok(Self(functions))
    }

    /// Adds a function of our own.
    pub(super) fn add(&mut self, domain: &str, name: &str, function: Function) {
        self.0.insert((domain.to_owned(), name.to_owned()), function);
    }

    /// The function that a node calls.
    pub(super) fn of(&self, node: &NodeProto) -> Option<&Function> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(table_domain(&node.domain).to_owned(), node.op_type.clone()))
    }
}

impl Function {
    /// One value made of another by operators of the standard.
    pub(super) fn of(input: String, output: String, node: Vec<NodeProto>, opset: i64) -> Self {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
        Self { input: vec![input], output: vec![output], node, opset_import, ..Self::default() }
    }

    /// The operator sets that its nodes belong to.
    pub(super) fn opsets(&self) -> HashMap<String, i64> {
        self.opset_import.iter().map(|set| (table_domain(&set.domain).to_owned(), set.version)).collect()
    }

    /// The body with the attributes of one call in the place of references to them. A reference to an attribute that the
    /// call leaves out and that has no default is itself left out.
    pub(super) fn body(&self, call: &NodeProto) -> Result<GraphProto, Reason> {
        let known =
            |name: &String| self.attribute.contains(name) || self.attribute_proto.iter().any(|a| a.name == *name);
        if let Some(unknown) = call.attribute.iter().find(|a| !known(&a.name)) {
            return Err(Reason::Attribute(unknown.name.clone()));
        }
        let given = self.attribute_proto.iter().chain(&call.attribute).map(|a| (a.name.as_str(), a)).collect();
        let mut node = self.node.clone();
        fill_in(&mut node, &given);
        let named = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
        Ok(GraphProto { node, output: self.output.iter().map(named).collect(), ..GraphProto::default() })
    }
}

/// Replaces each reference to an attribute by what it refers to, subgraphs included.
fn fill_in(nodes: &mut [NodeProto], given: &HashMap<&str, &AttributeProto>) {
    for node in nodes {
        node.attribute.retain_mut(|attribute| {
            if attribute.ref_attr_name.is_empty() {
                let graphs = attribute.g.iter_mut().chain(&mut attribute.graphs);
                graphs.for_each(|graph| fill_in(&mut graph.node, given));
                return true;
            }
            let Some(&value) = given.get(attribute.ref_attr_name.as_str()) else { return false };
            let name = std::mem::take(&mut attribute.name);
            *attribute = AttributeProto { name, ref_attr_name: String::new(), ..value.clone() };
            true
        });
    }
}

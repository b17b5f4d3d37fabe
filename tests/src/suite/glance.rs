//! What a model file says, read without the compiler (`onnx.proto`, ModelProto).

use std::collections::{BTreeSet, HashMap};

use crate::protobuf::{self, Field, Message, Value};

/// The parts of a model that a judge needs.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// Inputs of the graph that are not stored, with what they are.
    pub(super) inputs: Vec<(String, Kind)>,
    /// Outputs of the graph.
    pub(super) outputs: Vec<(String, Kind)>,
    /// Every node, those of branches and functions behind the one that holds them.
    pub(super) nodes: Vec<Node>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tensor, by the code of its element type.
    Tensor(u64),
    /// A sequence, an optional value or a map.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) domain: String,
    pub(super) op: String,
    name: String,
    pub(super) inputs: Vec<String>,
    outputs: Vec<String>,
    /// Integer attributes.
    pub(super) ints: Vec<(String, u64)>,
    /// Names of all attributes.
    pub(super) attributes: Vec<String>,
}

impl Glance {
    /// Nothing where the bytes are no model.
    pub(super) fn of(model: &[u8]) -> Option<Self> {
        let mut glance = Self::default();
        for field in protobuf::parse(model)? {
            match (field.number, message(&field)) {
                (7, Some(graph)) => glance.graph(&graph, true),
                (25, Some(function)) => glance.nodes_of(&function, 7),
                _ => {}
            }
        }
        Some(glance)
    }

    fn graph(&mut self, graph: &[Field], outermost: bool) {
        self.nodes_of(graph, 1);
        if !outermost {
            return;
        }
        let stored: Vec<String> = children(graph, 5).iter().map(|tensor| text(tensor, 8)).collect();
        self.inputs = children(graph, 11).iter().map(|info| described(info)).collect();
        self.inputs.retain(|(name, _)| !stored.contains(name));
        self.outputs = children(graph, 12).iter().map(|info| described(info)).collect();
    }

    fn nodes_of(&mut self, holder: &[Field], number: u64) {
        for node in children(holder, number) {
            let attributes = children(&node, 5);
            self.nodes.push(Node::of(&node, &attributes));
            for branch in attributes.iter().flat_map(|attribute| children(attribute, 6)) {
                self.graph(&branch, false);
            }
        }
    }

    /// The model's inputs on which an input of a node depends. `title` is what refusals call the node.
    pub(super) fn feeders(&self, title: &str, input: usize) -> BTreeSet<String> {
        let makers: HashMap<&str, &Node> =
            self.nodes.iter().flat_map(|node| node.outputs.iter().map(move |name| (name.as_str(), node))).collect();
        let titled = |node: &&Node| node.title() == title;
        let Some(first) = self.nodes.iter().find(titled).and_then(|node| node.inputs.get(input)) else {
            return BTreeSet::new();
        };
        let (mut open, mut seen, mut found) = (vec![first.as_str()], BTreeSet::new(), BTreeSet::new());
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            if self.inputs.iter().any(|(input, _)| input == name) {
                found.insert(name.to_owned());
            }
            open.extend(makers.get(name).iter().flat_map(|node| node.inputs.iter().map(String::as_str)));
        }
        found
    }
}

impl Node {
    fn of(node: &[Field], attributes: &[Vec<Field>]) -> Self {
        let int = |attribute: &Vec<Field>| {
            let value = attribute.iter().find(|field| field.number == 3).map(|field| &field.value)?;
            if let Value::Varint(value) = value { Some((text(attribute, 1), *value)) } else { None }
        };
        Self {
            domain: text(node, 7),
            op: text(node, 4),
            name: text(node, 3),
            inputs: texts(node, 1),
            outputs: texts(node, 2),
            ints: attributes.iter().filter_map(int).collect(),
            attributes: attributes.iter().map(|attribute| text(attribute, 1)).collect(),
        }
    }

    /// Its name, else its first output.
    fn title(&self) -> &str {
        std::iter::once(&self.name).chain(&self.outputs).find(|name| !name.is_empty()).unwrap_or(&self.op)
    }
}

/// Stores tensors in a model, which provides the inputs of their names: messages that follow one another are one.
pub(super) fn stored(model: &[u8], tensors: &[Vec<u8>]) -> Vec<u8> {
    let graph = tensors.iter().fold(Message::default(), |graph, tensor| graph.bytes(5, tensor));
    [model, &Message::default().bytes(7, graph).0].concat()
}

fn described(info: &[Field]) -> (String, Kind) {
    let kind = children(info, 2).iter().find_map(|kind| {
        let tensor = children(kind, 1);
        let element = tensor.first()?.iter().find(|field| field.number == 1)?;
        if let Value::Varint(code) = element.value { Some(Kind::Tensor(code)) } else { None }
    });
    (text(info, 1), kind.unwrap_or(Kind::Other))
}

fn message(field: &Field) -> Option<Vec<Field>> {
    if let Value::Bytes(bytes) = &field.value { protobuf::parse(bytes) } else { None }
}

fn children(fields: &[Field], number: u64) -> Vec<Vec<Field>> {
    fields.iter().filter(|field| field.number == number).filter_map(message).collect()
}

fn texts(fields: &[Field], number: u64) -> Vec<String> {
    let text = |field: &Field| {
        if let Value::Bytes(bytes) = &field.value { Some(String::from_utf8_lossy(bytes).into_owned()) } else { None }
    };
    fields.iter().filter(|field| field.number == number).filter_map(text).collect()
}

fn text(fields: &[Field], number: u64) -> String {
    texts(fields, number).pop().unwrap_or_default()
}

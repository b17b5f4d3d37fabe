//! Strings as indices: each word that a model names has a number, and a tensor of strings is one of i32.
//!
//! A model compares, selects and moves strings; it never looks inside. What a caller gives and the model does not name is -1,
//! which is equal to nothing and may not leave the model again.

use std::collections::HashMap;

use mote_abi::DType;
use mote_abi::op::Binary;

use super::emit::Emit;
use super::node::{Built, Cx};
use super::table::ONNX;
use crate::error::Reason;
use crate::graph::ValueId;

/// What is known of a tensor of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Text {
    /// Every element is a word of the model.
    Closed,
    /// An element may be -1.
    Open,
}

/// The words of a model, and the values that are made of them.
#[derive(Default)]
pub(crate) struct Strings {
    pub(crate) words: Vec<String>,
    numbers: HashMap<String, i32>,
    texts: HashMap<ValueId, Text>,
}

impl Strings {
    /// What is known of a value, where it is a tensor of strings.
    pub(super) fn text_of(&self, id: ValueId) -> Option<Text> {
        self.texts.get(&id).copied()
    }
}

impl Emit {
    /// The number of a word.
    pub(crate) fn word(&mut self, word: &str) -> i32 {
        if let Some(&number) = self.strings.numbers.get(word) {
            return number;
        }
        let number = self.strings.words.len() as i32;
        self.strings.words.push(word.to_owned());
        self.strings.numbers.insert(word.to_owned(), number);
        number
    }

    /// A constant tensor of strings.
    pub(crate) fn words<'w>(
        &mut self,
        dims: Vec<usize>,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<ValueId, Reason> {
        let numbers: Vec<i32> = words.into_iter().map(|word| self.word(word)).collect();
        let id = self.i32s(dims, &numbers)?;
        Ok(self.mark(id, Text::Closed))
    }

    /// What is known of a value, where it is a tensor of strings.
    pub(crate) fn text_of(&self, id: ValueId) -> Option<Text> {
        self.strings.text_of(id)
    }

    /// Says what is known of a value that is made of elements of others.
    pub(crate) fn mark_as(&mut self, made: ValueId, of: &[ValueId]) -> Result<ValueId, Reason> {
        let texts: Vec<Option<Text>> = of.iter().map(|&id| self.text_of(id)).collect();
        let Some(joint) = texts.iter().flatten().max().copied() else { return Ok(made) };
        if texts.contains(&None) {
            return Err(Reason::Strings);
        }
        Ok(self.mark(made, joint))
    }

    /// Says that a value is a tensor of strings.
    pub(crate) fn mark(&mut self, id: ValueId, text: Text) -> ValueId {
        self.strings.texts.insert(id, text);
        id
    }
}

/// What an operator does with strings.
enum Habit {
    /// Its result is made of elements of these operands, every other of which is not a string.
    Moves(std::ops::Range<usize>),
    /// Looks at shapes alone.
    Measures,
    /// Compares two tensors.
    Compares,
    /// Its builder sees to it.
    Knows,
}

fn habit(domain: &str, op: &str) -> Option<Habit> {
    const ALL: std::ops::Range<usize> = 0..usize::MAX;
    Some(match (domain == ONNX, op) {
        (
            true,
            "Compress" | "Expand" | "Flatten" | "Gather" | "GatherElements" | "GatherND" | "Identity" | "Reshape"
            | "Slice" | "Split" | "Squeeze" | "Tile" | "Transpose" | "Unsqueeze",
        )
        | (false, "ArrayFeatureExtractor" | "CastMap" | "DictVectorizer") => Habit::Moves(0..1),
        (true, "Concat") => Habit::Moves(ALL),
        (true, "Where") => Habit::Moves(1..3),
        (true, "Equal") => Habit::Compares,
        (true, "Shape" | "Size") => Habit::Measures,
        (true, "Constant" | "TfIdfVectorizer")
        | (
            false,
            "CategoryMapper"
            | "LabelEncoder"
            | "LinearClassifier"
            | "OneHotEncoder"
            | "SVMClassifier"
            | "TreeEnsembleClassifier",
        ) => Habit::Knows,
        _ => return None,
    })
}

/// Builds a node, and sees to strings among its operands.
pub(super) fn build(cx: &mut Cx<'_>, domain: &str, builder: fn(&mut Cx<'_>) -> Built) -> Built {
    let operands = cx.operands();
    let texts: Vec<Option<Text>> = operands.iter().map(|id| id.and_then(|id| cx.text_of(id))).collect();
    let Some(joint) = texts.iter().flatten().max().copied() else { return builder(cx) };
    match habit(domain, cx.op()).ok_or(Reason::Strings)? {
        Habit::Knows | Habit::Measures => builder(cx),
        Habit::Compares => match (texts.as_slice(), operands.as_slice()) {
            ([Some(a), Some(b)], [Some(left), Some(right)]) if *a == Text::Closed || *b == Text::Closed => {
                let (left, right) = (*left, *right);
                cx.variadic()?;
                Ok(vec![cx.binary(Binary::Equal, left, right)?])
            }
            // Two elements that are both unknown may differ.
            ([Some(_), Some(_)], _) => Err(Reason::NotConstant(1)),
            _ => Err(Reason::Strings),
        },
        Habit::Moves(data) => {
            let fits = texts.iter().enumerate().all(|(i, text)| text.is_some() == data.contains(&i));
            if !fits {
                return Err(Reason::Strings);
            }
            let made = builder(cx)?;
            for &id in &made {
                if cx.dtype(id) == DType::I32 {
                    cx.mark(id, joint);
                }
            }
            Ok(made)
        }
    }
}

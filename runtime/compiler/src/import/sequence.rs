//! Sequences and optionals. How many elements a sequence has is known while importing, so its operators vanish.

use tract_onnx::pb::NodeProto;

use super::control::{graph_attribute, only_tensor};
use super::item::Item;
use super::node::{Cx, axis};
use super::table::{Entry, items};
use super::walk::{Made, Walk, title};
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    items("SequenceEmpty", 11, &["dtype"], empty),
    items("SequenceConstruct", 11, &[], construct),
    items("SequenceInsert", 11, &[], insert),
    items("SequenceErase", 11, &[], erase),
    items("SequenceAt", 11, &[], at),
    items("SequenceLength", 11, &[], length),
    items("ConcatFromSequence", 11, &["axis", "new_axis"], concat),
    items("SplitToSequence", 11, &["axis", "keepdims"], split),
    items("Optional", 15, &["type"], optional),
    items("OptionalHasElement", 15, &[], has_element),
    items("OptionalGetElement", 15, &[], get_element),
];

type Items = Result<Vec<Item>, Reason>;

fn sequence(inputs: &[Option<Item>]) -> Result<Vec<ValueId>, Reason> {
    match inputs.first() {
        Some(Some(Item::Sequence(elements))) => Ok(elements.clone()),
        Some(Some(_)) => Err(Reason::Form("input 0 is not a sequence")),
        _ => Err(Reason::MissingInput(0)),
    }
}

/// The constant position in input `input`, from 0 up to and including `last`; `None` where it is absent.
fn position(cx: &Cx<'_>, input: usize, last: usize) -> Result<Option<usize>, Reason> {
    let Some(got) = cx.optional_scalar(input)? else { return Ok(None) };
    let from_start = if got < 0 { got.saturating_add(last as i64) } else { got };
    let place = usize::try_from(from_start).ok().filter(|&place| place <= last);
    place.map(Some).ok_or(Reason::Value { what: "a position", got })
}

fn empty(cx: &mut Cx<'_>, _: &[Option<Item>]) -> Items {
    cx.element_type("dtype")?;
    Ok(vec![Item::Sequence(vec![])])
}

fn construct(cx: &mut Cx<'_>, _: &[Option<Item>]) -> Items {
    let elements = cx.variadic()?;
    for &element in &elements[1..] {
        expect_type(cx, elements[0], element)?;
    }
    Ok(vec![Item::Sequence(elements)])
}

fn expect_type(cx: &Cx<'_>, a: ValueId, b: ValueId) -> Result<(), Reason> {
    if cx.dtype(a) == cx.dtype(b) { Ok(()) } else { Err(Reason::Types(cx.dtype(a), cx.dtype(b))) }
}

fn insert(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    let (mut elements, new) = (sequence(inputs)?, cx.input(1)?);
    if let Some(&first) = elements.first() {
        expect_type(cx, first, new)?;
    }
    let place = position(cx, 2, elements.len())?.unwrap_or(elements.len());
    elements.insert(place, new);
    Ok(vec![Item::Sequence(elements)])
}

/// The last position by default.
fn erase(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    let mut elements = sequence(inputs)?;
    let place = element_position(cx, elements.len())?.unwrap_or(elements.len().saturating_sub(1));
    if elements.is_empty() {
        return Err(Reason::Form("the sequence has no elements"));
    }
    elements.remove(place);
    Ok(vec![Item::Sequence(elements)])
}

fn at(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    let elements = sequence(inputs)?;
    let place = element_position(cx, elements.len())?.ok_or(Reason::MissingInput(1))?;
    Ok(vec![Item::Tensor(elements[place])])
}

/// The constant position of an element in input 1; negative ones count from the end.
fn element_position(cx: &Cx<'_>, len: usize) -> Result<Option<usize>, Reason> {
    let Some(got) = cx.optional_scalar(1)? else { return Ok(None) };
    let place = axis(got, len).map_err(|_| Reason::Value { what: "a position", got })?;
    Ok(Some(place))
}

fn length(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    let len = sequence(inputs)?.len() as i64;
    Ok(vec![Item::Tensor(cx.i64s(vec![], &[len])?)])
}

fn concat(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    let mut elements = sequence(inputs)?;
    let first = *elements.first().ok_or(Reason::Form("the sequence has no elements"))?;
    let new_axis = cx.flag("new_axis", false)?;
    let given = cx.optional_int("axis")?.ok_or(Reason::MissingAttribute("axis"))?;
    let along = axis(given, cx.rank(first) + usize::from(new_axis))?;
    if elements.iter().any(|&element| cx.is_padded(element)) {
        return Err(Reason::Padded);
    }
    if new_axis {
        for element in &mut elements {
            let mut dims = cx.dims(*element);
            if along > dims.len() {
                return Err(Reason::Shape { what: "an element", got: dims });
            }
            dims.insert(along, 1);
            *element = cx.reshape(*element, dims)?;
        }
    }
    Ok(vec![Item::Tensor(cx.concat(&elements, along)?)])
}

/// Parts of given lengths, or of one length each; without lengths, slices of one element whose axis may go.
fn split(cx: &mut Cx<'_>, _: &[Option<Item>]) -> Items {
    let x = cx.input(0)?;
    if cx.is_padded(x) {
        return Err(Reason::Padded);
    }
    let along = cx.axis_attribute(0, cx.rank(x))?;
    let extent = cx.dims(x)[along];
    let keep = cx.flag("keepdims", true)?;
    let positive = |got: i64| usize::try_from(got).map_err(|_| Reason::Value { what: "a length", got });
    let (lengths, keep) = match cx.optional(1) {
        None => (vec![1; extent], keep),
        Some(given) if cx.rank(given) == 0 => {
            let one = positive(cx.optional_scalar(1)?.unwrap_or(0))?.max(1);
            let rest = extent % one;
            let mut lengths = vec![one; extent / one];
            lengths.extend((rest > 0).then_some(rest));
            (lengths, true)
        }
        Some(_) => (cx.constant_ints(1)?.into_iter().map(positive).collect::<Result<Vec<_>, _>>()?, true),
    };
    if lengths.iter().try_fold(0_usize, |sum, &len| sum.checked_add(len)) != Some(extent) {
        return Err(Reason::Shape { what: "the split", got: lengths });
    }
    let mut elements = Vec::with_capacity(lengths.len());
    let mut from = 0;
    for len in lengths {
        let part = cx.narrow(x, along, from, len)?;
        elements.push(if keep { part } else { cx.drop_axes(part, &[along])? });
        from += len;
    }
    Ok(vec![Item::Sequence(elements)])
}

fn optional(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    cx.ignore("type");
    cx.taken(0);
    Ok(vec![inputs.first().cloned().flatten().unwrap_or(Item::Absent)])
}

fn has_element(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    cx.taken(0);
    let there = !matches!(inputs.first(), None | Some(None | Some(Item::Absent)));
    Ok(vec![Item::Tensor(cx.bools(vec![], &[there])?)])
}

fn get_element(cx: &mut Cx<'_>, inputs: &[Option<Item>]) -> Items {
    cx.taken(0);
    match inputs.first().cloned().flatten() {
        None | Some(Item::Absent) => Err(Reason::Form("an optional without a value is read")),
        Some(item) => Ok(vec![item]),
    }
}

impl Walk<'_> {
    /// Runs a body over the elements of one sequence, and of others beside it; tensors are the same for every element.
    pub(super) fn map(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let body = graph_attribute(node, "body")?;
        let len = sequence(inputs)?.len();
        let mut results = vec![Vec::with_capacity(len); body.output.len()];
        for i in 0..len {
            let given: Vec<Item> = inputs
                .iter()
                .map(|item| match item {
                    Some(Item::Sequence(elements)) => elements.get(i).copied().map(Item::Tensor),
                    other => other.clone(),
                })
                .collect::<Option<_>>()
                .ok_or(Reason::Form("its sequences differ in length"))?;
            let Some(made) = self.round(body, &given)? else { return Ok(None) };
            for (result, item) in results.iter_mut().zip(&made) {
                result.push(only_tensor(item)?);
            }
        }
        self.emit.node = title(node);
        Ok(Some(results.into_iter().map(|elements| Some(Item::Sequence(elements))).collect()))
    }
}

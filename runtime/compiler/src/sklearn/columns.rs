//! Which columns a part of a model is given.

use mote_pickle::{Data, Node};

use super::error::EstimatorError;
use super::fields::{Fields, numbers};

/// The columns of one entry of a ColumnTransformer: indices, a mask, a slice, names or one of them.
pub(super) fn chosen(fields: &Fields<'_>, node: Node<'_>, width: usize) -> Result<Vec<usize>, EstimatorError> {
    let wrong = || fields.wrong("transformers_", "a transformer with its columns");
    if node.class().is_some_and(|class| class.name == "slice") {
        return slice(node, fields, width).ok_or_else(wrong);
    }
    let texts = texts(node);
    if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
        let names = fields.find("feature_names_in_").and_then(self::texts).ok_or_else(wrong)?;
        return texts.iter().map(|text| names.iter().position(|name| name == text).ok_or_else(wrong)).collect();
    }
    let is_mask = node.items().is_some_and(|mut items| items.any(|item| item.bool().is_some()))
        || matches!(node.array(), Some(array) if array.shape == [width] && is_bits(&array.data) && width > 2);
    let values = numbers(node).ok_or_else(wrong)?;
    if is_mask && values.len() == width {
        return Ok((0..width).filter(|&c| values[c] != 0.0).collect());
    }
    values.iter().map(|&value| place(value as i64, width).ok_or_else(wrong)).collect()
}

fn is_bits(data: &Data) -> bool {
    matches!(data, Data::Int(values) if values.iter().all(|&v| v == 0 || v == 1))
}

/// Text or texts; `None` for anything else.
fn texts(node: Node<'_>) -> Option<Vec<String>> {
    if let Some(text) = node.text() {
        return Some(vec![text.to_owned()]);
    }
    match node.array().map(|array| &array.data) {
        Some(Data::Text(values)) => Some(values.clone()),
        _ => node.items()?.map(|item| item.text().map(str::to_owned)).collect(),
    }
}

/// A column counted from the front or from the back.
fn place(index: i64, width: usize) -> Option<usize> {
    let from_back = i64::try_from(width).ok()?.checked_add(index)?;
    usize::try_from(if index < 0 { from_back } else { index }).ok().filter(|&c| c < width)
}

fn slice(node: Node<'_>, fields: &Fields<'_>, width: usize) -> Option<Vec<usize>> {
    let mut arguments = node.arguments();
    let (start, stop, step) = (arguments.next()?, arguments.next()?, arguments.next()?);
    let bound = |node: Node<'_>, none: usize, after: usize| match (node.int(), node.text()) {
        (Some(index), _) => Some(place(index, width).unwrap_or(if index < 0 { 0 } else { width })),
        // A slice of names includes its end.
        (None, Some(name)) => {
            let names = fields.find("feature_names_in_").and_then(texts)?;
            names.iter().position(|other| other == name).map(|c| c + after)
        }
        (None, None) => node.is_none().then_some(none),
    };
    let step = if step.is_none() { 1 } else { usize::try_from(step.int()?).ok().filter(|&step| step > 0)? };
    Some((bound(start, 0, 0)?..bound(stop, width, 1)?).step_by(step).collect())
}

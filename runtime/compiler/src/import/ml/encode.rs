//! Encoders: between categories, numbers and indicator columns.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::super::node::{Built, Cx};
use super::super::strings::Text;
use super::super::table::Entry;
use super::scores::Classes;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::ml("CategoryMapper", &["cats_int64s", "cats_strings", "default_int64", "default_string"], category_mapper),
    Entry::ml("LabelEncoder", &["classes_strings", "default_int64", "default_string"], label_indexer),
    Entry::ml_since(
        "LabelEncoder",
        2,
        &[
            "default_float",
            "default_int64",
            "default_string",
            "default_tensor",
            "keys_floats",
            "keys_int64s",
            "keys_strings",
            "keys_tensor",
            "values_floats",
            "values_int64s",
            "values_strings",
            "values_tensor",
        ],
        label_encoder,
    ),
    Entry::ml("OneHotEncoder", &["cats_int64s", "cats_strings", "zeros"], one_hot),
];

/// The value at the position of each element among the keys, else a default: `keys [K], values [K], default [1]`.
fn look_up(cx: &mut Cx<'_>, x: ValueId, keys: ValueId, values: ValueId, default: ValueId) -> Built {
    let text = [values, default].map(|id| cx.text_of(id));
    if cx.dims(keys) != cx.dims(values) {
        return Err(Reason::Shapes(cx.dims(keys), cx.dims(values)));
    }
    if cx.text_of(x).is_some() != cx.text_of(keys).is_some() || text[0].is_some() != text[1].is_some() {
        return Err(Reason::Strings);
    }
    let (keys, order) = ascending(cx, keys)?;
    let order = cx.i64s(vec![order.len()], &order)?;
    let values = cx.gather(values, order, 0)?;
    let table = cx.concat(&[values, default], 0)?;
    let at = cx.find(x, keys)?;
    let y = cx.gather(table, at, 0)?;
    Ok(vec![if text[0].is_some() { cx.mark(y, Text::Closed) } else { y }])
}

/// Keys in ascending order, the first of equal ones, and where each stood.
fn ascending(cx: &mut Cx<'_>, keys: ValueId) -> Result<(ValueId, Vec<i64>), Reason> {
    let count = cx.dims(keys)[0];
    let mut order: Vec<usize> = (0..count).collect();
    if let Some(ints) = cx.ints(keys) {
        order.sort_by_key(|&i| ints[i]);
        order.dedup_by_key(|i| ints[*i]);
    } else {
        let floats = cx.floats(keys).ok_or(Reason::NotConstant(0))?;
        // NaN of either sign last, -0.0 with 0.0, as the search has it.
        let order_of = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
        order.sort_by(|&a, &b| order_of(floats[a], floats[b]));
        order.dedup_by(|a, b| order_of(floats[*a], floats[*b]).is_eq());
    }
    let order: Vec<i64> = order.into_iter().map(|i| i as i64).collect();
    let positions = cx.i64s(vec![order.len()], &order)?;
    Ok((cx.gather(keys, positions, 0)?, order))
}

/// Version 1: words to their positions, or positions to words.
fn label_indexer(cx: &mut Cx<'_>) -> Built {
    let words = cx.texts("classes_strings")?.ok_or(Reason::MissingAttribute("classes_strings"))?;
    let positions: Vec<i64> = (0..words.len() as i64).collect();
    between(cx, &words, &positions)
}

/// Words to numbers, or numbers to words, by the type of the input.
fn between(cx: &mut Cx<'_>, words: &[&str], numbers: &[i64]) -> Built {
    let x = cx.input(0)?;
    let (default_word, default_number) = (cx.text("default_string", "_Unused")?, cx.int("default_int64", -1)?);
    let words = cx.words(vec![words.len()], words.iter().copied())?;
    let numbers = cx.i64s(vec![numbers.len()], numbers)?;
    if cx.text_of(x).is_some() {
        let default = cx.i64s(vec![1], &[default_number])?;
        look_up(cx, x, words, numbers, default)
    } else {
        let default = cx.words(vec![1], [default_word])?;
        look_up(cx, x, numbers, words, default)
    }
}

fn category_mapper(cx: &mut Cx<'_>) -> Built {
    let words = cx.texts("cats_strings")?.ok_or(Reason::MissingAttribute("cats_strings"))?;
    let numbers = cx.optional_ints_attribute("cats_int64s")?.ok_or(Reason::MissingAttribute("cats_int64s"))?;
    between(cx, &words, &numbers)
}

/// From version 2 on: keys and values of any type.
fn label_encoder(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let keys = column(cx, ["keys_strings", "keys_int64s", "keys_floats", "keys_tensor"])?;
    let values = column(cx, ["values_strings", "values_int64s", "values_floats", "values_tensor"])?;
    let default = match cx.tensor("default_tensor")? {
        Some(id) if cx.graph.value(id).count() == 1 => cx.reshape(id, vec![1])?,
        Some(id) => return Err(Reason::Shape { what: "attribute `default_tensor`", got: cx.dims(id) }),
        None if cx.text_of(values).is_some() => {
            let word = cx.text("default_string", "_Unused")?;
            cx.words(vec![1], [word])?
        }
        None if cx.dtype(values) == DType::F32 => {
            let value = cx.float("default_float", -0.0)?;
            cx.f32s(vec![1], &[value])?
        }
        None => {
            let value = cx.int("default_int64", -1)?;
            let default = cx.i64s(vec![1], &[value])?;
            cx.cast_as(default, values)?
        }
    };
    for name in ["default_float", "default_int64", "default_string"] {
        cx.ignore(name);
    }
    // Only since version 4 is NaN a key like any other.
    let keys_and_values = if cx.opset < 4 { without_nan(cx, keys, values)? } else { (keys, values) };
    look_up(cx, x, keys_and_values.0, keys_and_values.1, default)
}

/// The list that is given in one of four attributes.
fn column(cx: &mut Cx<'_>, [words, ints, floats, tensor]: [&'static str; 4]) -> Result<ValueId, Reason> {
    let mut found = Vec::new();
    if let Some(all) = cx.texts(words)?.filter(|all| !all.is_empty()) {
        found.push(cx.words(vec![all.len()], all)?);
    }
    if let Some(all) = cx.optional_ints_attribute(ints)?.filter(|all| !all.is_empty()) {
        found.push(cx.i64s(vec![all.len()], &all)?);
    }
    if let Some(all) = cx.optional_floats_attribute(floats)?.filter(|all| !all.is_empty()) {
        found.push(cx.f32s(vec![all.len()], &all)?);
    }
    if let Some(id) = cx.tensor(tensor)? {
        let count = cx.graph.value(id).count();
        let text = cx.text_of(id);
        let flat = cx.reshape(id, vec![count])?;
        found.push(text.map_or(flat, |text| cx.mark(flat, text)));
    }
    match found[..] {
        [only] => Ok(only),
        [] => Err(Reason::MissingAttribute(tensor)),
        _ => Err(Reason::Form("keys or values are given twice")),
    }
}

fn without_nan(cx: &mut Cx<'_>, keys: ValueId, values: ValueId) -> Result<(ValueId, ValueId), Reason> {
    let floats = cx.floats(keys).ok_or(Reason::NotConstant(0))?;
    let kept: Vec<i64> = (0..floats.len()).filter(|&i| !floats[i].is_nan()).map(|i| i as i64).collect();
    if kept.len() == floats.len() || cx.dims(keys) != cx.dims(values) {
        return Ok((keys, values));
    }
    let kept = cx.i64s(vec![kept.len()], &kept)?;
    let text = cx.text_of(values);
    let (keys, values) = (cx.gather(keys, kept, 0)?, cx.gather(values, kept, 0)?);
    Ok((keys, text.map_or(values, |text| cx.mark(values, text))))
}

/// A last axis of indicators. Without `zeros`, a category that is not listed is an error when the model runs.
fn one_hot(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let classes = Classes::read(cx, "cats_int64s", "cats_strings")?;
    let categories = match &classes {
        Classes::Numbers(numbers) => cx.i64s(vec![numbers.len()], numbers)?,
        Classes::Words(words) => cx.words(vec![words.len()], words.iter().copied())?,
    };
    if cx.text_of(x).is_some() != cx.text_of(categories).is_some() {
        return Err(Reason::Strings);
    }
    let (keys, order) = ascending(cx, categories)?;
    if order.len() != classes.len() {
        return Err(Reason::Form("a category is listed twice"));
    }
    // Floats are cut to whole numbers.
    let mut x = cx.cast_as(x, categories)?;
    if !cx.flag("zeros", true)? {
        let at = cx.find(x, keys)?;
        x = cx.gather(keys, at, 0)?;
    }
    let mut dims = cx.dims(x);
    dims.push(1);
    let x = cx.reshape(x, dims)?;
    let hits = cx.binary(Binary::Equal, x, categories)?;
    Ok(vec![cx.cast(hits, DType::F32)?])
}

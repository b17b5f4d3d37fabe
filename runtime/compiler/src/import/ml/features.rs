//! What gathers features into vectors and names the columns of results.

use mote_abi::DType;

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::rows;
use super::scores::Classes;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::ml("ArrayFeatureExtractor", &[], extract),
    Entry::ml("CastMap", &["cast_to", "map_form", "max_map"], cast_map),
    Entry::ml("DictVectorizer", &["int64_vocabulary", "string_vocabulary"], dict_vectorize),
    Entry::ml("FeatureVectorizer", &["inputdimensions"], vectorize),
    Entry::ml("ZipMap", &["classlabels_int64s", "classlabels_strings"], zip_map),
];

/// Elements of the last axis; a vector is one row.
fn extract(cx: &mut Cx<'_>) -> Built {
    let (x, at) = (cx.input(0)?, cx.input(1)?);
    if !matches!(cx.dtype(at), DType::I32 | DType::I64) {
        return Err(Reason::Type(cx.dtype(at)));
    }
    let x = if cx.rank(x) == 1 { rows(cx, x)? } else { x };
    let Some(last) = cx.rank(x).checked_sub(1) else {
        return Err(Reason::Shape { what: "the input", got: vec![] });
    };
    let count = cx.graph.value(at).count();
    let at = cx.reshape(at, vec![count])?;
    Ok(vec![cx.gather(x, at, last)?])
}

/// Inputs beside each other, each cut or filled with zeros to its stated width.
fn vectorize(cx: &mut Cx<'_>) -> Built {
    let inputs = cx.variadic()?;
    let widths = cx.optional_ints_attribute("inputdimensions")?;
    let widths = widths.ok_or(Reason::MissingAttribute("inputdimensions"))?;
    if widths.len() != inputs.len() {
        return Err(Reason::Shapes(vec![inputs.len()], vec![widths.len()]));
    }
    let mut parts = Vec::with_capacity(inputs.len());
    for (x, &width) in inputs.into_iter().zip(&widths) {
        let x = rows(cx, x)?;
        let x = cx.cast(x, DType::F32)?;
        let width = usize::try_from(width).map_err(|_| Reason::Value { what: "inputdimensions", got: width })?;
        parts.push(fit(cx, x, width)?);
    }
    Ok(vec![cx.concat(&parts, 1)?])
}

fn fit(cx: &mut Cx<'_>, x: ValueId, width: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    if width <= dims[1] {
        return cx.narrow(x, 1, 0, width);
    }
    let zeros = cx.filled(DType::F32, vec![dims[0], width - dims[1]], 0.0)?;
    cx.concat(&[x, zeros], 1)
}

/// A map from class to score per row is the scores with named columns.
fn zip_map(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let names = match Classes::read(cx, "classlabels_int64s", "classlabels_strings")? {
        Classes::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Classes::Words(words) => words.iter().map(ToString::to_string).collect(),
    };
    if cx.dims(x).last() != Some(&names.len()) {
        return Err(Reason::Shapes(cx.dims(x), vec![names.len()]));
    }
    cx.name_columns(x, names);
    Ok(vec![x])
}

/// The input stands for a map already: its columns are the vocabulary.
fn dict_vectorize(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let classes = Classes::read(cx, "int64_vocabulary", "string_vocabulary")?;
    if cx.dims(x) != [1, classes.len()] {
        return Err(Reason::Shapes(cx.dims(x), vec![1, classes.len()]));
    }
    Ok(vec![x])
}

/// The columns of a sparse map are its keys; a dense map is as wide as it has entries.
fn cast_map(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let width = cx.int("max_map", 1)?;
    match cx.text("map_form", "DENSE")? {
        "SPARSE" if cx.dims(x).len() == 2 && cx.dims(x)[1] as i64 == width => {}
        "SPARSE" => return Err(Reason::Shape { what: "the input", got: cx.dims(x) }),
        _ => return Err(Reason::Form("a dense map is as wide as it has entries, which is not known")),
    }
    let dtype = match (cx.text("cast_to", "TO_FLOAT")?, cx.text_of(x).is_some()) {
        ("TO_STRING", true) => return Ok(vec![x]),
        ("TO_FLOAT", false) => DType::F32,
        ("TO_INT64", false) => DType::I64,
        ("TO_FLOAT" | "TO_INT64" | "TO_STRING", _) => return Err(Reason::Strings),
        (got, _) => return Err(Reason::AttributeValue { name: "cast_to", got: got.to_owned() }),
    };
    Ok(vec![cx.cast(x, dtype)?])
}

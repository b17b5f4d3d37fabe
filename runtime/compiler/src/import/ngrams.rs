//! TfIdfVectorizer: how often the n-grams of a pool occur in rows of tokens.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce};

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[Entry::onnx(
    "TfIdfVectorizer",
    9,
    &[
        "max_gram_length",
        "max_skip_count",
        "min_gram_length",
        "mode",
        "ngram_counts",
        "ngram_indexes",
        "pool_int64s",
        "pool_strings",
        "weights",
    ],
    vectorize,
)];

/// Longest n-grams, and most tokens between two of their tokens: each is compared by steps of its own.
const MAX_SPREAD: i64 = 64;

/// Counts of every n-gram of the pool in its order, weighed, each brought to its column.
fn vectorize(cx: &mut Cx<'_>) -> Built {
    let tokens = cx.input(0)?;
    let dims = cx.dims(tokens);
    let (pool, tokens) = pool(cx, tokens)?;
    let (rows, length) = match dims[..] {
        [length] => (1, length),
        [rows, length] => (rows, length),
        _ => return Err(Reason::Shape { what: "the input", got: dims }),
    };
    let tokens = cx.reshape(tokens, vec![rows, length])?;
    let counts = counts(cx, tokens, pool)?;
    let weighed = weighed(cx, counts)?;
    let y = placed(cx, weighed)?;
    if dims.len() == 2 {
        return Ok(vec![y]);
    }
    let width = cx.dims(y)[1];
    Ok(vec![cx.reshape(y, vec![width])?])
}

/// The tokens of all n-grams one after the other, and the rows in their type.
fn pool(cx: &mut Cx<'_>, tokens: ValueId) -> Result<(ValueId, ValueId), Reason> {
    let (numbers, words) = (cx.optional_ints_attribute("pool_int64s")?, cx.texts("pool_strings")?);
    let numbers = numbers.filter(|all| !all.is_empty());
    match (numbers, words.filter(|all| !all.is_empty()), cx.text_of(tokens)) {
        (Some(numbers), None, None) => {
            let tokens = cx.cast(tokens, DType::I64)?;
            Ok((cx.i64s(vec![numbers.len()], &numbers)?, tokens))
        }
        (None, Some(words), Some(_)) => Ok((cx.words(vec![words.len()], words)?, tokens)),
        (None, None, _) => Err(Reason::MissingAttribute("pool_int64s")),
        _ => Err(Reason::Form("its pool and its input are not of one type")),
    }
}

/// `[rows, n-grams]`: n-grams of lengths that are not asked for do not count.
fn counts(cx: &mut Cx<'_>, tokens: ValueId, pool: ValueId) -> Result<ValueId, Reason> {
    let required = |cx: &Cx<'_>, name| cx.optional_int(name)?.ok_or(Reason::MissingAttribute(name));
    let lengths = required(cx, "min_gram_length")?..=required(cx, "max_gram_length")?;
    let skips = required(cx, "max_skip_count")?;
    let starts = cx.optional_ints_attribute("ngram_counts")?.ok_or(Reason::MissingAttribute("ngram_counts"))?;
    let bounds = || Reason::Form("`ngram_counts` does not divide the pool into n-grams");
    let end = cx.dims(pool)[0];
    if skips > MAX_SPREAD || starts.len() as i64 > MAX_SPREAD {
        return Err(Reason::Form("its n-grams are too long or too wide"));
    }
    let starts: Vec<usize> =
        starts.iter().map(|&start| usize::try_from(start)).collect::<Result<_, _>>().map_err(|_| bounds())?;
    let rows = cx.dims(tokens)[0];
    let mut all = Vec::new();
    for (i, &start) in starts.iter().enumerate() {
        let (n, end) = (i + 1, starts.get(i + 1).copied().unwrap_or(end));
        let size = end.checked_sub(start).filter(|size| size % n == 0 && end <= cx.dims(pool)[0]).ok_or_else(bounds)?;
        if size == 0 {
            continue;
        }
        let grams = cx.narrow(pool, 0, start, size)?;
        let grams = cx.reshape(grams, vec![size / n, n])?;
        let mut sum = cx.filled(DType::F32, vec![rows, size / n], 0.0)?;
        // A single token skips nothing.
        let skips = if n == 1 { 0 } else { skips };
        let counted = if lengths.contains(&(n as i64)) { skips + 1 } else { 0 };
        for step in 1..=usize::try_from(counted).unwrap_or(0) {
            let Some(hits) = hits(cx, tokens, grams, step)? else { break };
            sum = cx.binary(Binary::Add, sum, hits)?;
        }
        all.push(sum);
    }
    cx.concat(&all, 1)
}

/// How often each of the n-grams `[G, n]` stands in each row, its tokens `step` apart; `None` where rows are too short.
fn hits(cx: &mut Cx<'_>, tokens: ValueId, grams: ValueId, step: usize) -> Result<Option<ValueId>, Reason> {
    let (&[rows, length], &[count, n]) = (cx.dims(tokens).as_slice(), cx.dims(grams).as_slice()) else {
        return Err(Reason::Shapes(cx.dims(tokens), cx.dims(grams)));
    };
    let span = (n - 1).saturating_mul(step);
    let Some(windows) = length.checked_sub(span).filter(|&windows| windows > 0) else { return Ok(None) };
    let mut all: Option<ValueId> = None;
    for k in 0..n {
        let token = cx.narrow(tokens, 1, k * step, windows)?;
        let token = cx.reshape(token, vec![rows, windows, 1])?;
        let wanted = cx.narrow(grams, 1, k, 1)?;
        let wanted = cx.reshape(wanted, vec![1, 1, count])?;
        let equal = cx.binary(Binary::Equal, token, wanted)?;
        all = Some(match all {
            None => equal,
            Some(before) => cx.binary(Binary::And, before, equal)?,
        });
    }
    let Some(all) = all else { return Ok(None) };
    let ones = cx.cast(all, DType::F32)?;
    cx.reduce(Reduce::Sum, ones, &[1], false).map(Some)
}

fn weighed(cx: &mut Cx<'_>, counts: ValueId) -> Result<ValueId, Reason> {
    let count = cx.dims(counts)[1];
    let weights = cx.optional_floats_attribute("weights")?.filter(|all| !all.is_empty());
    let weights = weights.unwrap_or_else(|| vec![1.0; count]);
    if weights.len() != count {
        return Err(Reason::Shapes(vec![count], vec![weights.len()]));
    }
    let weights = cx.f32s(vec![1, count], &weights)?;
    match cx.text("mode", "")? {
        "TF" => Ok(counts),
        "TFIDF" => cx.binary(Binary::Mul, counts, weights),
        "IDF" => {
            let zero = cx.scalar_like(counts, 0.0)?;
            let there = cx.binary(Binary::Greater, counts, zero)?;
            cx.select(there, weights, zero)
        }
        got => Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    }
}

/// Column `index` of the result is that of the n-gram that names it; columns that none names are 0.
fn placed(cx: &mut Cx<'_>, columns: ValueId) -> Result<ValueId, Reason> {
    let &[rows, count] = cx.dims(columns).as_slice() else { return Err(Reason::Form("it has no n-gram")) };
    let indices = cx.optional_ints_attribute("ngram_indexes")?.ok_or(Reason::MissingAttribute("ngram_indexes"))?;
    let width = indices.iter().max().map_or(0, |&most| usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1));
    cx.room_for(DType::I64, &[width])?;
    if indices.len() != count {
        return Err(Reason::Shapes(vec![count], vec![indices.len()]));
    }
    let mut sources = vec![count as i64; width];
    for (gram, &index) in indices.iter().enumerate() {
        let place = usize::try_from(index).ok().and_then(|index| sources.get_mut(index));
        let place = place.ok_or(Reason::Value { what: "ngram_indexes", got: index })?;
        if *place != count as i64 {
            return Err(Reason::Form("two n-grams have one column"));
        }
        *place = gram as i64;
    }
    let zeros = cx.filled(DType::F32, vec![rows, 1], 0.0)?;
    let columns = cx.concat(&[columns, zeros], 1)?;
    let sources = cx.i64s(vec![width], &sources)?;
    cx.gather(columns, sources, 1)
}

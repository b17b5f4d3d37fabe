//! Columns to several: encoders, bins, polynomials, and what stands for missing values.

use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::{Data, Node};

use super::error::EstimatorError;
use super::fields::{Fields, numbers};
use super::net::{Net, at_least};
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;

/// Most columns that a transformer may make of one row.
const MAX_COLUMNS: usize = 1 << 16;

/// Categories of each column as numbers. Text has no place in rows of numbers.
fn categories(net: &Net, fields: &Fields<'_>, x: ValueId) -> Result<Vec<Vec<f64>>, EstimatorError> {
    let lists = fields.list("categories_")?;
    if lists.len() != net.width(x) {
        return Err(fields.shape("categories_", &[lists.len()], "a list for each column"));
    }
    let mut all = Vec::new();
    for list in lists {
        let text = matches!(list.array().map(|array| &array.data), Some(Data::Text(_)))
            || list.items().is_some_and(|mut items| items.any(|item| item.text().is_some()));
        if text {
            return Err(fields.form("its categories are text, and rows are numbers: encode them before the model"));
        }
        all.push(numbers(list).ok_or_else(|| fields.wrong("categories_", "numbers"))?);
    }
    let rounded = |values: &[f64]| values.iter().map(|&v| (v as f32).to_bits()).collect::<Vec<u32>>();
    let collide = |values: &Vec<f64>| rounded(values).windows(2).any(|pair| pair[0] == pair[1]);
    if net.dtype == mote_abi::DType::F32 && all.iter().any(collide) {
        return Err(fields.form("two of its categories are one in float32: compile with --precision f64"));
    }
    Ok(all)
}

/// Where a column is one of some numbers: `[rows, numbers]`. NaN is a number here.
fn is_any(net: &mut Net, column: ValueId, of: &[f64]) -> super::net::Made {
    let equal = net.with_row(Binary::Equal, column, of)?;
    if !of.iter().any(|v| v.is_nan()) {
        return Ok(equal);
    }
    let missing = net.unary(Unary::IsNan, column)?;
    let wanted: Vec<bool> = of.iter().map(|v| v.is_nan()).collect();
    let wanted = net.emit.bools(vec![1, of.len()], &wanted)?;
    let missing = net.binary(Binary::And, missing, wanted)?;
    net.binary(Binary::Or, equal, missing)
}

/// 1 in the column of the category, 0 everywhere for an unknown one.
pub(super) fn one_hot(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    if fields.flag("_infrequent_enabled")? {
        return Err(fields.form("infrequent categories are not supported"));
    }
    let categories = categories(net, fields, x)?;
    let dropped: Vec<Option<usize>> = match fields.some("drop_idx_") {
        None => vec![None; categories.len()],
        Some(node) => {
            let index = |item: Node<'_>| item.int().and_then(|i| usize::try_from(i).ok());
            let items = node.items().map(|items| items.map(index).collect());
            let whole = |values: Vec<f64>| values.into_iter().map(|v| Some(v as usize)).collect();
            items.or_else(|| numbers(node).map(whole)).ok_or_else(|| fields.wrong("drop_idx_", "indices"))?
        }
    };
    if dropped.len() != categories.len() {
        return Err(fields.shape("drop_idx_", &[dropped.len()], "an index for each column"));
    }
    let mut parts = Vec::new();
    for (c, (values, drop)) in categories.iter().zip(dropped).enumerate() {
        let kept: Vec<f64> = values.iter().enumerate().filter(|&(i, _)| Some(i) != drop).map(|(_, &v)| v).collect();
        if kept.is_empty() {
            continue;
        }
        let column = net.column(x, c)?;
        parts.push(is_any(net, column, &kept)?);
    }
    let bits = net.beside(&parts)?;
    Ok(net.number(bits)?)
}

/// The index of the category.
pub(super) fn ordinal(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    if fields.flag("_infrequent_enabled")? {
        return Err(fields.form("infrequent categories are not supported"));
    }
    let categories = categories(net, fields, x)?;
    let unknown = match fields.text("handle_unknown")? {
        // scikit-learn raises an error there; no number says as much.
        "error" => f64::NAN,
        _ => fields.float("unknown_value")?,
    };
    let mut columns = Vec::new();
    for (c, values) in categories.iter().enumerate() {
        let missing = fields.some("encoded_missing_value").and_then(Node::float).unwrap_or(f64::NAN);
        let codes: Vec<f64> =
            values.iter().enumerate().map(|(i, v)| if v.is_nan() { missing } else { i as f64 }).collect();
        let column = net.column(x, c)?;
        let bits = is_any(net, column, values)?;
        // No sum over codes: one of them may be NaN.
        let ones = net.number(bits)?;
        let known = net.over_columns(Reduce::Max, ones)?;
        let known = net.with_scalar(Binary::Greater, known, 0.0)?;
        let index = net.arg_max(ones)?;
        let codes = net.constant(vec![codes.len()], &codes)?;
        let code = net.emit.gather(codes, index, 0)?;
        let rows = net.rows;
        let code = net.emit.reshape(code, vec![rows, 1])?;
        let unknown = net.scalar(unknown)?;
        columns.push(net.emit.select(known, code, unknown)?);
    }
    Ok(net.beside(&columns)?)
}

/// The number of the bin, or 1 in its column.
pub(super) fn bins(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let edges = fields.list("bin_edges_")?;
    if edges.len() != net.width(x) {
        return Err(fields.shape("bin_edges_", &[edges.len()], "a list for each column"));
    }
    let one_hot = match fields.text("encode")? {
        "ordinal" => false,
        "onehot" | "onehot-dense" => true,
        other => return Err(fields.parameter("encode", other)),
    };
    let mut columns = Vec::new();
    for (c, edges) in edges.into_iter().enumerate() {
        let edges = numbers(edges).filter(|edges| edges.len() >= 2);
        let edges = edges.ok_or_else(|| fields.wrong("bin_edges_", "two or more numbers for each column"))?;
        let inner: Vec<f64> = edges[1..edges.len() - 1].iter().map(|&edge| at_least(net.dtype, edge)).collect();
        let bin = if inner.is_empty() {
            net.every_row(&[0.0])?
        } else {
            let column = net.column(x, c)?;
            let passed = net.with_row(Binary::GreaterOrEqual, column, &inner)?;
            let passed = net.number(passed)?;
            net.over_columns(Reduce::Sum, passed)?
        };
        if one_hot {
            let numbers: Vec<f64> = (0..edges.len() - 1).map(|i| i as f64).collect();
            let bits = net.with_row(Binary::Equal, bin, &numbers)?;
            columns.push(net.number(bits)?);
        } else {
            columns.push(bin);
        }
    }
    Ok(net.beside(&columns)?)
}

/// Products of up to `degree` columns, by degree, each degree in lexicographic order of its columns.
pub(super) fn polynomial(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let (low, high) = match numbers(fields.get("degree")?).as_deref() {
        Some(&[high]) => (0, high as usize),
        Some(&[low, high]) => (low as usize, high as usize),
        _ => return Err(fields.wrong("degree", "a degree or two")),
    };
    let (distinct, width) = (fields.bool("interaction_only")?, net.width(x));
    let mut parts = Vec::new();
    if fields.bool("include_bias")? {
        parts.push(net.every_row(&[1.0])?);
    }
    // The products of the last degree, and the columns that each is made of.
    let mut products = None;
    let mut terms: Vec<Vec<usize>> = vec![Vec::new()];
    for degree in 1..=high {
        let longer = longer(&terms, width, distinct);
        if longer.is_empty() {
            break;
        }
        if longer.len() > MAX_COLUMNS {
            return Err(fields.form("it makes too many columns"));
        }
        let last: Vec<usize> = longer.iter().map(|&(_, column)| column).collect();
        let factor = net.columns(x, &last)?;
        let made = match products {
            None => factor,
            Some(previous) => {
                let before: Vec<usize> = longer.iter().map(|&(before, _)| before).collect();
                let before = net.columns(previous, &before)?;
                net.mul(before, factor)?
            }
        };
        products = Some(made);
        terms = longer.into_iter().map(|(before, column)| [&terms[before][..], &[column]].concat()).collect();
        if degree >= low {
            parts.push(made);
        }
    }
    if parts.is_empty() {
        return Err(fields.form("it makes no column"));
    }
    Ok(net.beside(&parts)?)
}

/// Every term with one more column, at or after its last one: place of the term, and the column.
fn longer(terms: &[Vec<usize>], width: usize, distinct: bool) -> Vec<(usize, usize)> {
    let from = |term: &Vec<usize>| term.last().map_or(0, |&last| last + usize::from(distinct));
    let extend = |(place, term)| (from(term)..width).map(move |column| (place, column));
    terms.iter().enumerate().flat_map(extend).take(MAX_COLUMNS + 1).collect()
}

/// Where a column is missing: `[rows, columns]` bool.
fn is_missing(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let missing = fields.float("missing_values")?;
    Ok(if missing.is_nan() { net.unary(Unary::IsNan, x)? } else { net.with_scalar(Binary::Equal, x, missing)? })
}

/// What was fitted instead of what is missing; columns that had nothing are left out.
pub(super) fn imputer(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let statistics = fields.vector("statistics_", net.width(x))?;
    let missing = is_missing(net, fields, x)?;
    let instead = net.row(&statistics)?;
    let filled = net.emit.select(missing, instead, x)?;
    let kept: Vec<usize> = (0..statistics.len()).filter(|&c| !statistics[c].is_nan()).collect();
    let filled = if kept.len() == statistics.len() || fields.flag("keep_empty_features")? {
        filled
    } else {
        net.columns(filled, &kept)?
    };
    match fields.some("indicator_") {
        Some(node) if fields.bool("add_indicator")? => {
            let bits = super::table::transform(net, node, x)?;
            Ok(net.beside(&[filled, bits])?)
        }
        _ => Ok(filled),
    }
}

/// 1 where a column is missing, for the columns that had such.
pub(super) fn indicator(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let missing = is_missing(net, fields, x)?;
    let chosen = fields.indices("features_", net.width(x))?;
    let missing = net.number(missing)?;
    Ok(net.columns(missing, &chosen)?)
}

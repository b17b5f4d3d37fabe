//! JSON: an object of named arrays, or one array alone. Numbers and strings nest like the shape.

use mote_abi::DType;
use mote_plan::Meta;
use serde_json::{Map, Number, Value};

use super::array::Element;
use super::{Array, Given, Tensor, TensorError};

/// Deeper nesting than any tensor.
const MAX_AXES: usize = 8;

/// Reads `{"name": [[1, 2]], ..}` or `[[1, 2]]`.
pub(super) fn read(text: &str) -> Result<Vec<Given>, TensorError> {
    match serde_json::from_str(text)? {
        Value::Object(named) => named
            .iter()
            .map(|(name, value)| Ok(Given { name: Some(name.clone()), tensor: tensor(name, value)? }))
            .collect(),
        value => Ok(vec![Given { name: None, tensor: tensor("the array", &value)? }]),
    }
}

fn tensor(name: &str, value: &Value) -> Result<Tensor, TensorError> {
    let uneven = || TensorError::JsonShape { name: name.into() };
    let mut dims = Vec::new();
    let mut inner = value;
    while let Value::Array(items) = inner {
        dims.push(items.len());
        match items.first() {
            Some(first) if dims.len() <= MAX_AXES => inner = first,
            Some(_) => return Err(uneven()),
            None => break,
        }
    }
    let mut elements = Vec::new();
    if flatten(value, &dims, &element, &mut elements).is_some() {
        return Ok(Tensor::Loose { dims, elements });
    }
    let mut words = Vec::new();
    flatten(value, &dims, &|value| value.as_str().map(str::to_owned), &mut words).ok_or_else(uneven)?;
    Ok(Tensor::Words { dims, words })
}

fn flatten<T>(value: &Value, dims: &[usize], read: &impl Fn(&Value) -> Option<T>, into: &mut Vec<T>) -> Option<()> {
    match (value, dims) {
        (Value::Array(items), [dim, dims @ ..]) if items.len() == *dim => {
            items.iter().try_for_each(|item| flatten(item, dims, read, into))
        }
        (value, []) => {
            into.push(read(value)?);
            Some(())
        }
        _ => None,
    }
}

fn element(value: &Value) -> Option<Element> {
    Some(match value {
        Value::Bool(bit) => Element::Bool(*bit),
        Value::Number(number) => number
            .as_i64()
            .map(Element::Signed)
            .or_else(|| number.as_u64().map(Element::Unsigned))
            .or_else(|| number.as_f64().map(Element::Float))?,
        Value::String(word) => Element::Float(match word.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => return None,
        }),
        _ => return None,
    })
}

/// `{"name": nested numbers}`, or strings where the model says so.
pub(crate) fn object(arrays: &[(String, Array)], meta: &Meta) -> Value {
    Value::Object(arrays.iter().map(|(name, array)| (name.clone(), nested(name, array, meta))).collect())
}

/// `{"name": {"dtype", "shape", "data"}}`, which says everything.
pub(crate) fn described(arrays: &[(String, Array)], meta: &Meta) -> Value {
    let entries = arrays.iter().map(|(name, array)| {
        let mut entry = Map::new();
        entry.insert("dtype".into(), array.dtype.name().into());
        entry.insert("shape".into(), array.dims.clone().into());
        entry.insert("data".into(), nested(name, array, meta));
        (name.clone(), Value::Object(entry))
    });
    Value::Object(entries.collect())
}

fn nested(name: &String, array: &Array, meta: &Meta) -> Value {
    let mut elements = array.elements();
    let text = meta.texts.contains(name);
    let read = |element: Element| match element.word(&meta.words) {
        Some(word) if text => word.into(),
        _ => value(array.dtype, element),
    };
    fold(&array.dims, &mut || elements.next().map_or(Value::Null, read))
}

fn fold(dims: &[usize], next: &mut impl FnMut() -> Value) -> Value {
    match dims {
        [] => next(),
        [dim, dims @ ..] => Value::Array((0..*dim).map(|_| fold(dims, next)).collect()),
    }
}

/// JSON has no NaN and no infinities; they are written as words, as they are read.
fn value(dtype: DType, element: Element) -> Value {
    match element {
        Element::Bool(bit) => Value::Bool(bit),
        Element::Signed(x) => x.into(),
        Element::Unsigned(x) => x.into(),
        Element::Single(_) | Element::Float(_) => {
            let wide = element.as_f64();
            // The shortest decimal of the f32 itself, not of its widening: 0.1 and not 0.10000000149011612.
            let single = dtype == DType::F32 || dtype.half().is_some();
            let number = if single { element.to_string().parse().ok() } else { Some(wide) };
            number.and_then(Number::from_f64).map_or_else(|| Value::String(word(wide).into()), Value::Number)
        }
    }
}

fn word(x: f64) -> &'static str {
    if x.is_nan() {
        "NaN"
    } else if x > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_and_unnamed_arrays_with_their_shapes() {
        let given = read(r#"{"a": [[1, 2.5, "NaN"]], "b": true}"#).unwrap();
        assert_eq!(given[0].name.as_deref(), Some("a"));
        assert_eq!(given[0].tensor.dims(), [1, 3]);
        assert_eq!(given[1].tensor, Tensor::Loose { dims: vec![], elements: vec![Element::Bool(true)] });
        assert_eq!(read("[]").unwrap()[0].tensor.dims(), [0]);
    }

    #[test]
    fn strings_are_numbers_of_words() {
        let given = read(r#"[["red", "mauve"]]"#).unwrap().remove(0).tensor;
        let meta = Meta { words: vec!["blue".into(), "red".into()], texts: vec!["y".into()], ..Meta::default() };
        let elements = vec![Element::Signed(1), Element::Signed(-1)];
        assert_eq!(given.numbered(&meta.words), Tensor::Loose { dims: vec![1, 2], elements });
        let array = Array { dtype: DType::I32, dims: vec![2], data: vec![1, 0, 0, 0, 0, 0, 0, 0] };
        assert_eq!(object(&[("y".into(), array)], &meta).to_string(), r#"{"y":["red","blue"]}"#);
    }

    #[test]
    fn uneven_or_mixed_arrays_are_refused() {
        for text in ["[[1, 2], [3]]", r#"["x", 1]"#, "[null]", "[[1], 2]", r#"{"a": {"b": 1}}"#, "[[[[[[[[[1]]]]]]]]]"]
        {
            assert!(matches!(read(text), Err(TensorError::JsonShape { .. })), "{text}");
        }
        assert!(matches!(read("[1,"), Err(TensorError::Json(_))));
        assert!(matches!(read(&"[".repeat(1 << 20)), Err(TensorError::Json(_))));
    }

    #[test]
    fn floats_are_written_as_short_as_they_are() {
        let data = [0.1f32, f32::NEG_INFINITY, f32::NAN].iter().flat_map(|x| x.to_le_bytes()).collect();
        let array = Array { dtype: DType::F32, dims: vec![1, 3], data };
        let text = object(&[("y".into(), array)], &Meta::default()).to_string();
        assert_eq!(text, r#"{"y":[[0.1,"-Infinity","NaN"]]}"#);
    }
}

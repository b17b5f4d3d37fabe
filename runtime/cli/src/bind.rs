//! Given arrays become the inputs of one or more calls.

use mote_compiler::import::{Dim, InputSpec};

use crate::report::Failure;
use crate::signature::{Signature, Slot};
use crate::tensors::{Array, Given, Tensor, dims_text};

/// Names that numpy gives to arrays that have none.
const UNNAMED_PREFIX: &str = "arr_";

/// Puts the arrays into the order of the inputs. Names must agree; where one array has no name and one input is left,
/// they belong together. Answers the arrays, and the names of those that no input wanted.
pub(crate) fn pair(given: Vec<Given>, inputs: &[&str]) -> Result<(Vec<Tensor>, Vec<String>), Failure> {
    let mut rest: Vec<Option<Given>> = given.into_iter().map(Some).collect();
    let mut found: Vec<Option<Tensor>> = inputs
        .iter()
        .map(|input| {
            let named = rest.iter_mut().find(|g| g.as_ref().is_some_and(|g| g.name.as_deref() == Some(input)));
            named.and_then(Option::take).map(|given| given.tensor)
        })
        .collect();
    let mut missing = found.iter_mut().filter(|tensor| tensor.is_none());
    let mut unnamed = rest.iter_mut().filter(|given| given.as_ref().is_some_and(is_unnamed));
    if let (Some(hole), None, Some(only), None) = (missing.next(), missing.next(), unnamed.next(), unnamed.next()) {
        *hole = only.take().map(|given| given.tensor);
    }
    let extra: Vec<String> =
        rest.into_iter().flatten().map(|g| g.name.unwrap_or_else(|| "an unnamed array".into())).collect();
    if let Some((_, input)) = found.iter().zip(inputs).find(|(tensor, _)| tensor.is_none()) {
        let given =
            if extra.is_empty() { "nothing else is given".into() } else { format!("given is {}", extra.join(", ")) };
        return Err(Failure::input("input.missing", format!("no array for this input; {given}"))
            .at(input)
            .hint(format!("name the arrays like the model's inputs: {}", inputs.join(", "))));
    }
    Ok((found.into_iter().flatten().collect(), extra))
}

fn is_unnamed(given: &Given) -> bool {
    let default = |name: &str| name.strip_prefix(UNNAMED_PREFIX).is_some_and(|n| n.parse::<usize>().is_ok());
    given.name.as_deref().is_none_or(default)
}

/// The shape by which an ONNX input's symbolic dimensions are bound, or `None` where its own shape will do.
pub(crate) fn shape_for(spec: &InputSpec, tensor: &Tensor) -> Option<Vec<usize>> {
    let dims = tensor.dims();
    let (Some(declared), Tensor::Loose { .. }) = (&spec.dims, tensor) else { return Some(dims.to_vec()) };
    let fixed = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
    let open = declared.iter().filter(|dim| fixed(dim).is_none()).count();
    let fits =
        declared.len() == dims.len() && declared.iter().zip(dims).all(|(d, &n)| fixed(d).is_none_or(|size| size == n));
    if open == 0 {
        return None;
    }
    if fits || open > 1 {
        return Some(dims.to_vec());
    }
    // JSON and CSV have rows of numbers, not shapes: one unknown follows from their count.
    let known: usize = declared.iter().filter_map(fixed).product();
    let total: usize = dims.iter().product();
    if known == 0 || !total.is_multiple_of(known) {
        return Some(dims.to_vec());
    }
    Some(declared.iter().map(|dim| fixed(dim).unwrap_or(total / known)).collect())
}

/// Inputs ready to be written, call by call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) entry: u32,
    /// How often the entry is called; rows of JSON and CSV may be more than one call takes.
    pub(crate) repeats: usize,
    /// In the model's order; `repeats` times as long as the entry's inputs.
    pub(crate) arrays: Vec<Array>,
}

/// Picks the entry that fits the arrays with the fewest calls.
pub(crate) fn calls(tensors: Vec<Tensor>, signatures: &[Signature]) -> Result<Calls, Failure> {
    let first = signatures.first().ok_or_else(|| Failure::model("model.no-entry", "the model has no entry"))?;
    let fitting = (0u32..).zip(signatures).filter_map(|(entry, s)| Some((repeats(&tensors, s)?, entry, s)));
    let Some((repeats, entry, signature)) = fitting.min_by_key(|(repeats, ..)| *repeats) else {
        return Err(misfit(&tensors, first));
    };
    let arrays: Result<Vec<Array>, Failure> = tensors
        .into_iter()
        .zip(&signature.inputs)
        .map(|(tensor, slot)| {
            tensor.into_array(&slot.name, slot.dtype).map_err(|error| Failure::tensors(&error).at(&slot.name))
        })
        .collect();
    Ok(Calls { entry, repeats, arrays: arrays? })
}

/// How many calls of this entry the tensors make, if they fit it.
fn repeats(tensors: &[Tensor], signature: &Signature) -> Option<usize> {
    if tensors.len() != signature.inputs.len() {
        return None;
    }
    let mut counts = tensors.iter().zip(&signature.inputs).map(|(tensor, slot)| repeats_of(tensor, slot));
    let first = counts.next().unwrap_or(Some(1))?;
    counts.all(|count| count == Some(first)).then_some(first)
}

fn repeats_of(tensor: &Tensor, slot: &Slot) -> Option<usize> {
    let (dims, count) = (tensor.dims(), slot.count());
    if let Some(dtype) = tensor.dtype() {
        return (dtype == slot.dtype && dims == slot.dims).then_some(1);
    }
    let total: usize = dims.iter().product();
    let repeats = if count == total { 1 } else { (count > 0 && total.is_multiple_of(count)).then(|| total / count)? };
    let rows = slot.dims.first().copied().unwrap_or(1);
    (repeats == 1 || (repeats > 0 && dims.first() == Some(&(repeats * rows)))).then_some(repeats)
}

/// Says which array does not fit, and how.
fn misfit(tensors: &[Tensor], signature: &Signature) -> Failure {
    for (tensor, slot) in tensors.iter().zip(&signature.inputs) {
        if repeats_of(tensor, slot).is_some() {
            continue;
        }
        if let Some(got) = tensor.dtype().filter(|got| *got != slot.dtype) {
            return Failure::input("input.type", format!("the array is {got}, the model takes {}", slot.dtype))
                .at(&slot.name)
                .hint(format!("convert it: array.astype('{}')", numpy_name(slot)));
        }
        let (got, expected) = (dims_text(tensor.dims()), dims_text(&slot.dims));
        return Failure::input("input.shape", format!("the array is {got}, the model takes {expected}"))
            .at(&slot.name)
            .hint("`mote inspect` shows the shapes of every entry; `mote compile --dim` and `--entry-batches` make others");
    }
    Failure::input("input.shape", "the arrays do not fit one entry together")
}

fn numpy_name(slot: &Slot) -> String {
    let name = slot.dtype.name();
    match name.as_bytes().first() {
        Some(b'f') => name.replacen('f', "float", 1),
        Some(b'i') => name.replacen('i', "int", 1),
        Some(b'u') => name.replacen('u', "uint", 1),
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use mote_abi::DType;

    use super::*;
    use crate::tensors::Element;

    fn typed(dims: &[usize]) -> Tensor {
        let bytes = 4 * dims.iter().product::<usize>();
        Tensor::Typed(Array { dtype: DType::F32, dims: dims.to_vec(), data: vec![0; bytes] })
    }

    fn loose(dims: &[usize]) -> Tensor {
        let count = dims.iter().product();
        Tensor::Loose { dims: dims.to_vec(), elements: vec![Element::Signed(1); count] }
    }

    fn named(name: Option<&str>, tensor: Tensor) -> Given {
        Given { name: name.map(Into::into), tensor }
    }

    fn signature(batch: u32, dims: &[usize]) -> Signature {
        let slot = Slot { name: "x".into(), dtype: DType::F32, dims: dims.to_vec() };
        Signature { batch, inputs: vec![slot], outputs: Vec::new() }
    }

    #[test]
    fn names_decide_and_one_nameless_array_may_stay() {
        let table: [(&[Option<&str>], &[&str], Option<usize>); 8] = [
            (&[Some("a"), Some("b")], &["b", "a"], Some(0)),
            (&[None], &["x"], Some(0)),
            (&[Some("arr_0")], &["x"], Some(0)),
            (&[Some("a"), None], &["x", "a"], Some(0)),
            (&[Some("x"), Some("extra")], &["x"], Some(1)),
            (&[Some("y")], &["x"], None),
            (&[Some("arr_y")], &["x"], None),
            (&[None, None], &["a", "b"], None),
        ];
        for (names, inputs, expected) in table {
            let given = names.iter().map(|name| named(*name, typed(&[1]))).collect();
            assert_eq!(pair(given, inputs).ok().map(|(_, extra)| extra.len()), expected, "{names:?} for {inputs:?}");
        }
    }

    #[test]
    fn typed_arrays_fit_exactly_and_loose_ones_by_rows() {
        let entries = [signature(1, &[1, 2, 2]), signature(4, &[4, 2, 2])];
        let table = [
            (typed(&[1, 2, 2]), Some((0, 1))),
            (typed(&[4, 2, 2]), Some((1, 1))),
            (typed(&[2, 2, 2]), None),
            (typed(&[1, 4]), None),
            (loose(&[1, 4]), Some((0, 1))),
            (loose(&[4, 4]), Some((1, 1))),
            (loose(&[8, 4]), Some((1, 2))),
            (loose(&[3, 4]), Some((0, 3))),
            (loose(&[3, 5]), None),
            (loose(&[0]), None),
        ];
        for (tensor, expected) in table {
            let shown = format!("{tensor:?}");
            let got = calls(vec![tensor], &entries).ok().map(|calls| (calls.entry, calls.repeats));
            assert_eq!(got, expected, "{shown}");
        }
    }

    #[test]
    fn one_open_dimension_follows_from_the_count() {
        let named = |name: &str| Dim::Named(name.into());
        let spec = |dims| InputSpec { name: "x".into(), dtype: DType::F32, text: false, dims };
        let table = [
            (Some(vec![named("n"), Dim::Fixed(4)]), loose(&[3, 4]), Some(vec![3, 4])),
            (Some(vec![named("n"), Dim::Fixed(2), Dim::Fixed(2)]), loose(&[3, 4]), Some(vec![3, 2, 2])),
            (Some(vec![Dim::Fixed(1), Dim::Fixed(4)]), loose(&[3, 4]), None),
            (Some(vec![Dim::Fixed(1), Dim::Fixed(4)]), typed(&[3, 4]), Some(vec![3, 4])),
            (None, loose(&[3, 4]), Some(vec![3, 4])),
            (Some(vec![named("n"), Dim::Unknown, Dim::Fixed(1)]), loose(&[3, 4]), Some(vec![3, 4])),
        ];
        for (dims, tensor, expected) in table {
            assert_eq!(shape_for(&spec(dims.clone()), &tensor), expected, "{dims:?}");
        }
    }
}

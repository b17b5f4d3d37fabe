//! Given arrays become the frames of a stream: one call each, with the state carried from call to call.

use mote_abi::DType;
use mote_plan::StatePair;

use crate::report::Failure;
use crate::signature::{Signature, Slot};
use crate::tensors::{Array, Given, Tensor, dims_text};

/// What may stand before an array's name: a value per frame, one for all frames, the first state, and what was recorded.
const PREFIXES: [(&str, Use); 4] =
    [("in:", Use::PerFrame), ("const:", Use::Always), ("init:", Use::AtFirst), ("out:", Use::Not)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    PerFrame,
    Always,
    AtFirst,
    Not,
}

/// A given array by the input that it is for, without what no input takes.
pub(crate) fn named(given: Vec<Given>) -> Vec<Given> {
    let name = |given: Given| {
        let Some(name) = given.name else { return Some(given) };
        let found = PREFIXES.iter().find_map(|&(prefix, with)| Some((name.strip_prefix(prefix)?, with)));
        match found {
            Some((_, Use::Not)) => None,
            Some((inner, _)) => Some(Given { name: Some(inner.to_owned()), tensor: given.tensor }),
            None => Some(Given { name: Some(name), tensor: given.tensor }),
        }
    };
    given.into_iter().filter_map(name).collect()
}

/// Where an input's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// One stretch per frame.
    Frames(Vec<u8>),
    Always(Vec<u8>),
    /// Output of the last call, and the bytes of the first.
    State {
        output: usize,
        first: Vec<u8>,
    },
}

/// Every call of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frames {
    pub(crate) count: usize,
    sources: Vec<Source>,
}

impl Frames {
    /// Matches arrays with the inputs of an entry. An array of an input's shape is there in every frame, one with an axis
    /// before it gives each frame its part, and a state begins with zeros where none is given.
    pub(crate) fn new(given: Vec<Given>, signature: &Signature, state: &[StatePair]) -> Result<Self, Failure> {
        let mut given = named(given);
        let (mut sources, mut count) = (Vec::new(), None);
        for slot in &signature.inputs {
            let fed = state.iter().find(|pair| pair.input == slot.name);
            let output = fed.and_then(|pair| signature.outputs.iter().position(|out| out.name == pair.output));
            let tensor = take(&mut given, signature, state, slot);
            let (tensor, output) = match (tensor, output) {
                (None, Some(output)) => {
                    let first = vec![0; slot.count() * slot.dtype.size() as usize];
                    sources.push(Source::State { output, first });
                    continue;
                }
                (None, None) => return Err(missing(slot)),
                (Some(tensor), output) => (tensor, output),
            };
            let (frames, data) = stretches(tensor, slot)?;
            sources.push(match (output, frames) {
                (Some(output), None) => Source::State { output, first: data },
                (Some(_), Some(_)) => return Err(shape(slot, "a state is given once, before the first frame")),
                (None, None) => Source::Always(data),
                (None, Some(frames)) => {
                    if *count.get_or_insert(frames) != frames {
                        return Err(shape(slot, "the arrays have different numbers of frames"));
                    }
                    Source::Frames(data)
                }
            });
        }
        Ok(Self { count: count.unwrap_or(1), sources })
    }

    /// The bytes of the first call's state inputs, empty for every other input.
    pub(crate) fn first_state(&self) -> Vec<Vec<u8>> {
        let first = |source: &Source| match source {
            Source::State { first, .. } => first.clone(),
            _ => Vec::new(),
        };
        self.sources.iter().map(first).collect()
    }

    /// The bytes of every input in one frame; `state` is what [`Frames::first_state`] answered, or carried since.
    pub(crate) fn inputs<'a>(&'a self, frame: usize, state: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
        let bytes = |(source, state): (&'a Source, &'a Vec<u8>)| match source {
            Source::Frames(data) => {
                let length = data.len() / self.count.max(1);
                data.get(frame * length..(frame + 1) * length).unwrap_or_default()
            }
            Source::Always(data) => data,
            Source::State { .. } => state,
        };
        self.sources.iter().zip(state).map(bytes).collect()
    }

    /// The output that each input receives in the next call.
    pub(crate) fn fed(&self) -> impl Iterator<Item = (usize, usize)> {
        self.sources.iter().enumerate().filter_map(|(input, source)| match source {
            Source::State { output, .. } => Some((input, *output)),
            _ => None,
        })
    }
}

/// The array of an input: that of its name, or the only one without a name for the only input that is no state.
fn take(given: &mut Vec<Given>, signature: &Signature, state: &[StatePair], slot: &Slot) -> Option<Tensor> {
    let by_name = given.iter().position(|given| given.name.as_deref() == Some(&slot.name));
    let is_state = |slot: &Slot| state.iter().any(|pair| pair.input == slot.name);
    let alone = !is_state(slot) && signature.inputs.iter().filter(|slot| !is_state(slot)).count() == 1;
    let nameless = given.iter().position(|given| given.name.is_none()).filter(|_| alone);
    by_name.or(nameless).map(|at| given.swap_remove(at).tensor)
}

/// How many frames an array holds, `None` where it is one value for all, and its bytes.
fn stretches(tensor: Tensor, slot: &Slot) -> Result<(Option<usize>, Vec<u8>), Failure> {
    let (dims, total): (Vec<usize>, usize) = (tensor.dims().to_vec(), tensor.dims().iter().product());
    let frames = match tensor.dtype() {
        Some(dtype) if dtype != slot.dtype => return Err(of_type(slot, dtype)),
        Some(_) if dims == slot.dims => None,
        Some(_) if dims.get(1..) == Some(&slot.dims[..]) => dims.first().copied(),
        None if total == slot.count() => None,
        None if slot.count() > 0 && total.is_multiple_of(slot.count()) => Some(total / slot.count()),
        _ => {
            let (got, expected) = (dims_text(&dims), dims_text(&slot.dims));
            return Err(shape(slot, &format!("the array is {got}, a frame is {expected}")));
        }
    };
    let array: Array =
        tensor.into_array(&slot.name, slot.dtype).map_err(|error| Failure::tensors(&error).at(&slot.name))?;
    Ok((frames, array.data))
}

fn missing(slot: &Slot) -> Failure {
    Failure::input("input.missing", "no array for this input, and it is no state")
        .at(&slot.name)
        .hint("an array of the input's name with one more axis in front, or --state OUT=IN")
}

fn shape(slot: &Slot, why: &str) -> Failure {
    Failure::input("input.shape", why).at(&slot.name).hint("frames are stacked along a first axis")
}

fn of_type(slot: &Slot, got: DType) -> Failure {
    Failure::input("input.type", format!("the array is {got}, the model takes {}", slot.dtype)).at(&slot.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str, dims: &[usize]) -> Slot {
        Slot { name: name.into(), dtype: DType::F32, dims: dims.to_vec() }
    }

    fn given(name: Option<&str>, dims: &[usize]) -> Given {
        let bytes = (0..4 * dims.iter().product::<usize>()).map(|i| i as u8).collect();
        let tensor = Tensor::Typed(Array { dtype: DType::F32, dims: dims.to_vec(), data: bytes });
        Given { name: name.map(Into::into), tensor }
    }

    fn frames(given: Vec<Given>) -> Result<Frames, Failure> {
        let inputs = vec![slot("x", &[1, 2]), slot("h", &[3]), slot("rate", &[])];
        let signature = Signature { batch: 1, inputs, outputs: vec![slot("y", &[1]), slot("hn", &[3])] };
        Frames::new(given, &signature, &[StatePair { output: "hn".into(), input: "h".into() }])
    }

    #[test]
    fn arrays_are_stacked_constant_or_first_states() {
        let made = frames(vec![given(Some("in:x"), &[5, 1, 2]), given(Some("const:rate"), &[])]).unwrap();
        assert_eq!((made.count, made.first_state()), (5, vec![vec![], vec![0; 12], vec![]]));
        assert_eq!(made.fed().collect::<Vec<_>>(), [(1, 1)]);
        let state = made.first_state();
        let second = made.inputs(1, &state);
        assert_eq!((second[0][0], second[1].len(), second[2].len()), (8, 12, 4));
        let all = vec![
            given(Some("x"), &[1, 2]),
            given(Some("init:h"), &[3]),
            given(Some("rate"), &[]),
            given(Some("out:y"), &[9]),
        ];
        let made = frames(all).unwrap();
        assert_eq!((made.count, made.first_state()[1][1]), (1, 1));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let rate = || given(Some("rate"), &[]);
        let code = |given| frames(given).unwrap_err().code;
        assert_eq!(code(vec![rate()]), "input.missing");
        assert_eq!(code(vec![given(Some("x"), &[5, 2, 1]), rate()]), "input.shape");
        assert_eq!(code(vec![given(Some("x"), &[5, 1, 2]), given(Some("rate"), &[4])]), "input.shape");
        assert_eq!(code(vec![given(Some("x"), &[5, 1, 2]), rate(), given(Some("h"), &[5, 3])]), "input.shape");
    }
}

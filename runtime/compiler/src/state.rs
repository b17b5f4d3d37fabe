//! Outputs that are inputs of the next call: stated by the caller, or recognised by name and shape.

use mote_plan::StatePair;

use crate::graph::{Graph, Value, ValueId};
use crate::lower::EntryGraph;

/// The state that a model carries from call to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum States {
    /// What the names and shapes of inputs and outputs say.
    #[default]
    Recognised,
    /// These pairs and no others.
    Stated(Vec<StatePair>),
}

/// The pairs of a model; the first that it does not have is the error.
pub(crate) fn pairs(entries: &[EntryGraph], states: &States) -> Result<Vec<StatePair>, StatePair> {
    match states {
        States::Recognised => {
            let mut entries = entries.iter().map(|entry| recognised(&entry.graph));
            let first = entries.next().unwrap_or_default();
            Ok(if entries.all(|pairs| pairs == first) { first } else { Vec::new() })
        }
        States::Stated(pairs) => {
            let twice = |i: usize| pairs[..i].iter().any(|earlier| earlier.input == pairs[i].input);
            let fits = |pair: &StatePair| entries.iter().all(|entry| fits(&entry.graph, pair));
            match (0..pairs.len()).find(|&i| twice(i) || !fits(&pairs[i])) {
                Some(bad) => Err(pairs[bad].clone()),
                None => Ok(pairs.clone()),
            }
        }
    }
}

fn fits(graph: &Graph, pair: &StatePair) -> bool {
    let find = |ids: &[ValueId], name: &str| ids.iter().map(|&id| graph.value(id)).find(|v| v.name == name);
    match (find(&graph.outputs, &pair.output), find(&graph.inputs, &pair.input)) {
        (Some(output), Some(input)) => alike(output, input),
        _ => false,
    }
}

fn alike(output: &Value, input: &Value) -> bool {
    output.dtype == input.dtype && output.dims == input.dims
}

/// What exporters and people add to a name for the old and for the new state: before and behind the input's name, before
/// and behind the output's.
const AFFIXES: [[&str; 4]; 21] = [
    ["", "", "", "N"],
    ["", "", "", "n"],
    ["", "", "", "_n"],
    ["", "", "", "_out"],
    ["", "", "", "Out"],
    ["", "", "", "_new"],
    ["", "", "", "_next"],
    ["", "", "new_", ""],
    ["", "", "next_", ""],
    ["", "", "out_", ""],
    ["", "_in", "", "_out"],
    ["", "In", "", "Out"],
    ["in_", "", "out_", ""],
    ["", "0", "", "n"],
    ["", "_0", "", "_n"],
    ["", "_prev", "", ""],
    ["prev_", "", "", ""],
    ["prev_", "", "next_", ""],
    ["old_", "", "new_", ""],
    ["past_", "", "present_", ""],
    ["past_", "", "", ""],
];

/// Words for what models are fed with and what they answer. They come in and go out as well, and are no state.
const DATA: [&str; 16] = [
    "audio", "data", "feat", "features", "frame", "image", "input", "mel", "mix", "noisy", "signal", "spec", "speech",
    "wav", "x", "y",
];

/// Pairs that go together by name, type and shape and by these alone: none if an input or output could belong to two, or
/// if nothing else went in or came out.
fn recognised(graph: &Graph) -> Vec<StatePair> {
    let (inputs, outputs) = (values(graph, &graph.inputs), values(graph, &graph.outputs));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (to, input) in inputs.iter().enumerate() {
        for (from, output) in outputs.iter().enumerate() {
            if alike(output, input) && go_together(&input.name, &output.name) {
                found.push((from, to));
            }
        }
    }
    let ambiguous = found.iter().enumerate().any(|(i, a)| found[i + 1..].iter().any(|b| a.0 == b.0 || a.1 == b.1));
    let rest = found.len() < inputs.len() && found.len() < outputs.len();
    if ambiguous || !rest {
        return Vec::new();
    }
    let pair =
        |(from, to): (usize, usize)| StatePair { output: outputs[from].name.clone(), input: inputs[to].name.clone() };
    found.into_iter().map(pair).collect()
}

fn values<'g>(graph: &'g Graph, ids: &[ValueId]) -> Vec<&'g Value> {
    ids.iter().map(|&id| graph.value(id)).collect()
}

/// Whether two names are one with different affixes, and that one is not a word for data.
fn go_together(input: &str, output: &str) -> bool {
    let base = |name: &'_ str, before: &str, behind: &str| {
        let inner = name.strip_prefix(before)?.strip_suffix(behind)?;
        (!inner.is_empty()).then(|| inner.to_owned())
    };
    let shared =
        |[a, b, c, d]: &[&str; 4]| base(input, a, b).filter(|inner| base(output, c, d).as_ref() == Some(inner));
    let is_data = |name: &String| {
        let name = name.to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphabetic()).any(|word| DATA.contains(&word))
    };
    AFFIXES.iter().filter_map(shared).any(|name| !is_data(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_abi::DType;

    fn graph(inputs: &[(&str, &[usize])], outputs: &[(&str, &[usize])]) -> Graph {
        let mut graph = Graph::default();
        for (name, dims) in inputs {
            let id = graph.computed(*name, DType::F32, dims.to_vec());
            graph.inputs.push(id);
        }
        for (name, dims) in outputs {
            let id = graph.computed(*name, DType::F32, dims.to_vec());
            graph.outputs.push(id);
        }
        graph
    }

    fn names(pairs: &[StatePair]) -> Vec<(&str, &str)> {
        pairs.iter().map(|pair| (pair.input.as_str(), pair.output.as_str())).collect()
    }

    #[test]
    fn exporters_names_are_recognised() {
        let table: [(&[(&str, &str)], bool); 8] = [
            (&[("state", "stateN")], true),
            (&[("h", "hn"), ("c", "cn")], true),
            (&[("h0", "hn"), ("c0", "cn")], true),
            (&[("conv_cache", "conv_cache_out"), ("tra_cache", "tra_cache_out")], true),
            (&[("h_in", "h_out")], true),
            (&[("past_key", "present_key")], true),
            (&[("audio_in", "audio_out")], false),
            (&[("a", "b")], false),
        ];
        for (pairs, expected) in table {
            let mut inputs: Vec<(&str, &[usize])> = vec![("x", &[1, 8])];
            let mut outputs: Vec<(&str, &[usize])> = vec![("y", &[1, 8])];
            inputs.extend(pairs.iter().map(|(input, _)| (*input, &[2, 3][..])));
            outputs.extend(pairs.iter().map(|(_, output)| (*output, &[2, 3][..])));
            let found = recognised(&graph(&inputs, &outputs));
            assert_eq!(names(&found), if expected { pairs.to_vec() } else { vec![] });
        }
    }

    #[test]
    fn what_is_ambiguous_is_not_recognised() {
        let other_shape = graph(&[("x", &[1]), ("h", &[2])], &[("y", &[1]), ("hn", &[3])]);
        let twice = graph(&[("x", &[1]), ("h", &[2])], &[("y", &[1]), ("hn", &[2]), ("h_out", &[2])]);
        let nothing_else = graph(&[("h", &[2])], &[("hn", &[2])]);
        for graph in [other_shape, twice, nothing_else] {
            assert_eq!(recognised(&graph), []);
        }
    }

    #[test]
    fn stated_pairs_must_fit_and_feed_each_input_once() {
        let entry = EntryGraph { batch: 1, graph: graph(&[("x", &[1]), ("s", &[1])], &[("y", &[1]), ("z", &[2])]) };
        let pair = |output: &str, input: &str| StatePair { output: output.to_owned(), input: input.to_owned() };
        let stated = |all: &[StatePair]| pairs(std::slice::from_ref(&entry), &States::Stated(all.to_vec()));
        assert_eq!(stated(&[pair("y", "s")]), Ok(vec![pair("y", "s")]));
        assert_eq!(stated(&[pair("z", "s")]), Err(pair("z", "s")));
        assert_eq!(stated(&[pair("y", "s"), pair("y", "s")]), Err(pair("y", "s")));
        assert_eq!(stated(&[]), Ok(vec![]));
    }
}

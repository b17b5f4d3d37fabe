//! Damaged files end in an error, never in a panic.

use proptest::prelude::*;

use super::onnx_build::{FLOAT, f32s, float, graph, i64s, int, ints, model, node, subgraph, text, untyped, value};
use super::{f32_tensor, run};

/// A model that uses attributes of every kind, constants, a branch and several outputs.
fn seed() -> Vec<u8> {
    let branch = |scale: f32| {
        let constants = vec![f32s("k", &[], &[scale])];
        subgraph(
            "then_branch",
            graph(vec![node("Mul", &["r", "k"], &["m"], vec![])], vec![], vec![untyped("m")], constants),
        )
    };
    let other = tract_onnx::pb::AttributeProto { name: "else_branch".to_owned(), ..branch(2.0) };
    let nodes = vec![
        node(
            "Conv",
            &["x", "w", "b"],
            &["c"],
            vec![ints("pads", &[1, 1, 1, 1]), text("auto_pad", "NOTSET"), int("group", 1)],
        ),
        node("LeakyRelu", &["c"], &["r"], vec![float("alpha", 0.1)]),
        node("Size", &["x"], &["n"], vec![]),
        node("Greater", &["n", "limit"], &["large"], vec![]),
        node("If", &["large"], &["i"], vec![branch(3.0), other]),
        node("Reshape", &["i", "flat"], &["f"], vec![]),
        node("Slice", &["f", "one", "end"], &["s"], vec![]),
        node("Softmax", &["s"], &["y"], vec![int("axis", -1)]),
        node("Resize", &["r", "", "scales"], &["z"], vec![text("mode", "linear")]),
    ];
    let constants = vec![
        f32s("w", &[2, 1, 3, 3], &[0.5; 18]),
        f32s("b", &[2], &[0.0, 1.0]),
        i64s("limit", &[], &[3]),
        i64s("flat", &[2], &[0, -1]),
        i64s("one", &[1], &[0]),
        i64s("end", &[1], &[i64::MAX]),
        f32s("scales", &[4], &[1.0, 1.0, 2.0, 2.0]),
    ];
    let outputs = vec![untyped("y"), untyped("z")];
    model(13, graph(nodes, vec![value("x", FLOAT, &["n", "1", "4", "4"])], outputs, constants))
}

fn input() -> crate::tensor::HostTensor {
    f32_tensor("x", &[1, 1, 4, 4], &[0.25; 16])
}

#[test]
fn the_seed_itself_runs() {
    assert_eq!(run(&seed(), &[input()]).unwrap().len(), 2);
}

#[test]
fn every_cut_is_refused() {
    let whole = seed();
    for length in 0..whole.len() {
        // The operator set stands last, so that no shorter file is complete.
        assert!(run(&whole[..length], &[input()]).is_err(), "{length} of {}", whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = seed();
        for (at, value) in &flips {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        let compiled = crate::compile::compile(&bytes, &crate::compile::CompileOptions { name: "m".to_owned(), ..Default::default() });
        prop_assert!(compiled.is_ok() || !compiled.unwrap_err().to_string().is_empty());
    }
}

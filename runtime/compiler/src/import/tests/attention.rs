//! Attention against its formula in double precision.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use tract_onnx::pb::{AttributeProto, TensorProto};

use super::onnx_build::{BOOL, FLOAT, INT64, float, graph, i64s, int, model, node, untyped, value};
use super::{f32_tensor, floats, numbers, run};
use crate::tensor::HostTensor;

const B: usize = 2;
const S: usize = 3;
const T: usize = 5;
const H: usize = 4;
/// Heads of queries, and of keys and values.
const N: usize = 4;
const M: usize = 2;

/// The formula over `[B, N, S, H]`, `[B, M, T, H]`; `bias` of batch, query and key, minus infinity hides.
fn reference(q: &[f32], k: &[f32], v: &[f32], keys: usize, bias: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
    let mut y = Vec::new();
    for (b, n, i) in (0..B).flat_map(|b| (0..N).flat_map(move |n| (0..S).map(move |i| (b, n, i)))) {
        let row = |x: &[f32], heads: usize, head: usize, len: usize, at: usize| -> Vec<f64> {
            x[(((b * heads) + head) * len + at) * H..][..H].iter().map(|&x| f64::from(x)).collect()
        };
        let query = row(q, N, n, S, i);
        let score = |j: usize| {
            let key = row(k, M, n / (N / M), keys, j);
            query.iter().zip(&key).map(|(q, k)| q * k).sum::<f64>() / (H as f64).sqrt() + bias(b, i, j)
        };
        let scores: Vec<f64> = (0..keys).map(score).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|s| if s.is_finite() { (s - highest).exp() } else { 0.0 }).collect();
        let sum: f64 = powers.iter().sum();
        for c in 0..H {
            let value = |j: usize| row(v, M, n / (N / M), keys, j)[c] * powers[j];
            y.push(if sum == 0.0 { 0.0 } else { (0..keys).map(value).sum::<f64>() / sum });
        }
    }
    y
}

/// Runs one node over q, k, v and other inputs.
fn attention(
    attributes: Vec<AttributeProto>,
    others: &[(&str, i32, HostTensor)],
    constants: Vec<TensorProto>,
) -> Vec<f32> {
    let (q, k, v) = operands();
    let mut names = vec!["q", "k", "v", "", "", "", ""];
    let dims = |d: &[usize]| d.iter().map(ToString::to_string).collect::<Vec<_>>();
    let input = |name: &str, element, d: &[usize]| {
        value(name, element, &dims(d).iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut inputs =
        vec![input("q", FLOAT, &[B, N, S, H]), input("k", FLOAT, &[B, M, T, H]), input("v", FLOAT, &[B, M, T, H])];
    let mut given = vec![
        f32_tensor("q", &[B, N, S, H], &q),
        f32_tensor("k", &[B, M, T, H], &k),
        f32_tensor("v", &[B, M, T, H], &v),
    ];
    let place =
        |name: &str| ["q", "k", "v", "mask", "past_k", "past_v", "valid"].iter().position(|n| *n == name).unwrap();
    for (name, element, tensor) in others {
        names[place(name)] = name;
        inputs.push(input(name, *element, &tensor.dims));
        given.push(tensor.clone());
    }
    for constant in &constants {
        names[place(&constant.name)] = &constant.name;
    }
    let bytes = model(
        25,
        graph(vec![node("Attention", &names, &["y"], attributes)], inputs, vec![untyped("y")], constants.clone()),
    );
    floats(&run(&bytes, &given).unwrap()[0])
}

fn operands() -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    (numbers(B * N * S * H, 1), numbers(B * M * T * H, 2), numbers(B * M * T * H, 3))
}

fn close(got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    let worst = got.iter().zip(want).map(|(g, w)| (f64::from(*g) - w).abs()).fold(0.0, f64::max);
    assert!(worst < 2e-6, "off by {worst}");
}

fn hidden_unless(seen: bool) -> f64 {
    if seen { 0.0 } else { f64::NEG_INFINITY }
}

#[test]
fn heads_share_keys_and_values() {
    let (q, k, v) = operands();
    close(&attention(vec![], &[], vec![]), &reference(&q, &k, &v, T, |_, _, _| 0.0));
}

#[test]
fn a_query_sees_what_comes_before_it() {
    let (q, k, v) = operands();
    let causal = attention(vec![int("is_causal", 1)], &[], vec![]);
    close(&causal, &reference(&q, &k, &v, T, |_, i, j| hidden_unless(j <= i)));
    let band = attention(vec![int("left_window_size", 1), int("right_window_size", 2)], &[], vec![]);
    close(&band, &reference(&q, &k, &v, T, |_, i, j| hidden_unless(j + 1 >= i && j <= i + 2)));
}

#[test]
fn a_query_that_sees_nothing_answers_zeros() {
    let (q, k, v) = operands();
    let seen = |i: usize, j: usize| i != 1 && (i + j).is_multiple_of(2);
    let bytes = (0..S * T).map(|at| u8::from(seen(at / T, at % T))).collect();
    let mask = HostTensor { name: "mask".into(), dtype: mote_abi::DType::Bool, dims: vec![S, T], bytes };
    let got = attention(vec![], &[("mask", BOOL, mask)], vec![]);
    close(&got, &reference(&q, &k, &v, T, |_, i, j| hidden_unless(seen(i, j))));
}

#[test]
fn numbers_are_added_and_may_end_early() {
    let (q, k, v) = operands();
    let mask = numbers(S * (T - 2), 9);
    let got = attention(vec![], &[("mask", FLOAT, f32_tensor("mask", &[S, T - 2], &mask))], vec![]);
    let bias = |_, i: usize, j: usize| if j < T - 2 { f64::from(mask[i * (T - 2) + j]) } else { f64::NEG_INFINITY };
    close(&got, &reference(&q, &k, &v, T, bias));
}

#[test]
fn a_cache_outside_says_how_many_keys_hold() {
    let (q, k, v) = operands();
    let valid = [4, 2];
    let want = reference(&q, &k, &v, T, |b, i, j| hidden_unless(j < valid[b] && j + S <= i + valid[b]));
    let bytes = valid.iter().flat_map(|&n| (n as i64).to_le_bytes()).collect();
    let given = HostTensor { name: "valid".into(), dtype: mote_abi::DType::I64, dims: vec![B], bytes };
    close(&attention(vec![int("is_causal", 1)], &[("valid", INT64, given)], vec![]), &want);
    let constant = i64s("valid", &[B as i64], &valid.map(|n| n as i64));
    close(&attention(vec![int("is_causal", 1)], &[], vec![constant]), &want);
}

#[test]
fn a_cache_inside_comes_first() {
    const P: usize = 2;
    let (q, k, v) = operands();
    let (past_k, past_v) = (numbers(B * M * P * H, 4), numbers(B * M * P * H, 5));
    let joined = |past: &[f32], new: &[f32]| -> Vec<f32> {
        (0..B * M).flat_map(|head| [&past[head * P * H..][..P * H], &new[head * T * H..][..T * H]].concat()).collect()
    };
    let others = [
        ("past_k", FLOAT, f32_tensor("past_k", &[B, M, P, H], &past_k)),
        ("past_v", FLOAT, f32_tensor("past_v", &[B, M, P, H], &past_v)),
    ];
    let got = attention(vec![int("is_causal", 1)], &others, vec![]);
    let (k, v) = (joined(&past_k, &k), joined(&past_v, &v));
    close(&got, &reference(&q, &k, &v, P + T, |_, i, j| hidden_unless(j <= i + P)));
}

#[test]
fn scores_are_capped_before_the_mask() {
    let capped = attention(vec![float("softcap", 0.5), float("scale", 2.0)], &[], vec![]);
    let plain = attention(vec![float("scale", 2.0)], &[], vec![]);
    assert_ne!(capped, plain);
    let soft = attention(vec![float("softcap", 1e4), float("scale", 2.0)], &[], vec![]);
    assert!(soft.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn a_rotation_keeps_lengths_and_turns_by_position() {
    let x = numbers(2 * 3 * 4, 1);
    for interleaved in [0, 1] {
        let angle = |p: usize, i: usize| (p as f32) / 10_f32.powi(i as i32);
        let table = |f: fn(f32) -> f32| (0..6).map(|at| f(angle(at / 2, at % 2))).collect::<Vec<f32>>();
        let stored = vec![
            super::onnx_build::f32s("cos", &[3, 2], &table(f32::cos)),
            super::onnx_build::f32s("sin", &[3, 2], &table(f32::sin)),
            i64s("at", &[1, 3], &[0, 1, 2]),
        ];
        let rotary = node("RotaryEmbedding", &["x", "cos", "sin", "at"], &["y"], vec![int("interleaved", interleaved)]);
        let bytes =
            model(23, graph(vec![rotary], vec![value("x", FLOAT, &["1", "2", "3", "4"])], vec![untyped("y")], stored));
        let got = floats(&run(&bytes, &[f32_tensor("x", &[1, 2, 3, 4], &x)]).unwrap()[0]);
        for (row, (before, after)) in x.chunks(4).zip(got.chunks(4)).enumerate() {
            for i in 0..2 {
                let (a, b) = if interleaved == 1 { (2 * i, 2 * i + 1) } else { (i, i + 2) };
                let (sin, cos) = angle(row % 3, i).sin_cos();
                assert!((after[a] - (before[a] * cos - before[b] * sin)).abs() < 1e-6);
                assert!((after[b] - (before[a] * sin + before[b] * cos)).abs() < 1e-6);
            }
        }
    }
}

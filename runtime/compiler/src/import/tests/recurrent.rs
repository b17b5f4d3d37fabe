//! Recurrent layers against their equations in double precision.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

use super::onnx_build::{
    FLOAT, INT32, f32s, float, floats, graph, i32s, int, model, node, text, texts, untyped, value,
};
use super::{f32_tensor, floats as elements, numbers, run};
use crate::compile::CompileError;
use crate::error::{ImportError, Reason};
use crate::tensor::HostTensor;

const T: usize = 4;
const B: usize = 3;
const I: usize = 2;
const H: usize = 3;

/// One layer: what it is, its attributes, and what differs from the plainest one.
struct Case {
    op: &'static str,
    attributes: Vec<AttributeProto>,
    /// Of each direction, whether it runs backwards.
    reverse: &'static [bool],
    lengths: [i32; B],
    /// Gate functions of each direction.
    functions: [fn(f64) -> f64; 3],
    clip: f64,
    coupled: bool,
    linear: bool,
    peepholes: bool,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn case(op: &'static str) -> Case {
    let functions: [fn(f64) -> f64; 3] = if op == "RNN" { [f64::tanh; 3] } else { [sigmoid, f64::tanh, f64::tanh] };
    Case {
        op,
        attributes: vec![],
        reverse: &[false],
        lengths: [T as i32; B],
        functions,
        clip: f64::INFINITY,
        coupled: false,
        linear: false,
        peepholes: false,
    }
}

/// The operands of a layer, by name.
struct Operands {
    x: Vec<f32>,
    w: Vec<f32>,
    r: Vec<f32>,
    b: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
    p: Vec<f32>,
}

impl Case {
    fn gates(&self) -> usize {
        match self.op {
            "LSTM" => 4,
            "GRU" => 3,
            _ => 1,
        }
    }

    fn operands(&self) -> Operands {
        let (d, g) = (self.reverse.len(), self.gates());
        Operands {
            x: numbers(T * B * I, 1),
            w: numbers(d * g * H * I, 2),
            r: numbers(d * g * H * H, 3),
            b: numbers(d * 2 * g * H, 4),
            h: numbers(d * B * H, 5),
            c: numbers(d * B * H, 6),
            p: if self.peepholes { numbers(d * 3 * H, 7) } else { vec![0.0; d * 3 * H] },
        }
    }

    /// `y [T, D, B, H]`, `h` and `c` `[D, B, H]`.
    fn reference(&self) -> [Vec<f64>; 3] {
        let (directions, o) = (self.reverse.len(), self.operands());
        let mut y = vec![0.0; T * directions * B * H];
        let (mut last_h, mut last_c) = (Vec::new(), Vec::new());
        for d in 0..directions {
            for b in 0..B {
                let n = self.lengths[b] as usize;
                let start = |v: &[f32]| -> Vec<f64> {
                    v[(d * B + b) * H..][..H].iter().map(|v| if n == 0 { 0.0 } else { f64::from(*v) }).collect()
                };
                let (mut h, mut c) = (start(&o.h), start(&o.c));
                for step in 0..n {
                    let t = if self.reverse[d] { n - 1 - step } else { step };
                    (h, c) = self.step(&o, d, &o.x[(t * B + b) * I..][..I], &h, &c);
                    y[((t * directions + d) * B + b) * H..][..H].copy_from_slice(&h);
                }
                last_h.extend(h);
                last_c.extend(c);
            }
        }
        [y, last_h, last_c]
    }

    fn step(&self, o: &Operands, d: usize, x: &[f32], h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let g = self.gates();
        let [f, g_f, h_f] = self.functions;
        let clip = |v: f64| v.clamp(-self.clip, self.clip);
        let input = |gate: usize, j: usize| {
            let row = (d * g + gate) * H + j;
            f64::from(o.b[(d * 2 * g + gate) * H + j])
                + (0..I).map(|i| f64::from(o.w[row * I + i]) * f64::from(x[i])).sum::<f64>()
        };
        let recurrent = |gate: usize, j: usize, h: &[f64]| {
            let row = (d * g + gate) * H + j;
            f64::from(o.b[(d * 2 * g + g + gate) * H + j])
                + (0..H).map(|i| f64::from(o.r[row * H + i]) * h[i]).sum::<f64>()
        };
        let sum = |gate: usize, j: usize| input(gate, j) + recurrent(gate, j, h);
        let peep = |gate: usize, j: usize| f64::from(o.p[(d * 3 + gate) * H + j]);
        match self.op {
            "LSTM" => {
                let new = |j: usize| {
                    let i = f(clip(sum(0, j) + peep(0, j) * c[j]));
                    let forget = if self.coupled { 1.0 - i } else { f(clip(sum(2, j) + peep(2, j) * c[j])) };
                    let new = forget * c[j] + i * g_f(clip(sum(3, j)));
                    (f(clip(sum(1, j) + peep(1, j) * new)) * h_f(new), new)
                };
                (0..H).map(new).unzip()
            }
            "GRU" => {
                let reset: Vec<f64> = (0..H).map(|j| f(clip(sum(1, j)))).collect();
                let gated: Vec<f64> = reset.iter().zip(h).map(|(r, h)| r * h).collect();
                let new = |j: usize| {
                    let z = f(clip(sum(0, j)));
                    let from = if self.linear { reset[j] * recurrent(2, j, h) } else { recurrent(2, j, &gated) };
                    (1.0 - z) * g_f(clip(input(2, j) + from)) + z * h[j]
                };
                ((0..H).map(new).collect(), c.to_vec())
            }
            _ => ((0..H).map(|j| f(clip(sum(0, j)))).collect(), c.to_vec()),
        }
    }

    fn node(&self) -> NodeProto {
        let mut attributes = self.attributes.clone();
        attributes.push(int("hidden_size", H as i64));
        match self.op {
            "LSTM" => node("LSTM", &["x", "w", "r", "b", "l", "h0", "c0", "p"], &["y", "h", "c"], attributes),
            op => node(op, &["x", "w", "r", "b", "l", "h0"], &["y", "h"], attributes),
        }
    }

    /// Every operand but `x` as a constant, `computed` ones as inputs.
    fn outputs(&self, computed: bool) -> Vec<HostTensor> {
        let (o, d, g) = (self.operands(), self.reverse.len(), self.gates());
        let all: Vec<(&str, Vec<usize>, &[f32])> = vec![
            ("x", vec![T, B, I], &o.x),
            ("w", vec![d, g * H, I], &o.w),
            ("r", vec![d, g * H, H], &o.r),
            ("b", vec![d, 2 * g * H], &o.b),
            ("h0", vec![d, B, H], &o.h),
            ("c0", vec![d, B, H], &o.c),
            ("p", vec![d, 3 * H], &o.p),
        ];
        let (mut inputs, mut given, mut stored) = (Vec::new(), Vec::new(), Vec::new());
        let node = self.node();
        for (name, dims, values) in all.into_iter().filter(|(name, ..)| node.input.iter().any(|i| i == name)) {
            if name == "x" || computed {
                let sizes: Vec<String> = dims.iter().map(ToString::to_string).collect();
                inputs.push(value(name, FLOAT, &sizes.iter().map(String::as_str).collect::<Vec<_>>()));
                given.push(f32_tensor(name, &dims, values));
            } else {
                stored.push(f32s(name, &dims.iter().map(|&d| d as i64).collect::<Vec<_>>(), values));
            }
        }
        if computed {
            inputs.push(value("l", INT32, &["3"]));
            let bytes = self.lengths.iter().flat_map(|n| n.to_le_bytes()).collect();
            given.push(HostTensor { name: "l".to_owned(), dtype: mote_abi::DType::I32, dims: vec![B], bytes });
        } else {
            stored.push(i32s("l", &[B as i64], &self.lengths));
        }
        let outputs = node.output.iter().map(|name| untyped(name)).collect();
        run(&model(14, graph(vec![node], inputs, outputs, stored)), &given).unwrap()
    }

    fn check(&self) {
        let want = self.reference();
        for computed in [false, true] {
            for (got, want) in self.outputs(computed).iter().zip(&want) {
                let (got, name) = (elements(got), &got.name);
                assert_eq!(got.len(), want.len());
                let worst = got.iter().zip(want).map(|(g, w)| (f64::from(*g) - w).abs()).fold(0.0, f64::max);
                assert!(worst < 3e-6, "{} `{name}`, computed {computed}: off by {worst}", self.op);
            }
        }
    }
}

#[test]
fn layers_follow_their_equations() {
    for op in ["RNN", "GRU", "LSTM"] {
        case(op).check();
        let lengths = [4, 0, 2];
        Case { attributes: vec![text("direction", "reverse")], reverse: &[true], lengths, ..case(op) }.check();
        let both = vec![text("direction", "bidirectional"), float("clip", 0.5)];
        Case { attributes: both, reverse: &[false, true], lengths, clip: 0.5, ..case(op) }.check();
    }
    Case { attributes: vec![int("linear_before_reset", 1)], linear: true, ..case("GRU") }.check();
    Case { attributes: vec![int("input_forget", 1)], coupled: true, ..case("LSTM") }.check();
    Case { peepholes: true, ..case("LSTM") }.check();
}

#[test]
fn gate_functions_take_their_constants_in_order() {
    let rnn = |name: &str, alpha: &[f32], beta: &[f32], f: fn(f64) -> f64| {
        let mut attributes = vec![texts("activations", &[name])];
        attributes.push(floats("activation_alpha", alpha));
        attributes.push(floats("activation_beta", beta));
        Case { attributes, functions: [f; 3], ..case("RNN") }.check();
    };
    rnn("Relu", &[], &[], |x| x.max(0.0));
    rnn("softsign", &[], &[], |x| x / (1.0 + x.abs()));
    rnn("Softplus", &[], &[], |x| x.exp().ln_1p());
    rnn("Affine", &[0.5], &[0.25], |x| 0.5 * x + 0.25);
    rnn("ScaledTanh", &[0.5], &[2.0], |x| 0.5 * (2.0 * x).tanh());
    rnn("ThresholdedRelu", &[0.125], &[], |x| if x > 0.125 { x } else { 0.0 });
    rnn("LeakyRelu", &[], &[], |x| if x < 0.0 { f64::from(0.01_f32) * x } else { x });
    rnn("LeakyRelu", &[0.25], &[], |x| if x < 0.0 { 0.25 * x } else { x });
    rnn("Elu", &[0.5], &[], |x| if x < 0.0 { 0.5 * x.exp_m1() } else { x });
    rnn("HardSigmoid", &[0.25], &[], |x| (0.25 * x + 0.5).clamp(0.0, 1.0));
    let attributes = vec![
        texts("activations", &["HardSigmoid", "LeakyRelu", "Tanh"]),
        floats("activation_alpha", &[0.125, 0.25]),
        floats("activation_beta", &[0.75]),
    ];
    let functions: [fn(f64) -> f64; 3] =
        [|x| (0.125 * x + 0.75).clamp(0.0, 1.0), |x| if x < 0.0 { 0.25 * x } else { x }, f64::tanh];
    Case { attributes, functions, ..case("LSTM") }.check();
}

#[test]
fn batches_may_come_first() {
    let c = case("GRU");
    let o = c.operands();
    let turned: Vec<f32> =
        (0..B).flat_map(|b| (0..T).map(move |t| (t * B + b) * I)).flat_map(|at| o.x[at..at + I].to_vec()).collect();
    let stored: Vec<TensorProto> = vec![
        f32s("w", &[1, 3 * H as i64, I as i64], &o.w),
        f32s("r", &[1, 3 * H as i64, H as i64], &o.r),
        f32s("b", &[1, 6 * H as i64], &o.b),
        f32s("h0", &[B as i64, 1, H as i64], &o.h),
    ];
    let gru = node("GRU", &["x", "w", "r", "b", "", "h0"], &["y", "h"], vec![int("layout", 1)]);
    let outputs = vec![untyped("y"), untyped("h")];
    let bytes = model(14, graph(vec![gru], vec![value("x", FLOAT, &["3", "4", "2"])], outputs, stored));
    let got = run(&bytes, &[f32_tensor("x", &[B, T, I], &turned)]).unwrap();
    assert_eq!((&got[0].dims[..], &got[1].dims[..]), (&[B, T, 1, H][..], &[B, 1, H][..]));
    let [y, h, _] = c.reference();
    for (b, t, j) in [(0, 0, 0), (1, 2, 1), (2, 3, 2)] {
        let (got, want) = (elements(&got[0])[(b * T + t) * H + j], y[(t * B + b) * H + j]);
        assert!((f64::from(got) - want).abs() < 1e-6, "{got}, not {want}");
    }
    assert!(elements(&got[1]).iter().zip(h).all(|(g, w)| (f64::from(*g) - w).abs() < 1e-6));
}

fn refusal(attributes: Vec<AttributeProto>, lengths: [i32; B]) -> Reason {
    let stored = vec![
        f32s("w", &[1, H as i64, I as i64], &numbers(H * I, 1)),
        f32s("r", &[1, H as i64, H as i64], &numbers(H * H, 2)),
        i32s("l", &[B as i64], &lengths),
    ];
    let rnn = node("RNN", &["x", "w", "r", "", "l"], &["y"], attributes);
    let bytes = model(14, graph(vec![rnn], vec![value("x", FLOAT, &["4", "3", "2"])], vec![untyped("y")], stored));
    match run(&bytes, &[f32_tensor("x", &[T, B, I], &numbers(T * B * I, 3))]) {
        Err(CompileError::Import(ImportError::Refused(refusals))) => refusals.first.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_two_readings_is_refused() {
    let all = [4; B];
    assert!(matches!(refusal(vec![], [5, 1, 1]), Reason::Value { got: 5, .. }));
    let affine = vec![texts("activations", &["Affine"])];
    assert!(matches!(refusal(affine, all), Reason::MissingAttribute("activation_alpha")));
    let unknown = vec![texts("activations", &["Gelu"])];
    assert!(matches!(refusal(unknown, all), Reason::AttributeValue { name: "activations", .. }));
}

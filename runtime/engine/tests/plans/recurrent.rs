use mote_abi::op::Unary;
use mote_plan::{Kind, TensorId, step};

use crate::scene::Scene;

const T: usize = 3;
const B: usize = 2;
const I: usize = 3;
const H: usize = 5;

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + seed * 101) % 61) as f32 / 40.0 - 0.75).collect()
}

/// `[rows][k]` to `[ceil(rows/8)][k][8]`.
fn pack(w: &[f32], rows: usize, k: usize) -> Vec<f32> {
    let mut packed = vec![0.0; rows.div_ceil(8) * k * 8];
    for row in 0..rows {
        for i in 0..k {
            packed[(row / 8 * k + i) * 8 + row % 8] = w[row * k + i];
        }
    }
    packed
}

fn padded(bias: &[f32]) -> Vec<f32> {
    let mut bias = bias.to_vec();
    bias.resize(bias.len().next_multiple_of(8), 0.0);
    bias
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `bias + w * x` of one gate column in double precision.
fn gate(bias: f32, w: &[f32], x: &[f64], column: usize) -> f64 {
    let k = x.len();
    f64::from(bias) + x.iter().zip(&w[column * k..]).map(|(x, w)| x * f64::from(*w)).sum::<f64>()
}

fn parameters(variant: u32, reverse: u32) -> step::Recurrent {
    let activations = [Unary::Sigmoid.code(), Unary::Tanh.code(), Unary::Tanh.code()];
    step::Recurrent { reverse, clip: f32::INFINITY, variant, activations }
}

fn order(reverse: bool) -> Vec<usize> {
    if reverse { (0..T).rev().collect() } else { (0..T).collect() }
}

fn close(got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*got) - want).abs() < 2e-6, "element {i}: {got}, not {want}");
    }
}

#[test]
fn lstm_follows_its_equations() {
    for (reverse, with_state) in [(0, false), (1, true)] {
        let (x, w, r) = (numbers(T * B * I, 1), numbers(4 * H * I, 2), numbers(4 * H * H, 3));
        let (bias, peephole) = (numbers(4 * H, 4), numbers(3 * H, 5));
        let (h0, c0) = (numbers(B * H, 6), numbers(B * H, 7));
        let mut s = Scene::new();
        let mut inputs: Vec<Option<TensorId>> = vec![
            Some(s.constant(&[T as u32, B as u32, I as u32], &x)),
            Some(s.constant(&[3, I as u32, 8], &pack(&w, 4 * H, I))),
            Some(s.constant(&[3, H as u32, 8], &pack(&r, 4 * H, H))),
            Some(s.constant(&[24], &padded(&bias))),
        ];
        if with_state {
            inputs.push(Some(s.constant(&[B as u32, H as u32], &h0)));
            inputs.push(Some(s.constant(&[B as u32, H as u32], &c0)));
            inputs.push(Some(s.constant(&[3 * H as u32], &peephole)));
        }
        let y = s.tensor::<f32>(&[T as u32, B as u32, H as u32]);
        let (h, c) = (s.tensor::<f32>(&[B as u32, H as u32]), s.tensor::<f32>(&[B as u32, H as u32]));
        let scratch = s.tensor::<f32>(&[B as u32, 24]);
        s.optional_step(Kind::Lstm, &inputs, &[y, h, c, scratch], &parameters(0, reverse));
        let ran = s.run().unwrap();

        let (mut want_y, mut want_h, mut want_c) = (vec![0.0; T * B * H], vec![0.0; B * H], vec![0.0; B * H]);
        for b in 0..B {
            let start = |v: &[f32]| {
                v[b * H..(b + 1) * H].iter().map(|v| if with_state { f64::from(*v) } else { 0.0 }).collect()
            };
            let (mut hidden, mut cell): (Vec<f64>, Vec<f64>) = (start(&h0), start(&c0));
            for t in order(reverse == 1) {
                let row: Vec<f64> = x[(t * B + b) * I..][..I].iter().map(|v| f64::from(*v)).collect();
                let sum =
                    |g: usize, j: usize| gate(bias[g * H + j], &w, &row, g * H + j) + gate(0.0, &r, &hidden, g * H + j);
                let peep = |g: usize, j: usize| if with_state { f64::from(peephole[g * H + j]) } else { 0.0 };
                let next = |(j, old): (usize, &f64)| {
                    let i = sigmoid(sum(0, j) + peep(0, j) * old);
                    let forget = sigmoid(sum(2, j) + peep(2, j) * old);
                    let new = forget * old + i * sum(3, j).tanh();
                    (sigmoid(sum(1, j) + peep(1, j) * new) * new.tanh(), new)
                };
                (hidden, cell) = cell.iter().enumerate().map(next).unzip();
                want_y[(t * B + b) * H..][..H].copy_from_slice(&hidden);
            }
            want_h[b * H..][..H].copy_from_slice(&hidden);
            want_c[b * H..][..H].copy_from_slice(&cell);
        }
        close(&ran.storage::<f32>(y), &want_y);
        close(&ran.storage::<f32>(h), &want_h);
        close(&ran.storage::<f32>(c), &want_c);
    }
}

#[test]
fn gru_follows_its_equations() {
    for (linear_before_reset, reverse, with_state) in [(0, 0, false), (1, 0, true), (0, 1, true), (1, 1, false)] {
        let (x, w, r) = (numbers(T * B * I, 1), numbers(3 * H * I, 2), numbers(3 * H * H, 3));
        let (wb, rb, h0) = (numbers(3 * H, 4), numbers(3 * H, 5), numbers(B * H, 6));
        let mut s = Scene::new();
        let mut inputs = vec![
            s.constant(&[T as u32, B as u32, I as u32], &x),
            s.constant(&[2, I as u32, 8], &pack(&w, 3 * H, I)),
            s.constant(&[2, H as u32, 8], &pack(&r, 3 * H, H)),
            s.constant(&[16], &padded(&wb)),
            s.constant(&[16], &padded(&rb)),
        ];
        if with_state {
            inputs.push(s.constant(&[B as u32, H as u32], &h0));
        }
        let y = s.tensor::<f32>(&[T as u32, B as u32, H as u32]);
        let (h, scratch) = (s.tensor::<f32>(&[B as u32, H as u32]), s.tensor::<f32>(&[B as u32, 32]));
        s.step(Kind::Gru, &inputs, &[y, h, scratch], &parameters(linear_before_reset, reverse));
        let ran = s.run().unwrap();

        let mut want = vec![0.0; T * B * H];
        for b in 0..B {
            let mut hidden: Vec<f64> =
                h0[b * H..(b + 1) * H].iter().map(|v| if with_state { f64::from(*v) } else { 0.0 }).collect();
            for t in order(reverse == 1) {
                let row: Vec<f64> = x[(t * B + b) * I..][..I].iter().map(|v| f64::from(*v)).collect();
                let input = |g: usize, j: usize| gate(wb[g * H + j], &w, &row, g * H + j);
                let recur = |g: usize, j: usize, h: &[f64]| gate(rb[g * H + j], &r, h, g * H + j);
                let reset: Vec<f64> = (0..H).map(|j| sigmoid(input(1, j) + recur(1, j, &hidden))).collect();
                let gated: Vec<f64> = reset.iter().zip(&hidden).map(|(r, h)| r * h).collect();
                hidden = (0..H)
                    .map(|j| {
                        let z = sigmoid(input(0, j) + recur(0, j, &hidden));
                        let recurrent = match linear_before_reset {
                            0 => recur(2, j, &gated),
                            _ => reset[j] * recur(2, j, &hidden),
                        };
                        (1.0 - z) * (input(2, j) + recurrent).tanh() + z * hidden[j]
                    })
                    .collect();
                want[(t * B + b) * H..][..H].copy_from_slice(&hidden);
            }
        }
        close(&ran.storage::<f32>(y), &want);
    }
}

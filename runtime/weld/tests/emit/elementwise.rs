//! Functions of one and of two tensors.
#![expect(clippy::disallowed_methods, reason = "IEEE fixes these to the bit: the standard library is the reference")]

use mote_abi::op;
use mote_plan::{Halo, Kind, Tensor, step};

use crate::bench::{Bench, boxes, element};
use crate::reference::{Memory, clamp};

const HALO: Halo = Halo { top: 1, left: 2, bottom: 0, right: 1 };

fn unary(op: op::Unary, x: f32, alpha: f32, beta: f32) -> f32 {
    use op::Unary as U;
    match op {
        U::Abs => f32::from_bits(x.to_bits() & 0x7fff_ffff),
        U::Neg => f32::from_bits(x.to_bits() ^ 0x8000_0000),
        U::Ceil => x.ceil(),
        U::Floor => x.floor(),
        U::Round => x.round_ties_even(),
        U::Sqrt => x.sqrt(),
        U::Reciprocal => 1.0 / x,
        U::Clamp => clamp(x, alpha, beta),
        U::LeakyRelu => {
            if x < 0.0 {
                alpha * x
            } else {
                x
            }
        }
        U::Softsign => x / (1.0 + x.abs()),
        U::HardSigmoid => clamp(alpha * x + beta, 0.0, 1.0),
        U::HardSwish => x * clamp(x * (1.0 / 6.0) + 0.5, 0.0, 1.0),
        U::ThresholdedRelu => {
            if x > alpha {
                x
            } else {
                0.0
            }
        }
        _ => unreachable!("not emitted"),
    }
}

fn binary(op: op::Binary, a: f32, b: f32) -> f32 {
    match op {
        op::Binary::Add => a + b,
        op::Binary::Sub => a - b,
        op::Binary::Mul => a * b,
        op::Binary::Div => a / b,
        op::Binary::PRelu => {
            if a < 0.0 {
                a * b
            } else {
                a
            }
        }
        _ => unreachable!("not emitted"),
    }
}

/// Values that a sloppy function gets wrong.
fn spoil(bench: &mut Bench, x: &Tensor) {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1.0e-41, 2.5, -0.5, 8_388_609.0];
    let &[n, h, w, c] = x.dims() else { panic!("rank") };
    for ((n, y, x_at, c), value) in boxes(n, h, w, c).zip(odd) {
        bench.set(element(x, n, y, x_at, c), value);
    }
}

#[test]
fn functions_of_one_tensor_agree() {
    use op::Unary as U;
    let emitted = [
        (U::Abs, 0.0, 0.0),
        (U::Neg, 0.0, 0.0),
        (U::Ceil, 0.0, 0.0),
        (U::Floor, 0.0, 0.0),
        (U::Round, 0.0, 0.0),
        (U::Sqrt, 0.0, 0.0),
        (U::Reciprocal, 0.0, 0.0),
        (U::Clamp, 0.0, f32::INFINITY),
        (U::Clamp, -0.25, 0.5),
        (U::LeakyRelu, 0.1, 0.0),
        (U::Softsign, 0.0, 0.0),
        (U::HardSigmoid, 0.2, 0.5),
        (U::HardSwish, 0.0, 0.0),
        (U::ThresholdedRelu, 0.3, 0.0),
    ];
    for (op, alpha, beta) in emitted {
        for (dims, from, to) in [
            ([1, 3, 5, 7], Halo::NONE, Halo::NONE),
            ([1, 1, 1, 3], Halo::NONE, Halo::NONE),
            ([2, 3, 4, 2], HALO, Halo::NONE),
            ([2, 3, 4, 5], Halo::NONE, HALO),
        ] {
            let mut bench = Bench::new();
            let (x_id, x) = bench.tensor(&dims, from);
            spoil(&mut bench, &x);
            let (y_id, y) = bench.tensor(&dims, to);
            bench.step(Kind::Unary, &[Some(x_id)], y_id, &step::Unary { op, alpha, beta });
            let mut memory = Memory(bench.arena.clone());
            for (n, h, w, c) in boxes(dims[0], dims[1], dims[2], dims[3]) {
                let value = unary(op, memory.get(&x, n, h, w, c), alpha, beta);
                memory.set(&y, [n, h, w, c], value);
            }
            bench.expect(&format!("{op:?} of {dims:?}"), &memory.0);
        }
    }
}

#[test]
fn functions_in_place_agree() {
    let mut bench = Bench::new();
    let (id, x) = bench.tensor(&[1, 3, 5, 7], HALO);
    bench.step(Kind::Unary, &[Some(id)], id, &step::Unary { op: op::Unary::Neg, alpha: 0.0, beta: 0.0 });
    let mut memory = Memory(bench.arena.clone());
    for (n, h, w, c) in boxes(1, 3, 5, 7) {
        let value = -memory.get(&x, n, h, w, c);
        memory.set(&x, [n, h, w, c], value);
    }
    bench.expect("in place", &memory.0);
}

#[test]
fn functions_of_two_tensors_agree() {
    let cases = [
        ([2, 3, 4, 5], [2, 3, 4, 5]),
        ([2, 3, 4, 5], [1, 1, 1, 5]),
        ([2, 3, 4, 20], [1, 1, 1, 20]),
        ([2, 3, 4, 5], [1, 1, 1, 1]),
        ([1, 1, 1, 1], [2, 3, 4, 5]),
        ([2, 3, 4, 5], [2, 1, 1, 5]),
        ([2, 1, 4, 6], [1, 3, 1, 6]),
        ([1, 3, 4, 1], [1, 3, 4, 6]),
    ];
    for op in [op::Binary::Add, op::Binary::Sub, op::Binary::Mul, op::Binary::Div, op::Binary::PRelu] {
        for (a_dims, b_dims) in cases {
            let dims: [u32; 4] = std::array::from_fn(|i| u32::max(a_dims[i], b_dims[i]));
            for halo in [Halo::NONE, HALO] {
                let mut bench = Bench::new();
                let (a_id, a) = bench.tensor(&a_dims, halo);
                spoil(&mut bench, &a);
                let (b_id, b) = bench.tensor(&b_dims, Halo::NONE);
                let (y_id, y) = bench.tensor(&dims, halo);
                bench.step(Kind::Binary, &[Some(a_id), Some(b_id)], y_id, &step::Binary { op });
                let mut memory = Memory(bench.arena.clone());
                for (n, h, w, c) in boxes(dims[0], dims[1], dims[2], dims[3]) {
                    let pick = |t: &Tensor| {
                        let at: [u32; 4] = std::array::from_fn(|i| [n, h, w, c][i].min(t.dims()[i] - 1));
                        memory.get(t, at[0], at[1], at[2], at[3])
                    };
                    let value = binary(op, pick(&a), pick(&b));
                    memory.set(&y, [n, h, w, c], value);
                }
                bench.expect(&format!("{op:?} of {a_dims:?} and {b_dims:?}"), &memory.0);
            }
        }
    }
}

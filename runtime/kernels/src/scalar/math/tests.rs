//! Error bounds against the platform's binary64 library, which is good to one ULP of binary64.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use std::vec::Vec;

use super::{Float, clamp, double, remainder, rounding, single, trig, unary};
use crate::number::Number;
use mote_abi::op;

/// Distance from the exact value in units of the last place of a binary32 result.
fn ulp32(got: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if got == nearest || (got.is_nan() && exact.is_nan()) {
        return if nearest.is_finite() && got.is_finite() {
            (f64::from(got) - exact).abs() / spacing32(exact)
        } else {
            0.0
        };
    }
    (f64::from(got) - exact).abs() / spacing32(exact)
}

fn spacing32(exact: f64) -> f64 {
    let exponent = exact.abs().log2().floor().max(-126.0);
    (exponent - 23.0).exp2()
}

fn ulp64(got: f64, exact: f64) -> f64 {
    if got == exact || (got.is_nan() && exact.is_nan()) {
        return 0.0;
    }
    (got - exact).abs() / (exact.abs().log2().floor().max(-1022.0) - 52.0).exp2()
}

/// Every 4801st float, both signs, and the edges.
fn floats() -> impl Iterator<Item = f32> {
    let edges = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
    ];
    (0..=u32::MAX).step_by(4801).map(f32::from_bits).chain(edges)
}

struct Case {
    name: &'static str,
    ours: fn(f32) -> f32,
    reference: fn(f64) -> f64,
    bound: f64,
}

#[test]
fn binary32_functions_keep_their_bounds() {
    let through = |function: fn(f64) -> f64| function;
    let cases = [
        Case { name: "exp", ours: single::exp, reference: f64::exp, bound: 1.5 },
        Case { name: "log", ours: single::log, reference: f64::ln, bound: 1.5 },
        Case { name: "tanh", ours: single::tanh, reference: f64::tanh, bound: 2.0 },
        Case { name: "erf", ours: single::erf, reference: erf, bound: 3.0 },
        Case { name: "softplus", ours: single::softplus, reference: softplus, bound: 3.0 },
        Case { name: "sigmoid", ours: sigmoid, reference: |x| 1.0 / (1.0 + (-x).exp()), bound: 4.0 },
        Case { name: "sin", ours: |x| x.in_double(trig::sin), reference: through(f64::sin), bound: 0.51 },
        Case { name: "cos", ours: |x| x.in_double(trig::cos), reference: through(f64::cos), bound: 0.51 },
        Case { name: "tan", ours: |x| x.in_double(trig::tan), reference: through(f64::tan), bound: 0.51 },
        Case { name: "asin", ours: |x| x.in_double(double::asin), reference: f64::asin, bound: 0.51 },
        Case { name: "acos", ours: |x| x.in_double(double::acos), reference: f64::acos, bound: 0.51 },
        Case { name: "atan", ours: |x| x.in_double(double::atan), reference: f64::atan, bound: 0.51 },
        Case { name: "sinh", ours: |x| x.in_double(double::sinh), reference: f64::sinh, bound: 0.51 },
        Case { name: "cosh", ours: |x| x.in_double(double::cosh), reference: f64::cosh, bound: 0.51 },
        Case { name: "asinh", ours: |x| x.in_double(double::asinh), reference: asinh, bound: 0.51 },
        Case { name: "acosh", ours: |x| x.in_double(double::acosh), reference: acosh, bound: 0.51 },
        Case { name: "atanh", ours: |x| x.in_double(double::atanh), reference: atanh, bound: 0.51 },
        Case { name: "sqrt", ours: Float::sqrt, reference: f64::sqrt, bound: 0.51 },
        Case { name: "floor", ours: rounding::single::floor, reference: f64::floor, bound: 0.0 },
        Case { name: "ceil", ours: rounding::single::ceil, reference: f64::ceil, bound: 0.0 },
        Case { name: "round", ours: rounding::single::round, reference: f64::round_ties_even, bound: 0.0 },
    ];
    for Case { name, ours, reference, bound } in cases {
        let mut worst = (0.0, 0.0);
        for x in floats() {
            let (got, exact) = (ours(x), reference(f64::from(x)));
            assert_eq!(got.is_nan(), exact.is_nan(), "{name}({x:e}) = {got:e}, not {exact:e}");
            if exact.abs() < f64::from(f32::MIN_POSITIVE) || !(exact as f32).is_finite() {
                // Only the exponential is held to its bound among subnormals; 1 / (1 + inf) is 0.
                let unit = if name == "sigmoid" { f32::MIN_POSITIVE } else { f32::from_bits(1) };
                let next = if exact == 0.0 { 0.0 } else { f64::from(unit) * bound };
                let near = (f64::from(got) - exact).abs() <= next || got == exact as f32 || exact.is_nan();
                assert!(near, "{name}({x:e}) = {got:e}, not {exact:e}");
                continue;
            }
            let error = ulp32(got, exact);
            if error > worst.0 {
                worst = (error, x);
            }
        }
        assert!(worst.0 <= bound, "{name}({:e}) is off by {} ULP", worst.1, worst.0);
    }
}

#[test]
fn binary64_functions_keep_their_bounds() {
    type Function = fn(f64) -> f64;
    let cases: [(&str, Function, Function, f64); 17] = [
        ("exp", double::exp, f64::exp, 2.0),
        ("log", double::log, f64::ln, 2.0),
        ("tanh", double::tanh, f64::tanh, 3.0),
        ("sinh", double::sinh, f64::sinh, 3.0),
        ("cosh", double::cosh, f64::cosh, 3.0),
        ("asinh", double::asinh, asinh, 4.0),
        ("acosh", double::acosh, acosh, 4.0),
        ("atanh", double::atanh, atanh, 4.0),
        ("asin", double::asin, f64::asin, 3.0),
        ("acos", double::acos, f64::acos, 3.0),
        ("atan", double::atan, f64::atan, 2.0),
        ("sin", trig::sin, f64::sin, 2.0),
        ("cos", trig::cos, f64::cos, 2.0),
        ("tan", trig::tan, f64::tan, 4.0),
        ("floor", rounding::double::floor, f64::floor, 0.0),
        ("ceil", rounding::double::ceil, f64::ceil, 0.0),
        ("round", rounding::double::round, f64::round_ties_even, 0.0),
    ];
    for (name, ours, reference, bound) in cases {
        let mut worst = (0.0, 0.0);
        for x in doubles() {
            let (got, exact) = (ours(x), reference(x));
            assert_eq!(got.is_nan(), exact.is_nan(), "{name}({x:e}) = {got:e}, not {exact:e}");
            if exact.is_finite() && exact.abs() > f64::MIN_POSITIVE {
                let error = ulp64(got, exact);
                worst = if error > worst.0 { (error, x) } else { worst };
            } else if exact.is_infinite() {
                assert_eq!(got, exact, "{name}({x:e})");
            }
        }
        assert!(worst.0 <= bound, "{name}({:e}) is off by {} ULP", worst.1, worst.0);
    }
}

#[test]
fn powers_keep_their_bounds() {
    let bases: Vec<f64> = doubles().filter(|x| x.abs() < 1e20 && x.abs() > 1e-20).step_by(17).collect();
    for (i, &x) in bases.iter().enumerate() {
        for y in [0.5, -0.5, 2.0, 3.0, -1.0, 7.0, 1.0 / 3.0, bases[(i * 31) % bases.len()]] {
            let exact = x.powf(y);
            let got = double::pow(x, y);
            let bound = if (1e-3..1e3).contains(&exact.abs()) { 2.0 } else { 16.0 };
            let fine = ulp64(got, exact) <= bound || (got == exact) || exact.abs() < 1e-307 && got.abs() < 1e-307;
            assert!(fine, "{x:e}^{y:e} = {got:e}, not {exact:e}");
            let (x32, y32) = (x as f32, y as f32);
            let exact = f64::from(x32).powf(f64::from(y32));
            let got = Float::power(x32, y32);
            assert!(got == exact as f32 || got.is_nan() && exact.is_nan(), "{x32:e}^{y32:e} = {got:e}, not {exact:e}");
        }
    }
}

#[test]
fn special_powers_follow_ieee() {
    let inf = f64::INFINITY;
    for x in [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, inf, -inf, f64::NAN, f64::MAX, 1e-320] {
        for y in [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, -3.0, 0.5, -0.5, inf, -inf, f64::NAN, 1e300, 9_007_199_254_740_991.0]
        {
            let (got, exact) = (double::pow(x, y), x.powf(y));
            let same = got.to_bits() == exact.to_bits() || (got.is_nan() && exact.is_nan()) || ulp64(got, exact) < 2.0;
            assert!(same, "{x:e}^{y:e} = {got:e}, not {exact:e}");
        }
    }
}

#[test]
fn remainders_are_exact() {
    let values: Vec<f64> = doubles().step_by(29).collect();
    for (i, &x) in values.iter().enumerate() {
        for y in [values[(i * 13 + 5) % values.len()], 1.0, -3.0, 0.1, f64::INFINITY, 0.0, 5e-324] {
            let (got, exact) = (remainder::double(x, y), x % y);
            assert!(
                got.to_bits() == exact.to_bits() || got.is_nan() && exact.is_nan(),
                "{x:e} % {y:e} = {got:e}, not {exact:e}"
            );
            let (x, y) = (x as f32, y as f32);
            let (got, exact) = (remainder::single(x, y), x % y);
            assert!(
                got.to_bits() == exact.to_bits() || got.is_nan() && exact.is_nan(),
                "{x:e} % {y:e} = {got:e}, not {exact:e}"
            );
        }
    }
}

#[test]
fn saturated_tails_stay_inside() {
    for x in floats().filter(|x| !x.is_nan()) {
        for bounded in [single::tanh(x), single::erf(x)] {
            assert!((-1.0..=1.0).contains(&bounded), "{x:e}");
        }
        assert!((0.0..=1.0).contains(&sigmoid(x)), "{x:e}");
        assert!((-1.0..=1.0).contains(&x.in_double(trig::sin)) || x.is_infinite(), "{x:e}");
    }
}

#[test]
fn erf_of_doubles_keeps_its_bound() {
    for x in (-700..700).map(|i| f64::from(i) * 0.01) {
        // The reference sums 200 rounded terms.
        assert!(ulp64(double::erf(x), erf(x)) <= 24.0, "{x}: {} ULP", ulp64(double::erf(x), erf(x)));
        assert!(double::erf(x).abs() <= 1.0, "{x}");
    }
    assert_eq!(double::erf(f64::INFINITY), 1.0);
    assert!(double::erf(f64::NAN).is_nan());
}

#[test]
fn not_a_number_and_signed_zeros_pass_the_clamp() {
    assert!(clamp(f32::NAN, 0.0, 6.0).is_nan());
    assert!(clamp(-0.0_f32, 0.0, 6.0).is_sign_negative());
    assert_eq!([-1.0, 3.0, 7.0].map(|x: f32| clamp(x, 0.0, 6.0)), [0.0, 3.0, 6.0]);
}

#[test]
fn every_float_function_is_defined() {
    for &op in op::Unary::ALL {
        let integer_only = matches!(op, op::Unary::Not | op::Unary::BitwiseNot);
        assert_eq!(unary(op, 1.0, 1.0, &mut [[0.25_f32; 4]], 3).is_err(), integer_only, "{op:?}");
        let wide = f64::unary(op, 1.0, 1.0, &mut [[0.25; 4]], 3);
        assert_eq!(wide.is_err(), integer_only, "{op:?}");
    }
}

#[test]
fn composite_functions_follow_their_formulas() {
    type Row = (op::Unary, f32, f32, fn(f64) -> f64);
    let rows: [Row; 16] = [
        (op::Unary::LeakyRelu, 0.125, 0.0, |x| if x < 0.0 { 0.125 * x } else { x }),
        (op::Unary::Elu, 1.5, 0.0, |x| if x < 0.0 { 1.5 * x.exp_m1() } else { x }),
        (op::Unary::Selu, 1.5, 1.25, |x| 1.25 * if x > 0.0 { x } else { 1.5 * x.exp_m1() }),
        (op::Unary::Celu, 2.0, 0.0, |x| if x > 0.0 { x } else { 2.0 * (x / 2.0).exp_m1() }),
        (op::Unary::Softsign, 0.0, 0.0, |x| x / (1.0 + x.abs())),
        (op::Unary::HardSigmoid, 0.2, 0.5, |x| (f64::from(0.2_f32) * x + 0.5).clamp(0.0, 1.0)),
        (op::Unary::HardSwish, 0.0, 0.0, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        (op::Unary::Swish, 1.0, 0.0, |x| x / (1.0 + (-x).exp())),
        (op::Unary::Gelu, 0.0, 0.0, |x| 0.5 * x * (1.0 + erf(x * core::f64::consts::FRAC_1_SQRT_2))),
        (op::Unary::GeluTanh, 0.0, 0.0, |x| {
            0.5 * x * (1.0 + (core::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044715 * x * x * x)).tanh())
        }),
        (op::Unary::Mish, 0.0, 0.0, |x| x * softplus(x).tanh()),
        (op::Unary::ThresholdedRelu, 1.5, 0.0, |x| if x > 1.5 { x } else { 0.0 }),
        (op::Unary::Shrink, 1.5, 0.5, |x| {
            if x < -1.5 {
                x + 0.5
            } else if x > 1.5 {
                x - 0.5
            } else {
                0.0
            }
        }),
        (op::Unary::Reciprocal, 0.0, 0.0, |x| 1.0 / x),
        (op::Unary::Affine, 1.5, 0.5, |x| 1.5 * x + 0.5),
        (op::Unary::ScaledTanh, 1.5, 0.5, |x| 1.5 * (0.5 * x).tanh()),
    ];
    for (op, alpha, beta, reference) in rows {
        for i in -4000..4000 {
            let x = i as f32 * 0.003 + 0.001;
            let mut block = [[x; 4]];
            unary(op, alpha, beta, &mut block, 1).unwrap();
            let exact = reference(f64::from(x));
            let scale = 1.0 + exact.abs();
            assert!(
                (f64::from(block[0][0]) - exact).abs() < 6e-7 * scale,
                "{op:?}({x}) = {}, not {exact}",
                block[0][0]
            );
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    let mut block = [[x; 4]];
    unary(op::Unary::Sigmoid, 0.0, 0.0, &mut block, 1).unwrap();
    block[0][0]
}

fn doubles() -> impl Iterator<Item = f64> {
    let edges =
        [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e22];
    let even = (-20_000..20_000).map(|i| f64::from(i) * 0.001_37);
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let spread = (0..60_000).map(move |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        f64::from_bits(seed)
    });
    edges.into_iter().chain(even).chain(spread)
}

fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

fn asinh(x: f64) -> f64 {
    // The platform's loses the last digits of small arguments.
    let a = x.abs();
    let y = if a > 1e9 { a.ln() + core::f64::consts::LN_2 } else { (a + a * a / (1.0 + (a * a + 1.0).sqrt())).ln_1p() };
    y.copysign(x)
}

fn acosh(x: f64) -> f64 {
    // The platform's overflows for large arguments and loses digits near 1.
    let t = x - 1.0;
    if x > 1e9 {
        x.ln() + core::f64::consts::LN_2
    } else if x < 1.0 {
        f64::NAN
    } else {
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

fn atanh(x: f64) -> f64 {
    let a = x.abs();
    if a > 1.0 { f64::NAN } else { (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x) }
}

/// A series of positive terms below 3, the asymptotic complement above.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a.is_nan() {
        return a;
    }
    if a > 6.0 {
        return 1.0_f64.copysign(x);
    }
    let (mut term, mut sum) = (a, a);
    for n in 1..200 {
        term *= 2.0 * a * a / (2.0 * f64::from(n) + 1.0);
        sum += term;
    }
    (core::f64::consts::FRAC_2_SQRT_PI * (-a * a).exp() * sum).clamp(0.0, 1.0).copysign(x)
}

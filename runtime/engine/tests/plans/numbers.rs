use mote_abi::op::{self, Binary as B, Unary as U};
use mote_engine::Fault;
use mote_plan::{Kind, step};

use crate::scene::{Item, Scene, one};

fn binary<T: Item, R: Item>(
    op: op::Binary,
    a: (&[u32], &[T]),
    b: (&[u32], &[T]),
    dims: &[u32],
) -> Result<Vec<R>, Fault> {
    one(|s| vec![s.constant(a.0, a.1), s.constant(b.0, b.1)], Kind::Binary, &step::Binary { op }, dims)
}

fn unary<T: Item, R: Item>(op: op::Unary, alpha: f32, beta: f32, x: &[T]) -> Result<Vec<R>, Fault> {
    let dims = [x.len() as u32];
    one(|s| vec![s.constant(&dims, x)], Kind::Unary, &step::Unary { op, alpha, beta }, &dims)
}

#[test]
fn broadcasting_follows_numpy() {
    let a: Vec<f32> = (0..6).map(|v| v as f32).collect();
    let sum = |b: (&[u32], &[f32])| binary::<f32, f32>(B::Add, (&[2, 3], &a), b, &[2, 3]).unwrap();
    assert_eq!(sum((&[3], &[10.0, 20.0, 30.0])), [10.0, 21.0, 32.0, 13.0, 24.0, 35.0]);
    assert_eq!(sum((&[2, 1], &[10.0, 20.0])), [10.0, 11.0, 12.0, 23.0, 24.0, 25.0]);
    assert_eq!(sum((&[], &[10.0])), [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    let outer = binary::<f32, f32>(B::Mul, (&[2, 1], &[2.0, 3.0]), (&[1, 3], &[1.0, 10.0, 100.0]), &[2, 3]).unwrap();
    assert_eq!(outer, [2.0, 20.0, 200.0, 3.0, 30.0, 300.0]);
    assert_eq!(binary::<f32, f32>(B::Add, (&[2], &[1.0; 2]), (&[3], &[1.0; 3]), &[3]), Err(Fault::MalformedPlan));
}

#[test]
fn broadcasting_reaches_eight_dimensions() {
    let dims = [2, 1, 3, 1, 2, 1, 2, 3];
    let a: Vec<i32> = (0..2 * 3 * 2 * 2 * 3).collect();
    let b = [[1, 2, 1, 2, 1, 2, 1, 1].as_slice(), &[2, 1, 3, 1, 2, 1, 2, 3]];
    let y = [2, 2, 3, 2, 2, 2, 2, 3];
    let sum =
        binary::<i32, i32>(B::Add, (&dims, &a), (b[0], &(0..8).map(|v| 1000 * v).collect::<Vec<_>>()), &y).unwrap();
    let mut expected = Vec::new();
    for index in 0..y.iter().product::<u32>() {
        let (mut rest, mut coordinates) = (index, [0; 8]);
        for axis in (0..8).rev() {
            coordinates[axis] = rest % y[axis];
            rest /= y[axis];
        }
        let at = |dims: &[u32]| {
            (0..8).fold(0, |at, axis| at * dims[axis] + if dims[axis] == 1 { 0 } else { coordinates[axis] })
        };
        expected.push(at(&dims) as i32 + 1000 * at(b[0]) as i32);
    }
    assert_eq!(sum, expected);
}

#[test]
fn long_rows_and_short_ones_agree() {
    for len in [1, 3, 4, 15, 16, 17, 33, 100] {
        let a: Vec<f32> = (0..len).map(|v| v as f32 - 7.0).collect();
        let product = binary::<f32, f32>(B::Mul, (&[len], &a), (&[1], &[0.5]), &[len]).unwrap();
        assert_eq!(product, a.iter().map(|v| v * 0.5).collect::<Vec<_>>());
        let power = binary::<f32, f32>(B::Pow, (&[len], &a), (&[1], &[2.0]), &[len]).unwrap();
        assert_eq!(power, a.iter().map(|v| v * v).collect::<Vec<_>>());
    }
}

#[test]
fn float_functions_of_two() {
    let nan = f32::NAN;
    let rows: [(B, f32, f32, f32); 13] = [
        (B::Sub, 1.0, 3.0, -2.0),
        (B::Div, 1.0, 0.0, f32::INFINITY),
        (B::Mod, -7.0, 3.0, 2.0),
        (B::Mod, 7.0, -3.0, -2.0),
        (B::Fmod, -7.0, 3.0, -1.0),
        (B::Fmod, 5.5, 2.0, 1.5),
        (B::Pow, 2.0, 10.0, 1024.0),
        (B::Max, nan, 1.0, nan),
        (B::Max, 1.0, nan, nan),
        (B::Max, -1.0, 2.0, 2.0),
        (B::Min, 1.0, nan, nan),
        (B::PRelu, -2.0, 0.25, -0.5),
        (B::PRelu, 2.0, 0.25, 2.0),
    ];
    for (op, a, b, y) in rows {
        let got = binary::<f32, f32>(op, (&[1], &[a]), (&[1], &[b]), &[1]).unwrap()[0];
        assert!(got == y || (got.is_nan() && y.is_nan()), "{op:?}({a}, {b}) = {got}");
        let wide = binary::<f64, f64>(op, (&[1], &[a.into()]), (&[1], &[b.into()]), &[1]).unwrap()[0];
        assert!(wide == f64::from(y) || (wide.is_nan() && y.is_nan()), "{op:?}({a}, {b}) = {wide}");
    }
    assert_eq!(binary::<f32, f32>(B::And, (&[1], &[1.0]), (&[1], &[1.0]), &[1]), Err(Fault::MalformedPlan));
}

#[test]
fn integer_functions_of_two() {
    let i = |op, a, b| binary::<i32, i32>(op, (&[1], &[a]), (&[1], &[b]), &[1]).map(|y| y[0]);
    assert_eq!(i(B::Add, i32::MAX, 1), Ok(i32::MIN));
    assert_eq!(i(B::Mul, 1 << 20, 1 << 20), Ok(0));
    assert_eq!(i(B::Div, -7, 2), Ok(-3));
    assert_eq!(i(B::Div, i32::MIN, -1), Ok(i32::MIN));
    assert_eq!(i(B::Mod, -7, 3), Ok(2));
    assert_eq!(i(B::Fmod, -7, 3), Ok(-1));
    assert_eq!(i(B::Pow, -3, 3), Ok(-27));
    assert_eq!(i(B::Pow, 2, -1), Ok(0));
    assert_eq!(i(B::Max, -5, 3), Ok(3));
    assert_eq!(i(B::Div, 1, 0), Err(Fault::DivisionByZero));
    assert_eq!(i(B::Mod, 1, 0), Err(Fault::DivisionByZero));
    assert_eq!(i(B::ShiftRightSigned, -8, 2), Ok(-2));
    assert_eq!(i(B::ShiftRightSigned, -8, -1), Ok(-1));
    assert_eq!(i(B::ShiftRightSigned, 8, 40), Ok(0));
    assert_eq!(i(B::ShiftRight, 1, 1), Err(Fault::MalformedPlan), "a signed logical shift has no width here");
    let u = |op, a, b| binary::<u64, u64>(op, (&[1], &[a]), (&[1], &[b]), &[1]).map(|y| y[0]);
    assert_eq!(u(B::Max, u64::MAX, 1), Ok(u64::MAX));
    assert_eq!(u(B::Min, u64::MAX, 1), Ok(1));
    assert_eq!(u(B::Div, u64::MAX, 2), Ok(u64::MAX / 2));
    assert_eq!(u(B::Mod, u64::MAX, 10), Ok(5));
    let b = |op, a, b| binary::<u8, u8>(op, (&[1], &[a]), (&[1], &[b]), &[1]).map(|y| y[0]);
    assert_eq!(b(B::ShiftLeft, 0b1000_0001, 1), Ok(2));
    assert_eq!(b(B::ShiftLeft, 1, 8), Ok(0));
    assert_eq!(b(B::ShiftRight, 0x80, 7), Ok(1));
    assert_eq!(b(B::ShiftRight, 0x80, 200), Ok(0));
    assert_eq!(b(B::Xor, 0b1100, 0b1010), Ok(0b0110));
    let truth = |op, a: bool, b: bool| binary::<bool, bool>(op, (&[1], &[a]), (&[1], &[b]), &[1]).map(|y| y[0]);
    assert_eq!(truth(B::And, true, false), Ok(false));
    assert_eq!(truth(B::Or, true, false), Ok(true));
    assert_eq!(truth(B::Xor, true, true), Ok(false));
    assert_eq!(truth(B::Equal, false, false), Ok(true));
}

#[test]
fn comparisons_answer_bool() {
    let a: (&[u32], &[f32]) = (&[4], &[1.0, 2.0, f32::NAN, -0.0]);
    let b: (&[u32], &[f32]) = (&[4], &[2.0, 2.0, f32::NAN, 0.0]);
    let rows = [
        (B::Equal, [false, true, false, true]),
        (B::Less, [true, false, false, false]),
        (B::LessOrEqual, [true, true, false, true]),
        (B::Greater, [false, false, false, false]),
        (B::GreaterOrEqual, [false, true, false, true]),
    ];
    for (op, expected) in rows {
        assert_eq!(binary::<f32, bool>(op, a, b, &[4]).unwrap(), expected, "{op:?}");
        assert_eq!(binary::<f32, f32>(op, a, b, &[4]), Err(Fault::MalformedPlan));
    }
    let wide = |op, a, b| binary::<u64, bool>(op, (&[1], &[a]), (&[1], &[b]), &[1]).unwrap()[0];
    assert!(wide(B::Greater, u64::MAX, 1) && !wide(B::Less, u64::MAX, 1));
    assert_eq!(binary::<i8, bool>(B::Less, (&[1], &[-1]), (&[1], &[1]), &[1]).unwrap(), [true]);
}

#[test]
fn functions_of_one() {
    assert_eq!(unary::<i8, i8>(U::Abs, 0.0, 0.0, &[-3, i8::MIN]).unwrap(), [3, i8::MIN]);
    assert_eq!(unary::<u8, u8>(U::BitwiseNot, 0.0, 0.0, &[0x0F]).unwrap(), [0xF0]);
    assert_eq!(unary::<i64, i64>(U::Neg, 0.0, 0.0, &[5, i64::MIN]).unwrap(), [-5, i64::MIN]);
    assert_eq!(unary::<i32, i32>(U::Sign, 0.0, 0.0, &[-9, 0, 9]).unwrap(), [-1, 0, 1]);
    assert_eq!(unary::<bool, bool>(U::Not, 0.0, 0.0, &[true, false]).unwrap(), [false, true]);
    assert_eq!(unary::<f32, bool>(U::IsNan, 0.0, 0.0, &[f32::NAN, 1.0]).unwrap(), [true, false]);
    let infinite = [f32::INFINITY, f32::NEG_INFINITY, 1.0];
    assert_eq!(unary::<f32, bool>(U::IsInf, 1.0, 1.0, &infinite).unwrap(), [true, true, false]);
    assert_eq!(unary::<f32, bool>(U::IsInf, 1.0, 0.0, &infinite).unwrap(), [false, true, false]);
    assert_eq!(unary::<f64, f64>(U::Sqrt, 0.0, 0.0, &[2.0]).unwrap(), [core::f64::consts::SQRT_2]);
    assert_eq!(unary::<f32, f32>(U::Clamp, 0.0, 6.0, &[-1.0, 2.0, 9.0]).unwrap(), [0.0, 2.0, 6.0]);
    assert_eq!(unary::<f32, f32>(U::Round, 0.0, 0.0, &[0.5, 1.5, -2.5]).unwrap(), [0.0, 2.0, -2.0]);
    assert_eq!(unary::<i32, i32>(U::Exp, 0.0, 0.0, &[1]), Err(Fault::MalformedPlan));
    assert_eq!(unary::<f32, f32>(U::IsNan, 0.0, 0.0, &[1.0]), Err(Fault::MalformedPlan));
    assert_eq!(unary::<f32, f64>(U::Abs, 0.0, 0.0, &[1.0]), Err(Fault::MalformedPlan));
}

#[test]
fn matrix_products_of_every_type() {
    fn product<T: Item>(a: &[T], b: &[T]) -> Vec<T> {
        let mut scene = Scene::new();
        let inputs = [scene.constant(&[1, 2, 3], a), scene.constant(&[2, 3, 2], b)];
        let y = scene.tensor::<T>(&[2, 2, 2]);
        scene.bare(Kind::MatMul, &inputs, &[y]);
        scene.run().unwrap().storage(y)
    }
    let (a, b): (Vec<i32>, Vec<i32>) = ((1..7).collect(), (1..13).collect());
    let expected = [22, 28, 49, 64, 58, 64, 139, 154];
    assert_eq!(product(&a, &b), expected);
    let floats = |v: &[i32]| v.iter().map(|&v| v as f32).collect::<Vec<_>>();
    assert_eq!(product(&floats(&a), &floats(&b)), expected.map(|v| v as f32));
    let doubles = |v: &[i32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    assert_eq!(product(&doubles(&a), &doubles(&b)), expected.map(f64::from));
}

//! How far two sets of outputs lie apart.

use mote_abi::DType;
use serde_json::{Value, json};

use crate::tensors::{Array, dims_text};

/// What counts as agreement: `|got - want| <= relative * |want| + relative_to_max * max |want| + absolute`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    pub(crate) relative: f64,
    pub(crate) relative_to_max: f64,
    pub(crate) absolute: f64,
}

/// The difference of one output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Equal in every bit, NaN payloads aside.
    pub(crate) bit_identical: bool,
    /// Within the tolerance.
    pub(crate) within: bool,
    pub(crate) max_abs: f64,
    /// Largest difference divided by the wanted value's magnitude, where that is not zero.
    pub(crate) max_rel: f64,
    /// Why the two cannot be compared at all.
    pub(crate) incomparable: Option<String>,
}

impl Difference {
    /// Compares `got` with `want`.
    pub(crate) fn of(got: &Array, want: &Array, tolerance: Tolerance) -> Self {
        if got.dtype != want.dtype || got.dims != want.dims {
            let show = |array: &Array| format!("{} {}", array.dtype, dims_text(&array.dims));
            let incomparable = Some(format!("{} where {} is wanted", show(got), show(want)));
            return Self { bit_identical: false, within: false, max_abs: f64::NAN, max_rel: f64::NAN, incomparable };
        }
        let pairs = || got.elements().zip(want.elements()).map(|(g, w)| (g.as_f64(), w.as_f64()));
        let largest = pairs().map(|(_, w)| w.abs()).filter(|w| w.is_finite()).fold(0.0, greater);
        // Labels and indices have no neighbours: any difference is one too many.
        let float = matches!(want.dtype, DType::F32 | DType::F64 | DType::F16 | DType::BF16);
        let (mut max_abs, mut max_rel, mut within) = (0.0, 0.0, true);
        for (got, want) in pairs() {
            if got == want || (got.is_nan() && want.is_nan()) {
                continue;
            }
            let off = (got - want).abs();
            let allowed = tolerance.relative * want.abs() + tolerance.relative_to_max * largest + tolerance.absolute;
            within &= float && got.is_finite() && want.is_finite() && off <= allowed;
            max_abs = greater(max_abs, off);
            if want != 0.0 {
                max_rel = greater(max_rel, off / want.abs());
            }
        }
        let bit_identical = got.canonical() == want.canonical();
        Self { bit_identical, within, max_abs, max_rel, incomparable: None }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "bit_identical": self.bit_identical,
            "within": self.within,
            "max_abs": self.max_abs,
            "max_rel": self.max_rel,
            "incomparable": self.incomparable,
        })
    }
}

/// The larger of both; NaN wins, so that it is seen.
fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Tolerance = Tolerance { relative: 1e-3, relative_to_max: 1e-4, absolute: 0.0 };

    fn floats(values: &[f32]) -> Array {
        let data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Array { dtype: DType::F32, dims: vec![values.len()], data }
    }

    #[test]
    fn floats_are_compared_by_the_formula() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let table: [(&[f32], &[f32], bool, bool); 9] = [
            (&[1.0, 2.0], &[1.0, 2.0], true, true),
            (&[1.0009], &[1.0], true, false),
            (&[1.002], &[1.0], false, false),
            (&[0.0009, 10.0], &[0.0, 10.0], true, false),
            (&[0.0011, 10.0], &[0.0, 10.0], false, false),
            (&[nan, inf], &[nan, inf], true, true),
            (&[nan], &[1.0], false, false),
            (&[inf], &[-inf], false, false),
            (&[-0.0], &[0.0], true, false),
        ];
        for (got, want, within, identical) in table {
            let difference = Difference::of(&floats(got), &floats(want), TOLERANCE);
            assert_eq!((difference.within, difference.bit_identical), (within, identical), "{got:?} for {want:?}");
        }
    }

    #[test]
    fn integers_and_shapes_have_no_tolerance() {
        let of = |value: i64| Array { dtype: DType::I64, dims: vec![1], data: value.to_le_bytes().to_vec() };
        assert!(Difference::of(&of(7), &of(7), TOLERANCE).within);
        assert!(!Difference::of(&of(1_000_001), &of(1_000_000), TOLERANCE).within);
        assert!(Difference::of(&floats(&[7.0]), &of(7), TOLERANCE).incomparable.is_some());
    }
}

//! The corpus's own measure of agreement.

use mote_abi::DType;
use mote_compiler::HostTensor;
use serde_json::Value;

/// Allowed difference: `rtol * |want| + atol_rel_to_max * max |want| + atol`.
pub(crate) struct Tolerance {
    rtol: f64,
    atol_rel_to_max: f64,
    atol: f64,
}

impl Tolerance {
    /// From an entry of the manifest, whose missing fields have the runner's defaults.
    pub(crate) fn of(entry: &Value) -> Self {
        let field = |name: &str, default| entry["tolerance"][name].as_f64().unwrap_or(default);
        Self { rtol: field("rtol", 1e-3), atol_rel_to_max: field("atol_rel_to_max", 1e-4), atol: field("atol", 1e-6) }
    }

    /// Says how two tensors differ, or nothing where they agree.
    pub(crate) fn difference(&self, got: &HostTensor, want: &HostTensor) -> Option<String> {
        if got.dtype != want.dtype || got.dims != want.dims {
            return Some(format!("is {} {:?}, not {} {:?}", got.dtype, got.dims, want.dtype, want.dims));
        }
        if !matches!(want.dtype, DType::F32 | DType::F64) {
            let differ = got.bytes.iter().zip(&want.bytes).filter(|(a, b)| a != b).count();
            return (differ > 0).then(|| format!("differs in {differ} bytes"));
        }
        let (got, want) = (floats(got), floats(want));
        let scale = want.iter().filter(|w| w.is_finite()).fold(0.0, |m: f64, w| if w.abs() > m { w.abs() } else { m });
        let worst = got.iter().zip(&want).find(|(g, w)| {
            let same_kind = g.is_nan() == w.is_nan() && (w.is_nan() || w.is_finite() || g == w);
            let limit = self.rtol * w.abs() + self.atol_rel_to_max * scale + self.atol;
            !same_kind || (w.is_finite() && (*g - *w).abs() > limit) || (w.is_finite() && !g.is_finite())
        });
        worst.map(|(g, w)| format!("holds {g} where {w} is wanted, of at most {scale}"))
    }
}

/// Largest difference over the largest wanted magnitude, for tensors that agree in shape.
pub(crate) fn relative_error(got: &HostTensor, want: &HostTensor) -> f64 {
    let (got, want) = (floats(got), floats(want));
    let largest = |values: &mut dyn Iterator<Item = f64>| {
        values.filter(|v| v.is_finite()).fold(0.0, |m: f64, v| if v > m { v } else { m })
    };
    let scale = largest(&mut want.iter().map(|w| w.abs()));
    let error = largest(&mut got.iter().zip(&want).map(|(g, w)| (g - w).abs()));
    if scale > 0.0 { error / scale } else { error }
}

fn floats(tensor: &HostTensor) -> Vec<f64> {
    match tensor.dtype {
        DType::F32 => tensor.bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        DType::F64 => tensor.bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        _ => Vec::new(),
    }
}

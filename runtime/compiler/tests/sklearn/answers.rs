//! What an estimator answered, and whether a Plan answers that.

use mote_abi::DType;
use mote_compiler::{Compiled, Precision};
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};
use serde_json::Value;

/// Rows that were asked, and every answer.
pub(crate) struct Record {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    x: Vec<f64>,
    said: Value,
}

/// What each output of a model is called in scikit-learn.
const METHODS: [(&str, &str); 6] = [
    ("label", "predict"),
    ("prediction", "predict"),
    ("probabilities", "predict_proba"),
    ("decision", "decision_function"),
    ("transformed", "transform"),
    ("distances", "transform"),
];

impl Record {
    pub(crate) fn parse(json: &[u8]) -> Self {
        let all: Value = serde_json::from_slice(json).unwrap();
        let size = |name: &str| usize::try_from(all[name].as_u64().unwrap()).unwrap();
        Self { rows: size("rows"), columns: size("columns"), x: numbers(&all["x"]).unwrap(), said: all["said"].clone() }
    }
}

/// Numbers of a list; NaN is written as null.
fn numbers(list: &Value) -> Option<Vec<f64>> {
    list.as_array()?.iter().map(|v| if v.is_null() { Some(f64::NAN) } else { v.as_f64() }).collect()
}

/// Most that an answer may be off, as a part of the largest in its output, of 1 at least.
fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-5,
        Precision::F64 => 1e-12,
    }
}

/// Runs a Plan on the rows of a record, and compares every output.
pub(crate) fn judge(compiled: &Compiled, record: &Record, precision: Precision) -> Result<(), String> {
    let bytes = AlignedBytes::copy_of(&compiled.plan);
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let x: Vec<u8> = match precision {
        Precision::F32 => record.x.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
        Precision::F64 => record.x.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap().copy_from_slice(&x);
    mote_engine::run(&plan, 0, &mut arena).map_err(|fault| format!("{fault:?}"))?;
    let graph = &compiled.entries[0].graph;
    for (i, &id) in graph.outputs.iter().enumerate() {
        let value = graph.value(id);
        let got = mote_engine::output(&plan, 0, i, &arena).unwrap();
        let method = METHODS.iter().find(|(output, _)| *output == value.name).unwrap().1;
        let want = &record.said[method];
        if want.is_null() {
            return Err(format!("{} has no {method}", value.name));
        }
        let got = match value.dtype {
            DType::I64 => got.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
            DType::I32 => got.as_chunks().0.iter().map(|b| f64::from(i32::from_le_bytes(*b))).collect(),
            DType::F32 => got.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            _ => got.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect::<Vec<f64>>(),
        };
        compare(&value.name, &got, want, &compiled.meta.words, tolerance(precision))?;
    }
    Ok(())
}

fn compare(name: &str, got: &[f64], want: &Value, labels: &[String], tolerance: f64) -> Result<(), String> {
    let values = &want["values"];
    let Some(want) = numbers(values) else {
        let names = got.iter().map(|&index| labels.get(index as usize).map(String::as_str));
        let same = names.eq(values.as_array().unwrap().iter().map(Value::as_str));
        return if same { Ok(()) } else { Err(format!("{name}: other classes")) };
    };
    if want.len() != got.len() {
        return Err(format!("{name}: {} values, not {}", got.len(), want.len()));
    }
    let tolerance = if name == "label" { 0.0 } else { tolerance };
    let scale =
        want.iter().filter(|v| v.is_finite()).fold(1.0_f64, |most, v| if v.abs() > most { v.abs() } else { most });
    let off =
        |(got, want): (&f64, &f64)| if got.is_nan() && want.is_nan() || got == want { 0.0 } else { (got - want).abs() };
    let differences = got.iter().zip(&want).map(off);
    let worst = differences.fold(0.0_f64, |most, d| if d > most || d.is_nan() { d } else { most });
    if worst <= tolerance * scale { Ok(()) } else { Err(format!("{name}: off by {worst:e} of {scale}")) }
}

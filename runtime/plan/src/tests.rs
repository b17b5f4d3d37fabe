//! A Plan survives the round trip, and no change of its bytes makes a reader panic.

use mote_abi::{DType, op};

use crate::format::{CONST_ALIGN, header};
use crate::step::{Conv, Fill, Unary};
use crate::write::{EntrySpec, Writer};
use crate::{AlignedBytes, Halo, Kind, Meta, Plan, PlanError, Region, Sections, TensorId};

fn meta() -> Meta {
    Meta { name: "sample".into(), version: 3, compiler: "test".into(), source: "00".into(), ..Meta::default() }
}

/// `[1,4,4,2] -> conv 3x3 -> [1,4,4,3] -> relu`, with a halo around the input image.
fn sample() -> AlignedBytes {
    let mut plan = Writer::new(CONST_ALIGN);
    let x = plan.arena(DType::F32, &[1, 4, 4, 2], Halo::NONE, 0).unwrap();
    let halo = Halo { top: 1, left: 1, bottom: 1, right: 1 };
    let padded = plan.arena(DType::F32, &[1, 4, 4, 2], halo, 128).unwrap();
    let w = plan.constant(DType::F32, &[1, 18, 8], &[0; 18 * 8 * 4]).unwrap();
    let bias = plan.constant(DType::F32, &[8], &[0; 32]).unwrap();
    let y = plan.arena(DType::F32, &[1, 4, 4, 3], Halo::NONE, 512).unwrap();
    plan.name(x, "x").unwrap();
    plan.name(y, "y").unwrap();
    plan.step(Kind::Fill, &[], &[padded], &Fill { element: [0, 0] });
    let conv = Conv {
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [1, 1],
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };
    plan.step(Kind::Conv, &[Some(padded), Some(w), Some(bias), None], &[y], &conv);
    plan.step(Kind::Unary, &[Some(y)], &[y], &Unary { op: op::Unary::Clamp, alpha: 0.0, beta: f32::INFINITY });
    plan.entry(EntrySpec { batch: 1, inputs: vec![x], outputs: vec![y], arena_bytes: 1024, macs: 864, ops: 2000 });
    AlignedBytes::copy_of(&plan.finish(&meta()).unwrap())
}

#[test]
fn a_written_plan_reads_back() {
    let bytes = sample();
    let plan = Plan::view(&bytes).unwrap();
    let entry = plan.entry(0).unwrap();
    assert_eq!((entry.batch, entry.macs, entry.steps), (1, 864, (0, 3)));

    let x = plan.tensor(entry.inputs().next().unwrap()).unwrap();
    assert_eq!((plan.name(&x), x.dims(), x.region), (Some("x"), &[1, 4, 4, 2][..], Region::Arena));

    let conv = plan.step(1).unwrap();
    assert_eq!((conv.kind, conv.input(3), conv.inputs().count()), (Kind::Conv, None, 3));
    assert_eq!(conv.params::<Conv>().unwrap().pad, [1, 1]);
    assert_eq!(conv.params::<Unary>(), None, "left-over words are refused");

    let padded = plan.tensor(conv.input(0).unwrap()).unwrap();
    assert_eq!((padded.bytes, padded.start(), padded.strides()[1]), (6 * 6 * 2 * 4, 14, 12));
    let sections = plan.sections();
    let Sections { tables, steps, strings, constants, padding } = sections;
    assert_eq!(tables + steps + strings + constants + padding, bytes.len() as u32);
    assert_eq!((tables, constants), (96 + 5 * 64 + 48 + 2 * 4, 18 * 8 * 4 + 32));
    assert!(padding < CONST_ALIGN && steps > 3 * 4 && strings > 2, "{sections:?}");

    let bias = plan.tensor(conv.input(2).unwrap()).unwrap();
    assert!(bias.offset.is_multiple_of(64));
    assert_eq!(plan.constant(&bias).unwrap().len(), 32);
    assert_eq!(serde_json::from_str::<Meta>(plan.meta_json()).unwrap(), meta());
}

#[test]
fn equal_constants_are_stored_once() {
    let mut plan = Writer::new(CONST_ALIGN);
    let a = plan.constant(DType::F32, &[2], &[1; 8]).unwrap();
    let b = plan.constant(DType::I64, &[1], &[1; 8]).unwrap();
    let bytes = AlignedBytes::copy_of(&plan.finish(&meta()).unwrap());
    let plan = Plan::view(&bytes).unwrap();
    assert_eq!(plan.tensor(a).unwrap().offset, plan.tensor(b).unwrap().offset);
    assert_eq!(plan.constants().1, 8);
}

#[test]
fn each_contradiction_has_its_error() {
    type Damage = fn(&mut [u8]);
    type Expected = fn(&PlanError) -> bool;
    let entry_steps = |bytes: &[u8]| u32::from_le_bytes(bytes[header::ENTRIES..][..4].try_into().unwrap()) as usize;
    let cases: [(&str, Damage, Expected); 8] = [
        ("magic", |b| b[0] ^= 1, |e| *e == PlanError::BadMagic),
        ("version", |b| b[header::VERSION] = 9, |e| *e == PlanError::UnsupportedVersion { version: 9 }),
        ("total", |b| b[header::TOTAL + 2] = 1, |e| matches!(e, PlanError::Truncated { .. })),
        ("step table", |b| b[header::STEPS + 3] = 0x7f, |e| *e == PlanError::BadTable { table: "step" }),
        ("dtype", |b| b[96] = 99, |e| *e == PlanError::BadTensor { tensor: 0 }),
        ("offset", |b| b[96 + 6] = 0xff, |e| *e == PlanError::TensorOutOfBounds { tensor: 0 }),
        ("arena", |b| b[header::ARENA + 1] = 0, |e| matches!(e, PlanError::TensorOutOfBounds { .. })),
        ("const write", |b| b[96 + 64 + 2] = 0, |e| matches!(e, PlanError::TensorOutOfBounds { .. })),
    ];
    for (name, damage, expected) in cases {
        let mut bytes = sample();
        damage(&mut bytes);
        let error = Plan::view(&bytes).unwrap_err();
        assert!(expected(&error), "{name}: {error:?}");
    }
    let mut bytes = sample();
    let at = entry_steps(&bytes);
    bytes[at + 4] = 200;
    assert_eq!(Plan::view(&bytes).unwrap_err(), PlanError::BadEntry { entry: 0 });
    assert_eq!(Plan::view(&sample()[16..]).unwrap_err(), PlanError::BadMagic);
    assert_eq!(Plan::view(&sample()[1..]).unwrap_err(), PlanError::Misaligned);
}

/// By a generator of its own: build scripts use this crate, and would be built anew with whatever its tests depend on.
#[test]
fn damaged_bytes_never_panic() {
    let mut state = 1_u64;
    let mut below = |limit: usize| {
        // Knuth's MMIX generator; its high bits are the good ones.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % limit
    };
    for _ in 0..1000 {
        let mut bytes = sample();
        let len = bytes.len();
        for _ in 0..1 + below(7) {
            bytes[below(1400) % len] = below(256) as u8;
        }
        let cut = below(2000).min(len);
        for view in [Plan::view(&bytes), Plan::trust(&bytes), Plan::view(&bytes[..cut])].into_iter().flatten() {
            walk(&view);
        }
    }
}

fn walk(plan: &Plan<'_>) {
    for id in 0..plan.tensor_count().min(100) {
        if let Some(tensor) = plan.tensor(TensorId(id)) {
            let _ = (plan.name(&tensor), plan.constant(&tensor));
        }
    }
    for index in 0..plan.step_count().min(100) {
        let _ = plan.step(index).map(|step| (step.params::<Conv>(), step.inputs().count()));
    }
    for entry in plan.entries().take(100) {
        let _ = (entry.inputs().take(100).count(), entry.outputs().take(100).count());
    }
}

//! State from call to call, one for each stream.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use mote_abi::DType;
use mote_abi::op;
use mote_host::{InferError, LoadOptions, Wasi};
use mote_plan::step::Binary;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{Halo, Kind as Step, Meta, StatePair};
use mote_seal::Kind;
use support::{Signed, host, no_image};

/// `ya = a + x`, `yb = b + b`, fed back; ya lies where b does, as a Plan may have it once b has been read.
fn plan() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let mut tensor = |name: &str, offset| {
        let id = writer.arena(DType::F32, &[2], Halo::NONE, offset).unwrap();
        writer.name(id, name).unwrap();
        id
    };
    let (x, a, b) = (tensor("x", 0), tensor("a", 64), tensor("b", 128));
    let (yb, ya) = (tensor("yb", 192), tensor("ya", 128));
    let add = Binary { op: op::Binary::Add };
    writer.step(Step::Binary, &[Some(b), Some(b)], &[yb], &add);
    writer.step(Step::Binary, &[Some(a), Some(x)], &[ya], &add);
    let entry = EntrySpec { batch: 1, inputs: vec![x, a, b], outputs: vec![ya, yb], arena_bytes: 256, macs: 0, ops: 4 };
    writer.entry(entry);
    let pair = |output: &str, input: &str| StatePair { output: output.into(), input: input.into() };
    let state = vec![pair("yb", "b"), pair("ya", "a")];
    writer.finish(&Meta { name: "sum".into(), version: 1, state, ..Meta::default() }).unwrap()
}

fn bytes(values: [f32; 2]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn streams_take_turns_on_one_instance() {
    let signed = Signed::new(plan(), Kind::Plan);
    let host = host(Wasi::Refused);
    let model = host.load(&signed.open().unwrap(), &no_image(), &LoadOptions::default()).unwrap();
    let (mut one, mut other) = (model.instantiate().unwrap(), model.instantiate().unwrap());
    let (mut left, mut right) = (one.new_stream(0).unwrap(), one.new_stream(0).unwrap());
    // The first pair is that of b.
    right.bytes_mut().next().unwrap().copy_from_slice(&bytes([1.0, 3.0]));
    let began = right.clone();
    for round in 1..=3_u8 {
        let (n, power) = (f32::from(round), f32::from(1_u8 << round));
        let sums = one.advance(&mut left, &[&bytes([1.0, 2.0])]).unwrap();
        assert_eq!((sums.get(0).unwrap(), sums.get(1).unwrap()), (&bytes([n, 2.0 * n])[..], &bytes([0.0; 2])[..]));
        // A stream is not bound to an instance.
        let instance = if round == 2 { &mut other } else { &mut one };
        let sums = instance.advance(&mut right, &[&bytes([10.0, 0.0])]).unwrap();
        assert_eq!(sums.get(0).unwrap(), bytes([10.0 * n, 0.0]));
        assert_eq!(sums.get(1).unwrap(), bytes([power, 3.0 * power]));
    }
    assert_eq!(one.advance(&mut left, &[]).err(), Some(InferError::InputCount { expected: 1, got: 0 }));
    right.reset();
    assert_ne!(right, began);
    assert_eq!(right, one.new_stream(0).unwrap());
    assert_eq!(one.new_stream(1).err(), Some(InferError::NoEntry { entry: 1, count: 1 }));
}

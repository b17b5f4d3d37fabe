//! Compiled models: from a signed Plan or Module to outputs, within limits.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::time::Duration;

use mote_host::{Code, Host, HostConfig, InferError, Limits, LoadError, LoadOptions, Wasi};
use mote_seal::Kind;
use support::{Signed, host, module, no_image, plan};

const UNSTATED: mote_seal::Limits = mote_seal::Limits { memory_bytes: 0, operations: 0, deadline_us: 0 };

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn plan_and_module_answer_alike_from_either_code() {
    let host = host(Wasi::Refused);
    let expected = bytes(&[3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
    let table = [
        (plan(), Kind::Plan, Code::Derived),
        (module(), Kind::Module, Code::Derived),
        (module(), Kind::Module, Code::File),
    ];
    for (artifact, kind, code) in table {
        let signed = Signed::new(artifact, kind);
        let model =
            host.load(&signed.open().unwrap(), &no_image(), &LoadOptions { code, ..LoadOptions::default() }).unwrap();
        assert_eq!((model.meta().name.as_str(), model.meta().version), ("sum", 3));
        let mut instance = model.instantiate().unwrap();
        for _ in 0..2 {
            let outputs = instance.infer(0, &[&bytes(&[1.0, 2.0])]).unwrap();
            assert_eq!(outputs.get(0).unwrap(), expected, "{kind:?} {code:?}");
            assert_eq!(outputs.iter().count(), 1);
        }
        instance.input_mut(0, 0).unwrap().copy_from_slice(&bytes(&[0.0, 0.0]));
        instance.run(0).unwrap();
        assert_eq!(instance.output(0, 0).unwrap(), bytes(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
    }
}

#[test]
fn wrong_calls_are_named() {
    let host = host(Wasi::Refused);
    let signed = Signed::new(plan(), Kind::Plan);
    let model = host.load(&signed.open().unwrap(), &no_image(), &LoadOptions::default()).unwrap();
    let mut instance = model.instantiate().unwrap();
    let short = bytes(&[1.0]);
    assert_eq!(instance.infer(1, &[]).err(), Some(InferError::NoEntry { entry: 1, count: 1 }));
    assert_eq!(instance.infer(0, &[]).err(), Some(InferError::InputCount { expected: 1, got: 0 }));
    assert_eq!(instance.infer(0, &[&short]).err(), Some(InferError::InputLength { index: 0, expected: 8, got: 4 }));
    assert_eq!(instance.output(0, 1).err(), Some(InferError::NoPort { index: 1 }));
    assert_eq!(model.entries()[0].input("x"), Some(0));
    assert_eq!(model.entries()[0].output("x"), None);
}

#[test]
fn limits_of_host_and_release_refuse_before_anything_runs() {
    let host = host(Wasi::Refused);
    let load = |stated, limits| {
        let signed = Signed::limited(plan(), Kind::Plan, stated);
        host.load(&signed.open().unwrap(), &no_image(), &LoadOptions { limits, ..LoadOptions::default() }).err()
    };
    let own = Limits::default();
    assert!(matches!(
        load(UNSTATED, Limits { memory_bytes: 64, ..own }),
        Some(LoadError::TooMuchMemory { limit: 64, .. })
    ));
    assert!(matches!(
        load(UNSTATED, Limits { ops: 63, ..own }),
        Some(LoadError::TooManyOperations { needed: 64, limit: 63 })
    ));
    let stated = mote_seal::Limits { operations: 10, ..UNSTATED };
    assert!(matches!(load(stated, own), Some(LoadError::TooManyOperations { limit: 10, .. })));
    assert!(matches!(load(UNSTATED, Limits { deadline: Duration::ZERO, ..own }), Some(LoadError::TooSlow { .. })));
    assert!(load(UNSTATED, own).is_none());
}

#[test]
fn damaged_artifacts_are_refused_with_a_reason() {
    let host = host(Wasi::Refused);
    let load = |artifact: Vec<u8>, kind, code| {
        let signed = Signed::new(artifact, kind);
        host.load(&signed.open().unwrap(), &no_image(), &LoadOptions { code, ..LoadOptions::default() }).err().unwrap()
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    assert!(matches!(load(half(plan()), Kind::Plan, Code::Derived), LoadError::Plan(_)));
    assert!(matches!(load(half(module()), Kind::Module, Code::Derived), LoadError::NoPlan(_)));
    assert!(matches!(load(half(module()), Kind::Module, Code::File), LoadError::Check(_)));
    assert!(matches!(load(plan(), Kind::Module, Code::File), LoadError::Check(_)));
    assert!(matches!(load(plan(), Kind::Plan, Code::File), LoadError::NoCodeInFile));
    assert!(matches!(load(plan(), Kind::Foreign, Code::Derived), LoadError::Foreign));
}

#[test]
fn the_pool_says_when_it_is_full() {
    let host = host(Wasi::Refused);
    let signed = Signed::new(plan(), Kind::Plan);
    let model = host.load(&signed.open().unwrap(), &no_image(), &LoadOptions::default()).unwrap();
    let slots = host.pool().slots;
    let all: Vec<_> = (0..slots).map(|_| model.instantiate().unwrap()).collect();
    if slots > 0 {
        assert!(matches!(model.instantiate().err(), Some(LoadError::PoolExhausted { .. })));
    }
    drop(all);
    assert!(model.instantiate().is_ok());
}

#[test]
fn the_second_load_takes_compiled_code_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let config = HostConfig { slots: 2, cache_dir: Some(dir.path().join("code")), foreign: None };
    let signed = Signed::new(plan(), Kind::Plan);
    for cached in [false, true] {
        let host = Host::new(&config).unwrap();
        let model = host.load(&signed.open().unwrap(), &no_image(), &LoadOptions::default()).unwrap();
        assert_eq!(model.timings().cached, cached);
        let mut instance = model.instantiate().unwrap();
        let outputs = instance.infer(0, &[&bytes(&[1.0, 2.0])]).unwrap();
        assert_eq!(outputs.get(0).unwrap()[..4], 3f32.to_le_bytes());
    }
    let tight = LoadOptions { limits: Limits { memory_bytes: 64, ..Limits::default() }, ..LoadOptions::default() };
    let refused = Host::new(&config).unwrap().load(&signed.open().unwrap(), &no_image(), &tight);
    assert!(matches!(refused.err(), Some(LoadError::TooMuchMemory { .. })), "cached code has limits too");
}

#[test]
fn calibration_is_positive_and_done_once() {
    let host = host(Wasi::Refused);
    let first = host.calibrate(&no_image()).unwrap();
    assert!(first > 0.0 && first.is_finite());
    assert_eq!(host.calibrate(&no_image()).unwrap().to_bits(), first.to_bits());
}

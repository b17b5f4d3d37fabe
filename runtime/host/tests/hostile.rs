//! Foreign guests that want more than they are given. Each is refused or stopped, by name.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::time::Duration;

use mote_host::{Host, HostConfig, InferError, Limits, LoadError, LoadOptions, TrapKind, Wasi};
use support::{Guest, host, mem_arg, no_image};
use wasm_encoder::{BlockType, InstructionSink};

fn limits() -> Limits {
    Limits { memory_bytes: 4 << 16, ops: 1000, deadline: Duration::from_millis(30) }
}

/// Loads, starts and calls a guest; answers its output.
fn run(guest: &Guest, wasi: Wasi) -> Result<Vec<u8>, Ended> {
    let signed = guest.signed();
    let model = host(wasi).load_foreign(&signed.open().unwrap(), limits()).map_err(Ended::Load)?;
    let mut instance = model.instantiate().map_err(Ended::Load)?;
    let outputs = instance.infer(0, &[&[0; 4]]).map_err(Ended::Infer)?;
    Ok(outputs.get(0).unwrap().to_vec())
}

#[derive(Debug)]
enum Ended {
    Load(LoadError),
    Infer(InferError),
}

#[test]
fn a_well_behaved_guest_answers() {
    assert_eq!(run(&Guest::default(), Wasi::Refused).unwrap(), [42, 0, 0, 0]);
}

#[test]
fn foreign_guests_run_only_where_they_are_enabled_and_as_what_they_are() {
    let signed = Guest::default().signed();
    let plain = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
    assert!(matches!(plain.load_foreign(&signed.open().unwrap(), limits()).err(), Some(LoadError::ForeignDisabled)));
    let loaded = host(Wasi::Refused).load(&signed.open().unwrap(), &no_image(), &LoadOptions::default());
    assert!(matches!(loaded.err(), Some(LoadError::Foreign)));
}

#[test]
fn imports_are_refused_by_name() {
    let importing = |from, name| Guest { imports: vec![(from, name)], ..Guest::default() };
    let wasi = "wasi_snapshot_preview1";
    let table = [
        ("env", "system", Wasi::Refused),
        ("env", "system", Wasi::Subset),
        (wasi, "fd_write", Wasi::Refused),
        (wasi, "path_open", Wasi::Subset),
        (wasi, "sock_send", Wasi::Subset),
        ("wasi_unstable", "fd_write", Wasi::Subset),
    ];
    for (from, name, given) in table {
        let ended = run(&importing(from, name), given);
        let Err(Ended::Load(LoadError::ImportRefused { module, name: got })) = ended else {
            panic!("{from}.{name}: {ended:?}")
        };
        assert_eq!((module.as_str(), got.as_str()), (from, name));
    }
    // The type of the import is wrong: found out when it is linked.
    let mistyped = run(&importing(wasi, "clock_time_get"), Wasi::Subset);
    assert!(matches!(mistyped, Err(Ended::Load(LoadError::Engine(_)))), "{mistyped:?}");
}

#[test]
fn standard_error_of_the_subset_is_kept_for_the_host() {
    // iovec at 32: address 48, length 2; the text "hi" at 48; the count is written to 40.
    let body = |code: &mut InstructionSink<'_>| {
        code.i32_const(32).i32_const(48).i32_store(mem_arg());
        code.i32_const(36).i32_const(2).i32_store(mem_arg());
        code.i32_const(48).i32_const(0x6968).i32_store(mem_arg());
        code.i32_const(2).i32_const(32).i32_const(1).i32_const(40).call(0);
    };
    let guest = Guest { imports: vec![("wasi_snapshot_preview1", "fd_write")], body, ..Guest::default() };
    let signed = guest.signed();
    let model = host(Wasi::Subset).load_foreign(&signed.open().unwrap(), limits()).unwrap();
    let mut instance = model.instantiate().unwrap();
    instance.run(0).unwrap();
    assert_eq!(instance.stderr(), b"hi");
}

#[test]
fn calls_that_do_not_end_or_break_are_typed() {
    let endless = |code: &mut InstructionSink<'_>| {
        code.loop_(BlockType::Empty).br(0).end().i32_const(0);
    };
    let recursive = |code: &mut InstructionSink<'_>| {
        code.local_get(0).call(0);
    };
    let outside = |code: &mut InstructionSink<'_>| {
        code.i32_const(-4).i32_load(mem_arg());
    };
    let divide = |code: &mut InstructionSink<'_>| {
        code.i32_const(1).local_get(0).i32_div_s();
    };
    type Body = fn(&mut InstructionSink<'_>);
    let table: [(Body, InferError); 7] = [
        (endless, InferError::Deadline),
        (recursive, InferError::Trap(TrapKind::StackOverflow)),
        (outside, InferError::Trap(TrapKind::OutOfBounds)),
        (divide, InferError::Trap(TrapKind::Arithmetic)),
        (
            |code| {
                code.unreachable();
            },
            InferError::Trap(TrapKind::Unreachable),
        ),
        (
            |code| {
                code.i32_const(3);
            },
            InferError::Status(mote_abi::Status::DivisionByZero),
        ),
        (
            |code| {
                code.i32_const(-7);
            },
            InferError::UnknownStatus(-7),
        ),
    ];
    for (body, expected) in table {
        match run(&Guest { body, ..Guest::default() }, Wasi::Refused) {
            Err(Ended::Infer(got)) => assert_eq!(got, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn memory_stays_within_its_limit() {
    // Growing beyond the limit answers -1, which is no status.
    let greedy = |code: &mut InstructionSink<'_>| {
        code.i32_const(1000).memory_grow(0);
    };
    let grown = run(&Guest { pages: (1, None), body: greedy, ..Guest::default() }, Wasi::Refused);
    assert!(matches!(grown, Err(Ended::Infer(InferError::UnknownStatus(-1)))), "{grown:?}");
    let large = run(&Guest { pages: (5, Some(5)), ..Guest::default() }, Wasi::Refused);
    assert!(matches!(large, Err(Ended::Load(LoadError::Engine(_)))), "{large:?}");
    let stated = run(&Guest { card: Some(support::card(5, 16)), ..Guest::default() }, Wasi::Refused);
    assert!(matches!(stated, Err(Ended::Load(LoadError::TooMuchMemory { .. }))), "{stated:?}");
}

#[test]
fn cards_and_exports_are_checked() {
    let with_card = |card: Option<&str>| Guest { card: card.map(Into::into), ..Guest::default() };
    assert!(matches!(run(&with_card(None), Wasi::Refused), Err(Ended::Load(LoadError::NoCard))));
    assert!(matches!(run(&with_card(Some("{}")), Wasi::Refused), Err(Ended::Load(LoadError::NoCard))));
    let outside = Guest { card: Some(support::card(1, 65_533)), ..Guest::default() };
    assert!(matches!(run(&outside, Wasi::Refused), Err(Ended::Load(LoadError::CardOutOfBounds { .. }))));
    // The Card states two pages, the memory has one.
    let larger = Guest { card: Some(support::card(2, 70_000)), ..Guest::default() };
    assert!(matches!(run(&larger, Wasi::Refused), Err(Ended::Load(LoadError::CardOutOfBounds { .. }))));
    let other_abi = Guest { abi: 2, ..Guest::default() };
    assert!(matches!(run(&other_abi, Wasi::Refused), Err(Ended::Load(LoadError::ExportMissing { name: "mote_abi" }))));
    let starting = Guest { start: true, ..Guest::default() };
    let ended = run(&starting, Wasi::Refused);
    assert!(matches!(ended, Err(Ended::Load(LoadError::Start(InferError::Trap(TrapKind::Unreachable))))), "{ended:?}");
    assert!(matches!(run_bytes(b"\0asm"), Err(Ended::Load(LoadError::NoCard))));
}

fn run_bytes(wasm: &[u8]) -> Result<(), Ended> {
    let signed = support::Signed::new(wasm.to_vec(), mote_seal::Kind::Foreign);
    host(Wasi::Refused).load_foreign(&signed.open().unwrap(), limits()).map(drop).map_err(Ended::Load)
}

//! Pickles of people who mean no good: the ways around pickle scanners that have been published, rebuilt as data, each
//! named after its attack. None may be read, and none may make the reader busy, full or panic.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "hostile/assembly.rs"]
mod assembly;
#[path = "hostile/bombs.rs"]
mod bombs;
#[path = "hostile/code.rs"]
mod code;
#[path = "hostile/disguises.rs"]
mod disguises;
#[path = "hostile/lies.rs"]
mod lies;

use std::time::{Duration, Instant};

use mote_pickle::{Limits, ReadError, read};

/// Longest that an attack may take; what is meant is far below.
const PATIENCE: Duration = Duration::from_secs(20);

/// One attack: its name, its bytes, and a part of what has to be said of it.
struct Attack(&'static str, Vec<u8>, &'static str);

/// Few enough for a bomb to go off at once.
fn limits() -> Limits {
    Limits { bytes: 1 << 24, values: 1 << 16, elements: 1 << 20 }
}

#[test]
fn every_attack_is_refused_by_name() {
    let attacks: Vec<Attack> =
        [code::attacks(), disguises::attacks(), lies::attacks(), bombs::attacks()].into_iter().flatten().collect();
    assert!(attacks.len() >= 60, "{} attacks", attacks.len());
    let mut wrong = Vec::new();
    for Attack(name, bytes, want) in attacks {
        let start = Instant::now();
        let got = read(&bytes, &limits());
        match got {
            Err(error) if error.to_string().contains(want) => {}
            Err(error) => wrong.push(format!("{name}: {error}, not {want}")),
            Ok(_) => wrong.push(format!("{name}: got in")),
        }
        assert!(start.elapsed() < PATIENCE, "{name} took {:?}", start.elapsed());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_says_where() {
    let Err(error) = read(b"\x80\x04cos\nsystem\n.", &Limits::default()) else { panic!("got in") };
    assert_eq!(error, ReadError::Global { at: 2, module: "os".into(), name: "system".into() });
}

//! The demonstration checks what it shows; here, that it does.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use serde_json::Value;
use support::{Home, evidence};

#[test]
fn the_demonstration_ends_with_every_check_holding() {
    let told = Home::new().mote(&["demo", "--once", "--json", "--speed", "40", "--models", &evidence("")]);
    assert_eq!(told.exit, 0, "{}", told.stderr);
    let summary: Value = serde_json::from_str(&told.stdout).unwrap();
    let checks = summary["checks"].as_array().unwrap();
    assert!(checks.len() >= 8 && checks.iter().all(|check| check["holds"] == true), "{summary}");
    // A microcontroller and a page take part where this machine has them; who stays away is named.
    for (guest, absent) in [("microcontroller", "no microcontroller: "), ("page", "no page: ")] {
        let took_part = checks.iter().any(|check| check["check"].as_str().unwrap().contains(guest));
        assert!(took_part != told.stderr.contains(absent), "{guest}: {}", told.stderr);
    }
    let accuracy = &summary["accuracy"];
    assert!(accuracy["after"].as_f64() > accuracy["before"].as_f64(), "{accuracy}");
    assert!(told.stderr.contains("swapped: version 1 answered"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_shown_or_served_is_named() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    assert_eq!(home.fails(&["demo", "--once", "--models", &home.arg("empty")]), (3, "demo.models".into()));
    assert_eq!(home.fails(&["serve", "--config", &home.arg("absent.toml")]), (2, "serve.settings".into()));
}

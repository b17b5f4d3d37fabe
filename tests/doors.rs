//! A short, fixed walk of every fuzz target; `cargo xtask fuzz` runs them by the clock.

use mote_tests::fuzz::{LEAST_SHARE, Target};

fn walk(name: &str, executions: u64) {
    let target = Target::named(name).expect("a known target");
    let tally = target.run(1, |done| done < executions).unwrap_or_else(|finding| {
        panic!("{name}, input {}: {}; `fuzz {name} 60 1` writes it to a file", finding.after, finding.message)
    });
    println!("{name}: {} executions, {:.0} % passed the first parse", tally.executions, 100.0 * tally.share());
    assert!(tally.share() >= LEAST_SHARE, "{name}: {tally:?}");
}

#[test]
fn mutated_models_are_imported_or_refused() {
    walk("import", 600);
}

#[test]
fn mutated_estimators_are_imported_or_refused() {
    walk("pickle", 1500);
}

#[test]
fn mutated_plans_are_viewed_or_refused() {
    walk("plan", 2000);
}

#[test]
fn mutated_seals_are_opened_or_refused() {
    walk("seal", 2000);
}

#[test]
fn mutated_messages_are_decoded_or_refused() {
    walk("wire", 2000);
}

//! Every model that people bring: the corpus and the ONNX project's backend tests, judged on the native engine, and for
//! every case that passes the guest that a gateway derives, bit for bit.
//!
//! Everyday it takes the nodes and classical models of the corpus. `cargo xtask test --conformance` brings the backend
//! tests, holds the bars, and writes what is refused and why to `tests/suites/REFUSED.md`. `MOTE_CASES=PART` runs the
//! cases whose names contain it.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "suites/guest.rs"]
mod guest;
#[path = "suites/page.rs"]
mod page;

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use guest::Guests;
use mote_tests::suite::{self, Case, Judged, Table, Verdict, judge};

/// Set by `cargo xtask test --conformance`: the page to write.
const PAGE: &str = "MOTE_REFUSED_PAGE";
/// Passed of feasible cases, in percent, that suites of nodes must reach.
const BAR: usize = 97;
const BARRED: [&str; 2] = ["corpus node", "onnx node"];
/// Suites that must pass whole.
const WHOLE: [&str; 3] = ["corpus nn", "corpus ml", "corpus reject"];
/// What compiling a model of the corpus may take.
const MAX_COMPILING: Duration = Duration::from_secs(10);
/// What the whole process may take while it compiles and runs them, guests and all.
const MAX_PEAK_BYTES: u64 = 2 << 30;

#[test]
fn every_case_answers_alike_in_its_guest() {
    let page = std::env::var_os(PAGE);
    let filter = std::env::var("MOTE_CASES").ok();
    let mut cases = suite::cases(filter.as_deref());
    if page.is_none() && filter.is_none() {
        // Networks are compared on every host by tests/conformance.rs.
        cases.retain(|case| case.suite != "corpus nn");
    }
    let judged = judge_all(&cases);

    let mut table = Table::default();
    for (case, judged) in cases.iter().zip(&judged) {
        table.add(&case.suite, &judged.verdict, !judged.constant.is_empty());
    }
    let figures = figures(&cases, &judged);
    // Past the test harness, which would keep it to itself.
    write!(std::io::stdout(), "\n{table}\n{figures}\n").unwrap();
    if let Some(page) = &page {
        std::fs::write(page, page::page(&table, &figures, &cases, &judged)).unwrap();
    }

    let wrong: Vec<String> = cases
        .iter()
        .zip(&judged)
        .filter(|(_, judged)| matches!(judged.verdict, Verdict::Wrong(_)))
        .map(|(case, judged)| format!("{} {}: {}", case.suite, case.name, judged.verdict))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    if page.is_some() && filter.is_none() {
        hold_the_bars(&table, &cases, &judged);
    }
}

/// Judges the cases on all processors; the guest of a case that passes must answer the same bits.
fn judge_all(cases: &[Case]) -> Vec<Judged> {
    let guests = Guests::new();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    done.lock().unwrap().push((index, judge_with_guest(case, &guests)));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, judged)| judged).collect()
}

fn judge_with_guest(case: &Case, guests: &Guests) -> Judged {
    let mut judged = judge(case);
    if let Verdict::Passed { .. } = judged.verdict
        && let Some(difference) = judged.ran.iter().find_map(|ran| guests.difference(ran))
    {
        judged.verdict = Verdict::Wrong(difference);
    }
    judged.ran.clear();
    judged
}

fn hold_the_bars(table: &Table, cases: &[Case], judged: &[Judged]) {
    for suite in BARRED {
        let (passed, feasible) = table.passed_of_feasible(suite);
        assert!(passed * 100 >= feasible * BAR, "{suite}: {passed} of {feasible} pass, fewer than {BAR} %");
    }
    for suite in WHOLE {
        let (passed, feasible) = table.passed_of_feasible(suite);
        assert_eq!(passed, feasible, "{suite}");
    }
    for (case, judged) in cases.iter().zip(judged) {
        let took = judged.compiling;
        assert!(took <= MAX_COMPILING || !of_corpus(case), "{}: compiling took {took:.1?}", case.name);
    }
    assert!(peak_bytes().is_none_or(|peak| peak <= MAX_PEAK_BYTES), "{:?} bytes at the peak", peak_bytes());
}

/// The longest compilation and the most memory.
fn figures(cases: &[Case], judged: &[Judged]) -> String {
    let all = cases.iter().zip(judged).filter(|(case, _)| of_corpus(case));
    let longest = all.max_by_key(|(_, judged)| judged.compiling);
    let longest = longest.map_or_else(String::new, |(case, judged)| {
        format!("Longest compilation in the corpus: {:.2} s, {}. ", judged.compiling.as_secs_f64(), case.name)
    });
    let peak = peak_bytes().map_or_else(String::new, |peak| {
        format!("Most memory of the whole process, guests and all: {} MiB.", peak >> 20)
    });
    longest + &peak
}

fn of_corpus(case: &Case) -> bool {
    case.suite.starts_with("corpus ")
}

/// The largest resident set of this process so far, where the system says.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

//! Knocks at one door with mutated inputs for some seconds: `fuzz {import|plan|seal|wire} SECONDS [SEED]`.
//! Exit 1 for an input that panics, which is then written as hex, or where too few inputs pass the first parse.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use mote_tests::fuzz::{LEAST_SHARE, Target};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let target = arguments.first().and_then(|name| Target::named(name));
    let seconds = arguments.get(1).and_then(|text| text.parse().ok());
    let (Some(target), Some(seconds)) = (target, seconds) else {
        eprintln!("usage: fuzz {{{}}} SECONDS [SEED]", Target::NAMES.join("|"));
        return ExitCode::from(2);
    };
    let seed = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or_else(drawn);
    println!("{}: seed {seed}, {seconds} s", target.name);
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    match target.run(seed, |_| Instant::now() < end) {
        Ok(tally) => {
            let rate = tally.executions as f64 / start.elapsed().as_secs_f64();
            let share = tally.share();
            println!(
                "{}: {} executions, {rate:.0}/s, {:.1} % passed the first parse",
                target.name,
                tally.executions,
                100.0 * share
            );
            if share >= LEAST_SHARE { ExitCode::SUCCESS } else { too_few() }
        }
        Err(finding) => {
            let path = std::env::temp_dir().join(format!("mote-fuzz-{}-{seed}-{}.hex", target.name, finding.after));
            let hex: String = finding.input.iter().map(|byte| format!("{byte:02x}")).collect();
            let kept = std::fs::write(&path, hex).map_or_else(|e| e.to_string(), |()| path.display().to_string());
            println!("{}: FINDING after {} executions: {}", target.name, finding.after, finding.message);
            println!("input of {} bytes: {kept}", finding.input.len());
            ExitCode::FAILURE
        }
    }
}

fn too_few() -> ExitCode {
    println!(
        "fewer than {:.0} % passed: the mutations do not reach what lies behind the first parse",
        100.0 * LEAST_SHARE
    );
    ExitCode::FAILURE
}

/// Another seed for each run.
fn drawn() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish()
}

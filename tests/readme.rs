//! What the README says is true: its commands and its snippets run as they stand there.
#![allow(clippy::unwrap_used, reason = "tests")]

mod program;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mote_tests::onnx::{self, element, graph, node, value};

const README: &str = include_str!("../README.md");

/// The fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A folder where `models/` is the repository's, and the digits module and input that the snippets take.
struct Scene {
    dir: tempfile::TempDir,
    mote: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(program::repository().join("models"), dir.path().join("models")).unwrap();
        Self { dir, mote: program::mote() }
    }

    fn with_digits() -> Self {
        let scene = Self::new();
        let made = scene.sh("mote compile models/digits-cnn/model.onnx -o digits.wasm");
        assert!(made.status.success(), "{}", text(&made));
        let input: Vec<u8> = (0..64u8).flat_map(|i| f32::from(i % 17).to_le_bytes()).collect();
        std::fs::write(scene.path("input.bin"), input).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn sh(&self, line: &str) -> Output {
        let programs = self.mote.parent().map(Path::to_path_buf).unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(programs).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        Command::new("sh")
            .args(["-c", line])
            .current_dir(self.dir.path())
            .env("PATH", path.unwrap())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .output()
            .unwrap()
    }

    /// The scores that `mote run` prints for the input of the snippets.
    fn scores(&self) -> Vec<f32> {
        let values: Vec<f32> = (0..64u8).map(|i| f32::from(i % 17)).collect();
        let json = serde_json::json!({ "image": [[values.chunks(8).collect::<Vec<_>>()]] });
        std::fs::write(self.path("input.json"), json.to_string()).unwrap();
        let ran = self.sh("mote run digits.wasm --input input.json --output scores.json");
        assert!(ran.status.success(), "{}", text(&ran));
        let answer: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.path("scores.json")).unwrap()).unwrap();
        let mut scores = Vec::new();
        numbers(&answer, &mut scores);
        assert_eq!(scores.len(), 10, "{answer}");
        scores
    }
}

fn numbers(value: &serde_json::Value, out: &mut Vec<f32>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| numbers(item, out)),
        serde_json::Value::Object(map) => map.values().for_each(|item| numbers(item, out)),
        serde_json::Value::Number(number) => out.extend(number.as_f64().map(|wide| wide as f32)),
        _ => {}
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn printed(output: &Output) -> Vec<f32> {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_command_succeeds() {
    let scene = Scene::new();
    let lines: Vec<&str> = blocks("sh").into_iter().flat_map(str::lines).collect();
    assert!(lines.len() >= 8);
    for line in lines {
        let output = scene.sh(line);
        assert!(output.status.success(), "{line}\n{}", text(&output));
    }
}

/// The block of a language below a heading.
fn below(heading: &str, language: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("### {heading}\n")).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split("```").next().unwrap()
}

/// The scene after the lines that begin the five minutes: keys and releases.
fn five_minutes() -> Scene {
    let scene = Scene::new();
    for line in blocks("sh")[0].lines() {
        let output = scene.sh(line);
        assert!(output.status.success(), "{line}\n{}", text(&output));
    }
    scene
}

/// The recipe's own ports may be taken: free ones stand in for them.
fn with_free_ports(recipe: &str) -> String {
    ["1883", "8080"].into_iter().fold(recipe.to_owned(), |recipe, port| {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        recipe.replace(port, &free.to_string())
    })
}

#[test]
fn a_gateway_takes_five_minutes() {
    for program in ["mosquitto", "curl"] {
        if !program::exists(program) {
            return program::skip("a_gateway_takes_five_minutes", program);
        }
    }
    let scene = five_minutes();
    let (recipe, config) = (below("A gateway", "bash"), below("Serve", "toml"));
    let config = config.replace("[mqtt]\n", "[mqtt]\nport = 1883\n");
    let both = with_free_ports(&format!("{config}\n---\n{recipe}"));
    let (config, recipe) = both.split_once("\n---\n").unwrap();
    std::fs::write(scene.path("mote.toml"), config).unwrap();
    // What runs in the background ends with the script, and the script ends whatever happens.
    let script = format!("trap 'kill $(jobs -p)' EXIT\nset -e\nPATH=$PATH:/usr/sbin\n{recipe}");
    std::fs::write(scene.path("gateway.sh"), script).unwrap();
    let answer = scene.sh("timeout 120 bash gateway.sh > said 2>&1 < /dev/null; status=$?; cat said; exit $status");
    let said = text(&answer);
    assert!(answer.status.success(), "{said}");
    for expected in ["\"name\":\"digits-cnn\"", "committed", "\"name\":\"activity-cnn1d\",\"versions\":[\"2\"]"] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[test]
fn a_page_takes_five_minutes() {
    let Some(package) = std::env::var_os("MOTE_WEB_PACKAGE") else {
        return program::skip("a_page_takes_five_minutes", "the browser package (set by `cargo xtask test`)");
    };
    let scene = five_minutes();
    // `cargo xtask web` has run: its package is installed as npm would.
    std::fs::create_dir(scene.path("node_modules")).unwrap();
    std::os::unix::fs::symlink(package, scene.path("node_modules/mote-web")).unwrap();
    std::fs::write(scene.path("page.mjs"), below("A page", "javascript")).unwrap();
    let scores = printed(&scene.sh("node --preserve-symlinks page.mjs"));
    let made = scene.sh("mote compile models/digits-cnn/model.onnx -o digits.wasm");
    assert!(made.status.success(), "{}", text(&made));
    assert_eq!(scores, scene.scores());
}

#[test]
fn a_microcontroller_takes_five_minutes() {
    if std::env::var_os("MOTE_FIRMWARE").is_none() || !program::exists("qemu-system-arm") {
        return program::skip("a_microcontroller_takes_five_minutes", "qemu-system-arm or the firmware images");
    }
    let scene = Scene::with_digits();
    let [compile, build, run] = below("A microcontroller", "bash").lines().collect::<Vec<_>>()[..] else {
        panic!("the recipe has three lines");
    };
    // `cargo xtask test` has built the images, and `cargo test` the example.
    assert_eq!(build, "cargo xtask firmware");
    let example = program::built("examples/infer");
    let (_, arguments) = run.split_once(" -- ").unwrap();
    let made = scene.sh(compile);
    assert!(made.status.success() && text(&made).contains("flash"), "{}", text(&made));
    let ran = scene.sh(&format!("{} {arguments}", example.display()));
    assert!(ran.status.success(), "{}", text(&ran));
    let first = String::from_utf8_lossy(&ran.stdout).lines().next().unwrap_or_default().to_owned();
    let scores: Vec<f32> = serde_json::from_str(&first).unwrap();
    assert_eq!(scores, scene.scores());
}

#[test]
fn the_javascript_gives_the_bits_that_mote_gives() {
    if !program::exists("node") {
        return program::skip("the_javascript_gives_the_bits_that_mote_gives", "node");
    }
    let scene = Scene::with_digits();
    std::fs::write(scene.path("run.mjs"), blocks("js")[0]).unwrap();
    assert_eq!(printed(&scene.sh("node run.mjs digits.wasm input.bin")), scene.scores());
}

#[test]
fn the_python_gives_the_bits_that_mote_gives() {
    let python = std::env::var("MOTE_PYTHON").unwrap_or_else(|_| "python3".into());
    let scene = Scene::with_digits();
    if !scene.sh(&format!("{python} -c 'import wasmtime'")).status.success() {
        return program::skip("the_python_gives_the_bits_that_mote_gives", "the Python package wasmtime");
    }
    std::fs::write(scene.path("run.py"), blocks("python")[0]).unwrap();
    assert_eq!(printed(&scene.sh(&format!("{python} run.py digits.wasm input.bin"))), scene.scores());
}

#[test]
fn the_rust_is_the_example() {
    let example = include_str!("../runtime/host/examples/plain_wasmtime.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert_eq!(code, blocks("rust")[0]);
    let scene = Scene::with_digits();
    let program = program::built("examples/plain_wasmtime");
    let line = format!("{} digits.wasm input.bin", program.display());
    assert_eq!(printed(&scene.sh(&line)), scene.scores());
}

#[test]
fn the_configuration_is_one_that_a_gateway_takes() {
    let scene = Scene::new();
    std::fs::write(scene.path("mote.toml"), below("Serve", "toml")).unwrap();
    let config = mote_gateway::config::Config::load(&scene.path("mote.toml")).unwrap();
    assert_eq!(config.pipelines[0].channels, 6);
}

#[test]
fn a_picture_is_prepared_as_it_is_declared() {
    let scene = Scene::new();
    let largest = node("GlobalMaxPool", &["image"], &["largest"], &[]);
    let taken = value("image", element::F32, &["1", "3", "224", "224"]);
    let model =
        onnx::model(21, &graph(&[largest], &[], &[taken], &[value("largest", element::F32, &["1", "3", "1", "1"])]));
    std::fs::write(scene.path("model.onnx"), model).unwrap();
    std::fs::write(scene.path("model.toml"), below("Compile, look, run", "toml")).unwrap();
    let white = [255_u8; 480 * 640 * 3];
    let rows: Vec<Vec<&[u8]>> = white.chunks(640 * 3).map(|row| row.chunks(3).collect()).collect();
    let json = serde_json::json!({ "picture": [rows] });
    std::fs::write(scene.path("white.json"), json.to_string()).unwrap();
    let output = scene
        .sh("mote compile model.onnx -o model.wasm && mote run model.wasm --input white.json --output largest.json");
    assert!(output.status.success(), "{}", text(&output));
    let mut largest = Vec::new();
    numbers(&serde_json::from_slice(&std::fs::read(scene.path("largest.json")).unwrap()).unwrap(), &mut largest);
    for ((largest, mean), spread) in largest.iter().zip([0.485, 0.456, 0.406]).zip([0.229, 0.224, 0.225_f32]) {
        assert!((largest - (1.0 - mean) / spread).abs() < 1e-5, "{largest}");
    }
    assert_eq!(largest.len(), 3);
}

//! A gateway with the digits model, in a folder of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use mote_compiler::{CompileOptions, compile};
use mote_engine::Arena;
use mote_gateway::background::Background;
use mote_gateway::config::Config;
use mote_gateway::serve::{self, Gateway};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::{
    Artifact, Blob, Class, Digest, Kind, Limits, Release, Role, SigningKey, Standing, TrustedKey, seal, sign_release,
};
use mote_tests::evidence::models_folder;
use mote_weld::{Flavour, Image};
use serde_json::Value;

pub(crate) const MODEL: &str = "test";

/// A gateway that serves one release of the digits model: the Plan to whoever asks, the module to pages.
pub(crate) struct Site {
    background: Background,
    gateway: Option<Gateway>,
    pub(crate) plan: Vec<u8>,
    /// The sealed file for pages.
    pub(crate) page_file: Vec<u8>,
    pub(crate) key: TrustedKey,
    folder: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header by its lower-case name; empty if it was not sent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = |line: &'_ str| line.split_once(": ").is_some_and(|(key, _)| key == name);
        self.head.lines().find(|line| value(line)).map_or("", |line| &line[name.len() + 2..])
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], "")
    }

    /// With files beside the configuration, and more lines in its `[http]`.
    pub(crate) fn start_with(files: &[(&str, &[u8])], http: &str) -> Self {
        let onnx = std::fs::read(models_folder().join("digits-cnn/model.onnx")).unwrap();
        let options = CompileOptions { name: MODEL.into(), version: 1, ..CompileOptions::default() };
        let plan = compile(&onnx, &options).unwrap().plan;
        let image = mote_guest_image::image();
        let image = Image { wasm: image.wasm, digest: image.digest };
        let aligned = AlignedBytes::copy_of(&plan);
        let module = mote_weld::module(&Plan::view(&aligned).unwrap(), Flavour::default(), &image).unwrap();
        let key = SigningKey::from_seed(&[7; 32], Role::Release, Standing::Development);
        let manifest = manifest(&plan, &module, &key);
        let sealed = |artifact: &[u8]| seal(&manifest, artifact).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let page_file = sealed(&module);
        write("models/digits.gateway.mote", &sealed(&plan));
        write("models/digits.page.mote", &page_file);
        write("keys", format!("{}\n", key.trusted()).as_bytes());
        for (name, bytes) in files {
            write(name, bytes);
        }
        let text = format!(
            "[gateway]\nname = \"gw\"\nfleet = \"plant\"\nmodels = \"models\"\nstate = \"state\"\nkeys = \"keys\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\nmax_body_bytes = 65536\n{http}\n"
        );
        write("mote.toml", text.as_bytes());
        let background = Background::start().unwrap();
        let config = Config::load(&folder.path().join("mote.toml")).unwrap();
        let gateway = background.wait(serve::start(config, image)).unwrap();
        Self { background, gateway: Some(gateway), plan, page_file, key: key.trusted(), folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.as_ref().unwrap().http
    }

    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn stop(&mut self) {
        self.background.wait(self.gateway.take().unwrap().shutdown());
    }

    /// Sends a request with more header lines, each ended by `\r\n`.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: raw[end + 4..].to_vec() }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", "")
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.send(method, path, "", &body);
        assert_eq!(reply.header("content-type"), "application/json", "{method} {path}");
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    /// What the native engine makes of an input.
    pub(crate) fn native(&self, input: &[f32]) -> Vec<f32> {
        let bytes = AlignedBytes::copy_of(&self.plan);
        let plan = Plan::view(&bytes).unwrap();
        let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
        let mut arena = Arena::new(&mut memory).unwrap();
        let raw: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap().copy_from_slice(&raw);
        mote_engine::run(&plan, 0, &mut arena).unwrap();
        let output = mote_engine::output(&plan, 0, 0, &arena).unwrap();
        output.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect()
    }
}

/// One release of three artifacts; nobody here runs the third.
fn manifest(plan: &[u8], module: &[u8], key: &SigningKey) -> Vec<u8> {
    let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
    let artifacts = [
        Artifact { class: Class::Gateway, variant: "generic", kind: Kind::Plan, blob: blob(plan) },
        Artifact { class: Class::Browser, variant: "strict", kind: Kind::Module, blob: blob(module) },
        Artifact { class: Class::Mcu, variant: "generic", kind: Kind::Plan, blob: blob(b"for a microcontroller") },
    ];
    let release = Release {
        model: MODEL,
        version: 1,
        floor: 0,
        artifacts: artifacts.as_slice().into(),
        golden: None,
        limits: Limits::default(),
        compiler: "test",
    };
    sign_release(&release, key).unwrap()
}

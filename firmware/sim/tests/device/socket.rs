//! The real MQTT client over a real socket to a real broker.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mote_firmware::capacity::{RX_BYTES, TX_BYTES};
use mote_firmware::mqtt::Minimq;
use mote_firmware_sim::{Design, Nor, Power, Recording, Socket, live, provision, time};

use crate::cast::{controller, sound};

struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed() -> Option<PathBuf> {
    ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn start(program: &Path, dir: &Path) -> (Mosquitto, SocketAddr) {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let config = dir.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest stdout\n");
    std::fs::File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let child = Command::new(program).arg("-c").arg(config).stdout(log).stderr(Stdio::null()).spawn().unwrap();
    let broker = Mosquitto(child);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "mosquitto does not listen");
        std::thread::yield_now();
    }
    (broker, address)
}

#[test]
fn the_device_talks_to_mosquitto() {
    let Some(program) = installed() else {
        eprintln!("skipped: the_device_talks_to_mosquitto: mosquitto is not installed");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (_broker, address) = start(&program, dir.path());
    time::run_in_real_time();
    let design = Design { every_ms: 2, ..Design::watch(20 * 1024).unwrap() };
    let controller = controller();
    let first = sound(&controller, 1);
    let nor: Nor = provision(Nor::blank(design.sectors(), Power::mains()), &design, &controller, Some(&first)).unwrap();
    let (mut rx, mut tx) = (vec![0; RX_BYTES], vec![0; TX_BYTES]);
    let client = Minimq::new(Socket(address), &mut rx, &mut tx);
    let log = dir.path().join("log");
    let deadline = Instant::now() + Duration::from_secs(20);
    let wanted = ["up/alive", "up/twin", "activity/answers"];
    let heard = |text: &str| {
        let from_it = |topic: &&str| {
            text.contains(&format!(
                "Received PUBLISH from wards-watch-8 (d0, q1, r{}, m",
                u8::from(topic.starts_with("up/"))
            )) && text.contains(*topic)
        };
        wanted.iter().all(from_it) && text.contains("mote/1/wards/watch-8/dn/#")
    };
    let mut text = String::new();
    live(nor, &design, &Recording::swinging(640), client, || {
        text = std::fs::read_to_string(&log).unwrap_or_default();
        heard(&text) || Instant::now() > deadline
    })
    .unwrap();
    assert!(heard(&text), "{text}");
}

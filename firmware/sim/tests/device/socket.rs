//! The real MQTT client over real sockets to a real broker: a device here, its fleet's controller there.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mote_firmware::capacity::{RX_BYTES, TX_BYTES};
use mote_firmware::mqtt::{Delivery, Hello, Message, Minimq, Mqtt, Session, Talk};
use mote_firmware_sim::{Controller, Design, Made, Nor, Power, Recording, Socket, live, provision, time};
use mote_fleet::{State, answer};
use mote_seal::{Digest, Purpose};
use mote_wire::{Alive, Body, Down, Get, MAX_DOCUMENT, Place, Presence, Public, Topic, Twin, Up};

use crate::cast::{controller, sound};

pub(crate) struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn installed() -> Option<PathBuf> {
    ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

pub(crate) fn start(program: &Path, dir: &Path) -> (Mosquitto, SocketAddr) {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let config = dir.join("mosquitto.conf");
    std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
    let mut command = Command::new(program);
    let child = command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let broker = Mosquitto(child);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "mosquitto does not listen");
        std::thread::yield_now();
    }
    (broker, address)
}

/// What the controller has seen of the device.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    twin: Cell<Option<(State, Option<u64>)>>,
    answers: Cell<u32>,
    online: Cell<bool>,
}

impl Seen {
    pub(crate) fn all(&self) -> bool {
        self.twin.get() == Some((State::Committed, Some(2))) && self.answers.get() > 0 && self.online.get()
    }
}

/// The controller's side: offers version 2, orders it and serves its chunks.
pub(crate) struct Rollout<'r> {
    pub(crate) controller: &'r Controller,
    pub(crate) made: &'r Made,
    pub(crate) want: &'r [u8],
    pub(crate) seen: &'r Seen,
}

impl Talk for Rollout<'_> {
    type Output = ();

    async fn talk<S: Session>(self, session: &mut S) {
        self.order(session).await.unwrap_or_else(|_| panic!("the broker took the order"));
        let mut body = vec![0; MAX_DOCUMENT];
        loop {
            let Ok(arrived) = session.next().await else { return };
            let Some(message) = arrived else { continue };
            let Ok(Topic { place: Place::Up { channel, .. }, .. }) = Topic::parse(message.topic) else {
                self.seen.answers.set(self.seen.answers.get() + 1);
                continue;
            };
            match channel {
                Up::Twin => {
                    let twin = Twin::decode(message.payload).unwrap();
                    self.seen.twin.set(Some((twin.state, twin.running.map(|running| running.version))));
                }
                Up::Alive => self.seen.online.set(Alive::decode(message.payload).unwrap().presence == Presence::Online),
                Up::Get => {
                    let asked = message.payload.to_vec();
                    let get = Get::decode(&asked).unwrap();
                    let parts = [Some(&self.made.artifact), self.made.golden.as_ref()];
                    let blob = parts.into_iter().flatten().find(|part| Digest::of(part).0 == get.digest).unwrap();
                    let topic = self.down(Down::Chunk { xfer: get.xfer });
                    for chunk in answer(&get, blob) {
                        let length = chunk.encode(&mut body).unwrap();
                        let (payload, delivery) = (&body[..length], Delivery::AtMostOnce);
                        let _ = session.publish(&Message { topic: &topic, payload, delivery, retain: false }).await;
                    }
                }
                _ => {}
            }
        }
    }
}

impl Rollout<'_> {
    /// Connects, orders and serves until `ended` says so.
    pub(crate) fn run(self, address: SocketAddr, ended: impl FnMut() -> bool) {
        let (mut rx, mut tx) = (vec![0; RX_BYTES], vec![0; 2 * RX_BYTES]);
        let mut client = Minimq::new(Socket(address), &mut rx, &mut tx);
        let payload = b"gone".as_slice();
        let will = Message { topic: "controller", payload, delivery: Delivery::AtMostOnce, retain: false };
        let hello = Hello { client: "controller", login: None, keepalive_s: 30, will };
        time::run(client.connect(&hello, self), ended);
    }

    async fn order<S: Session>(&self, session: &mut S) -> Result<(), S::Error> {
        session.subscribe("mote/1/wards/watch-8/up/#").await?;
        session.subscribe("activity/answers").await?;
        let release = Public::Release { model: self.controller.model(), version: self.made.version };
        let release = Topic::public(self.controller.fleet(), release).text().unwrap().to_string();
        for (topic, payload) in [(release, self.made.manifest.as_slice()), (self.down(Down::Want), self.want)] {
            session.publish(&Message { topic: &topic, payload, delivery: Delivery::AtLeastOnce, retain: true }).await?;
        }
        Ok(())
    }

    fn down(&self, channel: Down) -> String {
        Topic::down(self.controller.fleet(), self.controller.device(), channel).text().unwrap().to_string()
    }
}

#[test]
fn an_update_over_mosquitto_is_committed() {
    let Some(program) = installed() else {
        eprintln!("skipped: an_update_over_mosquitto_is_committed: mosquitto is not installed");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (_broker, address) = start(&program, dir.path());
    let design = Design { every_ms: 2, ..Design::watch(20 * 1024).unwrap() };
    let mut controller = controller();
    let releases = [sound(&controller, 1), sound(&controller, 2)];
    let want = controller.assign(&releases[1], 2, Purpose::Update);
    let deadline = Instant::now() + Duration::from_secs(60);
    let (done, seen) = (AtomicBool::new(false), Seen::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            time::run_in_real_time();
            let blank: Nor = Nor::blank(design.sectors(), Power::mains());
            let nor = provision(blank, &design, &controller, Some(&releases[0])).unwrap();
            let (mut rx, mut tx) = (vec![0; RX_BYTES], vec![0; TX_BYTES]);
            let client = Minimq::new(Socket(address), &mut rx, &mut tx);
            let ended = || done.load(Ordering::Relaxed) || Instant::now() > deadline;
            live(nor, &design, &Recording::swinging(640), client, ended).unwrap();
        });
        time::run_in_real_time();
        let rollout = Rollout { controller: &controller, made: &releases[1], want: &want, seen: &seen };
        rollout.run(address, || seen.all() || Instant::now() > deadline);
        done.store(true, Ordering::Relaxed);
    });
    assert!(seen.all(), "{seen:?}");
}

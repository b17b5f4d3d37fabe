//! What the topics of messages make of them.

use mote_fleet::{Boot, Device, Event, Incoming, Millis};
use mote_wire::{Ask, Body, Chunk, Question};

use crate::world::config;

#[test]
fn a_message_is_read_by_its_topic_and_a_strangers_is_not() {
    let device = Device::boot(config(), None, Boot { number: 1, seed: 1, now: Millis(0) }).unwrap();
    let encoded = |body: &dyn Fn(&mut [u8]) -> usize| {
        let mut bytes = vec![0; 256];
        let length = body(&mut bytes);
        bytes.truncate(length);
        bytes
    };
    let ask = |question| encoded(&|out| Ask { nonce: 7, question }.encode(out).unwrap());
    let chunk = encoded(&|out| Chunk { xfer: 1, index: 0, total: 1, bytes: b"four" }.encode(out).unwrap());
    let read = |topic: &str, payload: &[u8]| match device.read(topic, payload) {
        None => "nothing",
        Some(Incoming::Report) => "report",
        Some(Incoming::Event(Event::Want(_))) => "want",
        Some(Incoming::Event(Event::Release(_))) => "release",
        Some(Incoming::Event(Event::Chunk(Chunk { bytes: b"four", .. }))) => "chunk",
        Some(Incoming::Event(Event::Ask { nonce: 7 })) => "ask",
        Some(Incoming::Event(other)) => panic!("{other:?}"),
    };
    let (twin, metrics) = (ask(Question::Twin), ask(Question::Metrics));
    for (topic, payload, expected) in [
        ("mote/1/plant/press-4/dn/want", &b"any"[..], "want"),
        ("mote/1/plant/press-4/dn/c/1", &chunk, "chunk"),
        ("mote/1/plant/press-4/dn/ask", &twin, "ask"),
        ("mote/1/plant/press-4/dn/ask", &metrics, "report"),
        ("mote/1/plant/_pub/rel/digits/2", b"any", "release"),
        ("mote/1/plant/press-5/dn/want", b"any", "nothing"),
        ("mote/1/other/press-4/dn/want", b"any", "nothing"),
        ("mote/1/plant/_pub/rel/letters/2", b"any", "nothing"),
        ("mote/1/plant/press-4/up/twin", b"any", "nothing"),
        ("mote/1/plant/press-4/dn/c/1", b"no chunk", "nothing"),
        ("mote/1/plant/press-4/dn/ask", b"no question", "nothing"),
        ("elsewhere", b"any", "nothing"),
    ] {
        assert_eq!(read(topic, payload), expected, "{topic}");
    }
}

//! Messages from a broker that nobody trusts.

use mote_tests::cbor::Item;
use mote_wire::{Alive, Body, Chunk, Get, MAX_DOCUMENT, Topic, Twin, WireError};

use crate::{Attack, named};

fn end<T>(read: Result<T, WireError>) -> Option<String> {
    read.err().map(|error| named("Wire", &error))
}

fn get(window: usize, chunk_bytes: u64) -> Vec<u8> {
    Item::map([
        (1, Item::Bytes(vec![7; 32])),
        (2, Item::Unsigned(9)),
        (3, Item::Unsigned(chunk_bytes)),
        (4, Item::Unsigned(0)),
        (5, Item::Bytes(vec![0xff; window])),
        (6, Item::Unsigned(3)),
    ])
    .encode()
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("message-empty", "Wire.Malformed", || end(Twin::decode(&[]))),
        Attack::new("message-of-endless-fields", "Wire.Malformed", || {
            end(Alive::decode(&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]))
        }),
        Attack::new("message-nested-deep", "Wire.Malformed", || {
            // An unknown field of 50 000 arrays in each other, which is stepped over.
            let deep = [&[0xa1, 0x18, 99][..], &vec![0x81; 50_000]].concat();
            end(Alive::decode(&deep))
        }),
        Attack::new("message-with-a-key-twice", "Wire.Malformed", || end(Alive::decode(&[0xa2, 1, 0, 1, 0]))),
        Attack::new("message-of-1-mib", "Wire.TooLong", || end(Twin::decode(&vec![0; 1 << 20]))),
        Attack::new("twin-without-fields", "Wire.MissingField", || end(Twin::decode(&[0xa0]))),
        Attack::new("request-for-all-chunks", "Wire.OutOfRange", || end(Get::decode(&get(MAX_DOCUMENT / 2, 4096)))),
        Attack::new("request-for-chunks-of-a-byte", "Wire.OutOfRange", || end(Get::decode(&get(1, 1)))),
        Attack::new("chunk-beyond-its-total", "Wire.OutOfRange", || {
            let chunk = Item::map([
                (1, Item::Unsigned(9)),
                (2, Item::Unsigned(8)),
                (3, Item::Unsigned(8)),
                (4, Item::Bytes(vec![1])),
            ]);
            end(Chunk::decode(&chunk.encode()))
        }),
        Attack::new("topic-that-climbs", "Wire.BadName", || end(Topic::parse("mote/1/../press-4/dn/want"))),
        Attack::new("topic-with-a-wildcard", "Wire.BadName", || end(Topic::parse("mote/1/plant/+/dn/want"))),
        Attack::new("topic-of-somebody-else", "Wire.NotATopic", || end(Topic::parse("$SYS/broker/load"))),
    ]
}

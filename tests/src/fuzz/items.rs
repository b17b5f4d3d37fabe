//! Changes of CBOR items.

use super::{Random, bytes};
use crate::cbor::Item;

/// Changes one item of a tree.
pub(super) fn mutate(random: &mut Random, item: &mut Item) {
    match item {
        Item::Array(items) if !items.is_empty() && !random.once_in(6) => {
            let at = random.below(items.len());
            match random.below(8) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => {
                    let other = random.below(items.len());
                    items.swap(at, other);
                }
                _ => mutate(random, &mut items[at]),
            }
        }
        Item::Map(entries) if !entries.is_empty() && !random.once_in(8) => {
            let at = random.below(entries.len());
            match random.below(14) {
                0 => drop(entries.remove(at)),
                1 => entries.insert(at, entries[at].clone()),
                2 => {
                    let other = random.below(entries.len());
                    entries.swap(at, other);
                }
                3 => mutate(random, &mut entries[at].0),
                // A field from a later version.
                4 => entries.push((Item::Unsigned(64 + random.bits() % 64), leaf(random))),
                _ => mutate(random, &mut entries[at].1),
            }
        }
        Item::Tag(_, inner) if !random.once_in(8) => mutate(random, inner),
        Item::Unsigned(value) | Item::Negative(value) if !random.once_in(6) => *value = random.number(*value),
        Item::Bytes(value) | Item::Text(value) if !random.once_in(6) => *value = bytes::mutate(random, value, b"mote"),
        other => *other = leaf(random),
    }
}

fn leaf(random: &mut Random) -> Item {
    match random.below(8) {
        0 => Item::Unsigned(random.number(0)),
        1 => Item::Negative(random.number(0)),
        2 => Item::Bytes(vec![random.bits() as u8; random.below(40)]),
        3 => Item::text("Line-7_a"),
        4 => Item::Array(vec![Item::Simple(22); random.below(4)]),
        5 => Item::map([(1, Item::Unsigned(1))]),
        6 => Item::Simple(20 + random.below(3) as u8),
        // Floats, indefinite lengths and long heads: no canonical document has them.
        _ => Item::Raw(
            random.pick(&[&[0xf9, 0, 0][..], &[0x9f, 0xff], &[0x18, 1], &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]]).to_vec(),
        ),
    }
}

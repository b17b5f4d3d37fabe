//! Lengths, shapes and types that are not true.

use super::Attack;
use super::assembly::{array_state, bytes, dtype, empty_array, global, int, pickle, text, wrapper};

fn shaped(shape: &[i32], code: &str, content: &[u8]) -> Vec<u8> {
    pickle(4, &[&empty_array(), &array_state(shape, &dtype(code), &bytes(content))])
}

/// A joblib array whose shape is written by hand.
fn joblib(shape: &[u8], code: &str, content: &[u8]) -> Vec<u8> {
    pickle(4, &[&wrapper(shape, &dtype(code), "C"), content])
}

fn pair(first: i32, second: i32) -> Vec<u8> {
    [int(first), int(second), b"\x86".to_vec()].concat()
}

/// A record whose field lies where it says.
fn record(size: &str, offset: i32) -> Vec<u8> {
    [
        global("numpy", "dtype"),
        text(size),
        b"\x89\x88\x87R(".to_vec(),
        int(3),
        text("|"),
        b"N".to_vec(),
        text("a"),
        b"\x85}".to_vec(),
        text("a"),
        dtype("f8"),
        int(offset),
        b"\x86s".to_vec(),
        int(16),
        int(1),
        int(16),
        b"tb".to_vec(),
    ]
    .concat()
}

pub(crate) fn attacks() -> Vec<Attack> {
    let huge = i32::MAX;
    vec![
        Attack("frame-past-the-end", pickle(4, &[b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN"]), "ends too early"),
        Attack("frame-of-all-ones", pickle(4, &[b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN"]), "ends too early"),
        Attack("long-text", pickle(4, &[b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"]), "ends too early"),
        Attack("long-bytes", pickle(4, &[b"\x8e\x00\x00\x00\x00\x01\x00\x00\x00"]), "ends too early"),
        Attack("long-number", pickle(2, &[b"\x8b\xff\xff\xff\x7f"]), "ends too early"),
        Attack("negative-number-length", pickle(2, &[b"\x8b\xff\xff\xff\xff"]), "ends too early"),
        Attack("number-without-a-line", b"I123".to_vec(), "ends too early"),
        Attack("number-of-words", b"I1_000\n.".to_vec(), "not an integer"),
        Attack("float-of-words", b"Fnan(1)\n.".to_vec(), "not a number"),
        Attack("text-that-is-none", pickle(2, &[b"X\x01\x00\x00\x00\xff"]), "not UTF-8"),
        Attack("surrogate", b"V\\ud800\n.".to_vec(), "not text"),
        Attack("memo-of-nothing", pickle(2, &[b"h\x07"]), "no entry 7"),
        Attack("negative-memo", b"Ng-1\n.".to_vec(), "not a memo entry"),
        Attack("mark-that-is-not-there", pickle(2, &[b"Nt"]), "nothing on the stack"),
        Attack("through-a-mark", pickle(2, &[b"N(\x85"]), "nothing on the stack"),
        Attack("key-without-a-value", pickle(2, &[b"}(Nu"]), "a container"),
        Attack("entries-of-a-number", pickle(2, &[b"K\x01(NNu"]), "a container"),
        Attack("elements-of-a-tuple", pickle(2, &[b")Na"]), "a container"),
        Attack("short-array", shaped(&[4], "f8", &[0; 24]), "the length of an array"),
        Attack("long-array", shaped(&[2], "f8", &[0; 24]), "the length of an array"),
        Attack("negative-extent", shaped(&[-1], "f8", &[]), "a dtype and a shape"),
        Attack("overflowing-shape", shaped(&[huge, huge, huge], "f8", &[]), "shape of an array"),
        Attack("overflow-behind-zero", shaped(&[0, huge, huge, huge], "f8", &[]), "shape of an array"),
        Attack("deep-shape", shaped(&[1; 9], "f8", &[0; 8]), "shape of an array"),
        Attack("large-shape", shaped(&[huge], "f8", &[]), "array elements"),
        Attack(
            "numbers-as-objects",
            pickle(4, &[&empty_array(), &array_state(&[1], &dtype("f8"), b"]Na")]),
            "the state of an array",
        ),
        Attack("objects-as-numbers", shaped(&[1], "O8", &[0; 8]), "kind of an array"),
        Attack("complex-numbers", shaped(&[1], "c16", &[0; 16]), "dtype `c16`"),
        Attack("dates", shaped(&[1], "M8", &[0; 8]), "dtype `M8`"),
        Attack(
            "field-outside",
            pickle(4, &[&empty_array(), &array_state(&[1], &record("V16", 12), &bytes(&[0; 16]))]),
            "dtype `record`",
        ),
        Attack(
            "field-far-outside",
            pickle(4, &[&empty_array(), &array_state(&[1], &record("V16", i32::MAX), &bytes(&[0; 16]))]),
            "dtype `record`",
        ),
        Attack("record-of-nothing", pickle(4, &[&record("V0", 0)]), "dtype `V0`"),
        Attack("text-beyond-unicode", shaped(&[1], "U1", &[0, 0, 0x11, 0]), "UTF-32"),
        Attack("joblib-past-the-end", joblib(&pair(1000, 1000), "f8", &[0; 64]), "ends too early"),
        Attack("joblib-overflow", joblib(&pair(huge, huge), "f8", &[0; 8]), "array elements"),
        Attack("joblib-negative", joblib(&pair(-1, 8), "f8", &[0; 64]), "state of a joblib array"),
        Attack("joblib-without-shape", joblib(b"N", "f8", &[0; 8]), "state of a joblib array"),
        Attack(
            "joblib-of-another-order",
            pickle(4, &[&wrapper(&pair(1, 1), &dtype("f8"), "K"), &[0; 8]]),
            "state of a joblib array",
        ),
    ]
}

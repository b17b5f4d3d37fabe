//! Numbers and text of the older protocols.

use crate::value::Value;

/// A decimal integer, as Python 3 writes it: an optional sign and digits.
pub(crate) fn decimal(text: &[u8]) -> Option<Value> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(text.parse().map_or(Value::Wide, Value::Int))
}

/// A little-endian integer in two's complement of any length.
pub(crate) fn long(bytes: &[u8]) -> Value {
    let sign = bytes.last().is_some_and(|top| top & 0x80 != 0);
    let fill = if sign { 0xff } else { 0 };
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut wide = [fill; 8];
    wide[..low.len()].copy_from_slice(low);
    let value = i64::from_le_bytes(wide);
    let fits = high.iter().all(|&byte| byte == fill) && (value < 0) == sign;
    if fits { Value::Int(value) } else { Value::Wide }
}

/// The text of a float: what Python's `repr` writes.
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e'));
    if plain || matches!(text, "inf" | "-inf" | "nan") { text.parse().ok() } else { None }
}

/// Latin-1 with escapes for all other characters and for those that end a line.
pub(crate) fn raw_unicode_escape(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, after @ ..] = rest {
        let digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*first));
                rest = after;
                continue;
            }
        };
        let (code, after) = after[1..].split_at_checked(digits)?;
        if !code.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let code = u32::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?;
        text.push(char::from_u32(code)?);
        rest = after;
    }
    Some(text)
}

/// IEEE half precision, widened exactly.
pub(crate) fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (bits >> 10 & 0x1f, f64::from(bits & 0x3ff));
    let two_to = |power: i32| f64::from_bits(((power + 1023) as u64) << 52);
    sign * match exponent {
        0 => fraction * two_to(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * two_to(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_length() {
        for (bytes, want) in [
            (&[][..], Some(0)),
            (&[0xff], Some(-1)),
            (&[0, 0x80], Some(-32768)),
            (&[0xff, 0], Some(255)),
            (&[0, 0, 0, 0, 0, 0, 0, 0x80], Some(i64::MIN)),
            (&[0, 0, 0, 0, 0, 0, 0, 0x80, 0], None),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], Some(1)),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 1], None),
            (&[0xff; 12], Some(-1)),
        ] {
            let got = match long(bytes) {
                Value::Int(value) => Some(value),
                _ => None,
            };
            assert_eq!(got, want, "{bytes:?}");
        }
    }

    #[test]
    fn text_of_the_first_protocol() {
        assert!(matches!(decimal(b"-12"), Some(Value::Int(-12))));
        assert!(matches!(decimal(b"99999999999999999999"), Some(Value::Wide)));
        for bad in [&b""[..], b"-", b"1_0", b" 1", b"0x1", b"+1"] {
            assert!(decimal(bad).is_none(), "{bad:?}");
        }
        assert_eq!(float(b"-1.5e-3"), Some(-1.5e-3));
        assert_eq!(float(b"infinity"), None);
        assert_eq!(raw_unicode_escape(b"a\xe4\\u000a\\x").as_deref(), Some("a\u{e4}\n\\x"));
        assert_eq!(raw_unicode_escape(b"\\u00"), None);
        assert_eq!(raw_unicode_escape(b"\\ud800"), None);
    }

    #[test]
    fn halves() {
        for (bits, want) in
            [(0x3c00, 1.0), (0xc000, -2.0), (1, 1.0 / f64::from(1 << 24)), (0x7bff, 65504.0), (0x7c00, f64::INFINITY)]
        {
            assert_eq!(half(bits), want, "{bits:#x}");
        }
    }
}

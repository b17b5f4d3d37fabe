//! The few facts of a Plan's meta that a device acts on.
//!
//! Meta is compact JSON that the compiler wrote and a release key signed. In compact JSON a key is `,"name":`, and no
//! string can hold that, since a quote inside a string has a backslash before it. So a search is enough, and a parser
//! would only cost flash.

/// The number of a key, if it is there.
pub(crate) fn number(meta: &str, key: &str) -> Option<f32> {
    let value = value(meta, key)?;
    let end = value.find([',', '}']).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

/// The label of a class, as a JSON string with its quotes.
pub(crate) fn label(meta: &str, index: usize) -> Option<&str> {
    let mut rest = value(meta, "labels")?.strip_prefix('[')?;
    for _ in 0..index {
        let (_, after) = string(rest)?;
        rest = after.strip_prefix(',')?;
    }
    string(rest).map(|(label, _)| label)
}

/// Output and input of each state pair. A name with an escape in it is given as it stands, and fits no tensor.
pub(crate) fn state_pairs(meta: &str) -> impl Iterator<Item = (&str, &str)> {
    let list = value(meta, "state").and_then(|value| value.strip_prefix('[')).unwrap_or_default();
    let list = list.get(..list.find(']').unwrap_or(0)).unwrap_or_default();
    list.split("},").filter_map(|pair| {
        let name = |key| string(value(pair, key)?).and_then(|(name, _)| name.strip_prefix('"')?.strip_suffix('"'));
        Some((name("output")?, name("input")?))
    })
}

/// What stands behind a key of the outermost object; the first key has a brace before it.
fn value<'m>(meta: &'m str, key: &str) -> Option<&'m str> {
    let quoted = |at: &usize| -> Option<&'m str> {
        let (before, rest) = (meta.get(..*at)?, meta.get(at + key.len()..)?);
        let opened = before.ends_with(",\"") || before == "{\"";
        rest.strip_prefix("\":").filter(|_| opened)
    };
    meta.match_indices(key).find_map(|(at, _)| quoted(&at))
}

/// The JSON string at the start, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.split_at_checked(at + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str =
        r#"{"name":"x,","labels":["up","a \"b\",\"threshold\":9,","\\"],"window":64,"threshold":-1.5e-3}"#;

    #[test]
    fn numbers_are_found_by_key_and_not_inside_text() {
        let cases = [("threshold", Some(-1.5e-3)), ("window", Some(64.0)), ("hop", None), ("name", None)];
        for (key, expected) in cases {
            assert_eq!(number(META, key), expected, "{key}");
        }
        assert_eq!(number("", "window"), None);
    }

    #[test]
    fn state_pairs_are_read_in_order() {
        let meta = r#"{"name":"x","state":[{"output":"hn","input":"h"},{"output":"cn","input":"c"}],"window":4}"#;
        assert!(state_pairs(meta).eq([("hn", "h"), ("cn", "c")]));
        assert_eq!(state_pairs(META).count(), 0);
        assert_eq!(state_pairs(r#"{"state":[{"output":"hn""#).count(), 0);
    }

    #[test]
    fn labels_keep_their_escapes() {
        let expected = [Some(r#""up""#), Some(r#""a \"b\",\"threshold\":9,""#), Some(r#""\\""#), None];
        for (index, expected) in expected.into_iter().enumerate() {
            assert_eq!(label(META, index), expected, "{index}");
        }
        assert_eq!(label(r#"{"labels":["open"#, 0), None);
    }
}

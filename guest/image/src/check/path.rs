//! Finds a machine's path among bytes.

/// The first absolute path of at least three parts in `bytes`, Unix or Windows; two parts are too easily chance or a
/// media type's neighbour.
pub(super) fn absolute(bytes: &[u8]) -> Option<String> {
    (0..bytes.len()).find_map(|start| {
        let before = start.checked_sub(1).map(|at| bytes[at]);
        let rest = &bytes[start..];
        let body = match rest {
            [b'/', body @ ..] if !before.is_some_and(is_name) => body,
            [drive, b':', b'\\' | b'/', body @ ..] if drive.is_ascii_alphabetic() && !before.is_some_and(is_name) => {
                body
            }
            _ => return None,
        };
        let length = body.iter().take_while(|&&byte| is_name(byte) || is_separator(byte)).count();
        let parts = body[..length].split(|&byte| is_separator(byte)).filter(|part| part.len() > 1).count();
        let whole = rest.len() - body.len() + length;
        (parts >= 3).then(|| String::from_utf8_lossy(&rest[..whole]).into_owned())
    })
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn paths_of_machines_are_found_and_nothing_else() {
        for (text, expected) in [
            ("panicked at /usr/src/thing/lib.rs:3", Some("/usr/src/thing/lib.rs")),
            ("C:\\Users\\someone\\mote", Some("C:\\Users\\someone\\mote")),
            ("mote/guest/src/exports.rs", None),
            ("a/b a / b / c 1/2/3", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(absolute(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}

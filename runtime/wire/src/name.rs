//! Names that stand in topics.

use crate::WireError;

/// The longest name, in characters.
pub(crate) const MAX_NAME: usize = 64;

/// Whether `text` may name a fleet, device, model or rollout: 1 to 64 of `A-Z a-z 0-9 _ -`. No dots (NATS
/// maps them to separators), no wildcards, no slash, no `$`. A device's name does not start with `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(legal)
}

pub(crate) fn name(text: &str) -> Result<&str, WireError> {
    if is_name(text) { Ok(text) } else { Err(WireError::BadName) }
}

/// `_pub` and `_ctl` stand where devices stand.
pub(crate) fn device(text: &str) -> Result<&str, WireError> {
    if text.starts_with('_') { Err(WireError::BadName) } else { name(text) }
}

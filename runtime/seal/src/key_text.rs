//! Key files: one line of text per key, made to be read, compared and mailed.

use core::{fmt, str::FromStr};

use crate::key::{PublicKey, Role, SigningKey, Standing, TrustedKey};

const PUBLIC: &str = "mote-public-1";
const SECRET: &str = "mote-secret-1";

/// Why a line is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTextError {
    /// Not four words, or the first word is another; a public key is not a secret one.
    NotThisKind,
    /// The second word is no role.
    UnknownRole,
    /// The third word is no standing.
    UnknownStanding,
    /// Not 64 lower-case hex digits.
    BadHex,
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotThisKind => "not a key line of the expected kind",
            Self::UnknownRole => "the role is not release, assignment or foreign",
            Self::UnknownStanding => "the standing is not production or development",
            Self::BadHex => "not 64 lower-case hex digits",
        })
    }
}

impl core::error::Error for KeyTextError {}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, PUBLIC, self.role, self.standing, &self.public.0)
    }
}

impl FromStr for TrustedKey {
    type Err = KeyTextError;

    fn from_str(line: &str) -> Result<Self, KeyTextError> {
        let (role, standing, bytes) = parse_line(PUBLIC, line)?;
        Ok(Self { public: PublicKey(bytes), role, standing })
    }
}

/// The keys in a file of public key lines; blank lines and lines that start with `#` are passed over.
pub fn parse_keys(text: &str) -> impl Iterator<Item = Result<TrustedKey, KeyTextError>> + '_ {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::parse)
}

impl SigningKey {
    /// The line that holds the secret. A wrapper rather than `Display`, so that no log prints one by accident.
    #[must_use]
    pub fn to_text(&self) -> SecretText<'_> {
        SecretText(self)
    }
}

impl FromStr for SigningKey {
    type Err = KeyTextError;

    fn from_str(line: &str) -> Result<Self, KeyTextError> {
        let (role, standing, seed) = parse_line(SECRET, line)?;
        Ok(Self::from_seed(&seed, role, standing))
    }
}

/// Displays as a secret key line.
pub struct SecretText<'k>(&'k SigningKey);

impl fmt::Display for SecretText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, SECRET, self.0.role(), self.0.standing(), self.0.seed())
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, kind: &str, role: Role, standing: Standing, bytes: &[u8; 32]) -> fmt::Result {
    write!(f, "{kind} {role} {} ", standing.name())?;
    write_hex(f, bytes)
}

fn parse_line(kind: &str, line: &str) -> Result<(Role, Standing, [u8; 32]), KeyTextError> {
    let mut words = line.split_ascii_whitespace();
    let mut next = || words.next().ok_or(KeyTextError::NotThisKind);
    let (found, role, standing, hex) = (next()?, next()?, next()?, next()?);
    if found != kind || words.next().is_some() {
        return Err(KeyTextError::NotThisKind);
    }
    let role = [Role::Release, Role::Assignment, Role::Foreign]
        .into_iter()
        .find(|known| known.name() == role)
        .ok_or(KeyTextError::UnknownRole)?;
    let standing = [Standing::Production, Standing::Development]
        .into_iter()
        .find(|known| known.name() == standing)
        .ok_or(KeyTextError::UnknownStanding)?;
    Ok((role, standing, parse_hex(hex)?))
}

pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(crate) fn parse_hex(text: &str) -> Result<[u8; 32], KeyTextError> {
    let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| KeyTextError::BadHex)?;
    let mut bytes = [0; 32];
    for (byte, &[high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Ok(bytes)
}

fn nibble(digit: u8) -> Result<u8, KeyTextError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(KeyTextError::BadHex),
    }
}

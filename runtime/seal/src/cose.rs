//! COSE_Sign1 (RFC 9052, 4.2): the envelope of every signed document.

use crate::canonical::{Reader, required};
use crate::key::{KeyId, Keyring, Role, TrustedKey};
use crate::{MAX_DOCUMENT, OpenError};

/// COSE_Sign1_Tagged.
const TAG: u64 = 18;
/// EdDSA in the IANA registry of COSE algorithms.
const EDDSA: i64 = -8;
/// Header parameters, RFC 9052, 3.1.
mod header {
    pub(super) const ALGORITHM: u64 = 1;
    pub(super) const CONTENT_TYPE: u64 = 3;
    pub(super) const KEY_ID: u64 = 4;
}
/// `["Signature1", ...` of the Sig_structure, RFC 9052, 4.4.
const CONTEXT: &[u8] = b"\x84\x6aSignature1";

/// What a document is. The content type stands in the protected header and is signed with the rest, so a
/// signature made for one type never opens another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Release,
    Assignment,
}

impl Document {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Release => "application/mote-release+cbor",
            Self::Assignment => "application/mote-assignment+cbor",
        }
    }
}

/// A payload whose signature has been checked, and the key that made it.
pub(crate) struct Signed<'a, 'k> {
    pub(crate) payload: Reader<'a>,
    pub(crate) key: &'k TrustedKey,
}

/// Verifies `bytes` as one `document` signed by a key that has one of `roles`. The payload is not looked
/// at before its signature holds.
pub(crate) fn verify<'a, 'k>(
    bytes: &'a [u8],
    document: Document,
    ring: &Keyring<'k>,
    roles: &[Role],
) -> Result<Signed<'a, 'k>, OpenError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(OpenError::TooLong { limit: MAX_DOCUMENT as u64, got: bytes.len() as u64 });
    }
    let mut reader = Reader::new(bytes, 0);
    let malformed = OpenError::Malformed { offset: 0 };
    if reader.tag()? != TAG || reader.array()? != 4 {
        return Err(malformed);
    }
    let protected = reader.byte_string()?;
    let protected_at = reader.offset() - protected.len();
    let id = protected_header(Reader::new(protected, protected_at), document)?;
    let offset = reader.offset();
    // Nothing unprotected is ever believed, so nothing may stand there.
    if reader.map()?.next_key(&mut reader)?.is_some() {
        return Err(OpenError::Malformed { offset });
    }
    let payload = reader.byte_string()?;
    let payload_at = reader.offset() - payload.len();
    let signature = reader.byte_array()?;
    reader.end()?;

    let key = ring.find(id, roles)?;
    let (protected_head, payload_head) = (head(protected.len()), head(payload.len()));
    let message = [
        CONTEXT,
        protected_head.as_slice(),
        protected,
        b"\x40", // external_aad: empty
        payload_head.as_slice(),
        payload,
    ];
    key.public.verify(&message, &signature)?;
    Ok(Signed { payload: Reader::new(payload, payload_at), key })
}

fn protected_header(mut reader: Reader<'_>, document: Document) -> Result<KeyId, OpenError> {
    let (mut algorithm, mut content_type, mut id) = (None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_key(&mut reader)? {
        match key {
            header::ALGORITHM => algorithm = Some(reader.signed()?),
            header::CONTENT_TYPE => content_type = Some(reader.text()?),
            header::KEY_ID => id = Some(reader.byte_array()?),
            _ => return Err(OpenError::UnknownField { key }),
        }
    }
    reader.end()?;
    if required(algorithm, header::ALGORITHM)? != EDDSA {
        return Err(OpenError::UnknownAlgorithm);
    }
    if required(content_type, header::CONTENT_TYPE)? != document.content_type() {
        return Err(OpenError::WrongDocument);
    }
    required(id, header::KEY_ID).map(KeyId)
}

/// The head of a byte string of at most [`MAX_DOCUMENT`] bytes.
struct Head {
    bytes: [u8; 3],
    length: usize,
}

impl Head {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn head(length: usize) -> Head {
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=23 => Head { bytes: [0x40 | low, 0, 0], length: 1 },
        24..=0xff => Head { bytes: [0x58, low, 0], length: 2 },
        _ => Head { bytes: [0x59, high, low], length: 3 },
    }
}

/// Signs `payload` as a `document`. Ed25519 is deterministic, so equal input gives equal bytes.
#[cfg(feature = "alloc")]
pub(crate) fn sign(payload: &[u8], document: Document, key: &crate::SigningKey) -> alloc::vec::Vec<u8> {
    use crate::canonical::Writer;

    let mut protected = Writer::default();
    protected
        .map(3)
        .unsigned(header::ALGORITHM)
        .negative(EDDSA.unsigned_abs() - 1)
        .unsigned(header::CONTENT_TYPE)
        .text(document.content_type())
        .unsigned(header::KEY_ID)
        .byte_string(&key.public().id().0);
    let mut message = Writer::default();
    message.raw(CONTEXT).byte_string(&protected.bytes).byte_string(&[]).byte_string(payload);
    let signature = key.sign(&message.bytes);
    let mut envelope = Writer::default();
    envelope.tag(TAG).array(4).byte_string(&protected.bytes).map(0).byte_string(payload).byte_string(&signature);
    envelope.bytes
}

//! A question to a device.

use crate::WireError;
use crate::body::{Body, in_range, read, required, write};

/// A question; the answer carries its nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Tells answers apart.
    pub nonce: u64,
    /// What is asked.
    pub question: Question,
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// Publish the twin.
    Twin = 1,
    /// Publish the metrics window that is being folded.
    Metrics = 2,
}

impl Body<'_> for Ask {
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut nonce, mut question) = (None, None);
        read(bytes, |key, decoder| {
            match key {
                1 => nonce = Some(decoder.u64()?),
                2 => {
                    let known = [Question::Twin, Question::Metrics];
                    let code = decoder.u8()?;
                    let asked = known.into_iter().find(|&known| known as u8 == code);
                    question = Some(in_range(asked, 2)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { nonce: required(nonce, 1)?, question: required(question, 2)? })
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        write(out, |encoder| encoder.map(2)?.u8(1)?.u64(self.nonce)?.u8(2)?.u8(self.question as u8)?.ok())
    }
}

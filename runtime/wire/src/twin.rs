//! What a device says of itself.

use minicbor::Decoder;

use crate::body::{Body, Fault, digest, in_range, read, read_map, required, write};
use crate::{UpdateState, WireError, is_name};

/// The longest runtime version.
const MAX_RUNTIME: usize = 64;

/// One retained document per device, published again whenever it changes or the broker may have lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Twin<'a> {
    /// Counts the device's starts.
    pub boot: u64,
    /// The session that the device's birth named.
    pub session: u64,
    /// Counts twins within a boot; of two, the higher is newer.
    pub sequence: u64,
    /// Where the update machine is.
    pub state: UpdateState,
    /// The model that answers, if any.
    pub running: Option<Running<'a>>,
    /// Epoch of the last accepted assignment.
    pub epoch: u64,
    /// Its generation.
    pub generation: u64,
    /// The lowest version that this device still runs.
    pub floor: u64,
    /// How far a transfer has come.
    pub progress: Option<Progress>,
    /// Why the last update did not succeed.
    pub failure: Option<Failure>,
    /// Since the device was made.
    pub counters: Counters,
    /// What the device can take.
    pub capabilities: Capabilities<'a>,
    /// The nonce of the question that this answers, if any.
    pub answers: Option<u64>,
}

/// A model that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Running<'a> {
    /// Its name.
    pub model: &'a str,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its signed release.
    pub release: [u8; 32],
}

/// How far a transfer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Progress {
    /// Chunks held.
    pub held: u32,
    /// Chunks in all.
    pub total: u32,
}

/// Why an update did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The state it happened in.
    pub stage: UpdateState,
    /// Its code: of `OpenError` below 100, of the update machine from 100 on.
    pub code: u16,
    /// SHA-256 of the signed release that was wanted.
    pub release: [u8; 32],
}

/// Counts since the device was made; they saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counters {
    /// Updates that became the good model.
    pub committed: u32,
    /// Updates that were taken back or failed.
    pub failed: u32,
    /// Assignments and releases that were refused.
    pub refused: u32,
    /// Assignments older than one accepted: a broken broker, or an attack.
    pub replayed: u32,
    /// Chunks that were not asked for, came twice or did not fit.
    pub bad_chunks: u32,
}

/// What a device can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capabilities<'a> {
    /// Its class, as in releases: 1 gateway, 2 browser, 3 microcontroller.
    pub class: u8,
    /// The variant it takes.
    pub variant: &'a str,
    /// The largest artifact it has room for, in bytes.
    pub max_bytes: u64,
    /// The version of its runtime, up to 64 printable ASCII characters.
    pub runtime: &'a str,
}

impl<'a> Body<'a> for Twin<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (mut boot, mut session, mut sequence, mut state) = (None, None, None, None);
        let (mut running, mut progress, mut failure, mut answers) = (None, None, None, None);
        let (mut epoch, mut generation, mut floor) = (0, 0, 0);
        let (mut counters, mut capabilities) = (Counters::default(), None);
        read(bytes, |key, decoder| {
            match key {
                1 => boot = Some(decoder.u64()?),
                2 => session = Some(decoder.u64()?),
                3 => sequence = Some(decoder.u64()?),
                4 => state = Some(in_range(UpdateState::from_code(decoder.u8()?), 4)?),
                5 => running = Some(Running::read(decoder)?),
                6 => epoch = decoder.u64()?,
                7 => generation = decoder.u64()?,
                8 => floor = decoder.u64()?,
                9 => progress = Some(Progress::read(decoder)?),
                10 => failure = Some(Failure::read(decoder)?),
                11 => counters = Counters::read(decoder)?,
                12 => capabilities = Some(Capabilities::read(decoder)?),
                13 => answers = Some(decoder.u64()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            boot: required(boot, 1)?,
            session: required(session, 2)?,
            sequence: required(sequence, 3)?,
            state: required(state, 4)?,
            running,
            epoch,
            generation,
            floor,
            progress,
            failure,
            counters,
            capabilities: required(capabilities, 12)?,
            answers,
        })
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        in_range(self.running.is_none_or(|running| is_name(running.model)).then_some(()), 5)?;
        self.capabilities.check()?;
        let optional =
            [self.running.is_some(), self.progress.is_some(), self.failure.is_some(), self.answers.is_some()];
        let present = optional.into_iter().filter(|&present| present).count() as u64;
        write(out, |encoder| {
            encoder.map(9 + present)?.u8(1)?.u64(self.boot)?.u8(2)?.u64(self.session)?;
            encoder.u8(3)?.u64(self.sequence)?.u8(4)?.u8(self.state as u8)?;
            if let Some(Running { model, version, release }) = self.running {
                encoder.u8(5)?.map(3)?.u8(1)?.str(model)?;
                encoder.u8(2)?.u64(version)?.u8(3)?.bytes(&release)?;
            }
            encoder.u8(6)?.u64(self.epoch)?.u8(7)?.u64(self.generation)?;
            encoder.u8(8)?.u64(self.floor)?;
            if let Some(Progress { held, total }) = self.progress {
                encoder.u8(9)?.map(2)?.u8(1)?.u32(held)?.u8(2)?.u32(total)?;
            }
            if let Some(Failure { stage, code, release }) = self.failure {
                encoder.u8(10)?.map(3)?.u8(1)?.u8(stage as u8)?;
                encoder.u8(2)?.u16(code)?.u8(3)?.bytes(&release)?;
            }
            let Counters { committed, failed, refused, replayed, bad_chunks } = self.counters;
            encoder.u8(11)?.map(5)?;
            for (key, count) in (1..).zip([committed, failed, refused, replayed, bad_chunks]) {
                encoder.u8(key)?.u32(count)?;
            }
            let Capabilities { class, variant, max_bytes, runtime } = self.capabilities;
            encoder.u8(12)?.map(4)?.u8(1)?.u8(class)?.u8(2)?.str(variant)?;
            encoder.u8(3)?.u64(max_bytes)?.u8(4)?.str(runtime)?;
            if let Some(nonce) = self.answers {
                encoder.u8(13)?.u64(nonce)?;
            }
            Ok(())
        })
    }
}

impl<'a> Running<'a> {
    fn read(decoder: &mut Decoder<'a>) -> Result<Self, Fault> {
        let (mut model, mut version, mut release) = (None, None, None);
        read_map(decoder, |key, decoder| {
            match key {
                1 => model = Some(in_range(Some(decoder.str()?).filter(|name| is_name(name)), 5)?),
                2 => version = Some(decoder.u64()?),
                3 => release = Some(digest(decoder, 5)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = WireError::MissingField { key: 5 };
        Ok(Self { model: model.ok_or(missing)?, version: version.ok_or(missing)?, release: release.ok_or(missing)? })
    }
}

impl Progress {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Fault> {
        let (mut held, mut total) = (0, 0);
        read_map(decoder, |key, decoder| {
            match key {
                1 => held = decoder.u32()?,
                2 => total = decoder.u32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { held, total })
    }
}

impl Failure {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Fault> {
        let (mut stage, mut code, mut release) = (None, None, None);
        read_map(decoder, |key, decoder| {
            match key {
                1 => stage = Some(in_range(UpdateState::from_code(decoder.u8()?), 10)?),
                2 => code = Some(decoder.u16()?),
                3 => release = Some(digest(decoder, 10)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = WireError::MissingField { key: 10 };
        Ok(Self { stage: stage.ok_or(missing)?, code: code.ok_or(missing)?, release: release.ok_or(missing)? })
    }
}

impl Counters {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Fault> {
        let mut counters = Self::default();
        read_map(decoder, |key, decoder| {
            *match key {
                1 => &mut counters.committed,
                2 => &mut counters.failed,
                3 => &mut counters.refused,
                4 => &mut counters.replayed,
                5 => &mut counters.bad_chunks,
                _ => return Ok(false),
            } = decoder.u32()?;
            Ok(true)
        })?;
        Ok(counters)
    }
}

impl<'a> Capabilities<'a> {
    fn check(&self) -> Result<(), WireError> {
        let printable = self.runtime.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let good = is_name(self.variant) && printable && self.runtime.len() <= MAX_RUNTIME;
        in_range(good.then_some(()), 12)
    }

    fn read(decoder: &mut Decoder<'a>) -> Result<Self, Fault> {
        let (mut class, mut variant, mut max_bytes, mut runtime) = (None, None, None, None);
        read_map(decoder, |key, decoder| {
            match key {
                1 => class = Some(decoder.u8()?),
                2 => variant = Some(decoder.str()?),
                3 => max_bytes = Some(decoder.u64()?),
                4 => runtime = Some(decoder.str()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = WireError::MissingField { key: 12 };
        let capabilities = Self {
            class: class.ok_or(missing)?,
            variant: variant.ok_or(missing)?,
            max_bytes: max_bytes.ok_or(missing)?,
            runtime: runtime.ok_or(missing)?,
        };
        capabilities.check()?;
        Ok(capabilities)
    }
}

use std::sync::Arc;

use mote_abi::Status;
use wasmtime::{Memory, Store, TypedFunc};

use crate::foreign::{Clock, Guest, ticks};
use crate::{EntryPorts, InferError, Limits, Port, TrapKind};

/// A running model. One caller at a time; as many instances as memory allows share code and weights.
pub struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) memory: Memory,
    pub(crate) call: TypedFunc<i32, i32>,
    pub(crate) entries: Arc<[EntryPorts]>,
    pub(crate) pace: Pace,
}

/// What one stream carries from call to call. It belongs to an entry of a model, and any instance of that model can go on
/// with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    entry: u32,
    /// The bytes of each state input of the next call, in the order of [`EntryPorts::state`].
    kept: Vec<Vec<u8>>,
}

impl StreamState {
    /// The state of a stream that has not begun, for the entry of this index: zeros.
    #[must_use]
    pub fn new(entry: u32, ports: &EntryPorts) -> Self {
        let zeros = |&(_, to): &(usize, usize)| vec![0; ports.inputs.get(to).map_or(0, |port| port.bytes)];
        Self { entry, kept: ports.state.iter().map(zeros).collect() }
    }

    /// Forgets everything: the next call begins a stream.
    pub fn reset(&mut self) {
        self.kept.iter_mut().for_each(|bytes| bytes.fill(0));
    }

    /// The bytes that the next call receives, in the order of [`EntryPorts::state`]; writing them sets the state.
    pub fn bytes_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.kept.iter_mut().map(Vec::as_mut_slice)
    }
}

/// Whether a call can be stopped.
#[derive(Clone)]
pub(crate) enum Pace {
    /// Its bound was checked before; it runs at full speed.
    Bounded,
    /// It is stopped after so many ticks of the clock.
    Stopped { ticks: u64, _clock: Clock },
}

impl Pace {
    pub(crate) fn of_foreign(limits: &Limits, clock: Clock) -> Self {
        Self::Stopped { ticks: ticks(limits.deadline), _clock: clock }
    }
}

impl Instance {
    /// The ways to call the model, by entry index.
    #[must_use]
    pub fn entries(&self) -> &[EntryPorts] {
        &self.entries
    }

    /// Copies the inputs in, in the model's order, runs the entry and answers a view of its outputs.
    ///
    /// # Errors
    /// A missing entry, inputs of another number or length, or a call that ended without an answer. After one that
    /// [`InferError::poisons`] the instance must be dropped.
    pub fn infer(&mut self, entry: u32, inputs: &[&[u8]]) -> Result<Outputs<'_>, InferError> {
        let expected = self.entry(entry)?.inputs.len();
        if inputs.len() != expected {
            return Err(InferError::InputCount { expected, got: inputs.len() });
        }
        for (index, bytes) in inputs.iter().enumerate() {
            let place = self.input_mut(entry, index)?;
            if place.len() != bytes.len() {
                return Err(InferError::InputLength { index, expected: place.len(), got: bytes.len() });
            }
            place.copy_from_slice(bytes);
        }
        self.run(entry)?;
        let ports = self.entry(entry)?.outputs.as_slice();
        Ok(Outputs { memory: self.memory.data(&self.store), ports })
    }

    /// Runs an entry on what [`Instance::input_mut`] was used to write. A call may overwrite its inputs.
    ///
    /// # Errors
    /// As [`Instance::infer`].
    pub fn run(&mut self, entry: u32) -> Result<(), InferError> {
        self.entry(entry)?;
        if let Pace::Stopped { ticks, .. } = self.pace {
            self.store.set_epoch_deadline(ticks);
        }
        let answer = self.call.call(&mut self.store, entry.cast_signed());
        // Beside traps, a guest of WASI may end itself; either way it gave no answer.
        let answer =
            answer.map_err(|error| InferError::from_trap(&error).unwrap_or(InferError::Trap(TrapKind::Other)))?;
        match Status::from_code(answer) {
            Some(Status::Ok) => Ok(()),
            Some(status) => Err(InferError::Status(status)),
            None => Err(InferError::UnknownStatus(answer)),
        }
    }

    /// An input in the guest's memory: dense, row-major, little-endian.
    ///
    /// # Errors
    /// If entry or input do not exist.
    pub fn input_mut(&mut self, entry: u32, index: usize) -> Result<&mut [u8], InferError> {
        let port = port(&self.entry(entry)?.inputs, index)?;
        let range = port.range();
        self.memory.data_mut(&mut self.store).get_mut(range).ok_or(InferError::NoPort { index })
    }

    /// An output in the guest's memory, valid from the call that made it to the next one.
    ///
    /// # Errors
    /// If entry or output do not exist.
    pub fn output(&self, entry: u32, index: usize) -> Result<&[u8], InferError> {
        let port = port(&self.entry(entry)?.outputs, index)?;
        self.memory.data(&self.store).get(port.range()).ok_or(InferError::NoPort { index })
    }

    /// What a foreign guest wrote to its standard error; empty for any other.
    #[must_use]
    pub fn stderr(&self) -> Vec<u8> {
        self.store.data().stderr()
    }

    /// The state of a stream that has not begun: zeros.
    ///
    /// # Errors
    /// If the entry does not exist.
    pub fn new_stream(&self, entry: u32) -> Result<StreamState, InferError> {
        Ok(StreamState::new(entry, self.entry(entry)?))
    }

    /// Takes a stream one call further: copies the inputs in, in the model's order without those of the state, runs the
    /// stream's entry, keeps the new state and answers a view of the outputs. Streams may take turns.
    ///
    /// # Errors
    /// As [`Instance::infer`]; the stream is then where it was before.
    pub fn advance(&mut self, stream: &mut StreamState, inputs: &[&[u8]]) -> Result<Outputs<'_>, InferError> {
        let (entry, entries) = (stream.entry, Arc::clone(&self.entries));
        let ports = entries.get(entry as usize).ok_or(InferError::NoEntry { entry, count: entries.len() as u32 })?;
        let expected = ports.inputs.len().saturating_sub(ports.state.len());
        if inputs.len() != expected || stream.kept.len() != ports.state.len() {
            return Err(InferError::InputCount { expected, got: inputs.len() });
        }
        let mut given = inputs.iter().copied();
        for index in 0..ports.inputs.len() {
            let kept = ports.state.iter().position(|&(_, to)| to == index).and_then(|pair| stream.kept.get(pair));
            let bytes = kept.map(Vec::as_slice).or_else(|| given.next()).unwrap_or_default();
            let place = self.input_mut(entry, index)?;
            if place.len() != bytes.len() {
                return Err(InferError::InputLength { index, expected: place.len(), got: bytes.len() });
            }
            place.copy_from_slice(bytes);
        }
        self.run(entry)?;
        for (kept, &(from, _)) in stream.kept.iter_mut().zip(&ports.state) {
            kept.copy_from_slice(self.output(entry, from)?);
        }
        Ok(Outputs { memory: self.memory.data(&self.store), ports: self.entry(entry)?.outputs.as_slice() })
    }

    fn entry(&self, entry: u32) -> Result<&EntryPorts, InferError> {
        let count = self.entries.len() as u32;
        self.entries.get(entry as usize).ok_or(InferError::NoEntry { entry, count })
    }
}

fn port(ports: &[Port], index: usize) -> Result<&Port, InferError> {
    ports.get(index).ok_or(InferError::NoPort { index })
}

/// The outputs of one call, in place.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    memory: &'a [u8],
    ports: &'a [Port],
}

impl<'a> Outputs<'a> {
    /// What the outputs are, in the model's order.
    #[must_use]
    pub fn ports(&self) -> &'a [Port] {
        self.ports
    }

    /// The bytes of the i-th output: dense, row-major, little-endian.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.memory.get(self.ports.get(index)?.range())
    }

    /// Every output with its description.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Port, &'a [u8])> + use<'a> {
        let memory = self.memory;
        self.ports.iter().map(move |port| (port, memory.get(port.range()).unwrap_or_default()))
    }
}

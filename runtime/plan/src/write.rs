//! Makes a Plan from tensors, steps and constants.

use std::collections::HashMap;

use mote_abi::DType;

use crate::format::{BASE_ALIGN, ENTRY_BYTES, HEADER_BYTES, MAGIC, MAX_BYTES, NONE, TENSOR_BYTES, VERSION};
use crate::meta::Meta;
use crate::step::{Kind, Params};
use crate::tensor::{Halo, Region, Tensor, TensorId};

/// Why a Plan cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The tables, the constants or the arena exceed [`MAX_BYTES`].
    TooLarge,
    /// A shape with more than 8 dimensions or more elements than a Plan can hold.
    BadShape,
    /// A name longer than 65535 bytes.
    NameTooLong,
}

impl core::fmt::Display for WriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the Plan exceeds 2 GiB",
            Self::BadShape => "a shape has more than 8 dimensions or too many elements",
            Self::NameTooLong => "a name is longer than 65535 bytes",
        })
    }
}

impl std::error::Error for WriteError {}

/// One entry as the compiler describes it.
#[derive(Clone, Debug, Default)]
pub struct EntrySpec {
    /// Rows that one call takes.
    pub batch: u32,
    /// Input tensors, in the model's order.
    pub inputs: Vec<TensorId>,
    /// Output tensors, in the model's order.
    pub outputs: Vec<TensorId>,
    /// Bytes of arena used.
    pub arena_bytes: u32,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Upper bound on scalar operations.
    pub ops: u64,
}

/// Collects tensors, constants and steps; [`Writer::finish`] lays them out. Equal constants are stored once.
#[derive(Debug, Default)]
pub struct Writer {
    tensors: Vec<Tensor>,
    names: Vec<u8>,
    name_offsets: HashMap<String, u32>,
    records: Vec<u8>,
    step_offsets: Vec<u32>,
    entries: Vec<(EntrySpec, (u32, u32))>,
    first_step: u32,
    consts: Vec<u8>,
    const_offsets: HashMap<Vec<u8>, u32>,
    align: u32,
}

impl Writer {
    /// A writer that aligns each constant to so many bytes, a power of two of at least 16.
    pub fn new(const_align: u32) -> Self {
        Self { align: const_align.max(BASE_ALIGN as u32), ..Self::default() }
    }

    /// Adds a constant with its little-endian bytes.
    ///
    /// # Errors
    /// A shape or a total that no Plan can hold.
    pub fn constant(&mut self, dtype: DType, dims: &[u32], bytes: &[u8]) -> Result<TensorId, WriteError> {
        let offset = match self.const_offsets.get(bytes) {
            Some(&offset) => offset,
            None => self.append_constant(bytes)?,
        };
        let tensor = Tensor::new(dtype, Region::Const, offset, dims, Halo::NONE).ok_or(WriteError::BadShape)?;
        if tensor.bytes as usize != bytes.len() {
            return Err(WriteError::BadShape);
        }
        Ok(self.push(tensor))
    }

    /// Adds an arena tensor at a byte offset of the arena.
    ///
    /// # Errors
    /// A shape that no Plan can hold.
    pub fn arena(&mut self, dtype: DType, dims: &[u32], halo: Halo, offset: u32) -> Result<TensorId, WriteError> {
        let tensor = Tensor::new(dtype, Region::Arena, offset, dims, halo).ok_or(WriteError::BadShape)?;
        Ok(self.push(tensor))
    }

    /// Names a tensor; inputs and outputs of entries need a name.
    ///
    /// # Errors
    /// A name that is too long.
    pub fn name(&mut self, id: TensorId, name: &str) -> Result<(), WriteError> {
        let len = u16::try_from(name.len()).map_err(|_| WriteError::NameTooLong)?;
        let offset = *self.name_offsets.entry(name.to_owned()).or_insert_with(|| {
            let at = self.names.len() as u32;
            self.names.extend(len.to_le_bytes());
            self.names.extend(name.as_bytes());
            at
        });
        self.tensors[id.0 as usize].name = offset;
        Ok(())
    }

    /// Appends a step to the entry under construction.
    pub fn step<P: Params>(&mut self, kind: Kind, inputs: &[Option<TensorId>], outputs: &[TensorId], params: &P) {
        debug_assert!(kind.accepts(inputs.len(), outputs.len()), "{kind:?} with {} inputs", inputs.len());
        let mut words = Vec::new();
        params.write(&mut |word| words.extend(word.to_le_bytes()));
        self.record(kind, inputs, outputs, &words);
    }

    /// Appends a step of a kind that has no parameters: [`Kind::MatMul`], [`Kind::Select`], [`Kind::Halo`], [`Kind::Cast`].
    pub fn bare_step(&mut self, kind: Kind, inputs: &[Option<TensorId>], outputs: &[TensorId]) {
        self.record(kind, inputs, outputs, &[]);
    }

    /// Closes the entry whose steps were appended since the last call.
    pub fn entry(&mut self, spec: EntrySpec) {
        let last = self.step_offsets.len() as u32;
        self.entries.push((spec, (self.first_step, last - self.first_step)));
        self.first_step = last;
    }

    /// Bytes of the constants added so far, each aligned.
    pub fn constant_bytes(&self) -> u64 {
        self.consts.len() as u64
    }

    /// Lays the Plan out.
    ///
    /// # Errors
    /// More bytes than a Plan may have.
    pub fn finish(self, meta: &Meta) -> Result<Vec<u8>, WriteError> {
        let meta = serde_json::to_vec(meta).expect("Meta has string keys and finite numbers");
        let io: Vec<u32> =
            self.entries.iter().flat_map(|(e, _)| e.inputs.iter().chain(&e.outputs)).map(|id| id.0).collect();
        let tensors_at = HEADER_BYTES;
        let entries_at = tensors_at + self.tensors.len() as u32 * TENSOR_BYTES;
        let io_at = entries_at + self.entries.len() as u32 * ENTRY_BYTES;
        let steps_at = io_at + io.len() as u32 * 4;
        let records_at = steps_at + self.step_offsets.len() as u32 * 4;
        let names_at = records_at + self.records.len() as u32;
        let meta_at = names_at + self.names.len() as u32;
        let consts_at = (meta_at + meta.len() as u32).next_multiple_of(self.align);
        let total = u64::from(consts_at) + self.consts.len() as u64;
        let arena = self.entries.iter().map(|(e, _)| e.arena_bytes).max().unwrap_or(0);
        if total > u64::from(MAX_BYTES) || arena > MAX_BYTES {
            return Err(WriteError::TooLarge);
        }

        let mut out = Vec::with_capacity(total as usize);
        out.extend(MAGIC);
        let header = [
            VERSION,
            total as u32,
            arena,
            tensors_at,
            self.tensors.len() as u32,
            entries_at,
            self.entries.len() as u32,
            io_at,
            io.len() as u32,
            steps_at,
            self.step_offsets.len() as u32,
            records_at,
            self.records.len() as u32,
            names_at,
            self.names.len() as u32,
            meta_at,
            meta.len() as u32,
            consts_at,
            self.consts.len() as u32,
        ];
        put(&mut out, &header);
        out.resize(HEADER_BYTES as usize, 0);
        for mut tensor in self.tensors {
            if tensor.region == Region::Const {
                tensor.offset += consts_at;
            }
            out.extend(tensor.encode());
        }
        put_entries(&mut out, &self.entries);
        put(&mut out, &io);
        let offsets: Vec<u32> = self.step_offsets.iter().map(|at| at + records_at).collect();
        put(&mut out, &offsets);
        out.extend(&self.records);
        out.extend(&self.names);
        out.extend(&meta);
        out.resize(consts_at as usize, 0);
        out.extend(&self.consts);
        Ok(out)
    }

    fn push(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        TensorId(self.tensors.len() as u32 - 1)
    }

    fn append_constant(&mut self, bytes: &[u8]) -> Result<u32, WriteError> {
        let at = self.consts.len().next_multiple_of(self.align as usize);
        if at + bytes.len() > MAX_BYTES as usize {
            return Err(WriteError::TooLarge);
        }
        self.consts.resize(at, 0);
        self.consts.extend(bytes);
        self.const_offsets.insert(bytes.to_vec(), at as u32);
        Ok(at as u32)
    }

    fn record(&mut self, kind: Kind, inputs: &[Option<TensorId>], outputs: &[TensorId], params: &[u8]) {
        self.step_offsets.push(self.records.len() as u32);
        self.records.extend((kind as u16).to_le_bytes());
        self.records.extend([inputs.len() as u8, outputs.len() as u8]);
        self.records.extend((params.len() as u32).to_le_bytes());
        let ids: Vec<u32> =
            inputs.iter().map(|id| id.map_or(NONE, |id| id.0)).chain(outputs.iter().map(|id| id.0)).collect();
        put(&mut self.records, &ids);
        self.records.extend(params);
    }
}

fn put(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

fn put_entries(out: &mut Vec<u8>, entries: &[(EntrySpec, (u32, u32))]) {
    let mut io = 0;
    for (entry, (first, count)) in entries {
        let (inputs, outputs) = (entry.inputs.len() as u32, entry.outputs.len() as u32);
        put(out, &[*first, *count, io, inputs, io + inputs, outputs, entry.batch, entry.arena_bytes]);
        out.extend(entry.macs.to_le_bytes());
        out.extend(entry.ops.to_le_bytes());
        io += inputs + outputs;
    }
}

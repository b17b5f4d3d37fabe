use crate::bytes::{range, u16_at, u32_at, u64_at};
use crate::error::PlanError;
use crate::format::{
    BASE_ALIGN, ENTRY_BYTES, HEADER_BYTES, MAGIC, MAX_BYTES, MAX_COUNT, NONE, TENSOR_BYTES, VERSION, header,
};
use crate::step::Step;
use crate::tensor::{Region, Tensor, TensorId};

/// A Plan read in place. Every accessor checks its bounds; [`Plan::view`] has also checked every table.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    bytes: &'a [u8],
}

/// One way to call the model: a batch size with its own steps over the shared weights.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    plan: Plan<'a>,
    /// First step and number of steps in the step table.
    pub steps: (u32, u32),
    /// Rows that one call takes.
    pub batch: u32,
    /// Bytes of the arena that this entry uses.
    pub arena_bytes: u32,
    /// Multiply-accumulate operations of one call.
    pub macs: u64,
    /// Upper bound on scalar operations of one call.
    pub ops: u64,
    inputs: (u32, u32),
    outputs: (u32, u32),
}

/// What the bytes of a Plan are; together all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sections {
    /// Header, tensors, entries and their inputs and outputs.
    pub tables: u32,
    /// Steps and their index.
    pub steps: u32,
    /// Names and meta.
    pub strings: u32,
    /// Weights and other constants, aligned.
    pub constants: u32,
    /// Before the constants.
    pub padding: u32,
}

impl<'a> Plan<'a> {
    /// Checks every table and record and answers the view. Bytes after the Plan's own length are ignored.
    ///
    /// # Errors
    /// The first contradiction found, see [`PlanError`].
    pub fn view(bytes: &'a [u8]) -> Result<Self, PlanError> {
        if !bytes.as_ptr().addr().is_multiple_of(BASE_ALIGN) {
            return Err(PlanError::Misaligned);
        }
        let plan = Self::trust(bytes)?;
        plan.check_tables()?;
        plan.check_tensors()?;
        plan.check_steps()?;
        plan.check_entries()?;
        plan.check_text()?;
        Ok(plan)
    }

    /// Reads the header only, for bytes that a [`Plan::view`] has accepted before. Safe on any bytes: accessors answer
    /// `None` where a table is broken.
    ///
    /// # Errors
    /// A short buffer, a wrong magic or an unknown version.
    pub fn trust(bytes: &'a [u8]) -> Result<Self, PlanError> {
        let got = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let short = |needed| PlanError::Truncated { needed, got };
        if bytes.get(..8).ok_or(short(HEADER_BYTES))? != MAGIC {
            return Err(PlanError::BadMagic);
        }
        let word = |at| u32_at(bytes, at).ok_or(short(HEADER_BYTES));
        if word(header::VERSION)? != VERSION {
            return Err(PlanError::UnsupportedVersion { version: word(header::VERSION)? });
        }
        let total = word(header::TOTAL)?;
        if !(HEADER_BYTES..=MAX_BYTES).contains(&total) {
            return Err(PlanError::BadTable { table: "header" });
        }
        let bytes = range(bytes, 0, total).ok_or(short(total))?;
        Ok(Self { bytes })
    }

    /// The Plan's own bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of arena that any entry needs.
    pub fn arena_bytes(&self) -> u32 {
        self.word(header::ARENA)
    }

    /// Number of tensors.
    pub fn tensor_count(&self) -> u32 {
        self.word(header::TENSORS + 4)
    }

    /// The tensor of an id.
    pub fn tensor(&self, id: TensorId) -> Option<Tensor> {
        if id.0 >= self.tensor_count() {
            return None;
        }
        let at = self.word(header::TENSORS).checked_add(id.0.checked_mul(TENSOR_BYTES)?)?;
        Tensor::decode(range(self.bytes, at, TENSOR_BYTES)?)
    }

    /// A tensor's name, where it has one.
    pub fn name(&self, tensor: &Tensor) -> Option<&'a str> {
        if tensor.name == NONE {
            return None;
        }
        let names = range(self.bytes, self.word(header::NAMES), self.word(header::NAMES + 4))?;
        let len = u16_at(names, tensor.name as usize)?;
        core::str::from_utf8(range(names, tensor.name.checked_add(2)?, u32::from(len))?).ok()
    }

    /// The bytes of a constant tensor.
    pub fn constant(&self, tensor: &Tensor) -> Option<&'a [u8]> {
        (tensor.region == Region::Const).then(|| range(self.bytes, tensor.offset, tensor.bytes)).flatten()
    }

    /// Number of entries.
    pub fn entry_count(&self) -> u32 {
        self.word(header::ENTRIES + 4)
    }

    /// The entry of an index.
    pub fn entry(&self, index: u32) -> Option<Entry<'a>> {
        if index >= self.entry_count() {
            return None;
        }
        let at = self.word(header::ENTRIES).checked_add(index.checked_mul(ENTRY_BYTES)?)?;
        let raw = range(self.bytes, at, ENTRY_BYTES)?;
        let pair = |at| Some((u32_at(raw, at)?, u32_at(raw, at + 4)?));
        Some(Entry {
            plan: *self,
            steps: pair(0)?,
            inputs: pair(8)?,
            outputs: pair(16)?,
            batch: u32_at(raw, 24)?,
            arena_bytes: u32_at(raw, 28)?,
            macs: u64_at(raw, 32)?,
            ops: u64_at(raw, 40)?,
        })
    }

    /// Every entry, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let plan = *self;
        (0..self.entry_count()).map_while(move |i| plan.entry(i))
    }

    /// Number of steps over all entries.
    pub fn step_count(&self) -> u32 {
        self.word(header::STEPS + 4)
    }

    /// The step of an index.
    pub fn step(&self, index: u32) -> Option<Step<'a>> {
        Step::read(self.bytes.get(self.step_offset(index)? as usize..)?)
    }

    /// Where the record of a step begins, in bytes from the Plan's first byte.
    pub fn step_offset(&self, index: u32) -> Option<u32> {
        if index >= self.step_count() {
            return None;
        }
        u32_at(self.bytes, self.word(header::STEPS).checked_add(index.checked_mul(4)?)? as usize)
    }

    /// The meta block, a JSON object.
    pub fn meta_json(&self) -> &'a str {
        let raw = range(self.bytes, self.word(header::META), self.word(header::META + 4));
        raw.and_then(|raw| core::str::from_utf8(raw).ok()).unwrap_or("")
    }

    /// Offset and length of the constants.
    pub fn constants(&self) -> (u32, u32) {
        (self.word(header::CONSTS), self.word(header::CONSTS + 4))
    }

    /// How many bytes go where.
    pub fn sections(&self) -> Sections {
        let table = |at, unit| self.word(at + 4).saturating_mul(unit);
        let tables = [(header::TENSORS, TENSOR_BYTES), (header::ENTRIES, ENTRY_BYTES), (header::IO, 4)];
        let tables = tables.into_iter().fold(HEADER_BYTES, |sum, (at, unit)| sum.saturating_add(table(at, unit)));
        let steps = table(header::STEPS, 4).saturating_add(table(header::RECORDS, 1));
        let strings = table(header::NAMES, 1).saturating_add(table(header::META, 1));
        let (_, constants) = self.constants();
        let stated = [tables, steps, strings, constants].into_iter().fold(0, u32::saturating_add);
        let padding = self.word(header::TOTAL).saturating_sub(stated);
        Sections { tables, steps, strings, constants, padding }
    }

    fn word(&self, at: usize) -> u32 {
        u32_at(self.bytes, at).unwrap_or(0)
    }

    fn check_tables(&self) -> Result<(), PlanError> {
        let tables = [
            ("tensor", header::TENSORS, TENSOR_BYTES),
            ("entry", header::ENTRIES, ENTRY_BYTES),
            ("io", header::IO, 4),
            ("step", header::STEPS, 4),
            ("record", header::RECORDS, 1),
            ("name", header::NAMES, 1),
            ("meta", header::META, 1),
            ("constant", header::CONSTS, 1),
        ];
        for (table, at, unit) in tables {
            let (offset, count) = (self.word(at), self.word(at + 4));
            let fits = unit == 1 || count <= MAX_COUNT;
            let bytes = count.checked_mul(unit).filter(|_| fits);
            bytes.and_then(|len| range(self.bytes, offset, len)).ok_or(PlanError::BadTable { table })?;
        }
        if self.arena_bytes() > MAX_BYTES {
            return Err(PlanError::BadTable { table: "arena" });
        }
        Ok(())
    }

    fn check_tensors(&self) -> Result<(), PlanError> {
        let (consts, consts_len) = self.constants();
        for id in 0..self.tensor_count() {
            let tensor = self.tensor(TensorId(id)).ok_or(PlanError::BadTensor { tensor: id })?;
            let (low, high) = match tensor.region {
                Region::Const => (consts, consts + consts_len),
                Region::Arena => (0, self.arena_bytes()),
            };
            let end = tensor.offset.checked_add(tensor.bytes);
            let aligned = tensor.offset.is_multiple_of(tensor.dtype.size());
            if tensor.offset < low || end.is_none_or(|end| end > high) || !aligned {
                return Err(PlanError::TensorOutOfBounds { tensor: id });
            }
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), PlanError> {
        let (records, records_len) = (self.word(header::RECORDS), self.word(header::RECORDS + 4));
        for index in 0..self.step_count() {
            let bad = PlanError::BadStep { step: index };
            let offset = self.step_offset(index).ok_or(bad)?;
            let step = self.step(index).ok_or(bad)?;
            let end = offset.checked_add(step.len_bytes()).ok_or(bad)?;
            if offset < records || end > records + records_len || !offset.is_multiple_of(4) {
                return Err(bad);
            }
            if step.inputs().any(|id| id.0 >= self.tensor_count()) {
                return Err(bad);
            }
            for id in step.outputs() {
                let written = self.tensor(id).ok_or(bad)?;
                if written.region == Region::Const {
                    return Err(PlanError::WritesConstant { step: index });
                }
            }
        }
        Ok(())
    }

    fn check_entries(&self) -> Result<(), PlanError> {
        for index in 0..self.entry_count() {
            let bad = PlanError::BadEntry { entry: index };
            let entry = self.entry(index).ok_or(bad)?;
            let within = |(first, count): (u32, u32), all| first.checked_add(count).is_some_and(|end| end <= all);
            let io = self.word(header::IO + 4);
            let sound = within(entry.steps, self.step_count())
                && within(entry.inputs, io)
                && within(entry.outputs, io)
                && entry.arena_bytes <= self.arena_bytes();
            if !sound {
                return Err(bad);
            }
            for id in entry.inputs().chain(entry.outputs()) {
                let tensor = self.tensor(id).ok_or(bad)?;
                if !tensor.is_dense() || self.name(&tensor).is_none() {
                    return Err(bad);
                }
            }
            if entry.inputs().any(|id| self.tensor(id).is_none_or(|t| t.region == Region::Const)) {
                return Err(bad);
            }
        }
        Ok(())
    }

    fn check_text(&self) -> Result<(), PlanError> {
        for at in [header::NAMES, header::META] {
            let raw = range(self.bytes, self.word(at), self.word(at + 4)).ok_or(PlanError::BadText)?;
            core::str::from_utf8(raw).map_err(|_| PlanError::BadText)?;
        }
        Ok(())
    }
}

impl<'a> Entry<'a> {
    /// The tensors that the host writes before a call, in the model's order. Dense, named, in the arena.
    pub fn inputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        self.io(self.inputs)
    }

    /// The tensors that hold the answer after a call. Dense and named; a constant output lies in the Plan.
    pub fn outputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        self.io(self.outputs)
    }

    fn io(&self, (first, count): (u32, u32)) -> impl Iterator<Item = TensorId> + use<'a> {
        let plan = self.plan;
        let table = plan.word(header::IO);
        // Ends where the bytes end: an unchecked count may be four billion.
        (first..first.saturating_add(count)).map_while(move |i| {
            let at = table.checked_add(i.checked_mul(4)?)?;
            u32_at(plan.bytes, at as usize).map(TensorId)
        })
    }
}

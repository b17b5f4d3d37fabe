//! What a Module says of itself, readable without instantiating it.

use mote_abi::{ABI_VERSION, CARD_SECTION, DType};
use mote_plan::{Columns, Meta, Plan, StatePair, TensorId};
use serde::{Deserialize, Serialize};

use crate::emit::Address;
use crate::error::WeldError;
use crate::flavour::Flavour;
use crate::memory::Layout;
use crate::section;

/// Largest Card that a reader takes.
pub const MAX_CARD_BYTES: usize = 4 << 20;

/// The custom section `mote.card`, a JSON object in this field order. Every offset is an address in linear memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Version of the guest boundary, [`ABI_VERSION`].
    pub abi: i32,
    /// Model name.
    pub name: String,
    /// Model version.
    pub version: u64,
    /// How the code was written.
    pub flavour: Flavour,
    /// SHA-256 of the guest image in lower-case hex, absent where no kernel was linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where the Plan lies.
    pub plan: Range,
    /// The linear memory.
    pub memory: Memory,
    /// The ways to call the model; the index is what `mote_infer` takes.
    pub entries: Vec<EntryCard>,
    /// Class names of the first output's last axis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Every string that the model names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Inputs and outputs that are strings, by name: i32 indices in `words`, -1 for any other string.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Inputs and outputs whose columns have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Columns>,
    /// Outputs to be copied to inputs before the next call; their bytes are zero at first and after a reset. All are to be
    /// read before one is written: an output may lie where another input does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StatePair>,
    /// Compiler name and version.
    pub compiler: String,
    /// SHA-256 of the source file, lower-case hex.
    pub source: String,
    /// Window length in samples for models fed from a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Samples between windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<u32>,
    /// Decision threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// A range of linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Address of the first byte.
    pub offset: u32,
    /// Number of bytes.
    pub length: u32,
}

/// The linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Pages of 64 KiB, minimum and maximum at once.
    pub pages: u32,
    /// Address of the arena.
    pub arena_offset: u32,
}

/// One way to call the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryCard {
    /// Rows that a call takes.
    pub batch: u32,
    /// Multiply-accumulate operations of a call.
    pub macs: u64,
    /// Upper bound on scalar operations of a call.
    pub ops: u64,
    /// To be written before each call, in the model's order.
    pub inputs: Vec<TensorCard>,
    /// To be read after a call.
    pub outputs: Vec<TensorCard>,
}

/// One input or output: dense, row-major, little-endian.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorCard {
    /// Its name in the model.
    pub name: String,
    /// Element type, [`DType::name`].
    pub dtype: String,
    /// Dimensions, outermost first.
    pub shape: Vec<u32>,
    /// Address of the first byte.
    pub offset: u32,
    /// Number of bytes.
    pub bytes: u32,
}

impl TensorCard {
    /// The element type, `None` where this reader does not know its name.
    pub fn dtype(&self) -> Option<DType> {
        DType::from_name(&self.dtype)
    }
}

/// Why a Card cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// Not a WebAssembly module.
    #[error("not a WebAssembly module (at byte {offset})")]
    NotWasm {
        /// Where reading failed.
        offset: u64,
    },
    /// No custom section `mote.card`.
    #[error("the module has no card")]
    Missing,
    /// More than one of them.
    #[error("the module has more than one card")]
    Duplicate,
    /// Longer than [`MAX_CARD_BYTES`].
    #[error("the card has {bytes} bytes, more than a card may have")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not the JSON object that it should be.
    #[error("the card is malformed at line {line}, column {column}")]
    Malformed {
        /// Line of the JSON text.
        line: usize,
        /// Column of the JSON text.
        column: usize,
    },
    /// A boundary that this reader does not know.
    #[error("the card is of boundary version {abi}")]
    UnknownAbi {
        /// The version stated.
        abi: i32,
    },
}

impl Card {
    /// Reads the Card of a Module. Believes what it says; [`check::module`](crate::check::module) says what holds.
    ///
    /// # Errors
    /// See [`CardError`].
    pub fn read(wasm: &[u8]) -> Result<Self, CardError> {
        let mut cards =
            section::custom(wasm, CARD_SECTION).map_err(|offset| CardError::NotWasm { offset })?.into_iter();
        let raw = cards.next().ok_or(CardError::Missing)?;
        if cards.next().is_some() {
            return Err(CardError::Duplicate);
        }
        if raw.len() > MAX_CARD_BYTES {
            return Err(CardError::TooLarge { bytes: raw.len() });
        }
        let malformed = |e: serde_json::Error| CardError::Malformed { line: e.line(), column: e.column() };
        let card: Self = serde_json::from_slice(raw).map_err(malformed)?;
        if card.abi != ABI_VERSION {
            return Err(CardError::UnknownAbi { abi: card.abi });
        }
        Ok(card)
    }

    /// The Plan's meta block.
    pub fn meta(&self) -> Meta {
        Meta {
            name: self.name.clone(),
            version: self.version,
            compiler: self.compiler.clone(),
            source: self.source.clone(),
            labels: self.labels.clone(),
            words: self.words.clone(),
            texts: self.texts.clone(),
            columns: self.columns.clone(),
            state: self.state.clone(),
            window: self.window,
            hop: self.hop,
            threshold: self.threshold,
        }
    }

    /// Compact JSON, equal for equal Cards.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a Card has string keys and finite numbers")
    }

    pub(crate) fn of(
        plan: &Plan<'_>,
        flavour: Flavour,
        image: Option<[u8; 32]>,
        layout: Layout,
    ) -> Result<Self, WeldError> {
        let meta: Meta = serde_json::from_str(plan.meta_json()).map_err(|_| WeldError::BadMeta)?;
        let mut entries = Vec::new();
        for (index, entry) in (0..).zip(plan.entries()) {
            let describe = |id| tensor(plan, id, layout).ok_or(WeldError::BadEntry { entry: index });
            entries.push(EntryCard {
                batch: entry.batch,
                macs: entry.macs,
                ops: entry.ops,
                inputs: entry.inputs().map(describe).collect::<Result<_, _>>()?,
                outputs: entry.outputs().map(describe).collect::<Result<_, _>>()?,
            });
        }
        Ok(Self {
            abi: ABI_VERSION,
            name: meta.name,
            version: meta.version,
            flavour,
            image: image.map(|digest| hex(&digest)),
            plan: Range { offset: layout.plan, length: plan.bytes().len() as u32 },
            memory: Memory { pages: layout.pages, arena_offset: layout.arena },
            entries,
            labels: meta.labels,
            words: meta.words,
            texts: meta.texts,
            columns: meta.columns,
            state: meta.state,
            compiler: meta.compiler,
            source: meta.source,
            window: meta.window,
            hop: meta.hop,
            threshold: meta.threshold,
        })
    }
}

fn tensor(plan: &Plan<'_>, id: TensorId, layout: Layout) -> Option<TensorCard> {
    let tensor = plan.tensor(id)?;
    Some(TensorCard {
        name: plan.name(&tensor)?.to_owned(),
        dtype: tensor.dtype.name().to_owned(),
        shape: tensor.dims().to_vec(),
        offset: layout.address(Address { region: tensor.region, offset: tensor.offset }),
        bytes: tensor.bytes,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

use std::sync::Arc;

use mote_abi::{DType, PAGE_BYTES};
use mote_weld::Card;
use mote_weld::card::{EntryCard, TensorCard};

use crate::LoadError;

/// One input or output of an entry, and where it lies in the guest's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Name, as in the source model.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Shape, outermost first; empty for a scalar.
    pub dims: Vec<u32>,
    /// Bytes of its dense row-major elements.
    pub bytes: usize,
    /// First byte in linear memory.
    pub(crate) offset: usize,
}

impl Port {
    /// The bytes that the port covers.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.bytes
    }
}

/// One way to call the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPorts {
    /// Rows that one call takes.
    pub batch: u32,
    /// What is written before a call, in the model's order.
    pub inputs: Vec<Port>,
    /// What is read after it, in the model's order.
    pub outputs: Vec<Port>,
    /// State: the output that feeds each of these inputs of the next call, as indices.
    pub state: Vec<(usize, usize)>,
}

/// Reads the entries of a Card and checks every place in it against the memory that it states.
pub(crate) fn entries(card: &Card) -> Result<Arc<[EntryPorts]>, LoadError> {
    if card.entries.is_empty() {
        return Err(LoadError::NoEntry);
    }
    card.entries.iter().map(|entry| entry_ports(card, entry)).collect()
}

fn entry_ports(card: &Card, entry: &EntryCard) -> Result<EntryPorts, LoadError> {
    let memory = u64::from(card.memory.pages) * u64::from(PAGE_BYTES);
    let ports = |tensors: &[TensorCard]| tensors.iter().map(|tensor| port(tensor, memory)).collect::<Result<_, _>>();
    let mut found = EntryPorts {
        batch: entry.batch,
        inputs: ports(&entry.inputs)?,
        outputs: ports(&entry.outputs)?,
        state: Vec::new(),
    };
    for pair in &card.state {
        let ends = found.output(&pair.output).zip(found.input(&pair.input));
        let fits = |&(from, to): &(usize, usize)| {
            found.outputs[from].bytes == found.inputs[to].bytes && found.state.iter().all(|&(_, other)| other != to)
        };
        let ends = ends.filter(fits).ok_or_else(|| LoadError::StatePair { input: pair.input.clone() })?;
        found.state.push(ends);
    }
    Ok(found)
}

fn port(tensor: &TensorCard, memory: u64) -> Result<Port, LoadError> {
    let outside = || LoadError::CardOutOfBounds { tensor: tensor.name.clone() };
    let dtype = tensor.dtype().ok_or_else(outside)?;
    let bytes = tensor.shape.iter().try_fold(u64::from(dtype.size()), |bytes, &dim| bytes.checked_mul(u64::from(dim)));
    let end = u64::from(tensor.offset) + u64::from(tensor.bytes);
    if bytes != Some(u64::from(tensor.bytes)) || end > memory {
        return Err(outside());
    }
    Ok(Port {
        name: tensor.name.clone(),
        dtype,
        dims: tensor.shape.clone(),
        bytes: tensor.bytes as usize,
        offset: tensor.offset as usize,
    })
}

impl EntryPorts {
    /// Index of the input of this name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|port| port.name == name)
    }

    /// The inputs that a caller gives in each call: all but the state.
    pub fn given(&self) -> impl Iterator<Item = &Port> {
        let is_state = |index: usize| self.state.iter().any(|&(_, to)| to == index);
        self.inputs.iter().enumerate().filter(move |(index, _)| !is_state(*index)).map(|(_, port)| port)
    }

    /// Index of the output of this name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| port.name == name)
    }
}

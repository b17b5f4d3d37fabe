//! The steps of a Plan: their kinds, and one parameter struct for each kind.
//!
//! A step reads its input tensors, then writes its output tensors. Optional inputs may be absent. Shapes come from the
//! tensor table; parameters hold only what shapes do not say. What each kind computes, and in which order, is fixed in
//! `kernels/ORDER.md`.

mod kind;
mod params;
mod words;

use crate::bytes::{u16_at, u32_at};
use crate::format::{NONE, STEP_HEAD_BYTES};
use crate::tensor::TensorId;

pub use kind::Kind;
pub use params::*;
pub use words::{Params, Words};

/// One step record, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What it computes.
    pub kind: Kind,
    inputs: &'a [u8],
    outputs: &'a [u8],
    params: &'a [u8],
}

impl<'a> Step<'a> {
    /// Reads the record that starts at the first byte. Later bytes are ignored.
    pub fn read(record: &'a [u8]) -> Option<Self> {
        let kind = Kind::from_code(u16_at(record, 0)?)?;
        let (inputs, outputs) = (usize::from(*record.get(2)?), usize::from(*record.get(3)?));
        if !kind.accepts(inputs, outputs) {
            return None;
        }
        let body = record.get(STEP_HEAD_BYTES as usize..)?;
        let (inputs, body) = body.split_at_checked(4 * inputs)?;
        let (outputs, body) = body.split_at_checked(4 * outputs)?;
        let params = body.get(..u32_at(record, 4)? as usize)?;
        Some(Self { kind, inputs, outputs, params })
    }

    /// Bytes of the record.
    pub fn len_bytes(&self) -> u32 {
        STEP_HEAD_BYTES + (self.inputs.len() + self.outputs.len() + self.params.len()) as u32
    }

    /// The i-th input, or `None` where it is absent.
    pub fn input(&self, i: usize) -> Option<TensorId> {
        id_at(self.inputs, i)
    }

    /// The i-th output, or `None` where it is absent.
    pub fn output(&self, i: usize) -> Option<TensorId> {
        id_at(self.outputs, i)
    }

    /// Every present input, in order.
    pub fn inputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        ids(self.inputs)
    }

    /// Every present output, in order.
    pub fn outputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        ids(self.outputs)
    }

    /// The parameters as the struct of this kind. `None` where words are missing, left over or out of range.
    pub fn params<P: Params>(&self) -> Option<P> {
        let mut words = Words::new(self.params);
        let params = P::read(&mut words)?;
        words.is_empty().then_some(params)
    }
}

fn id_at(ids: &[u8], i: usize) -> Option<TensorId> {
    u32_at(ids, 4 * i).filter(|&id| id != NONE).map(TensorId)
}

fn ids(raw: &[u8]) -> impl Iterator<Item = TensorId> + '_ {
    (0..raw.len() / 4).filter_map(|i| id_at(raw, i))
}

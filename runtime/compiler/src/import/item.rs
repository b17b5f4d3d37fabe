//! What a name of the source model stands for.

use crate::error::Reason;
use crate::graph::ValueId;

/// A value of the source model. Only tensors reach the Graph: how many elements a sequence has, and whether an optional is
/// there, is known while importing.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A tensor.
    Tensor(ValueId),
    /// A sequence of tensors.
    Sequence(Vec<ValueId>),
    /// An optional without a value.
    Absent,
}

impl Item {
    /// The tensor that an operator reads; `None` where it is absent.
    pub(super) fn operand(item: Option<&Self>) -> Result<Option<ValueId>, Reason> {
        match item {
            Some(Self::Tensor(id)) => Ok(Some(*id)),
            Some(Self::Sequence(_)) => Err(Reason::Form("an input is a sequence")),
            Some(Self::Absent) | None => Ok(None),
        }
    }
}

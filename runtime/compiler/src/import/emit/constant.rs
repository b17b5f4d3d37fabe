//! Constants of the Graph: read as numbers, and made of numbers.

use std::sync::Arc;

use mote_abi::{DType, Half};

use super::Emit;
use crate::error::Reason;
use crate::graph::ValueId;

impl Emit {
    /// Elements of a constant of an integer type or bool.
    pub(crate) fn ints(&self, id: ValueId) -> Option<Vec<i64>> {
        let value = self.graph.value(id);
        let bytes = value.data.as_ref()?;
        Some(match value.dtype {
            DType::I64 | DType::U64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            DType::I32 => bytes.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect(),
            DType::U32 => bytes.as_chunks().0.iter().map(|b| i64::from(u32::from_le_bytes(*b))).collect(),
            DType::I16 => bytes.as_chunks().0.iter().map(|b| i64::from(i16::from_le_bytes(*b))).collect(),
            DType::U16 => bytes.as_chunks().0.iter().map(|b| i64::from(u16::from_le_bytes(*b))).collect(),
            DType::I8 => bytes.iter().map(|&b| i64::from(b.cast_signed())).collect(),
            DType::U8 | DType::Bool => bytes.iter().map(|&b| i64::from(b)).collect(),
            DType::F32 | DType::F64 | DType::F16 | DType::BF16 => return None,
        })
    }

    /// Elements of a constant of any type, as far as f64 holds them.
    pub(crate) fn floats(&self, id: ValueId) -> Option<Vec<f64>> {
        let value = self.graph.value(id);
        let bytes = value.data.as_ref()?;
        Some(match value.dtype {
            DType::F32 => bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            DType::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            dtype => match dtype.half() {
                Some(half) => bytes.as_chunks().0.iter().map(|b| half.widen(u16::from_le_bytes(*b)).into()).collect(),
                None => self.ints(id)?.into_iter().map(|v| v as f64).collect(),
            },
        })
    }

    /// A constant.
    pub(crate) fn constant(
        &mut self,
        dtype: DType,
        dims: Vec<usize>,
        data: impl Into<Arc<[u8]>>,
    ) -> Result<ValueId, Reason> {
        let data = data.into();
        let bytes = self.checked_bytes(dtype, &dims)?;
        debug_assert_eq!(bytes, data.len());
        self.charge(bytes, &dims)?;
        Ok(self.graph.constant(self.node.clone(), dtype, dims, data))
    }

    pub(crate) fn i64s(&mut self, dims: Vec<usize>, values: &[i64]) -> Result<ValueId, Reason> {
        self.constant(DType::I64, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(crate) fn i32s(&mut self, dims: Vec<usize>, values: &[i32]) -> Result<ValueId, Reason> {
        self.constant(DType::I32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(crate) fn f32s(&mut self, dims: Vec<usize>, values: &[f32]) -> Result<ValueId, Reason> {
        self.constant(DType::F32, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(super) fn u32s(&mut self, values: &[u32]) -> Result<ValueId, Reason> {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DType::U32, vec![values.len()], data)
    }

    /// A constant whose elements are cut to the type.
    pub(crate) fn reals(&mut self, dtype: DType, dims: Vec<usize>, values: &[f64]) -> Result<ValueId, Reason> {
        self.constant(dtype, dims, values.iter().flat_map(|&v| element(dtype, v)).collect::<Vec<u8>>())
    }

    pub(crate) fn bools(&mut self, dims: Vec<usize>, values: &[bool]) -> Result<ValueId, Reason> {
        self.constant(DType::Bool, dims, values.iter().map(|&v| u8::from(v)).collect::<Vec<u8>>())
    }

    /// A constant of one value everywhere; the value is cut to the type.
    pub(crate) fn filled(&mut self, dtype: DType, dims: Vec<usize>, value: f64) -> Result<ValueId, Reason> {
        let bytes = self.checked_bytes(dtype, &dims)?;
        self.charge(bytes, &dims)?;
        let element = element(dtype, value);
        let data: Vec<u8> = element.iter().copied().cycle().take(bytes).collect();
        Ok(self.graph.constant(self.node.clone(), dtype, dims, data))
    }

    /// A constant scalar of the type of `like`.
    pub(crate) fn scalar_like(&mut self, like: ValueId, value: f64) -> Result<ValueId, Reason> {
        self.filled(self.dtype(like), vec![], value)
    }
}

/// Little-endian element of a type.
pub(crate) fn element(dtype: DType, value: f64) -> Vec<u8> {
    match dtype {
        DType::F32 => (value as f32).to_le_bytes().to_vec(),
        DType::F64 => value.to_le_bytes().to_vec(),
        DType::I8 => (value as i8).to_le_bytes().to_vec(),
        DType::U8 => vec![value as u8],
        DType::I16 => (value as i16).to_le_bytes().to_vec(),
        DType::U16 => (value as u16).to_le_bytes().to_vec(),
        DType::I32 => (value as i32).to_le_bytes().to_vec(),
        DType::U32 => (value as u32).to_le_bytes().to_vec(),
        DType::I64 => (value as i64).to_le_bytes().to_vec(),
        DType::U64 => (value as u64).to_le_bytes().to_vec(),
        DType::Bool => vec![u8::from(value != 0.0)],
        DType::F16 => Half::Binary16.narrow(value).to_le_bytes().to_vec(),
        DType::BF16 => Half::Bfloat16.narrow(value).to_le_bytes().to_vec(),
    }
}

use mote_abi::DType;

use crate::bytes::{u16_at, u32_at};
use crate::format::{MAX_RANK, NONE, TENSOR_BYTES};

/// Index in the tensor table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub u32);

/// Where a tensor's storage lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// In the Plan; offsets count from the Plan's first byte. Never written.
    Const,
    /// In the arena; offsets count from the arena's first byte.
    Arena,
}

/// Zero pixels kept around an image `[N, H, W, C]` so that a convolution reads its padding as data. In pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Halo {
    /// Rows above.
    pub top: u16,
    /// Pixels left of each row.
    pub left: u16,
    /// Rows below.
    pub bottom: u16,
    /// Pixels right of each row.
    pub right: u16,
}

impl Halo {
    /// No halo: the tensor is dense.
    pub const NONE: Self = Self { top: 0, left: 0, bottom: 0, right: 0 };
}

/// One tensor: element type, logical shape and where its storage lies.
/// Storage is row-major; a halo makes rows and images longer than the shape says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Element type.
    pub dtype: DType,
    /// Region of the storage.
    pub region: Region,
    /// First byte of the storage, halo included, within its region.
    pub offset: u32,
    /// Bytes of the storage, halo included.
    pub bytes: u32,
    /// Name, as an offset into the names table, or [`NONE`].
    pub name: u32,
    /// Zero border; only a rank-4 tensor has one.
    pub halo: Halo,
    pub(crate) rank: u8,
    pub(crate) dims: [u32; MAX_RANK],
}

impl Tensor {
    /// A tensor description. `None` where the rank exceeds 8, a halo stands on another rank than 4 or the size overflows.
    pub fn new(dtype: DType, region: Region, offset: u32, dims: &[u32], halo: Halo) -> Option<Self> {
        if dims.len() > MAX_RANK || (halo != Halo::NONE && dims.len() != 4) {
            return None;
        }
        let mut padded = [1; MAX_RANK];
        padded.get_mut(..dims.len())?.copy_from_slice(dims);
        let mut tensor =
            Self { dtype, region, offset, bytes: 0, name: NONE, halo, rank: dims.len() as u8, dims: padded };
        tensor.bytes = tensor.storage_bytes()?;
        Some(tensor)
    }

    /// The logical shape, outermost first; empty for a scalar.
    pub fn dims(&self) -> &[u32] {
        // The rank is at most 8 by construction; indexing would carry a panic into every guest module.
        self.dims.get(..usize::from(self.rank)).unwrap_or(&self.dims)
    }

    /// Number of logical elements.
    pub fn count(&self) -> u32 {
        self.dims().iter().fold(1, |count: u32, &dim| count.saturating_mul(dim))
    }

    /// Whether the elements lie one after another without a halo.
    pub fn is_dense(&self) -> bool {
        self.halo == Halo::NONE
    }

    /// Distance between neighbours along each axis, in elements.
    pub fn strides(&self) -> [u32; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1_u32;
        for (axis, (stride, &dim)) in strides.iter_mut().zip(self.dims()).enumerate().rev() {
            *stride = step;
            step = step.saturating_mul(self.stored_extent(axis, dim));
        }
        strides
    }

    /// Elements of storage before the first logical element.
    pub fn start(&self) -> u32 {
        if self.is_dense() {
            return 0;
        }
        let strides = self.strides();
        u32::from(self.halo.top)
            .saturating_mul(strides[1])
            .saturating_add(u32::from(self.halo.left).saturating_mul(strides[2]))
    }

    fn stored_extent(&self, axis: usize, dim: u32) -> u32 {
        let halo = match (self.rank, axis) {
            (4, 1) => u32::from(self.halo.top) + u32::from(self.halo.bottom),
            (4, 2) => u32::from(self.halo.left) + u32::from(self.halo.right),
            _ => 0,
        };
        dim.saturating_add(halo)
    }

    fn storage_bytes(&self) -> Option<u32> {
        let mut bytes = self.dtype.size();
        for (axis, &dim) in self.dims().iter().enumerate() {
            bytes = bytes.checked_mul(self.stored_extent(axis, dim))?;
        }
        (bytes <= crate::format::MAX_BYTES).then_some(bytes)
    }

    /// The record as `FORMAT.md` lays it out.
    pub fn encode(&self) -> [u8; TENSOR_BYTES as usize] {
        let mut raw = [0; TENSOR_BYTES as usize];
        raw[0] = self.dtype as u8;
        raw[1] = self.rank;
        raw[2] = u8::from(self.region == Region::Arena);
        raw[4..8].copy_from_slice(&self.offset.to_le_bytes());
        raw[8..12].copy_from_slice(&self.bytes.to_le_bytes());
        raw[12..16].copy_from_slice(&self.name.to_le_bytes());
        for (axis, dim) in self.dims.iter().enumerate() {
            raw[16 + 4 * axis..20 + 4 * axis].copy_from_slice(&dim.to_le_bytes());
        }
        let halo = [self.halo.top, self.halo.left, self.halo.bottom, self.halo.right];
        for (side, width) in halo.iter().enumerate() {
            raw[48 + 2 * side..50 + 2 * side].copy_from_slice(&width.to_le_bytes());
        }
        raw
    }

    /// Reads a record. `None` where a field is unknown or the stored size contradicts the shape.
    pub fn decode(raw: &[u8]) -> Option<Self> {
        let region = match *raw.get(2)? {
            0 => Region::Const,
            1 => Region::Arena,
            _ => return None,
        };
        let rank = usize::from(*raw.get(1)?);
        let mut dims = [1; MAX_RANK];
        for (axis, dim) in dims.iter_mut().enumerate() {
            *dim = u32_at(raw, 16 + 4 * axis)?;
        }
        let halo =
            Halo { top: u16_at(raw, 48)?, left: u16_at(raw, 50)?, bottom: u16_at(raw, 52)?, right: u16_at(raw, 54)? };
        let mut tensor = Self::new(DType::from_code(*raw.first()?)?, region, u32_at(raw, 4)?, dims.get(..rank)?, halo)?;
        tensor.name = u32_at(raw, 12)?;
        (tensor.bytes == u32_at(raw, 8)?).then_some(tensor)
    }
}

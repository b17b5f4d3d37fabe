use crate::half::Half;

/// The element type of a tensor. Every type is little-endian in memory; `Bool` is one byte, 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DType {
    /// IEEE 754 binary32.
    F32 = 1,
    /// IEEE 754 binary64.
    F64 = 2,
    /// Signed 8-bit integer.
    I8 = 3,
    /// Unsigned 8-bit integer.
    U8 = 4,
    /// Signed 16-bit integer.
    I16 = 5,
    /// Unsigned 16-bit integer.
    U16 = 6,
    /// Signed 32-bit integer.
    I32 = 7,
    /// Unsigned 32-bit integer.
    U32 = 8,
    /// Signed 64-bit integer.
    I64 = 9,
    /// Unsigned 64-bit integer.
    U64 = 10,
    /// Truth value, one byte, 0 or 1.
    Bool = 11,
    /// IEEE 754 binary16. Stored only: kernels compute its numbers in f32.
    F16 = 12,
    /// The upper half of binary32. Stored only, as `F16`.
    BF16 = 13,
}

impl DType {
    /// Every type, in code order.
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::F64,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::Bool,
        Self::F16,
        Self::BF16,
    ];

    /// The type of a code as stored in a Plan.
    pub const fn from_code(code: u8) -> Option<Self> {
        if code == 0 || code > 13 {
            return None;
        }
        Some(Self::ALL[code as usize - 1])
    }

    /// Bytes of one element: 1, 2, 4 or 8.
    pub const fn size(self) -> u32 {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::BF16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The name used in Cards, files and messages: `f32`, `i64`, `bool`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::Bool => "bool",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        }
    }

    /// The encoding of a 16-bit floating-point type, `None` for every other.
    pub const fn half(self) -> Option<Half> {
        match self {
            Self::F16 => Some(Half::Binary16),
            Self::BF16 => Some(Half::Bfloat16),
            _ => None,
        }
    }

    /// The type of a [`DType::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

impl core::fmt::Display for DType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

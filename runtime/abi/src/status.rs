/// What a guest call answers. A trap is not a status: hosts report it as their own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// The outputs hold the answer.
    Ok = 0,
    /// The entry index is not in the Card's list.
    BadEntry = 1,
    /// An index tensor pointed outside the axis it selects from.
    IndexOutOfRange = 2,
    /// An integer division or remainder by zero.
    DivisionByZero = 3,
    /// A data-dependent loop reached its constant cap.
    BoundExceeded = 4,
    /// The Plan contradicts itself.
    MalformedPlan = 5,
}

impl Status {
    /// The status of a code, or `None` for a code that no guest of this ABI answers.
    pub const fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            0 => Self::Ok,
            1 => Self::BadEntry,
            2 => Self::IndexOutOfRange,
            3 => Self::DivisionByZero,
            4 => Self::BoundExceeded,
            5 => Self::MalformedPlan,
            _ => return None,
        })
    }

    /// The code that crosses the boundary.
    pub const fn code(self) -> i32 {
        self as i32
    }
}

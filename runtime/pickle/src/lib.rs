//! Reads Python's pickle protocols 0 to 5 and joblib files as data: what a stored scikit-learn estimator holds.
//! Executes nothing and knows nothing of estimators: a global is a name that has to stand in an exact list, and calls
//! build inert nodes. Start at [`read`]. The format is that of Python's `pickletools` and of `joblib.numpy_pickle`.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod array;
mod call;
mod container;
mod cursor;
mod dtype;
mod error;
mod globals;
mod limits;
mod machine;
mod node;
mod number;
mod opcode;
mod value;

pub use array::{Array, Data};
pub use container::recognises;
pub use error::ReadError;
pub use globals::Global;
pub use limits::Limits;
pub use node::{Document, Node};

/// Reads a pickle or joblib file, compressed or not.
///
/// # Errors
/// Whatever is not plain data of the listed kinds, by its place in the (decompressed) file.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    let plain = container::open(bytes, limits)?;
    let (values, root) = machine::run(&plain, limits)?;
    Ok(Document::new(values, root))
}

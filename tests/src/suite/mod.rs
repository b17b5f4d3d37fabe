//! One judge for every collection of models with recorded answers: the corpus, and the backend tests of the ONNX
//! project as a folder of `NAME/model.onnx` with `test_data_set_N/{input,output}_M.pb`.
//!
//! [`cases`] finds them, [`judge`] compiles, runs the native engine and compares, [`Table`] adds up.

mod case;
mod feasible;
mod glance;
mod judge;
mod table;
mod tensor;

pub use case::{Case, Expect, Set, cases, classical, corpus, onnx};
pub use judge::{Judged, Ran, RefusedNode, Verdict, judge};
pub use table::Table;
pub use tensor::Tensor;

//! Which implementation this build uses. Both columns give the same bits.

pub use crate::scalar::arg_reduce::{ArgReduce, arg_reduce};
pub use crate::scalar::binary::{Operand, binary};
pub use crate::scalar::cast::{Source, Target, cast};
pub use crate::scalar::conv::{Conv, conv};
pub use crate::scalar::conv_group::{ConvGroup, conv_group};
pub use crate::scalar::conv_transpose::conv_transpose;
pub use crate::scalar::copy::copy;
pub use crate::scalar::cum_sum::{CumSum, cum_sum};
pub use crate::scalar::depthwise::{Depthwise, depthwise};
pub use crate::scalar::fill::fill;
pub use crate::scalar::gather::{Indices, gather, gather_elements, gather_nd};
pub use crate::scalar::gru::{GruState, Reset, gru};
pub use crate::scalar::halo::{Halo, halo};
pub use crate::scalar::lerp::{Taps, lerp};
pub use crate::scalar::lstm::{Gates, LstmState, Recurrence, Weights, lstm};
pub use crate::scalar::mat_mul::{MatMul, mat_mul};
pub use crate::scalar::pool::{Pool, pool};
pub use crate::scalar::reduce::{Reduce, reduce};
pub use crate::scalar::scatter::{Update, scatter_elements, scatter_nd};
pub use crate::scalar::select::select;
pub use crate::scalar::softmax::{Scale, softmax};
pub use crate::scalar::top_k::top_k;
pub use crate::scalar::unary::{Unary, unary};

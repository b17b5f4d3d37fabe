//! The truth: every operator as plain loops in the order of `ORDER.md`. What `blocked/` and the emitted code compute is
//! held to these functions bit for bit.

pub mod arg_reduce;
pub mod binary;
pub mod cast;
pub mod conv;
pub mod conv_group;
pub mod conv_transpose;
pub mod copy;
pub mod couple;
pub mod cum_sum;
pub mod depthwise;
pub mod det;
pub mod dft;
pub mod distance;
pub mod distinct;
pub mod fill;
pub mod find;
pub mod gather;
pub mod gru;
pub mod halo;
pub mod lerp;
pub mod lstm;
pub mod mat_mul;
pub mod math;
pub(crate) mod movement;
pub mod pool;
pub mod recurrent;
pub mod reduce;
pub mod rnn;
pub mod scatter;
pub mod select;
pub mod softmax;
pub mod suppress;
pub mod top_k;
pub mod trees;
pub mod unary;

//! Why a file of XGBoost or LightGBM is not compiled.

use crate::error::Reason;

/// Why a stored booster was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoosterError {
    /// JSON that is none.
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// UBJSON that is none.
    #[error("it is no UBJSON at byte {0}")]
    Ubjson(usize),
    /// Text that is none.
    #[error("it is no UTF-8 text")]
    Text,
    /// What every such file has.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field of another kind than expected.
    #[error("`{name}` is not {want}")]
    Field {
        /// Name.
        name: &'static str,
        /// What it should be.
        want: &'static str,
    },
    /// A choice that is not supported.
    #[error("{name} `{value}` is not supported")]
    Choice {
        /// What is chosen.
        name: &'static str,
        /// The choice.
        value: String,
    },
    /// A form that is not supported.
    #[error("{0}")]
    Form(&'static str),
    /// An operator that cannot be built.
    #[error(transparent)]
    Graph(#[from] Reason),
}

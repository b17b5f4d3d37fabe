//! Why a stored estimator is not compiled.

use mote_pickle::ReadError;

use super::booster::BoosterError;
use crate::error::Reason;

/// Why a pickle or joblib file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstimatorError {
    /// The file is not plain data, or names something that is no part of stored estimators.
    #[error("the file is not read: {0}")]
    Read(#[from] ReadError),
    /// The file holds something else.
    #[error("the file holds {0}, not a fitted estimator")]
    Root(&'static str),
    /// A class that has no counterpart here in this place.
    #[error("`{class}` is not supported as {role}")]
    Class {
        /// The class.
        class: &'static str,
        /// What it was needed for.
        role: &'static str,
    },
    /// An estimator that cannot be compiled.
    #[error("{class}: {reason}")]
    Refused {
        /// The class.
        class: &'static str,
        /// Why.
        reason: Refusal,
    },
    /// A file of XGBoost or LightGBM that cannot be compiled.
    #[error("{program} model: {reason}")]
    Booster {
        /// What wrote it.
        program: &'static str,
        /// Why.
        reason: BoosterError,
    },
    /// Estimators inside estimators without an end, or more of them than the limit.
    #[error("the file holds more estimators, or deeper ones, than the limit of {0}")]
    Nesting(usize),
}

/// Why one estimator cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An attribute that a fitted estimator has.
    #[error("attribute `{0}` is missing; was it fitted, and with scikit-learn 1.2 or later?")]
    Missing(&'static str),
    /// An attribute of another kind than expected.
    #[error("attribute `{name}` is not {want}")]
    Attribute {
        /// Name.
        name: &'static str,
        /// What it should be.
        want: &'static str,
    },
    /// A parameter whose value is not supported.
    #[error("parameter {name}={value} is not supported")]
    Parameter {
        /// Name.
        name: &'static str,
        /// Value.
        value: String,
    },
    /// Attributes that contradict each other or the input.
    #[error("attribute `{name}` has shape {got:?} where {want} is needed")]
    Shape {
        /// Name.
        name: &'static str,
        /// Shape found.
        got: Vec<usize>,
        /// What is needed.
        want: &'static str,
    },
    /// A number of columns that the estimator was not fitted on.
    #[error("was fitted on {fitted} columns and is given {given}")]
    Columns {
        /// Columns it was fitted on.
        fitted: usize,
        /// Columns given.
        given: usize,
    },
    /// A form that is not supported.
    #[error("{0}")]
    Form(&'static str),
    /// An operator that cannot be built.
    #[error(transparent)]
    Graph(#[from] Reason),
}

impl EstimatorError {
    /// Stable code for machines and manuals.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Read(_) | Self::Root(_) | Self::Nesting(_) => "E-SKLEARN-FILE",
            Self::Class { .. } | Self::Refused { .. } => "E-SKLEARN-ESTIMATOR",
            Self::Booster { .. } => "E-BOOSTER",
        }
    }

    /// What the user can do about it, where there is something.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read(ReadError::Global { .. }) => {
                Some("store the fitted scikit-learn estimator alone, or export it to ONNX with skl2onnx")
            }
            Self::Read(ReadError::Compression(_)) => Some("store it again with joblib.dump(model, path, compress=3)"),
            Self::Class { .. } | Self::Refused { .. } => Some("export it to ONNX with skl2onnx"),
            _ => None,
        }
    }
}

impl From<Reason> for EstimatorError {
    /// For operators outside any estimator: those that name what a model answers.
    fn from(reason: Reason) -> Self {
        Self::Refused { class: "model", reason: reason.into() }
    }
}

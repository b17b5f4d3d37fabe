use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::models::Unanswered;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no such path or method; the protocol is the Open Inference Protocol version 2 under /v2")]
    NoRoute,
    // Clients and test suites look for this wording.
    #[error("Request for unknown model: '{model}'{} is not found", version_text(version))]
    UnknownModel { model: String, version: Option<String> },
    #[error("the model has no entry")]
    NoEntry,
    #[error("{why}")]
    Body { status: StatusCode, why: String },
    #[error("the body is not an inference request: {why}")]
    Json { why: String },
    #[error("input {name:?} is missing")]
    MissingInput { name: String },
    #[error("input {name:?} is given twice")]
    RepeatedInput { name: String },
    #[error("the model has no input {name:?}")]
    UnknownInput { name: String },
    #[error("the model has no output {name:?}")]
    UnknownOutput { name: String },
    #[error("input {name:?} has datatype {got}, the model takes {expected}")]
    Datatype { name: String, expected: &'static str, got: String },
    #[error("input {name:?} has shape {got:?}, the model takes {expected:?}")]
    Shape { name: String, expected: Vec<u32>, got: Vec<u64> },
    #[error("input {name:?} holds {got} elements, its shape needs {expected}")]
    Count { name: String, expected: usize, got: usize },
    #[error("element {index} of input {name:?} is not a {datatype}")]
    Element { name: String, index: usize, datatype: &'static str },
    #[error("this gateway has no file of the model {model:?} for pages")]
    NoPageFile { model: String },
    #[error("this gateway has no recorded samples of a model {model:?}")]
    NoSamples { model: String },
    #[error("the recording has {got} bytes; at most {limit} are handed out")]
    Recording { limit: u64, got: u64 },
    #[error("{file}: {source}")]
    Unreadable { file: String, source: std::io::Error },
    #[error("{0}")]
    Infer(Unanswered),
    #[error("the server is shutting down")]
    Shutdown,
}

fn version_text(version: &Option<String>) -> String {
    version.as_ref().map(|version| format!(" version {version}")).unwrap_or_default()
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute | Self::UnknownModel { .. } | Self::NoPageFile { .. } | Self::NoSamples { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::Body { status, .. } => *status,
            Self::Infer(_) | Self::NoEntry | Self::Unreadable { .. } | Self::Recording { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Shutdown => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        super::answer(self.status(), &json!({ "error": self.to_string() }))
    }
}

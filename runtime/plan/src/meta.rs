use serde::{Deserialize, Serialize};

/// What a Plan says about itself beyond tensors and steps. Stored as compact JSON in this field order, so that equal
/// facts give equal bytes. Never holds a time, a path or a host name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// Model name, 1 to 64 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    /// Model version, growing with each release.
    pub version: u64,
    /// Compiler name and version.
    pub compiler: String,
    /// SHA-256 of the source file, lower-case hex.
    pub source: String,
    /// Class names of the first output's last axis, empty where the model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Every string that the model names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Inputs and outputs that are strings, by name: i32 indices in `words`, -1 for any other string.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Inputs and outputs whose columns have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Columns>,
    /// Outputs that feed inputs of the next call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StatePair>,
    /// Window length in samples for models fed from a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Samples between windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<u32>,
    /// Decision threshold on the winning score or on the anomaly score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// The names of a tensor's last axis: what were the keys of a map in the source model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Name of the input or output.
    pub tensor: String,
    /// One name per column.
    pub names: Vec<String>,
}

/// A state output and the input that receives it on the next call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatePair {
    /// Name of the output.
    pub output: String,
    /// Name of the input.
    pub input: String,
}

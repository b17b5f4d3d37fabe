use mote_abi::DType;

/// Why a file of arrays was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TensorError {
    #[error("not readable: {0}")]
    Io(#[from] std::io::Error),
    #[error("not a zip archive that can be read: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("neither npz, npy, JSON nor CSV")]
    UnknownFormat,
    #[error("{name}: not an npy array (damaged or missing header)")]
    NpyHeader { name: String },
    #[error("{name}: arrays of type {descr} are not supported")]
    NpyType { name: String, descr: String },
    #[error("{name}: {got} bytes of data, its shape needs {needed}")]
    NpyLength { name: String, needed: u64, got: u64 },
    #[error("{got} bytes of arrays, at most {limit} are read")]
    TooLarge { limit: u64, got: u64 },
    #[error("{got} arrays, at most {limit} are read")]
    TooMany { limit: usize, got: usize },
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "JSON arrays are numbers, true, false, \"NaN\", \"Infinity\" and \"-Infinity\", or strings, nested evenly; {name} is not"
    )]
    JsonShape { name: String },
    #[error("not CSV: {0}")]
    Csv(#[from] ::csv::Error),
    #[error("row {row}, column {column}: {text:?} is not a number")]
    CsvNumber { row: usize, column: usize, text: String },
    #[error("no rows of numbers")]
    CsvEmpty,
    #[error("the value {value} of {name} does not fit type {dtype}")]
    Range { name: String, value: String, dtype: DType },
    #[error("{path}: only .npz, .npy and .json can be written")]
    OutputFormat { path: String },
    #[error("an npy file holds one array, the model has {got}; write an npz")]
    OutputCount { got: usize },
}

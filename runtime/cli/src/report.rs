//! How a command fails: an exit code, a stable word for scripts, whose fault it is and what to do about it.

use std::fmt;

use mote_compiler::{CompileError, ImportError};
use mote_release::{FactsError, ReleaseError};

use crate::tensors::TensorError;
use crate::trust;

/// What the process answers. 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// `verify` or `release` found outputs that differ by more than the tolerance.
    Disagreement = 1,
    /// The command line, a key file or the machine's set-up is wrong.
    Usage = 2,
    /// The model was refused: it is malformed, unsupported, not trusted or above its limits.
    Model = 3,
    /// The inputs were refused: unreadable, of another name, type or shape.
    Input = 4,
    /// The model was running and gave no answer, or the answer could not be written.
    Execution = 5,
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Stable across versions: `input.shape`.
    pub(crate) code: &'static str,
    /// One sentence in the words of the error itself.
    pub(crate) message: String,
    /// The file, node, tensor or option at fault.
    pub(crate) culprit: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "messages are made where they are passed, and errors read better without &"
)]
impl Failure {
    fn new(exit: Exit, code: &'static str, message: &impl ToString) -> Self {
        Self { exit, code, message: message.to_string(), culprit: None, hint: None }
    }

    pub(crate) fn usage(code: &'static str, message: impl ToString) -> Self {
        Self::new(Exit::Usage, code, &message)
    }

    pub(crate) fn model(code: &'static str, message: impl ToString) -> Self {
        Self::new(Exit::Model, code, &message)
    }

    pub(crate) fn input(code: &'static str, message: impl ToString) -> Self {
        Self::new(Exit::Input, code, &message)
    }

    pub(crate) fn execution(code: &'static str, message: impl ToString) -> Self {
        Self::new(Exit::Execution, code, &message)
    }

    /// Names what is at fault.
    pub(crate) fn at(mut self, culprit: impl ToString) -> Self {
        self.culprit.get_or_insert_with(|| culprit.to_string());
        self
    }

    /// Says what to do.
    pub(crate) fn hint(mut self, hint: impl ToString) -> Self {
        self.hint.get_or_insert_with(|| hint.to_string());
        self
    }

    /// A model that does not compile.
    pub(crate) fn compile(error: &CompileError) -> Self {
        let exit = match error {
            CompileError::Import(ImportError::UnknownDim { .. })
            | CompileError::NoBatchDim
            | CompileError::ZeroBatch => Exit::Usage,
            // The shape of an array that was given, not the model, is at fault.
            CompileError::Import(
                ImportError::InputShape { .. } | ImportError::DimConflict { .. } | ImportError::UnknownInput { .. },
            ) => Exit::Input,
            _ => Exit::Model,
        };
        let failure = Self::new(exit, error.code(), error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// A file of arrays that was not read.
    pub(crate) fn tensors(error: &TensorError) -> Self {
        let code = match error {
            TensorError::Io(_) => "input.unreadable",
            TensorError::Zip(_) | TensorError::NpyHeader { .. } | TensorError::NpyLength { .. } => "input.damaged",
            TensorError::UnknownFormat => "input.format",
            TensorError::NpyType { .. } => "input.type",
            TensorError::TooLarge { .. } | TensorError::TooMany { .. } => "input.too-large",
            TensorError::Json(_) | TensorError::JsonShape { .. } => "input.json",
            TensorError::Csv(_) | TensorError::CsvNumber { .. } | TensorError::CsvEmpty => "input.csv",
            TensorError::Range { .. } => "input.range",
            TensorError::OutputFormat { .. } | TensorError::OutputCount { .. } => "output.format",
        };
        Self::input(code, error)
    }

    /// What the command prints as an error under `--json`.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "error": {
            "code": self.code,
            "exit": self.exit as u8,
            "message": self.message,
            "culprit": self.culprit,
            "hint": self.hint,
        }})
    }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        Self::model("model.facts", error)
    }
}

impl From<ReleaseError> for Failure {
    fn from(error: ReleaseError) -> Self {
        use ReleaseError as E;
        let (exit, code) = match &error {
            E::Compile(error) => return Self::compile(error),
            E::Load(error) => return trust::unloadable(error),
            E::Open { path, source } => return trust::refused(source).at(path.display()),
            E::Plan(_) | E::Meta => (Exit::Model, "model.plan"),
            E::Weld(_) => (Exit::Model, "model.weld"),
            E::Module(_) => (Exit::Model, "model.check"),
            E::Card(_) => (Exit::Model, "model.card"),
            E::NoBlob { .. } => (Exit::Model, "release.incomplete"),
            E::NoTarget | E::WrongKind { .. } => (Exit::Usage, "release.target"),
            E::NotThere { .. } => (Exit::Usage, "release.absent"),
            E::Sign(_) => (Exit::Usage, "seal.unsignable"),
            E::InputLength { .. } => (Exit::Input, "input.shape"),
            E::OtherBits { .. } | E::TooFarOff { .. } => (Exit::Disagreement, "release.disagreement"),
            E::Read { .. } => (Exit::Model, "release.unreadable"),
            E::Write { .. } => (Exit::Execution, "output.unwritable"),
            _ => (Exit::Execution, "run.failed"),
        };
        let failure = Self::new(exit, code, &error);
        match error {
            E::Sign(_) => failure.hint("mote keygen --role makes a key for it"),
            E::OtherBits { .. } => failure.hint("this is a fault of mote: please report it"),
            _ => failure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.culprit {
            Some(culprit) => write!(f, "{culprit}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}

impl miette::Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }
}

//! Errors as windows see them.

use std::fmt::Display;

use papr_engine::{Code, Problem};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A code for each thing a window does something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)] // but for the last they are the engine's codes, documented there
pub enum ErrorCode {
    ModelMissing,
    Checksum,
    DiskFull,
    Offline,
    Cancelled,
    SignedOut,
    Unauthorised,
    RateLimited,
    Quota,
    LocalOnly,
    KeychainMissing,
    KeychainLocked,
    KeychainDenied,
    StoreLocked,
    StoreDamaged,
    InvalidInput,
    NotFound,
    Conflict,
    Internal,
    // The shell's own no, in the language of the windows.
    Refused,
}

/// What happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct AppError {
    /// What kind.
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl AppError {
    /// An error of the shell itself.
    pub(crate) fn internal(error: &dyn Display) -> Self {
        Self { code: ErrorCode::Internal, message: error.to_string(), hint: None, retryable: true }
    }

    /// The person quit before it could be done.
    pub(crate) fn closed() -> Self {
        let message = "the app was quit before this was done".to_owned();
        Self { code: ErrorCode::Cancelled, message, hint: None, retryable: false }
    }

    /// It needs the memories for itself, and somebody works with them.
    pub(crate) fn busy() -> Self {
        let message = "the memories are in use, so this could not be done".to_owned();
        let hint = Some("Wait until what is under way is done, then try again.".to_owned());
        Self { code: ErrorCode::StoreLocked, message, hint, retryable: true }
    }

    /// A choice could not be written down.
    pub(crate) fn not_kept(error: &dyn Display) -> Self {
        let message = format!("the choice could not be kept: {error}");
        let hint = Some("Look whether the disk is full and the data folder can be written to.".to_owned());
        Self { code: ErrorCode::Internal, message, hint, retryable: true }
    }

    /// The system or the shell refused. Said in the language of the windows, which no other error is.
    pub(crate) fn refused(message: String, hint: Option<String>) -> Self {
        Self { code: ErrorCode::Refused, message, hint, retryable: false }
    }

    /// What a window sent makes no sense.
    pub(crate) fn invalid(message: String) -> Self {
        Self { code: ErrorCode::InvalidInput, message, hint: None, retryable: false }
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        let Problem { code, message, hint, retryable } = problem;
        Self { code: code.into(), message, hint, retryable }
    }
}

impl From<Code> for ErrorCode {
    fn from(code: Code) -> Self {
        match code {
            Code::ModelMissing => Self::ModelMissing,
            Code::Checksum => Self::Checksum,
            Code::DiskFull => Self::DiskFull,
            Code::Offline => Self::Offline,
            Code::Cancelled => Self::Cancelled,
            Code::SignedOut => Self::SignedOut,
            Code::Unauthorised => Self::Unauthorised,
            Code::RateLimited => Self::RateLimited,
            Code::Quota => Self::Quota,
            Code::LocalOnly => Self::LocalOnly,
            Code::KeychainMissing => Self::KeychainMissing,
            Code::KeychainLocked => Self::KeychainLocked,
            Code::KeychainDenied => Self::KeychainDenied,
            Code::StoreLocked => Self::StoreLocked,
            Code::StoreDamaged => Self::StoreDamaged,
            Code::InvalidInput => Self::InvalidInput,
            Code::NotFound => Self::NotFound,
            Code::Conflict => Self::Conflict,
            _ => Self::Internal,
        }
    }
}

//! What can go wrong, in words for people: what happened, what to do, and a code where the window acts on it.

mod code;

use std::io;
use std::path::PathBuf;

use papr_memory::ports::{CredentialError, EmbedError, StoreError};
use papr_memory::{Cancelled, ContentError, MemoryId, QueryError, SecretError};
use papr_models::ModelError;
use papr_sync::{RemoteError, SyncError};

pub use self::code::Code;
use self::code::{credential_code, io_code, store_code};
use crate::Problem;

/// What to do where the model's files are not there or not right.
const WITHOUT_MODEL: &str =
    "Search by word works without it. To get the model back, choose another one or install the app again.";

/// Why the engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The text cannot be a memory.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The query cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The installed model's files cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// No vectors could be made.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A model is not installed where it was needed.
    #[error("the model {id} is not installed in {}", folder.display())]
    NoModel {
        /// Its id.
        id: String,
        /// Where models are that came with the app.
        folder: PathBuf,
    },
    /// Nobody knows such a model.
    #[error("there is no model {0:?}")]
    UnknownModel(String),
    /// No part of this version can run the model.
    #[error("{id} cannot be used: {reason}")]
    ModelDisabled {
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
    /// The model cannot be removed now.
    #[error("{id} cannot be removed: {reason}")]
    ModelInUse {
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
    /// An environment variable says something that makes no sense.
    #[error("{name}: {reason}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A person switched embedding off.
    #[error("search by meaning is switched off")]
    SwitchedOff,
    /// Something that was begun in the background did not succeed.
    #[error("{}", .0.message)]
    Unavailable(Box<Problem>),
    /// The model's vector for a text did not pass its checks.
    #[error("the model made a bad vector: {0}")]
    BadVector(#[from] papr_memory::VectorError),
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// There is no such memory.
    #[error("there is no memory {0}")]
    NotFound(MemoryId),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{}: {reason}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The text cannot be a key.
    #[error("this cannot be a Papr key: {0}")]
    Key(#[from] SecretError),
    /// The keychain failed.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Papr cannot be asked at all: its address or the system's certificates are at fault.
    #[error(transparent)]
    Client(#[from] papr_api::Error),
    /// Papr failed, refused or cannot be reached.
    #[error("{}", .0.message)]
    Papr(Box<RemoteError>),
    /// Sync could not do it.
    #[error("{0}")]
    Sync(String),
    /// Nobody is signed in.
    #[error("nobody is signed in to Papr")]
    SignedOut,
    /// Somebody signed in, and the keychain has no key of theirs.
    #[error("the Papr key is not in the keychain any more")]
    KeyGone,
    /// The key is of another account than the one that is signed in.
    #[error("this key belongs to another Papr account than the one that is signed in")]
    AnotherAccount,
    /// "Local only" is on.
    #[error("local only is on, so nothing is sent and nothing fetched")]
    LocalOnly,
    /// A number is not one of those that can be asked for.
    #[error("{what} must be {least} to {greatest}, not {asked}")]
    OutOfRange {
        /// What it says how many of.
        what: &'static str,
        /// The least.
        least: u64,
        /// The greatest.
        greatest: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A folder cannot become the data folder.
    #[error("{} cannot hold your memories: {reason}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The data folder was moved, and where it was moved to there is none.
    #[error("your memories were moved to {}, and they are not there", path.display())]
    FolderAway {
        /// Where they were moved to.
        path: PathBuf,
    },
    /// Papr has no such memory, or one without a text.
    #[error("Papr does not have this memory any more")]
    NotAtPapr,
    /// A worker thread could not be started.
    #[error("a worker thread could not be started: {0}")]
    Thread(io::Error),
}

impl Error {
    /// The code of this error.
    pub fn code(&self) -> Code {
        match self {
            Error::Cancelled(_)
            | Error::Embed(EmbedError::Cancelled(_))
            | Error::Model(ModelError::Cancelled(_))
            | Error::Store(StoreError::Cancelled(_)) => Code::Cancelled,
            Error::Unavailable(problem) => problem.code,
            Error::Store(error) => store_code(error),
            Error::Content(_)
            | Error::Query(_)
            | Error::Format { .. }
            | Error::UnknownModel(_)
            | Error::ModelDisabled { .. }
            | Error::ModelInUse { .. }
            | Error::Variable { .. }
            | Error::Key(_)
            | Error::AnotherAccount
            | Error::Client(_)
            | Error::OutOfRange { .. }
            | Error::Folder { .. }
            | Error::FolderAway { .. }
            | Error::Model(
                ModelError::InvalidId { .. }
                | ModelError::NotOffered { .. }
                | ModelError::NotImportable { .. },
            ) => Code::InvalidInput,
            Error::Model(
                ModelError::Checksum { .. } | ModelError::CutShort { .. } | ModelError::Size { .. },
            ) => Code::Checksum,
            Error::Model(ModelError::NoSpace { .. } | ModelError::DiskFull { .. }) => Code::DiskFull,
            Error::Model(ModelError::Offline { .. }) => Code::Offline,
            Error::NoModel { .. }
            | Error::SwitchedOff
            | Error::Model(_)
            | Error::Embed(EmbedError::Runtime { .. } | EmbedError::Model(_)) => Code::ModelMissing,
            Error::NotFound(_) | Error::NotAtPapr => Code::NotFound,
            Error::Credential(error) => credential_code(error),
            Error::Papr(error) if error.cancelled => Code::Cancelled,
            Error::Papr(error) => Code::from(error.trouble),
            Error::SignedOut | Error::KeyGone => Code::SignedOut,
            Error::LocalOnly => Code::LocalOnly,
            Error::Sync(_) => Code::Conflict,
            Error::File { source, .. } => io_code(source),
            Error::Embed(_) | Error::BadVector(_) | Error::Thread(_) => Code::Internal,
        }
    }

    /// What to do about it, in a sentence.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Store(StoreError::Locked { .. }) => "Use the one that is open, or close it and try again.",
            Error::Store(StoreError::NotOurs { .. }) => {
                "Nothing was changed in it. The data folder must be empty, or one that this app made."
            }
            Error::Store(StoreError::Damaged { .. }) => {
                "Nothing was deleted. Copy the data folder to a safe place before you try anything else."
            }
            Error::Store(StoreError::Conflict { .. }) => "Read it again and repeat the change.",
            Error::Store(StoreError::NotFound(_)) | Error::NotFound(_) => {
                "It may have been deleted meanwhile."
            }
            Error::Content(_) => {
                "A memory holds 1 to 15,000 bytes of text. Split a longer text into several."
            }
            Error::Query(QueryError::Empty) => "Type a word, a name or a question.",
            Error::Query(QueryError::TooLong { .. }) => "Search for a part of it.",
            Error::Query(QueryError::Limit { .. }) | Error::OutOfRange { .. } => {
                "Ask for a number in that range."
            }
            Error::Model(ModelError::Offline { .. } | ModelError::BadAnswer { .. }) => {
                "What was fetched is kept. Check the connection and go on, or import the model from files."
            }
            Error::Model(ModelError::Denied { .. } | ModelError::NotOnHub { .. }) => {
                "Look at the model's page on the hub; a model can also be imported from files."
            }
            Error::Model(ModelError::FolderAbsent { .. }) => {
                "Connect the disk, or choose another models folder."
            }
            Error::Model(ModelError::NotImportable { .. }) => {
                "Choose a folder that holds all files of one model."
            }
            Error::Model(ModelError::NoSpace { .. } | ModelError::DiskFull { .. }) => {
                "Make room on the disk and go on; what was fetched is kept."
            }
            Error::Model(_) | Error::NoModel { .. } | Error::Embed(EmbedError::Model(_)) => WITHOUT_MODEL,
            Error::SwitchedOff => {
                "Search by word works without it. Choose a device in the settings; one that was set where the app was \
                 started comes first."
            }
            Error::UnknownModel(_) => "Look at the list of models for the names there are.",
            Error::Embed(EmbedError::Runtime { .. }) => {
                "Search by word works without it. Install the app again to get the missing part back."
            }
            Error::Unavailable(problem) => return problem.hint.clone(),
            Error::Key(_) => "Copy the whole key again from your Papr dashboard.",
            Error::Credential(error) => error.hint(),
            Error::Client(error) => error.hint(),
            Error::Papr(error) if !error.hint.is_empty() => return Some(error.hint.clone()),
            Error::SignedOut => {
                "Sign in with a key from your Papr dashboard. Everything on this machine works without."
            }
            Error::KeyGone => "Sign in again with the same key, or sign out.",
            Error::AnotherAccount => "Sign out first; you can keep a copy of what is here.",
            Error::LocalOnly => "Turn off local only to reach Papr or to download a model.",
            Error::Folder { .. } => {
                "Choose a new or an empty folder that is yours. Nothing was changed; your memories are where they were."
            }
            Error::FolderAway { .. } => {
                "Connect the disk that they are on, or put the folder back where it was, and start again. Nothing was \
                 changed."
            }
            Error::NotAtPapr => "It may have been deleted meanwhile. Ask Papr again.",
            Error::Sync(_) => "Look at it again, and try once more.",
            _ => match self.code() {
                Code::DiskFull => "Make room on the disk and try again. What was saved before is safe.",
                _ if matches!(self, Error::Store(StoreError::Io { .. })) => {
                    "Check that the folder is there and that you may write to it, then try again."
                }
                _ if matches!(self, Error::File { .. }) => "Check the path, and that you may use the file.",
                _ => return None,
            },
        };
        Some(hint.to_owned())
    }

    /// Whether the same call may succeed later without a change by the person.
    pub fn retryable(&self) -> bool {
        self.code().is_retryable()
    }
}

impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Self {
        if error.cancelled { Self::Cancelled(Cancelled) } else { Self::Papr(Box::new(error)) }
    }
}

impl From<SyncError> for Error {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(error) => error.into(),
            SyncError::Remote(error) => error.into(),
            SyncError::NoConflict(id) => Self::NotFound(id),
            SyncError::Cancelled(error) => error.into(),
            other => Self::Sync(other.to_string()),
        }
    }
}

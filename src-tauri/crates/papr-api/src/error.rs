//! What can go wrong with a call, what became of it at the server, and what to do.

use std::time::Duration;

use crate::refusal::{Refusal, RefusalKind};

/// What lies below an error, for those who want to know more.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is certain about a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing left this machine, so nothing was done. The call may be made again.
    NotSent,
    /// The server said no, so nothing was done.
    Refused,
    /// The server may or may not have done what was asked: the time was over, the answer broke off, the server failed
    /// in the middle. For a call that only reads it does not matter. One that made something must be reconciled
    /// before it is made again, for Papr knows no idempotency keys: look for the `client_id` that was sent along
    /// ([`Metadata::client_id`](crate::Metadata::client_id)).
    Unknown,
}

/// Why a call failed.
///
/// No message holds a key, a query or a memory's text, but for what the server itself says in [`Refusal::message`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text cannot be a key.
    #[error("this cannot be a Papr key: {reason}")]
    Key {
        /// Why not. The text itself is not repeated.
        reason: &'static str,
    },
    /// The address cannot be used.
    #[error("{given:?} cannot be the address of Papr: {reason}")]
    BaseUrl {
        /// What was given, without a password.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that Papr would refuse; it was not sent.
    #[error("{what} cannot be sent: {reason}")]
    Invalid {
        /// Which part of the request.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// More bytes than Papr takes; nothing was sent.
    #[error("{what} has {bytes} bytes, Papr takes at most {limit}")]
    TooLarge {
        /// Which part of the request.
        what: &'static str,
        /// Its size in bytes.
        bytes: usize,
        /// The most there may be.
        limit: usize,
    },
    /// This machine cannot make connections: no certificates, or a proxy's address that is none.
    #[error("connections cannot be made")]
    Setup {
        /// What the HTTP library said.
        source: Cause,
    },
    /// The [`Gate`](crate::Gate) is closed; nothing was sent.
    #[error("local only is on, so nothing was sent to {host}")]
    LocalOnly {
        /// Whom it would have been sent to.
        host: String,
    },
    /// No connection could be opened: offline, a wrong address, a certificate that is not trusted.
    #[error("{host} cannot be reached")]
    Connect {
        /// The host.
        host: String,
        /// What happened.
        source: Cause,
    },
    /// The whole answer was not there in time.
    #[error("{host} did not answer in full within {} s", limit.as_secs_f32())]
    TimedOut {
        /// The host.
        host: String,
        /// The time it had.
        limit: Duration,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection to {host} broke before its answer was whole")]
    Broken {
        /// The host.
        host: String,
        /// What happened.
        source: Cause,
    },
    /// A whole answer that makes no sense: not JSON, or not what was asked for.
    #[error("{host} answered with something that is not Papr's (status {status}): {reason}")]
    Unreadable {
        /// The host.
        host: String,
        /// The answer's status.
        status: u16,
        /// What is wrong with it. Nothing of the answer is repeated.
        reason: String,
    },
    /// The answer is longer than this client is willing to take.
    #[error("the answer of {host} is longer than {limit} bytes and was not read to its end")]
    AnswerTooLong {
        /// The host.
        host: String,
        /// The limit, in bytes after decompression.
        limit: u64,
    },
    /// The server sent us elsewhere. That is not followed: the key belongs to the address that was configured.
    #[error("{host} redirects to {} (status {status}), which is not followed", to.as_deref().unwrap_or("nowhere"))]
    Redirected {
        /// The host.
        host: String,
        /// 300 to 399.
        status: u16,
        /// Scheme and host of the other address, where it makes sense.
        to: Option<String>,
    },
    /// The server said no, or that it failed.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
}

impl Error {
    pub(crate) fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into() }
    }

    /// What is certain about the call.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Key { .. }
            | Self::BaseUrl { .. }
            | Self::Invalid { .. }
            | Self::TooLarge { .. }
            | Self::Setup { .. }
            | Self::LocalOnly { .. }
            | Self::Connect { .. } => Outcome::NotSent,
            Self::Redirected { .. } => Outcome::Refused,
            Self::Refused(refusal) => refusal.outcome(),
            Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::Unreadable { .. }
            | Self::AnswerTooLong { .. } => Outcome::Unknown,
        }
    }

    /// What to do about it, in words for the person in front of the screen.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Key { .. } => "Copy the key again from your Papr dashboard.",
            Self::BaseUrl { .. } => "Give an address with https; plain http is for this very machine only.",
            Self::Invalid { .. } => "Correct the request; it was not sent.",
            Self::TooLarge { .. } => "Shorten or split the text; it was not sent.",
            Self::Setup { .. } => "Look at the system's certificates and proxy settings.",
            Self::LocalOnly { .. } => "Turn off local only to reach Papr.",
            Self::Connect { .. } => "Look at the network connection; nothing was sent.",
            Self::TimedOut { .. } | Self::Broken { .. } => "Try again in a while.",
            Self::Unreadable { .. } => {
                "Look at the address of Papr, and whether a network's sign-in page is in the way."
            }
            Self::AnswerTooLong { .. } => "Ask for less at a time.",
            Self::Redirected { .. } => "Set the address of Papr to where it is now.",
            Self::Refused(refusal) => refusal.kind.hint(),
        }
    }

    /// How long the server asks to wait before the next call.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused(refusal) = self { refusal.retry_after } else { None }
    }

    /// The refusal, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }

    /// Whether the same call may well succeed later with nothing changed here. Whether it may be made again at all is
    /// [`Error::outcome`]'s to say.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            Self::Refused(refusal) => matches!(
                refusal.kind,
                RefusalKind::TimedOut
                    | RefusalKind::Conflict
                    | RefusalKind::RateLimited
                    | RefusalKind::Server
            ),
            _ => false,
        }
    }

    /// Whether Papr itself says that there is no such thing. A 404 of anybody else's (a proxy, a wrong address) is
    /// not one: nothing may be concluded from it.
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.kind == RefusalKind::NotFound)
    }
}

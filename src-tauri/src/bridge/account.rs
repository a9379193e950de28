//! The account at Papr as windows see it: sync, conflicts, Papr's own search. Times are RFC 3339, UTC.

use papr_memory::SecretSource;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::{AppError, Memory, count};

/// What sync is doing, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // as in papr_engine
pub enum SyncPhase {
    SignedOut,
    LocalOnly,
    Paused,
    Offline,
    Metered,
    Syncing,
    Attention,
    Idle,
}

/// How sync stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Sync {
    /// In a word.
    pub phase: SyncPhase,
    /// Whether "local only" is on.
    pub local_only: bool,
    /// Whether a person paused it.
    pub paused: bool,
    /// The account whose memories are shown.
    pub account: Option<String>,
    /// Memories received in the sync that runs, or ran last.
    pub received: u32,
    /// Memories sent in it.
    pub sent: u32,
    /// Items of it without a text, or that could not be read.
    pub left_out: u32,
    /// Items of it that were listed more than once.
    pub duplicates: u32,
    /// What Papr has yet to hear.
    pub pending: u32,
    /// Conflicts that wait for a person.
    pub conflicts: u32,
    /// Memories that Papr refused.
    pub refused: u32,
    /// Memories that Papr has and that stand in no tier.
    pub outside: u32,
    /// When a sync was last begun.
    pub tried_at: Option<String>,
    /// When one last went through.
    pub succeeded_at: Option<String>,
    /// When the next one is due.
    pub next_at: Option<String>,
    /// Why the last one did not go through.
    pub error: Option<AppError>,
    /// Operations spent this month.
    pub spent: u32,
    /// Operations that may be spent in a month.
    pub budget: u32,
    /// Operations that will have been spent at its end if it goes on so.
    pub forecast: u32,
}

impl Sync {
    pub(crate) fn new(sync: papr_engine::SyncStatus) -> Self {
        use papr_engine::SyncPhase as Phase;
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            phase: match sync.phase {
                Phase::SignedOut => SyncPhase::SignedOut,
                Phase::LocalOnly => SyncPhase::LocalOnly,
                Phase::Paused => SyncPhase::Paused,
                Phase::Offline => SyncPhase::Offline,
                Phase::Metered => SyncPhase::Metered,
                Phase::Syncing => SyncPhase::Syncing,
                Phase::Attention => SyncPhase::Attention,
                Phase::Idle => SyncPhase::Idle,
            },
            local_only: sync.local_only,
            paused: sync.paused,
            account: sync.account,
            received: count(sync.received),
            sent: count(sync.sent),
            left_out: count(sync.left_out),
            duplicates: count(sync.duplicates),
            pending: count(sync.pending),
            conflicts: count(sync.conflicts),
            refused: count(sync.refused),
            outside: count(sync.outside),
            tried_at: sync.tried_at.map(|at| at.to_string()),
            succeeded_at: sync.succeeded_at.map(|at| at.to_string()),
            next_at: sync.next_at.map(|at| at.to_string()),
            error: sync.problem.map(Into::into),
            spent: number(sync.spent),
            budget: number(sync.budget),
            forecast: number(sync.forecast),
        }
    }
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_memory
pub enum KeySource {
    Keychain,
    Environment,
    Memory,
}

/// Who is signed in, or was last. Never the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// This app's name of it.
    pub id: String,
    /// Where Papr is.
    pub base_url: String,
    /// Whether it is signed in; if not, its memories are a local copy.
    pub signed_in: bool,
    /// Where the key comes from.
    pub key_source: Option<KeySource>,
    /// The key's last four characters.
    pub last_four: Option<String>,
    /// Its memories here.
    pub memories: u32,
    /// What it wrote that Papr has yet to hear.
    pub pending: u32,
}

impl From<papr_engine::AccountInfo> for Account {
    fn from(account: papr_engine::AccountInfo) -> Self {
        Self {
            id: account.id,
            base_url: account.base_url,
            signed_in: account.signed_in,
            key_source: account.key_source.map(|source| match source {
                SecretSource::Keychain => KeySource::Keychain,
                SecretSource::Environment => KeySource::Environment,
                SecretSource::Memory => KeySource::Memory,
            }),
            last_four: account.last_four,
            memories: count(account.memories),
            pending: count(account.pending),
        }
    }
}

/// What signing in did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// Memories of other accounts that are not shown any more.
    pub hidden: u32,
    /// Memories of nobody that may be given to the account.
    pub adoptable: u32,
    /// What to know of where the key is kept.
    pub note: Option<String>,
}

impl From<papr_engine::SignedIn> for SignedIn {
    fn from(signed_in: papr_engine::SignedIn) -> Self {
        Self {
            account: signed_in.account.into(),
            hidden: count(signed_in.hidden),
            adoptable: count(signed_in.adoptable),
            note: signed_in.note,
        }
    }
}

/// What signing out did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// Memories that stay as a local copy.
    pub kept: u32,
    /// Memories that were removed.
    pub wiped: u32,
    /// Backups and files set aside that were removed with them.
    pub copies: u32,
}

impl From<papr_engine::SignedOut> for SignedOut {
    fn from(out: papr_engine::SignedOut) -> Self {
        Self { kept: count(out.kept), wiped: count(out.wiped), copies: count(out.copies) }
    }
}

/// How far a change is on its way to Papr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // as in papr_engine
pub enum Waiting {
    Waiting,
    Unknown,
    Conflict,
    Refused,
}

impl From<papr_engine::OutboxState> for Waiting {
    fn from(state: papr_engine::OutboxState) -> Self {
        use papr_engine::OutboxState as State;
        match state {
            State::Waiting => Self::Waiting,
            State::Unknown => Self::Unknown,
            State::Conflict => Self::Conflict,
            State::Refused { .. } => Self::Refused,
        }
    }
}

/// One change that Papr has yet to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OutboxItem {
    /// The memory.
    pub memory: Memory,
    /// Whether it was deleted here.
    pub deleted: bool,
    /// How far the change is.
    pub state: Waiting,
    /// The status of Papr's refusal.
    pub status: Option<u32>,
}

impl From<papr_engine::OutboxItem> for OutboxItem {
    fn from(item: papr_engine::OutboxItem) -> Self {
        let status = match item.state {
            papr_engine::OutboxState::Refused { status } => Some(u32::from(status)),
            _ => None,
        };
        Self {
            deleted: item.memory.deleted_at.is_some(),
            memory: item.memory.into(),
            state: item.state.into(),
            status,
        }
    }
}

/// A memory as Papr has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Theirs {
    /// The text.
    pub content: String,
    /// The topics.
    pub topics: Vec<String>,
    /// When it last changed there.
    pub updated_at: Option<String>,
}

/// Both sides of a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The memory here.
    pub mine: Memory,
    /// Whether it was deleted here.
    pub deleted: bool,
    /// Papr's version; none if it was deleted there.
    pub theirs: Option<Theirs>,
    /// When it was found.
    pub found_at: String,
}

impl From<papr_engine::ConflictItem> for Conflict {
    fn from(conflict: papr_engine::ConflictItem) -> Self {
        Self {
            deleted: conflict.mine.deleted_at.is_some(),
            mine: conflict.mine.into(),
            theirs: conflict.theirs.map(|theirs| Theirs {
                content: theirs.content.into(),
                topics: theirs.topics,
                updated_at: theirs.updated_at.map(|at| at.to_string()),
            }),
            found_at: conflict.found_at.to_string(),
        }
    }
}

/// What a person chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "lowercase", tag = "choice", content = "text")]
pub enum Choice {
    /// What is here.
    Mine,
    /// What Papr has.
    Theirs,
    /// This text for both.
    Merged(String),
}

impl TryFrom<Choice> for papr_engine::Resolution {
    type Error = AppError;

    fn try_from(choice: Choice) -> Result<Self, AppError> {
        Ok(match choice {
            Choice::Mine => Self::Mine,
            Choice::Theirs => Self::Theirs,
            Choice::Merged(text) => {
                let content = papr_memory::Content::new(text);
                Self::Merged(content.map_err(|error| AppError::invalid(error.to_string()))?)
            }
        })
    }
}

/// A memory that Papr's own search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CloudHit {
    /// What Papr calls it.
    pub remote: String,
    /// The memory here, if it is one.
    pub here: Option<String>,
    /// The text.
    pub content: String,
    /// Its topics.
    pub topics: Vec<String>,
    /// When it last changed.
    pub updated_at: Option<String>,
}

/// What Papr's own search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CloudReply {
    /// Best first.
    pub hits: Vec<CloudHit>,
    /// What feedback calls this search.
    pub search_id: Option<String>,
    /// The host that was asked.
    pub host: String,
    /// Milliseconds until the answer was here.
    pub ms: u32,
}

impl From<papr_engine::CloudReply> for CloudReply {
    fn from(reply: papr_engine::CloudReply) -> Self {
        let hit = |hit: papr_engine::CloudHit| CloudHit {
            remote: hit.remote,
            here: hit.here.map(|id| id.to_string()),
            content: hit.content,
            topics: hit.topics,
            updated_at: hit.updated_at.map(|at| at.to_string()),
        };
        Self {
            hits: reply.hits.into_iter().map(hit).collect(),
            search_id: reply.search_id,
            host: reply.host,
            ms: reply.ms,
        }
    }
}

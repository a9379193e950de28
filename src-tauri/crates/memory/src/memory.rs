//! A memory: one piece of text a person keeps, with who made it, where it belongs and how it relates to Papr.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest content Papr takes, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 15_000;

/// The type of a memory when nothing else was said.
pub const DEFAULT_KIND: &str = "text";

/// A memory's own id: a UUID of version 7, so that ids sort by the time they were made.
///
/// It is also the client id under which a memory is sent to Papr. Papr's own ids are not all UUIDs and stand
/// in [`RemoteId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemoryId(Uuid);

impl MemoryId {
    /// A new id for a memory made at `at`; the random part comes from the system.
    ///
    /// Ids that one thread makes one after the other for the same millisecond sort in the order in which they were
    /// made (RFC 9562, section 6.2, method 2: monotonic random).
    pub fn new(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        let seconds = millis / 1000;
        let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
        Self(in_order(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))))
    }

    /// The 16 bytes of the id, in the order in which ids sort.
    pub fn to_bytes(self) -> [u8; 16] {
        *self.0.as_bytes()
    }

    /// The id with these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

/// `drawn`, or, where it would sort before the last id of the same thread and millisecond, the one a random step of
/// at most 32 bits behind that.
fn in_order(drawn: Uuid) -> Uuid {
    thread_local! { static LAST: Cell<Uuid> = const { Cell::new(Uuid::nil()) } }
    let last = LAST.get();
    let step = 1 + (drawn.as_u128() & u128::from(u32::MAX));
    let next = Uuid::from_u128(last.as_u128() + step);
    let follows = drawn < last && drawn.get_timestamp() == last.get_timestamp();
    // A step that would leave the random part (once in billions of ids) is not taken.
    let id = if follows && next.get_variant() == uuid::Variant::RFC4122 { next } else { drawn };
    LAST.set(id);
    id
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryId({self})")
    }
}

impl FromStr for MemoryId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text.trim()).map(Self)
    }
}

/// Which of the two shelves a memory stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Tier 0: goals, OKRs, use cases; what a person aims for.
    Goals,
    /// Tier 1: hot memories; what a person knows and has lately used.
    Memories,
}

impl Tier {
    /// Both tiers, tier 0 first.
    pub const ALL: [Tier; 2] = [Tier::Goals, Tier::Memories];

    /// 0 or 1: the tier's number, as Papr counts them.
    pub fn number(self) -> u8 {
        match self {
            Tier::Goals => 0,
            Tier::Memories => 1,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Goals => "goals",
            Tier::Memories => "memories",
        })
    }
}

/// A word that names no tier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown tier {0:?}: say \"goals\" or \"memories\"")]
pub struct UnknownTier(pub String);

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.trim().to_ascii_lowercase().as_str() {
            "goals" | "goal" | "0" => Ok(Tier::Goals),
            "memories" | "memory" | "1" => Ok(Tier::Memories),
            _ => Err(UnknownTier(word.to_owned())),
        }
    }
}

/// Who last decided on which tier a memory stands. A person's choice is not overridden by Papr's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TierSetter {
    /// The person who owns the memory.
    User,
    /// Papr, in a snapshot of its tiers.
    Papr,
}

/// Where a memory came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Written in this app.
    User,
    /// Read from a file.
    Import,
    /// One of the sample memories that come with the app.
    Sample,
    /// Fetched from Papr.
    Papr,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::User => "user",
            Source::Import => "import",
            Source::Sample => "sample",
            Source::Papr => "papr",
        })
    }
}

/// A word that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown source {0:?}: say \"user\", \"import\", \"sample\" or \"papr\"")]
pub struct UnknownSource(pub String);

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.trim().to_ascii_lowercase().as_str() {
            "user" => Ok(Source::User),
            "import" => Ok(Source::Import),
            "sample" => Ok(Source::Sample),
            "papr" => Ok(Source::Papr),
            _ => Err(UnknownSource(word.to_owned())),
        }
    }
}

/// The text of a memory: 1 to [`MAX_CONTENT_BYTES`] bytes of UTF-8 with something other than white space in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Content(String);

/// Why a text cannot be a memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing in it, or white space alone.
    #[error("a memory cannot be empty")]
    Empty,
    /// Longer than [`MAX_CONTENT_BYTES`].
    #[error("this text has {bytes} bytes; a memory holds at most {MAX_CONTENT_BYTES}")]
    TooLong {
        /// How many bytes of UTF-8 there were.
        bytes: usize,
    },
}

impl Content {
    /// Checks a text and keeps it as it is.
    pub fn new(text: impl Into<String>) -> Result<Self, ContentError> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(ContentError::Empty);
        }
        if text.len() > MAX_CONTENT_BYTES {
            return Err(ContentError::TooLong { bytes: text.len() });
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Content {
    type Error = ContentError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Content> for String {
    fn from(content: Content) -> Self {
        content.0
    }
}

/// Shows the length alone: memory text stays out of logs.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// What Papr calls a memory that this machine knows under its own [`MemoryId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteId {
    /// The account the memory was fetched or sent with.
    pub account: String,
    /// Papr's `memoryId`; any string.
    pub id: String,
    /// Papr's `objectId`, where it told one.
    pub object_id: Option<String>,
}

/// One memory, as it is kept.
///
/// Times are UTC with millisecond precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// This machine's id, and the client id sent to Papr.
    pub id: MemoryId,
    /// Papr's ids, once Papr has the memory.
    pub remote: Option<RemoteId>,
    /// The account the memory belongs to; none for a memory that is only local.
    pub account: Option<String>,
    /// Starts at 1 and grows by one with every change.
    pub rev: u64,
    /// The text.
    pub content: Content,
    /// An open set of words: `text`, `code_snippet`, `document`, `goal`, `okr`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The shelf it stands on.
    pub tier: Tier,
    /// Who put it there.
    pub tier_set_by: TierSetter,
    /// Short subject words, in the order given.
    pub topics: Vec<String>,
    /// Whatever else came with it; unknown keys are kept.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// Where it came from.
    pub source: Source,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted; set only on what waits among the tombstones.
    pub deleted_at: Option<Timestamp>,
}

impl Memory {
    /// A new local memory of the person's own, at revision 1.
    pub fn new(content: Content, tier: Tier, at: Timestamp) -> Self {
        let at = to_millisecond(at);
        Self {
            id: MemoryId::new(at),
            remote: None,
            account: None,
            rev: 1,
            content,
            kind: match tier {
                Tier::Goals => "goal".to_owned(),
                Tier::Memories => DEFAULT_KIND.to_owned(),
            },
            tier,
            tier_set_by: TierSetter::User,
            topics: Vec::new(),
            metadata: BTreeMap::new(),
            source: Source::User,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        }
    }

    /// Notes that it changed at `at`.
    pub fn touch(&mut self, at: Timestamp) {
        self.updated_at = to_millisecond(at);
    }
}

/// Cuts a time to the precision memories are kept with.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_takes_one_to_fifteen_thousand_bytes() {
        assert_eq!(Content::new(""), Err(ContentError::Empty), "nothing is not a memory");
        assert_eq!(Content::new(" \n\t"), Err(ContentError::Empty), "white space is not a memory");
        assert!(Content::new("a").is_ok(), "one byte is the smallest memory");
        assert!(Content::new("x".repeat(MAX_CONTENT_BYTES)).is_ok(), "the limit itself is allowed");
        assert_eq!(
            Content::new("é".repeat(7_500) + "x"),
            Err(ContentError::TooLong { bytes: 15_001 }),
            "the limit counts bytes, not characters"
        );
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let early = MemoryId::new(Timestamp::from_millisecond(1_000).unwrap());
        let late = MemoryId::new(Timestamp::from_millisecond(1_001).unwrap());
        assert!(early < late, "UUIDv7 leads with the millisecond");
        let same: Vec<_> =
            (0..10_000).map(|_| MemoryId::new(Timestamp::from_millisecond(2_000).unwrap())).collect();
        assert!(same.is_sorted_by(|a, b| a < b), "within one millisecond they sort as they were made");
        let millis = |id: &MemoryId| id.0.get_timestamp().unwrap().to_unix();
        assert!(same.iter().all(|id| millis(id) == (2, 0)), "and none leaves its millisecond");
        assert!(same.iter().all(|id| id.0.get_variant() == uuid::Variant::RFC4122));
        let older = MemoryId::new(Timestamp::from_millisecond(1_500).unwrap());
        assert_eq!(millis(&older), (1, 500_000_000), "an older memory that is imported keeps its own time");
        assert_eq!(
            early.to_string().parse::<MemoryId>().unwrap(),
            early,
            "an id survives being written down"
        );
    }

    #[test]
    fn debug_output_holds_no_memory_text() {
        let memory =
            Memory::new(Content::new("a private thought").unwrap(), Tier::Memories, Timestamp::UNIX_EPOCH);
        assert!(!format!("{memory:?}").contains("private"), "debug output ends up in logs");
    }

    #[test]
    fn tiers_are_read_by_name_and_number() {
        assert_eq!("Goals".parse(), Ok(Tier::Goals));
        assert_eq!("1".parse(), Ok(Tier::Memories));
        assert!("shelf".parse::<Tier>().is_err(), "an unknown tier is refused, not guessed");
    }
}

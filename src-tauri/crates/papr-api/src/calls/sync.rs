//! Both tiers as they are, and what has changed.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::client::{Client, Inner};
use crate::error::Error;
use crate::lenient::Fields;
use crate::observe::Endpoint;
use crate::read::list::{self, Skipped};
use crate::read::memory::{Change, Memory};
use crate::read::splitter::{Piece, Rest, SplitError, Splitter};
use crate::transport::body::{BodyFault, Sink};
use crate::transport::{Answer, Call};
use crate::write::sync::{DeltaRequest, TiersRequest};
use crate::{Cursor, write};

/// Papr's two tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Tier 0: goals, OKRs, use cases, and what is expected to matter.
    Zero,
    /// Tier 1: the hot memories of the last 30 days.
    One,
}

/// Both tiers at one moment.
///
/// Nothing is tidied: an id may stand twice in a tier and in both tiers, and a memory may have no content.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Tiers {
    /// Tier 0, in the server's order.
    pub tier0: Vec<Memory>,
    /// Tier 1, in the server's order.
    pub tier1: Vec<Memory>,
    /// What the server said besides.
    pub end: TiersEnd,
}

/// What stands in an answer besides its tiers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TiersEnd {
    /// Moves between tiers, as they came.
    pub transitions: Vec<Value>,
    /// Where a following delta begins.
    pub next_cursor: Option<Cursor>,
    /// Whether there is more than was asked for.
    pub has_more: bool,
    /// Items that could not be used.
    pub skipped: Vec<Skipped>,
    /// Everything else, as it came.
    pub extra: Map<String, Value>,
}

/// Changes since a cursor.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Delta {
    /// The changes, in the server's order. An id may stand more than once.
    pub items: Vec<Change>,
    /// Where the next delta begins.
    pub next_cursor: Option<Cursor>,
    /// Whether the next delta has more already.
    pub has_more: bool,
    /// Items that could not be used.
    pub skipped: Vec<Skipped>,
    /// Everything else, as it came.
    pub extra: Map<String, Value>,
}

const TIERS: &[&str] = &["tier0", "tier1", "transitions"];
const ITEMS: &[&str] = &["items"];

impl Client {
    /// `POST /v1/sync/tiers`: both tiers at this moment. Costs 3 operations.
    ///
    /// The JSON is read while it comes and is at no time in memory as a whole; the memories are. For thousands with
    /// vectors there is [`Client::tiers_each`].
    pub async fn tiers(&self, request: &TiersRequest) -> Result<Tiers, Error> {
        let mut lists = Lists::new(TIERS, TierPieces::new(Collected::default()));
        let end = self.0.tiers(request, &mut lists).await?;
        let Collected { tier0, tier1 } = lists.pieces.taker;
        Ok(Tiers { tier0, tier1, end })
    }

    /// The same, each memory given to `each` as soon as it has come.
    ///
    /// Besides what `each` keeps, memory holds one item: its JSON, at most 1 MiB (a longer one is skipped), and the
    /// [`Memory`] made of it, plus the HTTP library's buffers of a few hundred kilobytes. So it does not matter how
    /// many items there are.
    ///
    /// `each` is called on the task that awaits this, between two reads from the network: be quick. If the answer
    /// breaks off after the first memory, the call is not tried again but fails, for `each` cannot take back what
    /// it was given: **what it was given counts only if this returns `Ok`**.
    pub async fn tiers_each(
        &self,
        request: &TiersRequest,
        each: impl FnMut(Tier, Memory) + Send,
    ) -> Result<TiersEnd, Error> {
        let mut lists = Lists::new(TIERS, TierPieces::new(Passed { each, any: false }));
        self.0.tiers(request, &mut lists).await
    }

    /// `GET /v1/sync/delta`: what has changed since a cursor. Costs 1 operation.
    ///
    /// Nothing follows from a memory's absence. Papr's servers seldom tell of deletions, and can leave out a change
    /// that shares its millisecond with the end of a page: reconcile with [`Client::tiers`], or ask with [`Client::get`].
    pub async fn delta(&self, request: &DeltaRequest) -> Result<Delta, Error> {
        let inner = &*self.0;
        let mut call = inner.call(Endpoint::Delta, Method::GET, &["sync", "delta"]);
        call.url.query_pairs_mut().extend_pairs(request.query()?);
        call.answer_limit = inner.limits.stream;
        let mut lists = Lists::new(ITEMS, Changes::default());
        let mut fields = inner.lists(&call, &mut lists, ITEMS).await?;
        let (next_cursor, has_more) = cursor(&mut fields);
        let Changes { items, skipped } = lists.pieces;
        Ok(Delta { items, next_cursor, has_more, skipped, extra: fields.rest().0 })
    }
}

impl Inner {
    async fn tiers<T: Take>(
        &self,
        request: &TiersRequest,
        lists: &mut Lists<TierPieces<T>>,
    ) -> Result<TiersEnd, Error> {
        request.check()?;
        let mut call = self.call(Endpoint::Tiers, Method::POST, &["sync", "tiers"]);
        call.body = Some(write::json("the request", request)?);
        call.limit = self.limits.long_call;
        call.answer_limit = self.limits.stream;
        let mut fields = self.lists(&call, lists, &TIERS[..2]).await?;
        let (next_cursor, has_more) = cursor(&mut fields);
        let transitions = std::mem::take(&mut lists.pieces.transitions);
        let skipped = std::mem::take(&mut lists.pieces.skipped);
        Ok(TiersEnd { transitions, next_cursor, has_more, skipped, extra: fields.rest().0 })
    }

    /// Sends the call and gives back what stood beside the lists. At least one of `needed` must have been there: an
    /// answer with none of them says nothing, and certainly not that they are empty.
    async fn lists<P: Pieces>(
        &self,
        call: &Call,
        lists: &mut Lists<P>,
        needed: &[&str],
    ) -> Result<Fields, Error> {
        let answer: Answer = self.send(call, lists).await?;
        let (mut map, seen) = lists.end.take().unwrap_or_default();
        self.success(answer, &map)?;
        let null = |name: &&&str| map.get(**name).is_some_and(Value::is_null);
        let wrong = |name: &&&str| map.get(**name).is_some_and(|value| !value.is_null());
        if needed.iter().any(|name| wrong(&name))
            || !needed.iter().any(|name| seen.contains(name) || null(&name))
        {
            return Err(self.unreadable(answer.status, "the lists that were asked for are not in it"));
        }
        map.retain(|name, value| !(value.is_null() || matches!(name.as_str(), "code" | "status")));
        Ok(Fields::new(map))
    }
}

fn cursor(fields: &mut Fields) -> (Option<Cursor>, bool) {
    let next = fields.text(&["next_cursor", "nextCursor"]).map(Cursor::new);
    let has_more = fields.take(&["has_more", "hasMore"], crate::lenient::boolean);
    (next, has_more.unwrap_or(false))
}

/// Somebody for the items of lists.
trait Pieces: Send {
    fn piece(&mut self, piece: &Piece<'_>);
    fn restart(&mut self) -> bool;
}

/// An answer that is cut into items while it comes.
struct Lists<P> {
    names: &'static [&'static str],
    splitter: Splitter,
    pieces: P,
    end: Option<Rest>,
}

impl<P> Lists<P> {
    fn new(names: &'static [&'static str], pieces: P) -> Self {
        Self { names, splitter: Splitter::new(names), pieces, end: None }
    }
}

impl<P: Pieces> Sink for Lists<P> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BodyFault> {
        let pieces = &mut self.pieces;
        self.splitter.write(bytes, &mut |piece| pieces.piece(&piece)).map_err(fault)
    }

    fn finish(&mut self) -> Result<(), BodyFault> {
        let splitter = std::mem::replace(&mut self.splitter, Splitter::new(self.names));
        self.end = Some(splitter.finish().map_err(fault)?);
        Ok(())
    }

    fn restart(&mut self) -> bool {
        self.splitter = Splitter::new(self.names);
        self.end = None;
        self.pieces.restart()
    }
}

fn fault(error: SplitError) -> BodyFault {
    match error {
        SplitError::Cut => BodyFault::Cut,
        SplitError::NotJson => BodyFault::Wrong("it is not JSON with the lists that were asked for"),
    }
}

const TOO_LONG: &str = "it is longer than 1 MiB";

/// Somebody for memories.
trait Take: Send {
    fn take(&mut self, tier: Tier, memory: Memory);
    fn forget(&mut self) -> bool;
}

#[derive(Default)]
struct Collected {
    tier0: Vec<Memory>,
    tier1: Vec<Memory>,
}

impl Take for Collected {
    fn take(&mut self, tier: Tier, memory: Memory) {
        match tier {
            Tier::Zero => self.tier0.push(memory),
            Tier::One => self.tier1.push(memory),
        }
    }

    fn forget(&mut self) -> bool {
        *self = Self::default();
        true
    }
}

struct Passed<F> {
    each: F,
    any: bool,
}

impl<F: FnMut(Tier, Memory) + Send> Take for Passed<F> {
    fn take(&mut self, tier: Tier, memory: Memory) {
        self.any = true;
        (self.each)(tier, memory);
    }

    fn forget(&mut self) -> bool {
        !self.any
    }
}

struct TierPieces<T> {
    taker: T,
    transitions: Vec<Value>,
    skipped: Vec<Skipped>,
}

impl<T> TierPieces<T> {
    fn new(taker: T) -> Self {
        Self { taker, transitions: Vec::new(), skipped: Vec::new() }
    }
}

impl<T: Take> Pieces for TierPieces<T> {
    fn piece(&mut self, &Piece { list, index, json }: &Piece<'_>) {
        let tier = match list {
            "tier0" => Tier::Zero,
            "tier1" => Tier::One,
            _ => return self.transitions.extend(json.and_then(|json| serde_json::from_slice(json).ok())),
        };
        match json.ok_or(TOO_LONG).and_then(|json| list::item(json, Memory::from_raw)) {
            Ok(memory) => self.taker.take(tier, memory),
            Err(why) => self.skipped.push(Skipped { list, index, why }),
        }
    }

    fn restart(&mut self) -> bool {
        self.transitions.clear();
        self.skipped.clear();
        self.taker.forget()
    }
}

#[derive(Default)]
struct Changes {
    items: Vec<Change>,
    skipped: Vec<Skipped>,
}

impl Pieces for Changes {
    fn piece(&mut self, &Piece { list, index, json }: &Piece<'_>) {
        match json.ok_or(TOO_LONG).and_then(|json| list::item(json, Change::from_raw)) {
            Ok(change) => self.items.push(change),
            Err(why) => self.skipped.push(Skipped { list, index, why }),
        }
    }

    fn restart(&mut self) -> bool {
        *self = Self::default();
        true
    }
}

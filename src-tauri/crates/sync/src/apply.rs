//! From a plan to the store: new memories get their ids, steps become transactions, the cursor with the last.

use jiff::Timestamp;
use papr_memory::ports::{StoreError, SyncStore};
use papr_memory::{
    AccountSync, Agreed, DEFAULT_KIND, Link, Memory, MemoryId, Over, Parts, Source, Standing, SyncStep, Tier,
    TierSetter,
};

use crate::merge::remote_id;
use crate::plan::{Operation, Plan};
use crate::remote::Item;
use crate::report::Pulled;
use crate::run::NewId;

/// Memories asked for by their ids.
pub(crate) type Checks = Vec<(MemoryId, String)>;

/// Steps of one transaction: a store lets nobody read while it makes them.
const PIECE: usize = 64;

/// For whom, with which ids and when.
pub(crate) struct Making<'a> {
    pub(crate) account: &'a str,
    pub(crate) new_id: &'a NewId<'a>,
    pub(crate) now: Timestamp,
}

impl Making<'_> {
    /// Makes the plan's steps with `state`; `None` if something had changed meanwhile and the plan is to be made anew.
    pub(crate) fn apply(
        &self,
        store: &(impl SyncStore + ?Sized),
        plan: &Plan,
        state: Option<&AccountSync>,
        pulled: &mut Pulled,
    ) -> Result<Option<Checks>, StoreError> {
        let (mut steps, mut checks) = (Vec::new(), Vec::new());
        for operation in &plan.operations {
            match operation {
                Operation::Create { item, tier } => steps.extend(self.create(item, *tier)),
                Operation::Step { step, .. } => steps.push(step.clone()),
                Operation::Check { id, remote } => checks.push((*id, remote.clone())),
            }
        }
        let left_out = self.in_pieces(store, &steps, state)?;
        for operation in &plan.operations {
            let made = operation.id().is_none_or(|id| !left_out.contains(&id));
            if made {
                pulled.count(operation.what());
            }
        }
        if !left_out.is_empty() {
            return Ok(None);
        }
        pulled.no_content += plan.no_content;
        pulled.duplicates += plan.duplicates;
        pulled.unreadable += plan.unreadable;
        pulled.ghosts += plan.ghosts;
        Ok(Some(checks))
    }

    /// Makes the steps, some at a time so that searches come in between, with the state in the last transaction. Each
    /// step is whole by itself and guarded by its revision: what a kill leaves out is planned again, and what was made is
    /// met. Returns the ids of steps that had to be left out; the state is not written then.
    fn in_pieces(
        &self,
        store: &(impl SyncStore + ?Sized),
        steps: &[SyncStep],
        state: Option<&AccountSync>,
    ) -> Result<Vec<MemoryId>, StoreError> {
        let (first, last) = steps.split_at(steps.len().saturating_sub(1) / PIECE * PIECE);
        let mut left_out = Vec::new();
        for piece in first.chunks(PIECE) {
            left_out.extend(store.apply(self.account, piece, None)?);
        }
        let state = state.filter(|_| left_out.is_empty());
        left_out.extend(store.apply(self.account, last, state)?);
        Ok(left_out)
    }

    /// A new memory made of an item; none without a text.
    fn create(&self, item: &Item, tier: Option<Tier>) -> Option<SyncStep> {
        let &Self { account, new_id, now } = self;
        let content = item.content.clone()?;
        let made_at = item.created_at.unwrap_or(now);
        let mut memory = Memory::new(content, tier.unwrap_or_else(|| guess(item)), made_at);
        memory.id = new_id(made_at);
        memory.kind = item.kind.clone().unwrap_or_else(|| DEFAULT_KIND.to_owned());
        memory.tier_set_by = TierSetter::Papr;
        memory.account = Some(account.to_owned());
        memory.source = Source::Papr;
        memory.topics = item.topics.clone().unwrap_or_default();
        memory.metadata = item.metadata.clone().unwrap_or_default();
        memory.touch(item.updated_at.unwrap_or(made_at));
        let parts = Parts::of(&memory);
        let link = Link {
            remote: Some(item.id.clone()),
            object_id: item.object_id.clone(),
            client_id: item.client_id.clone(),
            agreed: Some(Agreed { local: parts, remote: parts }),
            standing: if tier.is_some() { Standing::InTier } else { Standing::Unseen },
            seen_at: Some(now),
            ..Link::new(memory.id, account)
        };
        memory.remote = Some(remote_id(&link));
        let (memory, link) = (Box::new(memory), Box::new(link));
        Some(SyncStep::Take { memory, over: Over::Nothing, pending: false, link })
    }
}

/// Where a delta says nothing of tiers: goals by their type or category.
fn guess(item: &Item) -> Tier {
    let category =
        item.metadata.as_ref().and_then(|map| map.get("category")).and_then(|value| value.as_str());
    let goal = |word: &str| matches!(word, "goal" | "okr" | "use_case");
    let goal = item.kind.as_deref().is_some_and(goal) || category == Some("goal");
    if goal { Tier::Goals } else { Tier::Memories }
}

//! The plan against a plain model: every way a memory can stand on both sides, in any mixture, order and repetition.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use papr_memory::{
    Agreed, Content, Link, Memory, MemoryId, Op, OutboxEntry, Parts, RemoteId, Standing, SyncStep, Tier,
    TierSetter,
};
use papr_sync::plan::{self, Limits, Operation, Plan, What};
use papr_sync::{Change, Item, Local, Page, Record, Snapshot};
use proptest::prelude::*;

const ACCOUNT: &str = "me";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    Same,
    Edited(u8),
    Topics(u8),
    /// By the person, into the goals.
    Moved,
    Deleted,
    /// Another account's memory with the same id at Papr.
    Anothers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Same,
    Edited(u8),
    Topics(u8),
    NoContent,
    Absent,
}

#[derive(Clone, Debug)]
struct Case {
    here: Here,
    there: There,
    tiers: [bool; 2],
    twice: bool,
    papr_chose: bool,
    in_tier: bool,
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let here = prop_oneof![
        3 => Just(Here::Same),
        3 => (1..3_u8).prop_map(Here::Edited),
        1 => (1..3_u8).prop_map(Here::Topics),
        1 => Just(Here::Moved),
        2 => Just(Here::Deleted),
        1 => Just(Here::Anothers),
    ];
    let there = prop_oneof![
        3 => Just(There::Same),
        3 => (1..3_u8).prop_map(There::Edited),
        1 => (1..3_u8).prop_map(There::Topics),
        1 => Just(There::NoContent),
        2 => Just(There::Absent),
    ];
    let tiers = prop_oneof![Just([true, false]), Just([false, true]), Just([true, true])];
    let one = (here, there, tiers, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(here, there, tiers, twice, papr_chose, in_tier)| Case {
            here,
            there,
            tiers,
            twice,
            papr_chose,
            in_tier,
        },
    );
    prop::collection::vec(one, 1..8)
}

fn id(number: usize) -> MemoryId {
    let mut bytes = [0; 16];
    bytes[0] = u8::try_from(number).unwrap();
    MemoryId::from_bytes(bytes)
}

fn text(version: u8) -> Content {
    Content::new(format!("version {version}")).unwrap()
}

fn topics(version: u8) -> Vec<String> {
    vec![format!("topic {version}")]
}

fn now() -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap()
}

fn remote(number: usize) -> String {
    format!("remote-{number}")
}

/// The memory that both sides agreed on, at revision 3, in tier 1.
fn agreed(number: usize, case: &Case) -> Memory {
    let mut memory = Memory::new(text(0), Tier::Memories, now());
    memory.id = id(number);
    memory.rev = 3;
    memory.topics = topics(0);
    memory.account = Some(ACCOUNT.to_owned());
    memory.remote = Some(RemoteId { account: ACCOUNT.to_owned(), id: remote(number), object_id: None });
    memory.tier_set_by = if case.papr_chose { TierSetter::Papr } else { TierSetter::User };
    memory
}

fn local(cases: &[Case]) -> Local {
    let links =
        cases.iter().enumerate().filter(|(_, case)| case.here != Here::Anothers).map(|(number, case)| {
            let parts = Parts::of(&agreed(number, case));
            Link {
                remote: Some(remote(number)),
                agreed: Some(Agreed { local: parts, remote: parts }),
                standing: if case.in_tier { Standing::InTier } else { Standing::Outside },
                seen_at: Some(now()),
                ..Link::new(id(number), ACCOUNT)
            }
        });
    let mut local = Local::new(ACCOUNT, links.collect());
    for (number, case) in cases.iter().enumerate() {
        let mut memory = agreed(number, case);
        let entry = |op, rev| Some(OutboxEntry { id: id(number), op, rev });
        match case.here {
            Here::Same => local.add(Record::Alive(memory), None),
            Here::Deleted => {
                memory.deleted_at = Some(now());
                local.add(Record::Dead(memory), entry(Op::Delete, 3));
            }
            Here::Anothers => {
                memory.account = Some("somebody else".to_owned());
                local.add(Record::Alive(memory), entry(Op::Upsert, 3));
            }
            here => {
                memory.rev = 4;
                match here {
                    Here::Edited(version) => memory.content = text(version),
                    Here::Topics(version) => memory.topics = topics(version),
                    _ => (memory.tier, memory.tier_set_by) = (Tier::Goals, TierSetter::User),
                }
                local.add(Record::Alive(memory), entry(Op::Upsert, 4));
            }
        }
    }
    local
}

fn item(number: usize, case: &Case) -> Option<Item> {
    let (mut content, mut words) = (Some(text(0)), topics(0));
    match case.there {
        There::Absent => return None,
        There::Edited(version) => content = Some(text(version)),
        There::Topics(version) => words = topics(version),
        There::NoContent => content = None,
        There::Same => {}
    }
    Some(Item {
        id: remote(number),
        object_id: None,
        client_id: None,
        content,
        kind: None,
        topics: Some(words),
        metadata: None,
        created_at: None,
        updated_at: Some(now()),
    })
}

fn snapshot(cases: &[Case], reversed: bool) -> Snapshot {
    let mut items = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let Some(item) = item(number, case) else { continue };
        for (tier, there) in Tier::ALL.into_iter().zip(case.tiers) {
            let times = usize::from(there) * (1 + usize::from(case.twice));
            items.extend(std::iter::repeat_n((tier, item.clone()), times));
        }
    }
    if reversed {
        items.reverse();
    }
    Snapshot { items, ..Snapshot::default() }
}

fn limits() -> Limits {
    Limits { checks: 100, rechecks: 0, recheck_after: SignedDuration::ZERO }
}

/// What must follow for one memory, said in another way than the plan says it.
fn judge(number: usize, case: &Case, local: &Local, operations: &[&Operation]) -> Result<(), TestCaseError> {
    if case.here == Here::Anothers {
        let created = operations.iter().all(|operation| matches!(operation, Operation::Create { .. }));
        prop_assert!(created, "another's memory is not touched");
        prop_assert_eq!(
            operations.len(),
            usize::from(!matches!(case.there, There::Absent | There::NoContent))
        );
        return Ok(());
    }
    prop_assert!(operations.len() <= 1, "one memory, one operation: {operations:?}");
    let before = local.known[&id(number)].record.memory();
    let what = operations.first().map(|operation| operation.what());
    if case.there == There::Absent {
        prop_assert_eq!(what, case.in_tier.then_some(What::Check), "silence is asked about, once");
        return Ok(());
    }
    let step = match operations.first() {
        None => None,
        Some(Operation::Step { step, .. }) => Some(step),
        Some(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    let link = step.map_or(&local.links[&id(number)], SyncStep::link);
    prop_assert!(!matches!(step, Some(SyncStep::Bury { .. })), "no list deletes anything");
    let both = match (case.here, case.there) {
        (Here::Edited(mine), There::Edited(theirs)) | (Here::Topics(mine), There::Topics(theirs)) => {
            mine != theirs
        }
        (Here::Deleted, There::Edited(_) | There::Topics(_)) => true,
        _ => false,
    };
    prop_assert_eq!(
        link.conflict.is_some(),
        both,
        "a conflict is where both changed the same, and nowhere else"
    );
    prop_assert_eq!(what == Some(What::Conflict), both);
    let (after, pending) = match step {
        Some(SyncStep::Take { memory, pending, .. }) => {
            prop_assert_eq!(memory.rev, before.rev + 1);
            (memory.as_ref(), *pending)
        }
        Some(SyncStep::Acknowledge { rev, .. }) => (before, *rev != before.rev),
        _ => (before, !matches!(case.here, Here::Same)),
    };
    if both {
        prop_assert_eq!(after, before, "neither version is overwritten");
        let theirs = link.conflict.as_ref().and_then(|conflict| conflict.theirs.as_ref()).unwrap();
        let expected = if let There::Edited(version) = case.there { text(version) } else { text(0) };
        prop_assert_eq!(&theirs.content, &expected, "theirs is kept whole");
        return Ok(());
    }
    if case.here == Here::Deleted {
        prop_assert_eq!(after, before, "what was deleted here stays deleted");
        return Ok(());
    }
    let content = match (case.here, case.there) {
        (Here::Edited(version), _) | (_, There::Edited(version)) => text(version),
        _ => text(0),
    };
    let words = match (case.here, case.there) {
        (Here::Topics(version), _) | (_, There::Topics(version)) => topics(version),
        _ => topics(0),
    };
    prop_assert_eq!(&after.content, &content, "the newer text, from whichever side");
    prop_assert_eq!(&after.topics, &words, "the newer topics, from whichever side");
    let unsent = match (case.here, case.there) {
        (Here::Edited(mine), There::Edited(theirs)) | (Here::Topics(mine), There::Topics(theirs)) => {
            mine != theirs
        }
        (Here::Edited(_) | Here::Topics(_), _) => true,
        _ => false,
    };
    prop_assert_eq!(pending, unsent, "an edit here waits until Papr has it, and no longer");
    let chosen = case.here == Here::Moved || !case.papr_chose;
    let tier = match (chosen, case.tiers[0]) {
        (true, _) => before.tier,
        (false, true) => Tier::Goals,
        (false, false) => Tier::Memories,
    };
    prop_assert_eq!(after.tier, tier, "tier 0 wins over tier 1, and a person over both");
    Ok(())
}

fn about(plan: &Plan, number: usize) -> Vec<&Operation> {
    let of = |operation: &&Operation| match operation {
        Operation::Create { item, .. } => item.id == remote(number),
        other => other.id() == Some(id(number)),
    };
    plan.operations.iter().filter(of).collect()
}

/// The local side after the plan was carried out.
fn carried_out(cases: &[Case], plan: &Plan) -> Local {
    let before = local(cases);
    let mut links = before.links.clone();
    let mut records: BTreeMap<MemoryId, (Record, Option<OutboxEntry>)> =
        before.known.iter().map(|(id, known)| (*id, (known.record.clone(), known.outbox))).collect();
    for operation in &plan.operations {
        let Operation::Step { step, .. } = operation else { continue };
        let link = step.link();
        links.insert(link.id, link.clone());
        match step {
            SyncStep::Take { memory, pending, .. } => {
                let entry = OutboxEntry { id: memory.id, op: Op::Upsert, rev: memory.rev };
                records.insert(memory.id, (Record::Alive((**memory).clone()), pending.then_some(entry)));
            }
            SyncStep::Acknowledge { rev, .. } => {
                let entry = &mut records.get_mut(&link.id).unwrap().1;
                *entry = entry.filter(|entry| entry.rev != *rev);
            }
            _ => {}
        }
    }
    let mut after = Local::new(ACCOUNT, links.into_values().collect());
    for (record, entry) in records.into_values() {
        after.add(record, entry);
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("PAPR_LONG").is_some() { 20_000 } else { 2_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_snapshot_is_planned_as_the_model_says(cases in cases(), reversed in any::<bool>()) {
        let local = local(&cases);
        let snapshot = snapshot(&cases, reversed);
        let plan = plan::snapshot(&local, &snapshot, &limits(), now());
        for (number, case) in cases.iter().enumerate() {
            judge(number, case, &local, &about(&plan, number))?;
        }
        let ids: BTreeSet<_> = snapshot.items.iter().map(|(_, item)| &item.id).collect();
        prop_assert_eq!(plan.duplicates, snapshot.items.len() - ids.len(), "each repetition is counted");
        let empty = cases.iter().filter(|case| case.there == There::NoContent).count();
        prop_assert_eq!(plan.no_content, empty, "each item without text is counted once");
    }

    #[test]
    fn a_snapshot_taken_over_asks_for_nothing_a_second_time(cases in cases()) {
        let snapshot = snapshot(&cases, false);
        let first = plan::snapshot(&local(&cases), &snapshot, &limits(), now());
        let after = carried_out(&cases, &first);
        let second = plan::snapshot(&after, &snapshot, &limits(), now());
        let steps: Vec<_> = second.operations.iter().filter(|one| matches!(one, Operation::Step { .. })).collect();
        prop_assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn a_delta_says_the_same_but_of_tiers_and_of_what_it_leaves_out(cases in cases()) {
        let local = local(&cases);
        let items = cases.iter().enumerate().filter_map(|(number, case)| item(number, case));
        let changes = items.flat_map(|item| [Change::Changed(Box::new(item.clone())), Change::Changed(Box::new(item))]);
        let page = Page { changes: changes.collect(), ..Page::default() };
        let plan = plan::delta(&local, &page, true, now());
        for (number, case) in cases.iter().enumerate() {
            // A delta tells of no tiers: as if Papr had left it where it was.
            let tiers = [false, true];
            let case = Case { tiers, in_tier: false, ..case.clone() };
            judge(number, &case, &local, &about(&plan, number))?;
        }
        prop_assert_eq!(plan.duplicates, page.changes.len() / 2);
        let seeding = plan::delta(&local, &page, false, now());
        let created = seeding.operations.iter().any(|one| one.what() == What::Created);
        prop_assert!(!created, "what came before the first sync stays unknown");
    }
}

#[test]
fn a_word_of_deletion_is_asked_about_and_papr_is_believed_only_by_id() {
    let case = |here| Case {
        here,
        there: There::Absent,
        tiers: [false, true],
        twice: false,
        papr_chose: true,
        in_tier: true,
    };
    let local = local(&[case(Here::Same), case(Here::Edited(1)), case(Here::Moved), case(Here::Deleted)]);
    let page = Page { changes: vec![Change::Deleted(remote(0))], ..Page::default() };
    let asked = plan::delta(&local, &page, true, now());
    assert_eq!(asked.operations, [Operation::Check { id: id(0), remote: remote(0) }]);
    let gone = |number: usize| plan::answered(&local.known[&id(number)], None, now()).unwrap();
    assert_eq!(gone(0).what(), What::Buried, "unchanged here: it goes among the tombstones");
    assert_eq!(gone(1).what(), What::Conflict, "edited here: a person decides");
    assert_eq!(gone(2).what(), What::Buried, "a move is no reason to keep it");
    assert_eq!(gone(3).what(), What::Deleted, "deleted on both sides");
}

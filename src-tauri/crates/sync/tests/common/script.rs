//! A week as a list of steps: what happens on both sides, when the two meet, and what goes wrong then.

use papr_fake::{Fault, Options, Place, RetryAfter, Route, Rule, Script, Shape, Tombstones};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{ALICE, KEY, START};

/// Something that a person does here. Numbers pick one of what is there; where nothing is there, nothing happens.
#[derive(Clone, Debug)]
pub enum Here {
    /// So many new memories.
    Add(u8),
    Edit(u8),
    /// So many topics from now on.
    Topics(u8, u8),
    /// Among the goals, or not.
    Put(u8, bool),
    Delete(u8),
    Restore(u8),
}

/// Something that happens at Papr.
#[derive(Clone, Debug)]
pub enum There {
    /// A goal, or not.
    Add(bool),
    Edit(u8),
    Topics(u8, u8),
    Delete(u8),
    Move(u8, Place),
}

/// How a sync ends.
#[derive(Clone, Debug)]
pub enum End {
    Well,
    /// The process dies during this call, before Papr gets the request or after.
    Killed {
        call: u8,
        sent: bool,
    },
    /// The process dies before this write of sync.
    Burnt(u8),
    /// While this call is under way, a person does something.
    Meanwhile(u8, Here),
}

/// What kind of server it is.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Snapshots tell where the delta goes on.
    pub cursor: bool,
    /// What is added comes to stand in no tier.
    pub hidden: bool,
    /// Deltas tell of deletions: not, or in one of three ways.
    pub tombstones: u8,
}

impl Setting {
    pub fn options(&self) -> Options {
        let tombstones = [Tombstones::None, Tombstones::Deleted, Tombstones::IsDeleted, Tombstones::Action];
        Options::new()
            .key(KEY, ALICE)
            .now(START)
            .tiers_cursor(self.cursor)
            .new_memories(if self.hidden { Place::Neither } else { Place::Tier1 })
            .tombstones(tombstones[usize::from(self.tombstones) % tombstones.len()])
    }
}

pub fn settings() -> impl Strategy<Value = Setting> {
    let all = (any::<bool>(), any::<bool>(), 0..4_u8);
    all.prop_map(|(cursor, hidden, tombstones)| Setting { cursor, hidden, tombstones })
}

/// One sync.
#[derive(Clone, Debug)]
pub struct Round {
    pub after_minutes: u8,
    pub snapshot: bool,
    /// What the calls meet with, in their order; later ones go well.
    pub faults: Vec<Option<Fault>>,
    /// Tenths of the rows that the deltas leave out, and the snapshots.
    pub missing: (u8, u8),
    /// Rows come twice, in another order and in another spelling.
    pub disorder: bool,
    /// Places in every batch that fail.
    pub failing: Vec<usize>,
    pub end: End,
}

#[derive(Clone, Debug)]
pub enum Step {
    Here(Here),
    There(There),
    /// So many milliseconds.
    Wait(u8),
    Sync(Round),
    /// A person decides all conflicts that are listed.
    Choose(u8),
}

impl Round {
    /// As the server is told it.
    pub fn script(&self) -> Script {
        let by_call = self.faults.iter().zip(1..);
        let by_call = by_call.filter_map(|(fault, call)| Some(Rule::on_calls(&[call], fault.clone()?)));
        let missing = |tenths: u8, route| {
            let share = f64::from(tenths) / 10.0;
            (tenths > 0).then(|| Rule::always(Fault::Missing { share }).route(route))
        };
        let missing = [missing(self.missing.0, Route::Delta), missing(self.missing.1, Route::Tiers)];
        let disorder = [Fault::Duplicate { share: 0.3 }, Fault::Reorder, Fault::Drift { how: Vec::new() }];
        let failing = Fault::FailItems { indexes: self.failing.clone(), status: 500 };
        let rules = by_call
            .chain(missing.into_iter().flatten())
            .chain(disorder.map(Rule::always).into_iter().filter(|_| self.disorder))
            .chain([Rule::always(failing).route(Route::Batch)]);
        Script::of(rules)
    }
}

/// One of what is there, often one of the first.
fn one() -> impl Strategy<Value = u8> {
    prop_oneof![3 => 0..4_u8, 1 => any::<u8>()]
}

fn here() -> impl Strategy<Value = Here> {
    prop_oneof![
        4 => (1..5_u8).prop_map(Here::Add),
        3 => one().prop_map(Here::Edit),
        1 => (one(), 0..3_u8).prop_map(|(one, count)| Here::Topics(one, count)),
        1 => (one(), any::<bool>()).prop_map(|(one, goal)| Here::Put(one, goal)),
        2 => one().prop_map(Here::Delete),
        1 => one().prop_map(Here::Restore),
    ]
}

fn there() -> impl Strategy<Value = There> {
    let place = prop::sample::select(vec![Place::Tier1, Place::Tier0, Place::Both, Place::Neither]);
    prop_oneof![
        3 => any::<bool>().prop_map(There::Add),
        3 => one().prop_map(There::Edit),
        1 => (one(), 0..3_u8).prop_map(|(one, count)| There::Topics(one, count)),
        1 => one().prop_map(There::Delete),
        2 => (one(), place).prop_map(|(one, place)| There::Move(one, place)),
    ]
}

/// Every way in which a whole request fails.
fn fault() -> impl Strategy<Value = Fault> {
    let status = |status, shape| Fault::Status { status, shape };
    prop::sample::select(vec![
        status(500, Shape::Envelope),
        status(503, Shape::Html),
        status(413, Shape::Envelope),
        status(401, Shape::Detail),
        Fault::CloseBefore,
        Fault::LostReply { hang_ms: 0 },
        Fault::CutBody { share: 0.5 },
        Fault::WrongJson { how: None },
        Fault::RateLimit { retry_after: Some(RetryAfter::Seconds(1)) },
        Fault::Limit,
    ])
}

fn round() -> impl Strategy<Value = Round> {
    let faults = prop::collection::vec(prop_oneof![7 => Just(None), 3 => fault().prop_map(Some)], 0..10);
    let missing = (prop_oneof![2 => Just(0), 1 => 1..6_u8], prop_oneof![4 => Just(0), 1 => 1..6_u8]);
    let failing = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(0..4_usize, 1..3)];
    let end = prop_oneof![
        6 => Just(End::Well),
        1 => (0..12_u8, any::<bool>()).prop_map(|(call, sent)| End::Killed { call, sent }),
        1 => (0..16_u8).prop_map(End::Burnt),
        2 => (0..8_u8, here()).prop_map(|(call, here)| End::Meanwhile(call, here)),
    ];
    let minutes = prop_oneof![Just(0_u8), Just(1), 2..240_u8];
    let all = (minutes, any::<bool>(), faults, missing, any::<bool>(), failing, end);
    all.prop_map(|(after_minutes, snapshot, faults, missing, disorder, failing, end)| Round {
        after_minutes,
        snapshot,
        faults,
        missing,
        disorder,
        failing,
        end,
    })
}

/// Weeks of at most so many steps.
pub fn weeks(steps: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => here().prop_map(Step::Here),
        8 => there().prop_map(Step::There),
        2 => (1..4_u8).prop_map(Step::Wait),
        7 => round().prop_map(Step::Sync),
        1 => any::<u8>().prop_map(Step::Choose),
    ];
    prop::collection::vec(step, steps)
}

/// The week with this number, the same every time.
pub fn week(number: u64, steps: usize) -> Vec<Step> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    weeks(steps).new_tree(&mut runner).unwrap().current()
}

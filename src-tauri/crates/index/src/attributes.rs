//! What memories can be filtered and counted by: a row for each, at the slot of its words, and for each topic, tier
//! and so on the slots that have it.
//!
//! A filter becomes a [`Selection`], a bit a slot, before anything is searched, so that what does not pass costs
//! a search nothing; to make one, rows are looked at for days and ids alone. Names are compared without case and
//! accents and shown as they were first written.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::mem::{Discriminant, discriminant};

use jiff::Timestamp;
use papr_memory::{FacetCount, Facets, Filters, Memory, MemoryId, Source, Tier, TimeRange};

use crate::fold::fold;
use crate::selection::{Selection, Slots, slots_of};
use crate::words::Slot;

/// How many topics are counted out; nobody reads more.
const TOPICS: usize = 50;

type Name = u32;

/// Names, each once, found by their folded form.
#[derive(Debug, Default)]
struct Names {
    of: HashMap<String, Name>,
    shown: Vec<Box<str>>,
}

impl Names {
    fn put(&mut self, name: &str) -> Name {
        let next = Name::try_from(self.shown.len()).unwrap_or(Name::MAX);
        let found = *self.of.entry(fold(name.trim())).or_insert(next);
        if found == next {
            self.shown.push(name.trim().into());
        }
        found
    }

    fn get(&self, name: &str) -> Option<Name> {
        self.of.get(&fold(name.trim())).copied()
    }
}

#[derive(Debug)]
struct Row {
    id: MemoryId,
    tier: Tier,
    source: Source,
    kind: Name,
    role: Option<Name>,
    category: Option<Name>,
    topics: Box<[Name]>,
    created: Timestamp,
    updated: Timestamp,
}

/// Something that memories have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Common {
    Tier(Tier),
    Source(Discriminant<Source>),
    Kind(Name),
    Role(Name),
    Category(Name),
    Topic(Name),
}

impl Row {
    /// All that it may have in common with others.
    fn common(&self) -> impl Iterator<Item = Common> + '_ {
        let some = [self.role.map(Common::Role), self.category.map(Common::Category)];
        [Common::Tier(self.tier), Common::Source(discriminant(&self.source)), Common::Kind(self.kind)]
            .into_iter()
            .chain(some.into_iter().flatten())
            .chain(self.topics.iter().copied().map(Common::Topic))
    }
}

/// The attributes of all memories.
#[derive(Debug, Default)]
pub struct Attributes {
    rows: Vec<Option<Row>>,
    names: Names,
    /// Who has what; nothing is kept that nobody has.
    having: HashMap<Common, Slots>,
    /// Who is there.
    all: Slots,
}

/// What an index of filters keeps of one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The tier it stands in.
    pub tier: Tier,
    /// Where it came from.
    pub source: Source,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Attributes {
    /// Notes what the memory at this slot is; replaces what stood there.
    pub fn put(&mut self, slot: Slot, memory: &Memory) {
        self.take(slot);
        if slot as usize >= self.rows.len() {
            self.rows.resize_with(slot as usize + 1, || None);
        }
        let names = &mut self.names;
        let mut said = |key: &str| {
            let value = memory.metadata.get(key)?.as_str().filter(|value| !value.trim().is_empty())?;
            Some(names.put(value))
        };
        let (role, category) = (said("role"), said("category"));
        let row = Row {
            id: memory.id,
            tier: memory.tier,
            source: memory.source,
            kind: names.put(&memory.kind),
            role,
            category,
            topics: memory.topics.iter().map(|topic| names.put(topic)).collect(),
            created: memory.created_at,
            updated: memory.updated_at,
        };
        for common in row.common() {
            self.having.entry(common).or_default().insert(slot);
        }
        self.all.insert(slot);
        self.rows[slot as usize] = Some(row);
    }

    /// Forgets what stood at this slot.
    pub fn take(&mut self, slot: Slot) -> Option<Attribute> {
        let row = self.rows.get_mut(slot as usize)?.take()?;
        for common in row.common() {
            if let Entry::Occupied(mut having) = self.having.entry(common) {
                having.get_mut().remove(slot);
                if having.get().is_empty() {
                    having.remove();
                }
            }
        }
        self.all.remove(slot);
        Some(Attribute { tier: row.tier, source: row.source, updated_at: row.updated })
    }

    /// What the memory at this slot is.
    pub fn get(&self, slot: Slot) -> Option<Attribute> {
        let row = self.rows.get(slot as usize)?.as_ref()?;
        Some(Attribute { tier: row.tier, source: row.source, updated_at: row.updated })
    }

    /// The memories that pass. `is_pending` tells of which Papr is yet to be told.
    pub fn select(&self, filters: &Filters, is_pending: impl Fn(MemoryId) -> bool) -> Selection {
        let Some(wanted) = self.wanted(filters) else { return Selection::default() };
        let words = self.rows.len().div_ceil(64);
        let mut having = wanted.iter().map(|common| self.having.get(common));
        let mut bits = match having.next() {
            None => self.all.bits(words),
            Some(slots) => slots.map(|slots| slots.bits(words)).unwrap_or_default(),
        };
        for slots in having {
            let others = slots.map(|slots| slots.bits(words)).unwrap_or_default();
            bits.truncate(others.len());
            bits.iter_mut().zip(others).for_each(|(bits, others)| *bits &= others);
        }
        let ids: Option<HashSet<MemoryId>> = filters.ids.as_ref().map(|ids| ids.iter().copied().collect());
        let anytime = TimeRange::default();
        if ids.is_some() || filters.pending.is_some() || [filters.created, filters.updated] != [anytime; 2] {
            let passes = |row: &Row| {
                filters.created.contains(row.created)
                    && filters.updated.contains(row.updated)
                    && ids.as_ref().is_none_or(|ids| ids.contains(&row.id))
                    && filters.pending.is_none_or(|pending| is_pending(row.id) == pending)
            };
            for (rows, bits) in self.rows.chunks(64).zip(&mut bits) {
                let passing = slots_of(*bits, 0).filter(|&at| rows[at as usize].as_ref().is_some_and(passes));
                *bits = passing.fold(0, |bits, at| bits | 1 << at);
            }
        }
        Selection::of(bits)
    }

    /// What those that pass have in common, each; none if a name is asked for that no memory ever had.
    fn wanted(&self, filters: &Filters) -> Option<Vec<Common>> {
        let mut wanted = Vec::new();
        wanted.extend(filters.tier.map(Common::Tier));
        wanted.extend(filters.source.map(|source| Common::Source(discriminant(&source))));
        for topic in &filters.topics {
            wanted.push(Common::Topic(self.names.get(topic)?));
        }
        if let Some(kind) = &filters.kind {
            wanted.push(Common::Kind(self.names.get(kind)?));
        }
        if let Some(role) = &filters.role {
            wanted.push(Common::Role(self.names.get(role)?));
        }
        if let Some(category) = &filters.category {
            wanted.push(Common::Category(self.names.get(category)?));
        }
        Some(wanted)
    }

    /// Counts memories by what they can be filtered by: those selected, or all.
    pub fn facets(&self, selection: Option<&Selection>) -> Facets {
        let chosen = |slot: usize| {
            let slot = Slot::try_from(slot).unwrap_or(Slot::MAX);
            selection.is_none_or(|selection| selection.has(slot))
        };
        let rows = self
            .rows
            .iter()
            .enumerate()
            .filter(|(slot, _)| chosen(*slot))
            .filter_map(|(_, row)| row.as_ref());
        let rows: Vec<&Row> = rows.collect();
        let of = |name: fn(&Row) -> Option<Name>| self.counted(rows.iter().filter_map(|row| name(row)));
        let mut topics = self.counted(rows.iter().flat_map(|row| row.topics.iter().copied()));
        topics.truncate(TOPICS);
        Facets {
            total: rows.len(),
            tiers: counted(rows.iter().map(|row| row.tier.to_string())),
            kinds: of(|row| Some(row.kind)),
            sources: counted(rows.iter().map(|row| row.source.to_string())),
            roles: of(|row| row.role),
            categories: of(|row| row.category),
            topics,
        }
    }

    fn counted(&self, names: impl Iterator<Item = Name>) -> Vec<FacetCount> {
        let shown = |name: Name| self.names.shown.get(name as usize).map_or("", Box::as_ref);
        counted(names.map(|name| shown(name).to_owned()))
    }
}

/// How often each value comes, the most frequent first, of equally frequent ones the first by letters.
fn counted(values: impl Iterator<Item = String>) -> Vec<FacetCount> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<FacetCount> =
        counts.into_iter().map(|(value, count)| FacetCount { value, count }).collect();
    counts.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    counts
}

#[cfg(test)]
mod tests {
    use papr_memory::Content;
    use proptest::prelude::*;

    use super::*;
    use crate::TypedQuery;

    fn memory(number: u8, tier: Tier, topics: &[&str], category: Option<&str>) -> Memory {
        let at = Timestamp::from_second(i64::from(number) * 100).unwrap();
        let mut memory = Memory::new(Content::new("text").unwrap(), tier, at);
        memory.id = MemoryId::from_bytes([number; 16]);
        memory.topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        memory.metadata.extend(category.map(|category| ("category".to_owned(), category.into())));
        memory
    }

    fn some() -> Attributes {
        let mut attributes = Attributes::default();
        attributes.put(0, &memory(0, Tier::Goals, &["Café", "work"], None));
        attributes.put(2, &memory(2, Tier::Memories, &["cafe"], Some("preference")));
        attributes.put(70, &memory(70, Tier::Memories, &["work"], Some("Preference")));
        attributes
    }

    fn slots(attributes: &Attributes, filters: &Filters) -> Vec<Slot> {
        attributes.select(filters, |id| id.to_bytes()[0] == 2).slots().collect()
    }

    #[test]
    fn each_filter_lets_pass_what_it_says() {
        let attributes = some();
        let all = Filters::default();
        let second = |second| Some(Timestamp::from_second(second).unwrap());
        let topics = |topics: &[&str]| topics.iter().map(|&topic| topic.to_owned()).collect::<Vec<_>>();
        let cases: [(Filters, &[Slot]); 11] = [
            (all.clone(), &[0, 2, 70]),
            (Filters::tier(Some(Tier::Memories)), &[2, 70]),
            (Filters { topics: topics(&["CAFÉ"]), ..all.clone() }, &[0, 2]),
            (Filters { topics: topics(&["work", "cafe"]), ..all.clone() }, &[0]),
            (Filters { topics: topics(&["unknown"]), ..all.clone() }, &[]),
            (Filters { category: Some("preference".to_owned()), ..all.clone() }, &[2, 70]),
            (Filters { kind: Some("goal".to_owned()), ..all.clone() }, &[0]),
            (Filters { source: Some(Source::Sample), ..all.clone() }, &[]),
            (
                Filters { created: TimeRange { from: second(200), before: second(7_000) }, ..all.clone() },
                &[2],
            ),
            (Filters { pending: Some(false), ..all.clone() }, &[0, 70]),
            (Filters { ids: Some(vec![MemoryId::from_bytes([70; 16])]), ..all }, &[70]),
        ];
        for (filters, expected) in cases {
            assert_eq!(slots(&attributes, &filters), expected, "{filters:?}");
        }
    }

    #[test]
    fn topics_may_be_several_words_and_are_folded() {
        let typed = TypedQuery::parse("topic:\"Café au lait\" topic:Paris").filters.topics;
        let passes = |wanted: &[String], topics: &[&str]| {
            let mut attributes = Attributes::default();
            attributes.put(0, &memory(0, Tier::Goals, topics, None));
            let filters = Filters { topics: wanted.to_vec(), ..Filters::default() };
            attributes.select(&filters, |_| false).has(0)
        };
        assert!(passes(&typed, &["cafe au lait", "PARIS", "more"]));
        assert!(!passes(&typed, &["paris"]), "each is asked for");
        assert!(passes(&[], &[]), "nothing is asked for");
    }

    #[test]
    fn what_left_is_neither_selected_nor_counted() {
        let mut attributes = some();
        assert_eq!(attributes.take(2).map(|row| row.tier), Some(Tier::Memories));
        assert_eq!(attributes.take(2), None, "it is gone");
        assert_eq!(slots(&attributes, &Filters::default()), [0, 70]);
        assert_eq!(attributes.facets(None).total, 2);
    }

    #[test]
    fn facets_count_what_was_selected() {
        let attributes = some();
        let counts = |counts: &[FacetCount]| {
            counts.iter().map(|facet| (facet.value.clone(), facet.count)).collect::<Vec<_>>()
        };
        let facets = attributes.facets(None);
        assert_eq!(
            counts(&facets.topics),
            [("Café".to_owned(), 2), ("work".to_owned(), 2)],
            "two spellings are one"
        );
        assert_eq!(counts(&facets.categories), [("preference".to_owned(), 2)]);
        assert_eq!(counts(&facets.tiers), [("memories".to_owned(), 2), ("goals".to_owned(), 1)]);
        let goals = attributes.select(&Filters::tier(Some(Tier::Goals)), |_| false);
        assert_eq!(attributes.facets(Some(&goals)).total, 1);
        assert_eq!(counts(&attributes.facets(Some(&goals)).kinds), [("goal".to_owned(), 1)]);
    }

    proptest! {
        #[test]
        fn a_selection_is_what_each_memory_by_itself_says(
            rows in prop::collection::vec((any::<bool>(), 0..3_usize, 0..3_usize), 0..200),
            goals in any::<Option<bool>>(),
            topic in prop::option::of(0..3_usize),
        ) {
            const TOPICS: [&str; 3] = ["a", "b", "c"];
            let tier = |goals| if goals { Tier::Goals } else { Tier::Memories };
            let mut attributes = Attributes::default();
            for (slot, &(goals, one, other)) in (0..).zip(&rows) {
                attributes.put(slot, &memory(u8::try_from(slot).unwrap(), tier(goals), &[TOPICS[one], TOPICS[other]], None));
            }
            let filters = Filters {
                tier: goals.map(tier),
                topics: topic.iter().map(|&topic| TOPICS[topic].to_owned()).collect(),
                ..Filters::default()
            };
            let expected: Vec<Slot> = (0..)
                .zip(&rows)
                .filter(|(_, row)| goals.is_none_or(|goals| goals == row.0))
                .filter(|(_, row)| topic.is_none_or(|topic| topic == row.1 || topic == row.2))
                .map(|(slot, _)| slot)
                .collect();
            let selection = attributes.select(&filters, |_| false);
            prop_assert_eq!(selection.len(), expected.len());
            prop_assert!(expected.iter().all(|&slot| selection.has(slot)));
            prop_assert_eq!(selection.slots().collect::<Vec<_>>(), expected);
        }
    }
}

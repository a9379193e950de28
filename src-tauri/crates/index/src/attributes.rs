//! What memories can be filtered and counted by: a row for each, at the slot of its words.
//!
//! A filter becomes a [`Selection`], a bit a slot, before anything is searched, so that what does not pass costs
//! a search nothing. Names are compared without case and accents and shown as they were first written.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use papr_memory::{FacetCount, Facets, Filters, Memory, MemoryId, Source, Tier};

use crate::fold::fold;
use crate::vectors::Filter;
use crate::words::{Slot, WordIndex};

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

/// The attributes of all memories.
#[derive(Debug, Default)]
pub struct Attributes {
    rows: Vec<Option<Row>>,
    names: Names,
}

/// The memories that pass a filter, as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    bits: Vec<u64>,
    len: usize,
}

impl Selection {
    /// How many pass.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none passes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the memory at this slot passes.
    pub fn has(&self, slot: Slot) -> bool {
        self.bits.get(slot as usize / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
    }

    /// The slots of those that pass, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.bits.iter().zip(0..).flat_map(|(&bits, word)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        })
    }
}

/// A selection as vectors are filtered by it, which know memories by their ids.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'a> {
    /// Which slots pass.
    pub selection: &'a Selection,
    /// Which memory stands at which slot.
    pub words: &'a WordIndex,
}

impl Filter for Selected<'_> {
    fn len(&self) -> usize {
        self.selection.len()
    }

    fn passes(&self, id: MemoryId) -> bool {
        self.words.slot(id).is_some_and(|slot| self.selection.has(slot))
    }

    fn ids(&self) -> Vec<MemoryId> {
        self.selection.slots().filter_map(|slot| self.words.id(slot)).collect()
    }
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
        let slot = slot as usize;
        if slot >= self.rows.len() {
            self.rows.resize_with(slot + 1, || None);
        }
        let names = &mut self.names;
        let mut said = |key: &str| {
            let value = memory.metadata.get(key)?.as_str().filter(|value| !value.trim().is_empty())?;
            Some(names.put(value))
        };
        let (role, category) = (said("role"), said("category"));
        self.rows[slot] = Some(Row {
            id: memory.id,
            tier: memory.tier,
            source: memory.source,
            kind: names.put(&memory.kind),
            role,
            category,
            topics: memory.topics.iter().map(|topic| names.put(topic)).collect(),
            created: memory.created_at,
            updated: memory.updated_at,
        });
    }

    /// Forgets what stood at this slot.
    pub fn take(&mut self, slot: Slot) -> Option<Attribute> {
        let row = self.rows.get_mut(slot as usize)?.take()?;
        Some(Attribute { tier: row.tier, source: row.source, updated_at: row.updated })
    }

    /// What the memory at this slot is.
    pub fn get(&self, slot: Slot) -> Option<Attribute> {
        let row = self.rows.get(slot as usize)?.as_ref()?;
        Some(Attribute { tier: row.tier, source: row.source, updated_at: row.updated })
    }

    /// The memories that pass. `is_pending` tells of which Papr is yet to be told.
    pub fn select(&self, filters: &Filters, is_pending: impl Fn(MemoryId) -> bool) -> Selection {
        let mut selection = Selection { bits: vec![0; self.rows.len().div_ceil(64)], len: 0 };
        let Some(wanted) = Wanted::new(filters, &self.names) else { return selection };
        for (slot, row) in self.rows.iter().enumerate() {
            let passes = |row: &Row| {
                wanted.is(row) && wanted.pending.is_none_or(|pending| is_pending(row.id) == pending)
            };
            if row.as_ref().is_some_and(passes) {
                selection.bits[slot / 64] |= 1 << (slot % 64);
                selection.len += 1;
            }
        }
        selection
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

/// Filters with their names looked up.
struct Wanted<'a> {
    filters: &'a Filters,
    topics: Vec<Name>,
    kind: Option<Name>,
    role: Option<Name>,
    category: Option<Name>,
    ids: Option<HashSet<MemoryId>>,
    pending: Option<bool>,
}

impl<'a> Wanted<'a> {
    /// None if a name is asked for that no memory has.
    fn new(filters: &'a Filters, names: &Names) -> Option<Self> {
        let known = |name: &Option<String>| match name {
            None => Some(None),
            Some(name) => names.get(name).map(Some),
        };
        Some(Self {
            filters,
            topics: filters.topics.iter().map(|topic| names.get(topic)).collect::<Option<_>>()?,
            kind: known(&filters.kind)?,
            role: known(&filters.role)?,
            category: known(&filters.category)?,
            ids: filters.ids.as_ref().map(|ids| ids.iter().copied().collect()),
            pending: filters.pending,
        })
    }

    fn is(&self, row: &Row) -> bool {
        let filters = self.filters;
        filters.tier.is_none_or(|tier| tier == row.tier)
            && filters.source.is_none_or(|source| source == row.source)
            && self.kind.is_none_or(|kind| kind == row.kind)
            && (self.role.is_none() || self.role == row.role)
            && (self.category.is_none() || self.category == row.category)
            && filters.created.contains(row.created)
            && filters.updated.contains(row.updated)
            && self.topics.iter().all(|topic| row.topics.contains(topic))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&row.id))
    }
}

#[cfg(test)]
mod tests {
    use papr_memory::{Content, TimeRange};
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

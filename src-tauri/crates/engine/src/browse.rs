//! Browsing: which memories pass, some of them at once, what is near one of them, and where it stood.

use papr_index::{QueryFilters, Slot};
use papr_memory::ports::{Store, TierMove};
use papr_memory::{Filters, MAX_HITS, Memory, MemoryId, Sort, Tier, Vector};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Vectors};
use crate::search::Narrowed;
use crate::{Engine, Error};

/// The most memories that are asked for at once by their ids.
pub const MAX_SOME: usize = 200;

/// Neighbours looked at beyond those asked for, since some say the same.
const SPARE: usize = 16;

/// A memory that is near another one in meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Related {
    /// The memory.
    pub memory: Memory,
    /// Cosine similarity of the two, in [-1, 1].
    pub similarity: f32,
}

impl Engine {
    /// All memories that pass, by the time they last changed; the newest first unless the oldest are asked for. Asks
    /// the store for nothing. Needs the index: what was not read yet is left out.
    pub fn ids(&self, filters: &Filters, sort: Sort) -> Result<Vec<MemoryId>, Error> {
        let narrowed = Narrowed::new(&self.shared, filters.clone(), &QueryFilters::default())?;
        let catalog = self.shared.catalog();
        let mut ids: Vec<MemoryId> = match narrowed.select(&catalog) {
            Some(selection) => catalog.in_time(&selection),
            None => catalog.oldest(None).map(|(_, id)| id).collect(),
        };
        if sort != Sort::Oldest {
            ids.reverse();
        }
        Ok(ids)
    }

    /// These memories, in this order, without those that are not there.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for more than [`MAX_SOME`].
    pub fn some(&self, ids: &[MemoryId]) -> Result<Vec<Memory>, Error> {
        if ids.len() > MAX_SOME {
            let (greatest, asked) = (MAX_SOME as u64, ids.len() as u64);
            return Err(Error::OutOfRange { what: "the number of ids", least: 0, greatest, asked });
        }
        ids.iter().filter_map(|&id| self.shared.shown(id).transpose()).map(|memory| Ok(memory?)).collect()
    }

    /// Up to `limit` memories of both tiers that are nearest in meaning, nearest first, by the vector of the memory
    /// itself. What says the same as the memory or as a nearer one is left out, and so is what is as far as unrelated
    /// texts are. None while the memory has no vector.
    pub fn related(&self, id: MemoryId, limit: usize) -> Result<Vec<Related>, Error> {
        self.get(id)?;
        let near = {
            let catalog = self.shared.catalog();
            match (catalog.vector(id), &catalog.vectors) {
                (Some(vector), Some(vectors)) => {
                    let floor = self.shared.fusion.floor;
                    neighbours(&catalog, vectors, (id, &vector), limit.min(MAX_HITS), floor)
                }
                _ => Vec::new(),
            }
        };
        let mut related = Vec::with_capacity(near.len());
        for (id, similarity) in near {
            // One deleted since the snapshot is no longer an answer.
            related.extend(self.shared.shown(id)?.map(|memory| Related { memory, similarity }));
        }
        Ok(related)
    }

    /// The newest moves of a memory between the tiers, oldest first.
    pub fn tier_moves(&self, id: MemoryId) -> Result<Vec<TierMove>, Error> {
        self.get(id)?;
        Ok(self.shared.store.tier_moves(id)?)
    }
}

/// Up to `limit` of those that are nearest to a memory and say something else, with their cosines.
fn neighbours(
    catalog: &Catalog,
    vectors: &Vectors,
    (id, vector): (MemoryId, &Vector),
    limit: usize,
    floor: f32,
) -> Vec<(MemoryId, f32)> {
    let views = Tier::ALL.map(|tier| vectors.of(tier).view());
    let views = [views[0].as_ref(), views[1].as_ref()];
    let mut depth = limit + SPARE;
    loop {
        let nearest = papr_index::vectors::nearest(&views, vector, depth, None);
        let mut said: Vec<Slot> = catalog.words.slot(id).into_iter().collect();
        let mut near = Vec::with_capacity(limit);
        for other in nearest.iter().filter(|other| other.id != id && other.cosine >= floor) {
            let Some(slot) = catalog.words.slot(other.id) else { continue };
            if near.len() < limit && !said.iter().any(|&one| catalog.words.are_alike(one, slot)) {
                said.push(slot);
                near.push((other.id, other.cosine));
            }
        }
        let no_more = nearest.len() < depth || nearest.last().is_none_or(|farthest| farthest.cosine < floor);
        if near.len() == limit || no_more {
            return near;
        }
        depth *= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use jiff::Timestamp;
    use papr_memory::{Content, Dims, Fingerprint, Space};
    use proptest::prelude::*;

    use super::*;

    fn memory(number: u32, text: &str) -> Memory {
        let at = Timestamp::from_second(1_700_000_000 + i64::from(number)).unwrap();
        let tier = if number.is_multiple_of(3) { Tier::Goals } else { Tier::Memories };
        let mut memory = Memory::new(Content::new(text).unwrap(), tier, at);
        memory.topics = vec![format!("topic {}", number % 5)];
        memory
    }

    fn catalog(texts: &[(&str, f32)]) -> (Catalog, Vec<MemoryId>) {
        let mut catalog = Catalog::default();
        let fingerprint: Fingerprint = serde_json::from_value("0123456789abcdef".repeat(4).into()).unwrap();
        let space = Space { fingerprint, dims: Dims::new(2).unwrap() };
        catalog.vectors = Some(Vectors::new(space.clone()));
        let ids = (0..).zip(texts).map(|(number, &(text, angle))| {
            let memory = Memory { topics: Vec::new(), ..memory(number, text) };
            catalog.upsert(&memory, false);
            let vector = Vector::new(vec![angle.cos(), angle.sin()], space.dims).unwrap();
            catalog.put_vector(&space, memory.id, &vector);
            memory.id
        });
        let ids = ids.collect();
        (catalog, ids)
    }

    #[test]
    fn what_says_the_same_is_no_neighbour() {
        let texts = [
            ("a cup of tea", 0.1),
            ("A cup of tea!", 0.1001),
            ("a walk by the sea", 0.2),
            ("a walk by the sea.", 0.21),
            ("the sea at night", 0.3),
            ("taxes", 3.0),
        ];
        let (catalog, ids) = catalog(&texts);
        let near = |limit| {
            let vector = catalog.vector(ids[0]).unwrap();
            let found =
                neighbours(&catalog, catalog.vectors.as_ref().unwrap(), (ids[0], &vector), limit, 0.1);
            found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(near(10), [ids[2], ids[4]], "neither itself, nor its copy, nor a second sea, nor taxes");
        assert_eq!(near(1), [ids[2]]);
        assert_eq!(near(0), []);
    }

    #[test]
    fn a_hundred_thousand_ids_come_in_milliseconds() {
        let folder = tempfile::tempdir().unwrap();
        let resources = crate::Resources::in_folder(Path::new("/nowhere"));
        let engine = Engine::open(crate::Config::new(folder.path(), resources)).unwrap();
        let mut catalog = engine.shared.catalog_mut();
        for number in 0..100_000 {
            catalog.upsert(&memory(number, "a word"), false);
        }
        drop(catalog);
        let filters = |tier| Filters::tier(tier);
        for (tier, expected) in [(None, 100_000), (Some(Tier::Goals), 33_334), (Some(Tier::Memories), 66_666)]
        {
            let at = Instant::now();
            let ids = engine.ids(&filters(tier), Sort::Newest).unwrap();
            let took = at.elapsed();
            println!("{} ids in {took:?}", ids.len());
            assert_eq!(ids.len(), expected);
            assert!(took.as_millis() < 500, "no store was asked: {took:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn ids_are_those_of_all_pages(count in 0_u32..40, topic in 0_u32..7, oldest in any::<bool>()) {
            let mut catalog = Catalog::default();
            for number in 0..count {
                // Some change at the same moment.
                catalog.upsert(&memory(number / 2, "text"), false);
            }
            let topics = vec![format!("topic {topic}")];
            let filters = Filters { topics, ..Filters::default() };
            let selection = catalog.attributes.select(&filters, |_| false);
            let mut expected: Vec<_> = catalog
                .oldest(None)
                .map(|(_, id)| id)
                .filter(|&id| catalog.is_among(Some(&selection), id))
                .collect();
            let mut ids = catalog.in_time(&selection);
            if !oldest {
                ids.reverse();
                expected.reverse();
            }
            prop_assert_eq!(ids, expected);
        }
    }
}

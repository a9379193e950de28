//! Lists of memories by time, a page at a time. A page begins where the one before ended, whatever was added,
//! changed or deleted meanwhile.

use jiff::Timestamp;
use papr_index::QueryFilters;
use papr_memory::ports::Store;
use papr_memory::{Filters, Memory, MemoryId, Sort, Tier};
use serde::{Deserialize, Serialize};

use crate::search::Narrowed;
use crate::{Engine, Error};

/// Where a page ended: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When the last memory of the page had last changed.
    pub updated_at: Timestamp,
    /// Which it was.
    pub id: MemoryId,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// In order.
    pub memories: Vec<Memory>,
    /// How many pass in all.
    pub total: usize,
    /// Where it goes on, if it does.
    pub next: Option<Place>,
}

impl Engine {
    /// Up to `limit` memories that pass, by the time they last changed, from behind `after` on; the newest first
    /// unless the oldest are asked for. Needs the index: what was not read yet is not listed.
    pub fn list(
        &self,
        filters: &Filters,
        sort: Sort,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Listing, Error> {
        let narrowed = Narrowed::new(&self.shared, filters.clone(), &QueryFilters::default())?;
        let after = after.map(|place| (place.updated_at, place.id));
        let (places, total) = {
            let catalog = self.shared.catalog();
            let selection = narrowed.select(&catalog);
            let passes = |&(_, id): &(Timestamp, MemoryId)| catalog.is_among(selection.as_ref(), id);
            // One more than asked for tells whether there is a next page.
            let places: Vec<_> = match sort {
                Sort::Relevance | Sort::Newest => {
                    catalog.newest(after).filter(passes).take(limit + 1).collect()
                }
                Sort::Oldest => catalog.oldest(after).filter(passes).take(limit + 1).collect(),
            };
            (places, selection.map_or(catalog.counts().total(), |selection| selection.len()))
        };
        let page = &places[..limit.min(places.len())];
        let last = page.last().filter(|_| places.len() > limit);
        let next = last.map(|&(updated_at, id)| Place { updated_at, id });
        let memories = page.iter().filter_map(|&(_, id)| self.shared.store.get(id).transpose());
        Ok(Listing { memories: memories.collect::<Result<_, _>>()?, total, next })
    }

    /// Up to `limit` memories, last changed first, of one tier or both.
    pub fn recent(&self, tier: Option<Tier>, limit: usize) -> Result<Vec<Memory>, Error> {
        Ok(self.list(&Filters::tier(tier), Sort::Newest, None, limit)?.memories)
    }
}

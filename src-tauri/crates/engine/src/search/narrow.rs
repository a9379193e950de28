//! What a search is narrowed to: the filters of a query and those typed in its text, as one.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use papr_index::{QueryFilters, Selection};
use papr_memory::{Facets, Filters, MemoryId, TimeRange};

use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::{Engine, Error};

/// Filters that are ready to be applied.
#[derive(Debug)]
pub(crate) struct Narrowed {
    filters: Filters,
    /// Two filters contradict each other: nothing passes.
    nothing: bool,
    /// Of whom Papr is yet to be told, if that was asked.
    pending: HashSet<MemoryId>,
}

impl Narrowed {
    /// The filters of a query together with those of its text; days are days where the person is.
    pub(crate) fn new(shared: &Shared, filters: Filters, typed: &QueryFilters) -> Result<Self, Error> {
        let (filters, nothing) = both(filters, typed, &TimeZone::system());
        let pending = match filters.pending {
            Some(_) => shared.store.outbox()?.into_iter().map(|entry| entry.id).collect(),
            None => HashSet::new(),
        };
        Ok(Self { filters, nothing, pending })
    }

    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Who passes; none if there is no filter.
    pub(crate) fn select(&self, catalog: &Catalog) -> Option<Selection> {
        if self.nothing {
            let nobody = Filters { ids: Some(Vec::new()), ..Filters::default() };
            return Some(catalog.attributes.select(&nobody, |_| false));
        }
        let select = || catalog.attributes.select(&self.filters, |id| self.pending.contains(&id));
        (!self.filters.is_empty()).then(select)
    }
}

impl Engine {
    /// Counts the memories that pass by what they can be filtered by.
    pub fn facets(&self, filters: &Filters) -> Result<Facets, Error> {
        let narrowed = Narrowed::new(&self.shared, filters.clone(), &QueryFilters::default())?;
        let catalog = self.shared.catalog();
        Ok(catalog.attributes.facets(narrowed.select(&catalog).as_ref()))
    }
}

/// Both filters as one, and whether they contradict each other.
fn both(filters: Filters, typed: &QueryFilters, zone: &TimeZone) -> (Filters, bool) {
    let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|start| start.timestamp());
    let days = TimeRange { from: typed.after.and_then(start), before: typed.before.and_then(start) };
    let nothing = matches!((filters.tier, typed.tier), (Some(one), Some(other)) if one != other);
    let merged = Filters {
        tier: filters.tier.or(typed.tier),
        topics: filters.topics.iter().chain(&typed.topics).cloned().collect(),
        updated: filters.updated.and(days),
        ..filters
    };
    (merged, nothing)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use papr_memory::Tier;

    use super::*;

    #[test]
    fn what_is_typed_narrows_what_was_chosen() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let chosen = Filters { topics: vec!["tea".to_owned()], ..Filters::tier(Some(Tier::Goals)) };
        let typed = QueryFilters {
            topics: vec!["cups".to_owned()],
            after: Some(date(2026, 3, 1)),
            ..QueryFilters::default()
        };
        let (merged, nothing) = both(chosen.clone(), &typed, &zone);
        assert!(!nothing);
        assert_eq!(
            (merged.tier, merged.topics),
            (Some(Tier::Goals), vec!["tea".to_owned(), "cups".to_owned()])
        );
        let midnight = "2026-02-28T22:00:00Z".parse().unwrap();
        assert_eq!(merged.updated, TimeRange { from: Some(midnight), before: None }, "a day begins at home");
        let other = QueryFilters { tier: Some(Tier::Memories), ..QueryFilters::default() };
        assert!(both(chosen, &other, &zone).1, "no memory stands in two tiers");
    }

    #[test]
    fn a_day_typed_before_is_out_and_one_typed_after_is_in() {
        let (before, after) = (Some(date(2026, 3, 1)), Some(date(2025, 1, 1)));
        let typed = QueryFilters { before, after, ..QueryFilters::default() };
        let (merged, _) = both(Filters::default(), &typed, &TimeZone::UTC);
        let is_in_time =
            |day: Date| merged.updated.contains(day.to_zoned(TimeZone::UTC).unwrap().timestamp());
        assert!(is_in_time(date(2026, 2, 28)) && is_in_time(date(2025, 1, 1)));
        assert!(!is_in_time(date(2026, 3, 1)) && !is_in_time(date(2024, 12, 31)));
    }
}

//! Fusion: one ranked list from two kinds of score that cannot be added as they are.
//!
//! Cosines are brought to 0..=1 between the least and the greatest of the candidates, BM25 between 0 and the
//! greatest, and the two are added with weights (Bruch, Gai, Ingber, "An Analysis of Fusion Functions for
//! Hybrid Retrieval", 2023, call it a convex combination of min-max scores). One normalisation serves both
//! tiers. Whatever holds an identifier, a name or a quoted phrase as it stands comes before all else.

use papr_memory::{MemoryId, Mode, Reason};

/// How meaning and words are weighed against each other. The defaults were chosen on the odd-numbered
/// questions of an evaluation set and checked on the even ones: see `docs/benchmarks.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fusion {
    /// The weight of meaning, 0..=1; words have the rest.
    pub meaning: f32,
    /// A memory that no word found is shown only from this cosine on. Unrelated texts stay below.
    pub floor: f32,
    /// Which share of the query's words, weighed by how rare they are, a memory must hold to count as fully
    /// found by word. Keeps "the" and "for" from passing for an answer when nothing better matches.
    pub coverage: f32,
}

impl Default for Fusion {
    fn default() -> Self {
        Self { meaning: 0.55, floor: 0.1, coverage: 0.55 }
    }
}

/// A memory that one of the searches found, with what each makes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) id: MemoryId,
    pub(crate) cosine: Option<f32>,
    pub(crate) words: Option<f32>,
    pub(crate) exact: bool,
}

/// A candidate in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) candidate: Candidate,
    /// What fusion makes of it, 0..=1.
    pub(crate) score: f32,
    /// What is added to that, 0 or more.
    pub(crate) boost: f32,
    pub(crate) why: Reason,
}

impl Ranked {
    /// A memory in a list of all that pass, where nothing is better than anything else.
    pub(crate) fn listed(id: MemoryId) -> Self {
        let candidate = Candidate { id, cosine: None, words: None, exact: false };
        Self { candidate, score: 0.0, boost: 0.0, why: Reason::Listed }
    }

    /// What it is sorted by; above 1 where a full score was raised.
    pub(crate) fn raised(&self) -> f32 {
        self.score + self.boost
    }
}

/// Shares of the best from which on a hit is said to be found by that kind of search.
const SHARE_OF_MEANING: f32 = 0.5;
const SHARE_OF_WORDS: f32 = 0.25;

impl Fusion {
    /// Sorts candidates, best first; of equal ones the older first. `boost` tells what is added to a memory's score.
    pub(crate) fn rank(
        self,
        candidates: &[Candidate],
        mass: f32,
        mode: Mode,
        boost: impl Fn(MemoryId) -> f32,
    ) -> Vec<Ranked> {
        let cosines = || candidates.iter().filter_map(|candidate| candidate.cosine);
        let (least, greatest) = (cosines().fold(f32::INFINITY, f32::min), cosines().fold(-1.0, f32::max));
        let found = candidates.iter().filter_map(|candidate| candidate.words).fold(0.0, f32::max);
        let best_words = found.max(self.coverage * mass);
        let weight = match mode {
            Mode::Hybrid => self.meaning,
            Mode::Meaning => 1.0,
            Mode::Words => 0.0,
        };
        let rank = |candidate: Candidate| {
            let meaning = candidate.cosine.map_or(0.0, |cosine| share(cosine - least, greatest - least));
            let words = candidate.words.map_or(0.0, |score| share(score, best_words));
            let score = weight * meaning + (1.0 - weight) * words;
            let boost = boost(candidate.id);
            Ranked { candidate, score, boost, why: reason(candidate, meaning, words, mode) }
        };
        let shown = |candidate: &Candidate| {
            candidate.words.is_some() || candidate.cosine.is_some_and(|cosine| cosine >= self.floor)
        };
        let mut ranked: Vec<Ranked> = candidates.iter().copied().filter(shown).map(rank).collect();
        ranked.sort_unstable_by(|a, b| {
            (b.why == Reason::Exact)
                .cmp(&(a.why == Reason::Exact))
                .then(b.raised().total_cmp(&a.raised()))
                .then(a.candidate.id.cmp(&b.candidate.id))
        });
        ranked
    }
}

fn reason(candidate: Candidate, meaning: f32, words: f32, mode: Mode) -> Reason {
    let by_meaning = meaning >= SHARE_OF_MEANING;
    let by_words = words >= SHARE_OF_WORDS;
    match mode {
        Mode::Meaning => Reason::Meaning,
        _ if candidate.exact => Reason::Exact,
        Mode::Words => Reason::Words,
        Mode::Hybrid if by_meaning && by_words => Reason::Both,
        Mode::Hybrid if by_words || (candidate.words.is_some() && !by_meaning) => Reason::Words,
        Mode::Hybrid => Reason::Meaning,
    }
}

/// `part` of `whole`, 0..=1; all of it when there is nothing to divide by.
fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(number: u8, cosine: Option<f32>, words: Option<f32>, exact: bool) -> Candidate {
        Candidate { id: MemoryId::from_bytes([number; 16]), cosine, words, exact }
    }

    fn none(_: MemoryId) -> f32 {
        0.0
    }

    fn order(ranked: &[Ranked]) -> Vec<u8> {
        ranked.iter().map(|ranked| ranked.candidate.id.to_bytes()[0]).collect()
    }

    #[test]
    fn exact_hits_are_never_buried() {
        let mut candidates: Vec<_> =
            (1..40).map(|number| candidate(number, Some(0.9), Some(5.0), false)).collect();
        candidates.push(candidate(40, None, Some(0.1), true));
        let ranked = Fusion::default().rank(&candidates, 0.0, Mode::Hybrid, |_| 0.2);
        assert_eq!(order(&ranked)[0], 40, "an id outranks any similarity, even before it has a vector");
        assert_eq!(ranked[0].why, Reason::Exact);
    }

    #[test]
    fn what_neither_search_found_is_left_out() {
        let candidates = vec![
            candidate(1, Some(0.05), None, false),
            candidate(2, Some(0.05), Some(1.0), false),
            candidate(3, Some(0.4), None, false),
        ];
        assert_eq!(
            order(&Fusion::default().rank(&candidates, 0.0, Mode::Hybrid, none)),
            [3, 2],
            "noise is not an answer"
        );
    }

    #[test]
    fn reasons_say_which_search_found_it() {
        let candidates = vec![
            candidate(1, Some(0.8), Some(4.0), false),
            candidate(2, Some(0.7), None, false),
            candidate(3, Some(0.2), Some(3.0), false),
        ];
        let ranked = Fusion::default().rank(&candidates, 0.0, Mode::Hybrid, none);
        let why: Vec<_> =
            ranked.iter().map(|ranked| (ranked.candidate.id.to_bytes()[0], ranked.why)).collect();
        assert_eq!(why, [(1, Reason::Both), (2, Reason::Meaning), (3, Reason::Words)]);
    }

    proptest! {
        #[test]
        fn scores_are_shares_and_sorted(
            scores in prop::collection::vec(
                (prop::option::of(-1.0_f32..1.0), prop::option::of(0.01_f32..30.0), any::<bool>()),
                0..40,
            ),
            weight in 0.0_f32..=1.0,
        ) {
            let candidates: Vec<_> = (0..)
                .zip(scores)
                .map(|(number, (cosine, words, exact))| candidate(number, cosine, words, exact && words.is_some()))
                .collect();
            let fusion = Fusion { meaning: weight, floor: -1.0, coverage: 0.5 };
            let ranked = fusion.rank(&candidates, 10.0, Mode::Hybrid, none);
            prop_assert!(ranked.iter().all(|ranked| (0.0..=1.0).contains(&ranked.score)), "a share is in 0..=1");
            let sorted = ranked.windows(2).all(|pair| {
                let exact = [pair[0].why == Reason::Exact, pair[1].why == Reason::Exact];
                (exact[0] && !exact[1]) || (exact[0] == exact[1] && pair[0].score >= pair[1].score)
            });
            prop_assert!(sorted, "exact first, then by score");
            let mut reversed = candidates;
            reversed.reverse();
            prop_assert_eq!(&ranked, &fusion.rank(&reversed, 10.0, Mode::Hybrid, none), "the order found does not matter");
            // One in three is raised.
            let boost = |id: MemoryId| if id.to_bytes()[0].is_multiple_of(3) { 0.1 } else { 0.0 };
            let raised = fusion.rank(&reversed, 10.0, Mode::Hybrid, boost);
            prop_assert_eq!(raised.len(), ranked.len(), "a boost makes no answer and hides none");
            for one in &raised {
                let before = ranked.iter().find(|other| other.candidate == one.candidate);
                prop_assert_eq!(before.map(|before| (before.score, before.why)), Some((one.score, one.why)));
                prop_assert!(one.boost.to_bits() == boost(one.candidate.id).to_bits(), "and it is told apart");
            }
            for pair in raised.windows(2) {
                let overtakes = pair[0].score < pair[1].score && pair[0].why != Reason::Exact;
                prop_assert!(!overtakes || pair[1].score - pair[0].score <= 0.1 + f32::EPSILON, "nor by more than it is");
            }
        }
    }
}

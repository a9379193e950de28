//! Which texts share a run: as many as fit a budget of tokens, alike in length so that little is padded.

use std::collections::VecDeque;

use crate::bucket;

/// Texts of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Their places in the call.
    pub(crate) rows: Vec<usize>,
    /// What each is filled up to; a device that wants fixed lengths fills up further.
    pub(crate) tokens: usize,
}

/// How texts are filled up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filling {
    /// To the longest of the batch.
    Longest,
    /// To this many tokens.
    Fixed(usize),
    /// By the device, to the least of these lengths that holds a text.
    Buckets(Vec<usize>),
}

/// What a batch may be.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) filling: Filling,
    /// Tokens of one run, padding included.
    pub(crate) budget: usize,
    /// Whether each text runs by itself, because its vector would depend on its neighbours.
    pub(crate) alone: bool,
}

/// Splits texts of `lengths` tokens into runs of at most the rule's budget. A text that is longer than the
/// budget runs alone. Every text is in exactly one batch.
pub(crate) fn plan(lengths: &[usize], rule: &Rule) -> VecDeque<Batch> {
    let cost = |length: usize| match &rule.filling {
        Filling::Longest => length,
        Filling::Fixed(fixed) => length.max(*fixed),
        Filling::Buckets(buckets) => bucket::holding(buckets, length),
    };
    let filled = |length: usize| match &rule.filling {
        Filling::Fixed(fixed) => length.max(*fixed),
        Filling::Longest | Filling::Buckets(_) => length,
    };
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| lengths[row]);
    let mut batches: VecDeque<Batch> = VecDeque::new();
    for row in order {
        let length = lengths[row];
        match batches.back_mut() {
            // Lengths rise, so this row is the longest of its batch.
            Some(batch) if !rule.alone && (batch.rows.len() + 1) * cost(length) <= rule.budget => {
                batch.rows.push(row);
                batch.tokens = filled(length);
            }
            _ => batches.push_back(Batch { rows: vec![row], tokens: filled(length) }),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(filling: Filling, budget: usize) -> Rule {
        Rule { filling, budget, alone: false }
    }

    #[test]
    fn like_lengths_share_a_run() {
        let batches = plan(&[10, 200, 12, 11], &rule(Filling::Longest, 40));
        assert_eq!(
            batches,
            [Batch { rows: vec![0, 3, 2], tokens: 12 }, Batch { rows: vec![1], tokens: 200 }],
            "the long one runs alone, though over the budget"
        );
    }

    #[test]
    fn a_fixed_length_counts_in_full() {
        let batches = plan(&[3, 4, 5], &rule(Filling::Fixed(32), 64));
        assert_eq!(batches.len(), 2);
        assert!(batches.iter().all(|batch| batch.tokens == 32));
    }

    #[test]
    fn a_bucket_counts_in_full_and_is_the_devices_to_fill() {
        let batches = plan(&[3, 4, 33, 40], &rule(Filling::Buckets(vec![32, 64]), 64));
        assert_eq!(
            batches,
            [
                Batch { rows: vec![0, 1], tokens: 4 },
                Batch { rows: vec![2], tokens: 33 },
                Batch { rows: vec![3], tokens: 40 }
            ]
        );
    }

    #[test]
    fn texts_that_would_change_one_another_run_alone() {
        let batches = plan(&[3, 3, 3], &Rule { filling: Filling::Longest, budget: 256, alone: true });
        assert!(batches.len() == 3 && batches.iter().all(|batch| batch.rows.len() == 1));
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(1_usize..=256, 0..80), budget in 1_usize..1024,
        ) {
            let batches = plan(&lengths, &rule(Filling::Longest, budget));
            let mut seen: Vec<usize> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                prop_assert!(batch.rows.len() == 1 || batch.rows.len() * batch.tokens <= budget);
                prop_assert_eq!(batch.rows.iter().map(|&row| lengths[row]).max(), Some(batch.tokens));
            }
        }
    }
}

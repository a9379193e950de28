//! Which texts share a run: as many as fit a budget of tokens, alike in length so that little is padded.

use std::collections::VecDeque;

use papr_memory::Padding;

/// Texts of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Their places in the call.
    pub(crate) rows: Vec<usize>,
    /// What each is filled up to.
    pub(crate) tokens: usize,
}

/// Splits texts of `lengths` tokens into runs of at most `budget` tokens, padding included. A text that is
/// longer than the budget runs alone. Every text is in exactly one batch.
pub(crate) fn plan(lengths: &[usize], padding: Padding, budget: usize) -> VecDeque<Batch> {
    let padded = |length: usize| match padding {
        Padding::Dynamic => length,
        Padding::Fixed(fixed) => length.max(fixed as usize),
    };
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| lengths[row]);
    let mut batches: VecDeque<Batch> = VecDeque::new();
    for row in order {
        let tokens = padded(lengths[row]);
        match batches.back_mut() {
            // Lengths rise, so this row is the longest of its batch.
            Some(batch) if (batch.rows.len() + 1) * tokens <= budget => {
                batch.rows.push(row);
                batch.tokens = tokens;
            }
            _ => batches.push_back(Batch { rows: vec![row], tokens }),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn like_lengths_share_a_run() {
        let batches = plan(&[10, 200, 12, 11], Padding::Dynamic, 40);
        assert_eq!(
            batches,
            [Batch { rows: vec![0, 3, 2], tokens: 12 }, Batch { rows: vec![1], tokens: 200 }],
            "the long one runs alone, though over the budget"
        );
    }

    #[test]
    fn a_fixed_length_counts_in_full() {
        let batches = plan(&[3, 4, 5], Padding::Fixed(32), 64);
        assert_eq!(batches.len(), 2);
        assert!(batches.iter().all(|batch| batch.tokens == 32));
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(1_usize..=256, 0..80), budget in 1_usize..1024,
        ) {
            let batches = plan(&lengths, Padding::Dynamic, budget);
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

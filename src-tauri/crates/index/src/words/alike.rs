//! Which memories say the same: nearly the same words, and no other number among them.
//!
//! Likeness is the Jaccard index of their sets of words: how many they share, of all they have together. Reports
//! and invoices are often the same but for a number, and mean different things.

use super::{Slot, TermId, WordIndex};

/// From which share of common words on two texts are alike.
const ALIKE: f32 = 0.9;
/// Bits in which the signatures of texts that are alike may differ: so many for each word that may differ.
const BITS_A_WORD: u32 = 1;

/// A bit for each word, by hash.
pub(super) fn signature(words: &[TermId]) -> u64 {
    // The constant of Fibonacci hashing: 2³² divided by the golden ratio; the first six bits of 32 count.
    words.iter().fold(0, |bits, word| bits | 1 << (word.wrapping_mul(0x9E37_79B9) >> 26))
}

impl WordIndex {
    /// Whether the memories at these slots say the same. A memory says what it says itself.
    pub fn are_alike(&self, one: Slot, other: Slot) -> bool {
        let (Some(one), Some(other)) = (self.document(one), self.document(other)) else { return false };
        let longer = one.sequence.len().max(other.sequence.len());
        // As many words as may differ if all are different from each other.
        let allowed = u32::try_from(longer).unwrap_or(u32::MAX) / 9 + 1;
        if (one.signature ^ other.signature).count_ones() > allowed.saturating_mul(BITS_A_WORD) {
            return false;
        }
        let (one, other) = (set(&one.sequence), set(&other.sequence));
        let only = |these: &[TermId], those: &[TermId]| -> Vec<TermId> {
            these.iter().copied().filter(|word| those.binary_search(word).is_err()).collect()
        };
        let different = [only(&one, &other), only(&other, &one)].concat();
        let together = other.len() + only(&one, &other).len();
        let is_number = |word: &TermId| self.numbers.get(*word as usize).copied().unwrap_or_default();
        (together - different.len()) as f32 >= ALIKE * together as f32 && !different.iter().any(is_number)
    }
}

fn set(words: &[TermId]) -> Vec<TermId> {
    let mut set = words.to_vec();
    set.sort_unstable();
    set.dedup();
    set
}

#[cfg(test)]
mod tests {
    use papr_memory::MemoryId;
    use proptest::prelude::*;

    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        let mut index = WordIndex::new();
        let slots = [(1, one), (2, other)]
            .map(|(number, text)| index.upsert(MemoryId::from_bytes([number; 16]), text));
        index.are_alike(slots[0], slots[1])
    }

    #[test]
    fn case_order_and_punctuation_make_no_difference() {
        assert!(alike("Alice likes dark roast.", "alice likes dark roast"));
        assert!(alike("dark roast, Alice likes", "Alice likes dark roast!"));
        assert!(
            !alike("Alice likes dark roast", "Alice likes light roast"),
            "one word of four is another thing"
        );
    }

    #[test]
    fn a_word_more_in_a_long_text_is_the_same_text_but_a_number_more_is_not() {
        let long = "the quick brown fox jumps over one lazy dog while some other animals look at him";
        assert!(alike(long, &format!("{long} today")));
        assert!(!alike(long, &format!("{long} 42")), "reports differ by a number");
        assert!(!alike(&format!("{long} 41"), &format!("{long} 42")));
    }

    proptest! {
        #[test]
        fn the_signature_refuses_nothing_that_is_alike(
            words in prop::collection::vec(0..60_u32, 0..40),
            more in prop::collection::vec(0..60_u32, 0..6),
        ) {
            let text = |words: &[u32]| {
                let name = |word: &u32| char::from_u32(u32::from('a') + word % 26).unwrap().to_string().repeat((word / 26 + 1) as usize);
                words.iter().map(name).collect::<Vec<_>>().join(" ")
            };
            let (one, other) = (text(&words), text(&[words.clone(), more].concat()));
            let sets = [&one, &other].map(|text| text.split(' ').collect::<std::collections::BTreeSet<_>>());
            let (shared, all) = (sets[0].intersection(&sets[1]).count(), sets[0].union(&sets[1]).count());
            let mut index = WordIndex::new();
            let slots = [(1, &one), (2, &other)].map(|(number, text)| index.upsert(MemoryId::from_bytes([number; 16]), text));
            let expected = shared as f32 >= ALIKE * all as f32;
            prop_assert_eq!(index.are_alike(slots[0], slots[1]), expected);
        }
    }
}

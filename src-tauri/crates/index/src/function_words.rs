//! Function words of English: what holds a sentence together and says little of what it is about.
//!
//! How rare a word is tells most of this by itself, but not in a collection of a hundred memories, where "what"
//! may well stand in three. Words of other languages are weighed by rarity alone.

/// Sorted, folded.
const ENGLISH: [&str; 109] = [
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "being", "but", "by", "can", "could", "d", "did", "do", "does", "doing", "don", "for",
    "from", "get", "got", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how",
    "i", "if", "in", "into", "is", "it", "its", "just", "ll", "m", "me", "might", "mine", "must", "my", "of",
    "off", "on", "or", "our", "ours", "out", "over", "s", "shall", "she", "should", "so", "some", "such",
    "t", "than", "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this", "those",
    "to", "too", "up", "us", "ve", "very", "was", "we", "were", "what", "when", "where", "which", "while",
    "who", "whom", "whose", "why", "will", "with", "would", "you", "your", "yours",
];

/// Whether a folded word is one of them.
pub(crate) fn is_function_word(folded: &str) -> bool {
    ENGLISH.binary_search(&folded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_found_in() {
        assert!(ENGLISH.is_sorted(), "it is searched by halves");
        assert!(is_function_word("what") && is_function_word("a") && !is_function_word("speed"));
    }
}

//! The tiny model's words: every byte, frequent-looking pairs and triples of letters, one end token.
//!
//! Byte-level pair encoding as Qwen's, in the format of the `tokenizers` library; nothing was learned. Like the
//! tokenizer that some publishers give out, it does not append the end token by itself: the recipe says so.

use serde_json::{Map, Value, json};

/// What a space is written as.
const SPACE: char = 'Ġ';

/// `tokenizer.json` of `size` words, the last of them the end token.
pub(super) fn json(size: usize) -> Value {
    let mut words: Vec<String> = (0..=u8::MAX).map(|byte| visible(byte).to_string()).collect();
    let mut merges: Vec<Value> = Vec::new();
    let mut merge = |left: String, right: String| {
        words.push(format!("{left}{right}"));
        merges.push(json!([left, right]));
    };
    let letters = || 'a'..='z';
    letters().for_each(|letter| merge(SPACE.to_string(), letter.to_string()));
    for first in letters() {
        letters().for_each(|second| merge(first.to_string(), second.to_string()));
    }
    for first in letters() {
        letters().for_each(|second| merge(format!("{SPACE}{first}"), second.to_string()));
    }
    let unused = words.len()..size - 1;
    words.extend(unused.map(|id| format!("<|unused_{id}|>")));
    let end = json!({
        "id": size - 1, "content": "<|endoftext|>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false
    });
    let vocabulary: Map<String, Value> =
        words.into_iter().enumerate().map(|(id, word)| (word, id.into())).collect();
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [end],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "vocab": vocabulary,
            "merges": merges
        }
    })
}

/// The character that stands for a byte, as GPT-2 has it: itself where it can be seen, else one from 256 on.
fn visible(byte: u8) -> char {
    let itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if itself(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|&other| !itself(other)).count();
    u32::try_from(256 + hidden_before).ok().and_then(char::from_u32).unwrap_or(SPACE)
}

#[cfg(test)]
mod tests {
    use tokenizers::Tokenizer;

    #[test]
    fn any_text_becomes_words_and_text_again() {
        let json = super::json(2048);
        let tokenizer = Tokenizer::from_bytes(json.to_string().as_bytes()).unwrap();
        assert_eq!(tokenizer.get_vocab_size(true), 2048);
        assert_eq!(tokenizer.token_to_id("<|endoftext|>"), Some(2047));
        for text in ["How do I reset my password?", "Größe 漢字 🦀\n\ttab", "a<|endoftext|>b"] {
            let ids = tokenizer.encode(text, true).unwrap().get_ids().to_vec();
            assert!(ids.len() < text.len());
            assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
        }
    }
}

//! Texts as people, programs and accidents make them: each gives a checked vector, none a panic.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Vector};
use proptest::prelude::*;

fn embed(text: &str) -> Vector {
    let embedder = common::embedder();
    let mut embedded =
        embedder.embed(&[text], Role::Document, Lane::Interactive, &CancelToken::new()).unwrap();
    embedded.vectors.remove(0).unwrap()
}

#[test]
fn every_text_has_a_vector() {
    let long_word = "a".repeat(100_000);
    let spaces = " ".repeat(100_000);
    let texts = [
        "",
        " ",
        "\0",
        "\0\0\0",
        "\u{feff}",
        "...",
        "?!,;:",
        "🦀",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "\u{301}\u{301}",
        "\u{202e}gnirts",
        "[CLS] [SEP] [MASK] [PAD]",
        "漢字",
        "नमस्ते",
        "\u{10ffff}",
        "\r\n\t",
        long_word.as_str(),
        spaces.as_str(),
    ];
    for text in texts {
        embed(text);
    }
    let embedded =
        common::embedder().embed(&texts, Role::Query, Lane::Background, &CancelToken::new()).unwrap();
    assert!(embedded.vectors.iter().all(Result::is_ok), "together as well");
}

#[test]
fn only_the_first_256_tokens_count() {
    let words = "water house night music river paper light stone green table ".repeat(2_000);
    assert!(words.len() > 100_000);
    let first: Vec<&str> = words.split(' ').take(254).collect();
    let cut = embed(&first.join(" "));
    assert_eq!(embed(&words), cut, "254 words and the two special tokens");
    let other_end = format!("{} {}", first.join(" "), "quite another end ".repeat(5_000));
    assert_eq!(embed(&other_end), cut);
    assert_ne!(embed(&first[..253].join(" ")), cut);
}

#[test]
fn what_makes_no_token_does_not_hide_what_comes_after() {
    let word = embed("river");
    assert_eq!(embed(&format!("{}river", " ".repeat(100_000))), word, "behind white space");
    assert_eq!(embed(&format!("{}river", "\0".repeat(50_000))), word, "behind NULs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_texts_give_checked_vectors(text in any::<String>()) {
        embed(&text);
    }

    #[test]
    fn arbitrary_long_texts_give_checked_vectors(text in "(\\PC|\\s|\\pC){0,3000}") {
        embed(&text);
    }
}

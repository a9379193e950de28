//! With a tokenizer of a few dozen tokens, in the form of BERT's.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LETTERS: &str = "abc";

/// A tokenizer like BERT's whose words are at most ten characters long.
fn tokenizer(max_tokens: u32) -> Tokenizer {
    load(&recipe(max_tokens)).unwrap()
}

fn load(recipe: &Recipe) -> Result<Tokenizer, EmbedError> {
    let mut names =
        vec!["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "[", "]", "mas", "##k", "漢", "é"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
    names.extend(LETTERS.chars().flat_map(|letter| [format!("{letter}"), format!("##{letter}")]));
    let vocabulary: serde_json::Map<_, _> =
        names.iter().enumerate().map(|(id, name)| (name.clone(), json!(id))).collect();
    let added: Vec<_> = (0..5)
        .map(|id| {
            json!({"id": id, "content": names[id], "special": true, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false})
        })
        .collect();
    let special = |id: usize| json!({"SpecialToken": {"id": names[id], "type_id": 0}});
    let json = json!({
        "version": "1.0", "added_tokens": added,
        "truncation": {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 5}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special(2), {"Sequence": {"id": "A", "type_id": 0}}, special(3)],
            "pair": [special(2), {"Sequence": {"id": "A", "type_id": 0}}, special(3),
                     {"Sequence": {"id": "B", "type_id": 1}}, special(3)],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}
        },
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 10, "vocab": vocabulary}
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json.to_string()).unwrap();
    Tokenizer::load(file.path(), recipe)
}

fn recipe(max_tokens: u32) -> Recipe {
    let json = json!({
        "max_tokens": max_tokens, "padding": "dynamic", "prefixes": {"query": "a ", "document": ""},
        "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": 4, "precision": "fp32",
        "graph": {"input_ids": "ids", "attention_mask": "mask", "output": "out"}
    });
    serde_json::from_value(json).unwrap()
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text, Role::Document).unwrap()
}

#[test]
fn the_recipe_cuts_and_the_file_does_not() {
    let tokenizer = tokenizer(8);
    assert_eq!(ids(&tokenizer, ""), [2, 3], "an empty text is its two special tokens");
    assert_eq!(ids(&tokenizer, "a"), [2, 12, 3], "not filled up");
    assert_eq!(ids(&tokenizer, &"a ".repeat(50)), [2, 12, 12, 12, 12, 12, 12, 3], "the last token is [SEP]");
}

#[test]
fn a_prefix_goes_before_the_text_of_its_role() {
    let tokenizer = tokenizer(8);
    assert_eq!(tokenizer.encode("b", Role::Query).unwrap(), [2, 12, 14, 3]);
    assert_eq!(tokenizer.encode("b", Role::Document).unwrap(), [2, 14, 3]);
}

#[test]
fn a_suffix_counts_among_the_tokens() {
    let mut recipe = recipe(6);
    recipe.suffix_token = Some(4);
    let tokenizer = load(&recipe).unwrap();
    assert_eq!(ids(&tokenizer, ""), [2, 3, 4]);
    assert_eq!(ids(&tokenizer, "b"), [2, 14, 3, 4], "behind what the tokenizer puts there");
    assert_eq!(ids(&tokenizer, &"a ".repeat(50)), [2, 12, 12, 12, 3, 4], "six in all");
    recipe.suffix_token = Some(400);
    assert!(load(&recipe).unwrap_err().to_string().contains("no token 400"), "another model's token");
    recipe.suffix_token = None;
    recipe.pad_token = 500;
    assert!(load(&recipe).unwrap_err().to_string().contains("no token 500"));
}

#[test]
fn a_long_text_is_not_read_to_its_end() {
    let tokenizer = tokenizer(8);
    let long = "a ".repeat(1 << 24);
    let start = std::time::Instant::now();
    assert_eq!(ids(&tokenizer, &long), [2, 12, 12, 12, 12, 12, 12, 3]);
    assert!(start.elapsed().as_millis() < 500, "32 MB took {:?}", start.elapsed());
}

#[test]
fn a_tokenizer_of_unknown_kind_reads_everything() {
    let mut tokenizer = tokenizer(8);
    assert_eq!(tokenizer.unsure, Some(10 + "[MASK]".len()));
    tokenizer.inner.with_normalizer(None::<NormalizerWrapper>).unwrap();
    assert_eq!(unsure_tail(&tokenizer.inner), None);
}

/// What long texts are made of where a cut could go wrong: words around the longest length, marks that are
/// reordered, special tokens spelled out, characters that make no token.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]{1,3}",
        "[abc]{8,14}",
        Just("a".repeat(200)),
        "[ \n\u{3000}]{1,3}",
        Just(" ".repeat(300)),
        Just("\0".repeat(150)),
        Just("[MASK]".to_owned()),
        Just("[mask]".to_owned()),
        "[.\\[\\]漢éÉ]{1,6}",
        "[a\u{301}\u{316}\u{302e}\u{345}]{1,40}",
        "\\PC{1,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn a_piece_gives_the_tokens_of_the_whole(parts in prop::collection::vec(part(), 1..120)) {
        let text = parts.concat();
        let quick = tokenizer(6);
        let whole = Tokenizer { unsure: None, ..tokenizer(6) };
        prop_assert_eq!(ids(&quick, &text), ids(&whole, &text));
    }
}

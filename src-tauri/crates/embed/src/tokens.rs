//! Text to token ids: prefix, tokenizer, cut at the recipe's length, suffix.
//!
//! Padding and masks are the batch's business. The padding and truncation written in a tokenizer's file are
//! not used: the recipe says both, and the two may differ.

use std::borrow::Cow;
use std::path::Path;

use papr_memory::ports::{EmbedError, Role};
use papr_memory::{Prefixes, Recipe};
use tokenizers::models::ModelWrapper;
use tokenizers::{NormalizerWrapper, PostProcessor, PreTokenizerWrapper, TruncationDirection};

/// The first piece of a long text that is tried holds this many bytes a token.
const BYTES_A_TOKEN: usize = 16;

/// Makes token ids of one recipe. Threads may share it.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    prefixes: Prefixes,
    /// Tokens of a text, special tokens included.
    max_tokens: usize,
    /// Special tokens among them, the suffix included.
    special: usize,
    /// Put at the end by the app.
    suffix: Option<u32>,
    /// Tokens at the end of a piece that may differ from the whole text's; `None` if no bound is known.
    unsure: Option<usize>,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    pub(crate) fn load(path: &Path, recipe: &Recipe) -> Result<Self, EmbedError> {
        let unusable = |reason: String| EmbedError::Model(format!("{}: {reason}", path.display()));
        let mut inner =
            tokenizers::Tokenizer::from_file(path).map_err(|error| unusable(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| unusable(error.to_string()))?;
        let own = inner.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let special = own + usize::from(recipe.suffix_token.is_some());
        let max_tokens = recipe.max_tokens as usize;
        if max_tokens <= special {
            let message = format!("it adds {special} special tokens, the recipe cuts at {max_tokens}");
            return Err(unusable(message));
        }
        for (what, token) in [("suffix", recipe.suffix_token), ("pad", Some(recipe.pad_token))] {
            if let Some(token) = token.filter(|&token| inner.id_to_token(token).is_none()) {
                return Err(unusable(format!("it has no token {token}, the recipe's {what} token")));
            }
        }
        let unsure = unsure_tail(&inner);
        Ok(Self {
            inner,
            prefixes: recipe.prefixes.clone(),
            max_tokens,
            special,
            suffix: recipe.suffix_token,
            unsure,
        })
    }

    /// The token ids of `text` as `role`, special tokens included: at least one, at most the recipe's.
    pub(crate) fn encode(&self, text: &str, role: Role) -> Result<Vec<u32>, EmbedError> {
        let prefix = match role {
            Role::Query => &self.prefixes.query,
            Role::Document => &self.prefixes.document,
        };
        let text =
            if prefix.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(format!("{prefix}{text}")) };
        let failed = |error: tokenizers::Error| EmbedError::Run(format!("the tokenizer: {error}"));
        let content = self.max_tokens - self.special;
        let mut encoding = self.encode_enough(&text, content).map_err(failed)?;
        encoding.truncate(content, 0, TruncationDirection::Right);
        let encoding = self.inner.post_process(encoding, None, true).map_err(failed)?;
        let mut ids = encoding.get_ids().to_vec();
        // Tokenizers differ between the copies of one model: some put the suffix there themselves.
        ids.extend(self.suffix.filter(|suffix| ids.last() != Some(suffix)));
        if ids.is_empty() {
            return Err(EmbedError::Run("the tokenizer made no token of a text".to_owned()));
        }
        Ok(ids)
    }

    /// An encoding whose first `content` tokens are those of `text`.
    ///
    /// A long text costs time in proportion to what is kept of it, not to its length: pieces from its
    /// beginning are tried, each four times as long, until one has `content` tokens beyond doubt.
    fn encode_enough(&self, text: &str, content: usize) -> tokenizers::Result<tokenizers::Encoding> {
        if let Some(unsure) = self.unsure {
            let mut length = self.max_tokens * BYTES_A_TOKEN;
            while length < text.len() {
                let piece = &text[..text.floor_char_boundary(length)];
                let encoding = self.inner.encode_fast(piece, false)?;
                if encoding.len() >= content + unsure {
                    return Ok(encoding);
                }
                length = length.saturating_mul(4);
            }
        }
        self.inner.encode_fast(text, false)
    }
}

/// How many tokens at the end of a text's beginning may differ from those of the whole text.
///
/// Known for BERT's `WordPiece`. Its normaliser looks at single characters, but for combining marks, which it
/// reorders behind their base and which stay in their base's word; its words end at white space and
/// punctuation, so a cut changes at most the last word. A word makes at most one token a character, and one
/// token in all beyond `max_input_chars_per_word`. A special token spelled in the text may be cut too, and
/// then makes at most one token a character.
fn unsure_tail(tokenizer: &tokenizers::Tokenizer) -> Option<usize> {
    let ModelWrapper::WordPiece(model) = tokenizer.get_model() else { return None };
    let Some(NormalizerWrapper::BertNormalizer(_)) = tokenizer.get_normalizer() else { return None };
    let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = tokenizer.get_pre_tokenizer() else { return None };
    let added = tokenizer.get_added_tokens_decoder();
    let longest_added = added.values().map(|token| token.content.chars().count()).max().unwrap_or(0);
    Some(model.max_input_chars_per_word + longest_added)
}

#[cfg(test)]
mod tests;

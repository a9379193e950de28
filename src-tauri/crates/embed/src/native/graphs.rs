//! The graphs of a model, by their lengths.

use std::collections::BTreeSet;
use std::path::Path;

use papr_memory::{Padding, Recipe};

use super::FixedGraph;
use crate::bucket;

/// At least one graph, the shortest first, as the recipe wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Graphs(Vec<FixedGraph>);

impl Graphs {
    /// Orders `graphs` and says what does not fit `recipe`: a text must neither be cut where the recipe does not
    /// cut it, nor be filled up where the recipe has one length.
    pub(crate) fn new(mut graphs: Vec<FixedGraph>, recipe: &Recipe) -> Result<Self, String> {
        graphs.sort_by_key(|graph| graph.tokens);
        if let Some(pair) = graphs.windows(2).find(|pair| pair[0].tokens == pair[1].tokens) {
            return Err(format!("two graphs take {} tokens", pair[0].tokens));
        }
        let Some(longest) = graphs.last().map(|graph| graph.tokens) else {
            return Err("there is no graph".to_owned());
        };
        if graphs[0].tokens == 0 {
            return Err("a graph takes no tokens".to_owned());
        }
        if longest != recipe.max_tokens {
            let cut = recipe.max_tokens;
            return Err(format!("the longest graph takes {longest} tokens, and the recipe cuts at {cut}"));
        }
        if let Padding::Fixed(length) = recipe.padding {
            // Shorter ones would do as well where the mask is heeded, and are another recipe all the same.
            graphs.retain(|graph| graph.tokens == length);
        }
        Ok(Self(graphs))
    }

    /// The least graph that holds `tokens`, the longest if none does.
    pub(crate) fn holding(&self, tokens: usize) -> &FixedGraph {
        let length = bucket::holding(&self.lengths(), tokens);
        let place = self.0.iter().position(|graph| graph.tokens as usize == length);
        &self.0[place.unwrap_or(0)]
    }

    /// What texts may be filled up to, rising.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.0.iter().map(|graph| graph.tokens as usize).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FixedGraph> {
        self.0.iter()
    }

    /// Where the packages lie, each folder once.
    pub(crate) fn folders(&self) -> BTreeSet<&Path> {
        self.0.iter().filter_map(|graph| graph.package.parent()).collect()
    }

    /// Bytes of the largest package: what one graph takes of memory at least.
    pub(crate) fn largest(&self) -> u64 {
        self.0.iter().map(|graph| graph.bytes).max().unwrap_or(0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn graph(tokens: u32) -> FixedGraph {
        FixedGraph {
            tokens,
            package: format!("models/m/model-{tokens}.mlpackage").into(),
            function: None,
            sha256: format!("{tokens:064x}"),
            bytes: 1000 + u64::from(tokens),
        }
    }

    /// Of four dims, with everything in the graph.
    pub(crate) fn recipe(max_tokens: u32, padding: &Value) -> Recipe {
        let json = json!({
            "max_tokens": max_tokens, "padding": padding, "prefixes": {"query": "", "document": ""},
            "pad_token": 9, "pooling": {"method": "mean", "by": "graph"}, "normalization": "graph", "dims": 4,
            "precision": "fp16",
            "graph": {"input_ids": "ids", "attention_mask": "mask", "output": "out"}
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_text_takes_the_least_graph_that_holds_it() {
        let unordered = vec![graph(512), graph(32), graph(128)];
        let graphs = Graphs::new(unordered, &recipe(512, &json!("dynamic"))).unwrap();
        assert_eq!(graphs.lengths(), [32, 128, 512]);
        for (tokens, length) in [(0, 32), (1, 32), (32, 32), (33, 128), (128, 128), (129, 512), (600, 512)] {
            assert_eq!(graphs.holding(tokens).tokens, length, "{tokens} tokens");
        }
        assert_eq!(graphs.largest(), 1512);
        assert_eq!(graphs.folders(), BTreeSet::from([Path::new("models/m")]));
    }

    #[test]
    fn one_length_is_one_graph() {
        let fixed = recipe(32, &json!({"fixed": 32}));
        let graphs = Graphs::new(vec![graph(16), graph(32)], &fixed).unwrap();
        assert_eq!(graphs.lengths(), [32], "what is always filled up to 32 is never filled up to 16");
        assert_eq!(graphs.holding(3).tokens, 32);
    }

    #[test]
    fn refuses_what_would_cut_texts_elsewhere() {
        let refused = |graphs: &[u32], max| {
            let graphs = graphs.iter().copied().map(graph).collect();
            Graphs::new(graphs, &recipe(max, &json!("dynamic"))).unwrap_err()
        };
        assert_eq!(refused(&[], 32), "there is no graph");
        assert_eq!(refused(&[32, 64, 32], 64), "two graphs take 32 tokens");
        assert_eq!(
            refused(&[32, 128], 512),
            "the longest graph takes 128 tokens, and the recipe cuts at 512"
        );
        assert_eq!(refused(&[0, 32], 32), "a graph takes no tokens");
        assert!(refused(&[32, 64], 32).contains("cuts at 32"));
    }
}

//! Token ids of some texts as the tensors a graph is fed with.

use papr_memory::Recipe;

/// Input tensors of one run, `[texts, tokens]` each, row by row; and their names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inputs<'a> {
    pub(crate) tensors: Vec<(&'a str, Vec<i64>)>,
    /// Tokens of each text, filling left out.
    pub(crate) lengths: Vec<usize>,
}

/// The names of all inputs that `recipe` knows how to fill.
pub(crate) fn names(recipe: &Recipe) -> impl Iterator<Item = &str> {
    let graph = &recipe.graph;
    let optional = [&graph.token_type_ids, &graph.position_ids].into_iter().flatten();
    [&graph.input_ids, &graph.attention_mask].into_iter().chain(optional).map(String::as_str)
}

/// Fills `texts` up to `tokens` on the right, with the recipe's token and a mask that keeps it out. A text
/// that is longer is cut: whoever makes batches sees to it that none is.
pub(crate) fn fill<'a>(recipe: &'a Recipe, texts: &[&[u32]], tokens: usize) -> Inputs<'a> {
    let graph = &recipe.graph;
    let rows = texts.len();
    let mut ids = vec![i64::from(recipe.pad_token); rows * tokens];
    let mut mask = vec![0; rows * tokens];
    if tokens > 0 {
        for ((text, ids), mask) in texts.iter().zip(ids.chunks_mut(tokens)).zip(mask.chunks_mut(tokens)) {
            for ((&token, id), mask) in text.iter().zip(ids).zip(mask) {
                (*id, *mask) = (i64::from(token), 1);
            }
        }
    }
    let mut tensors = vec![(graph.input_ids.as_str(), ids), (graph.attention_mask.as_str(), mask)];
    if let Some(name) = &graph.token_type_ids {
        tensors.push((name, vec![0; rows * tokens]));
    }
    if let Some(name) = &graph.position_ids {
        // Lengths fit 32 bits.
        #[allow(clippy::cast_possible_wrap)]
        let positions = (0..rows).flat_map(|_| 0..tokens as i64).collect();
        tensors.push((name, positions));
    }
    Inputs { tensors, lengths: texts.iter().map(|text| text.len().min(tokens)).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recipe(graph: &serde_json::Value) -> Recipe {
        let json = json!({
            "max_tokens": 8, "padding": "dynamic", "prefixes": {"query": "", "document": ""}, "pad_token": 9,
            "pooling": {"method": "mean", "by": "app"}, "normalization": "app", "dims": 4,
            "precision": "fp32", "graph": graph
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn fills_on_the_right_with_the_recipes_token() {
        let recipe = recipe(&json!({"input_ids": "i", "attention_mask": "m", "output": "o"}));
        let inputs = fill(&recipe, &[&[5, 6, 7], &[4]], 3);
        assert_eq!(inputs.tensors, [("i", vec![5, 6, 7, 4, 9, 9]), ("m", vec![1, 1, 1, 1, 0, 0])]);
        assert_eq!(inputs.lengths, [3, 1]);
        assert_eq!(names(&recipe).collect::<Vec<_>>(), ["i", "m"]);
    }

    #[test]
    fn feeds_what_a_graph_asks_for() {
        let recipe = recipe(&json!({"input_ids": "i", "attention_mask": "m", "token_type_ids": "t",
            "position_ids": "p", "output": "o"}));
        let inputs = fill(&recipe, &[&[5], &[4, 3]], 2);
        assert_eq!(inputs.tensors[2..], [("t", vec![0; 4]), ("p", vec![0, 1, 0, 1])]);
        assert_eq!(names(&recipe).collect::<Vec<_>>(), ["i", "m", "t", "p"]);
    }
}

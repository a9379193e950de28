//! Evaluation: how good search is on questions with known answers, and how long it takes.
//!
//! Reads folders in the layout of BEIR (`corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`), puts the corpus
//! into a store of its own, and asks every question in every mode. nDCG uses the grade as gain and
//! log₂(rank + 1) as discount (Järvelin and Kekäläinen 2002, as in `trec_eval`); recall and reciprocal rank
//! count every grade above 0 as relevant.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use papr_memory::{CancelToken, Content, Memory, MemoryId, Mode, Query, Tier};
use serde::{Deserialize, Serialize};

use crate::model::percentile;
use crate::{Engine, Error, samples};

/// Hits looked at a question.
const DEPTH: usize = 10;
/// Documents added to the store at a time.
const BATCH: usize = 250;

/// A labelled set: documents, questions, and which answers which.
#[derive(Debug, Default)]
pub struct Labelled {
    documents: Vec<(String, String)>,
    questions: Vec<Question>,
}

#[derive(Debug)]
struct Question {
    text: String,
    /// Grade by document, above 0.
    grades: HashMap<String, u32>,
}

/// Quality over a set of questions, each 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Normalised discounted cumulative gain of the first ten.
    #[serde(rename = "ndcg@10")]
    pub ndcg_at_10: f64,
    /// The share of relevant documents among the first ten.
    #[serde(rename = "recall@10")]
    pub recall_at_10: f64,
    /// Mean reciprocal rank of the first relevant document within ten.
    pub mrr: f64,
}

/// What one mode of search achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Over all questions.
    #[serde(flatten)]
    pub all: Quality,
    /// Over the 1st, 3rd, 5th … question: the half that weights are chosen on.
    pub odd: Quality,
    /// Over the 2nd, 4th, 6th … question: the half that shows whether they hold.
    pub even: Quality,
    /// Median time of a search in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile of the same.
    pub p95_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
}

/// The figures of each mode, by its name, and the size of the set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// `hybrid`, `meaning`, `words`.
    #[serde(flatten)]
    pub modes: BTreeMap<String, Figures>,
    /// Documents searched.
    pub documents: usize,
    /// Questions asked.
    pub questions: usize,
}

#[derive(Deserialize)]
struct CorpusLine {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

impl Labelled {
    /// Reads a BEIR folder.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let corpus: Vec<CorpusLine> = json_lines(&folder.join("corpus.jsonl"))?;
        let text = |line: &CorpusLine| {
            if line.title.is_empty() { line.text.clone() } else { format!("{}. {}", line.title, line.text) }
        };
        let documents = corpus.iter().map(|line| (line.id.clone(), text(line))).collect();
        Ok(Self { documents, questions: questions(folder)? })
    }

    /// Reads the questions of a folder whose corpus are the sample memories, named by their keys.
    pub fn over_samples(folder: &Path) -> Result<Self, Error> {
        let key = |memory: &Memory| memory.metadata.get(samples::SAMPLE_KEY)?.as_str().map(str::to_owned);
        let documents = samples::all()?
            .iter()
            .map(|memory| (key(memory).unwrap_or_default(), memory.content.as_str().to_owned()))
            .collect();
        Ok(Self { documents, questions: questions(folder)? })
    }
}

fn questions(folder: &Path) -> Result<Vec<Question>, Error> {
    let path = folder.join("qrels").join("test.tsv");
    let text = read(&path)?;
    let mut grades: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for (number, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let grade = fields.get(2).and_then(|grade| grade.trim().parse::<u32>().ok());
        let (Some(query), Some(document), Some(grade)) = (fields.first(), fields.get(1), grade) else {
            let reason = format!("line {}: not `query<TAB>document<TAB>grade`", number + 1);
            return Err(Error::Format { path, reason });
        };
        if grade > 0 {
            grades.entry((*query).to_owned()).or_default().insert((*document).to_owned(), grade);
        }
    }
    let queries: Vec<QueryLine> = json_lines(&folder.join("queries.jsonl"))?;
    let judged = queries
        .into_iter()
        .filter_map(|query| grades.remove(&query.id).map(|grades| Question { text: query.text, grades }));
    Ok(judged.collect())
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn json_lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, Error> {
    let text = read(path)?;
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Error::Format {
            path: path.to_owned(),
            reason: format!("line {}: {error}", number + 1),
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(parse).collect()
}

impl Engine {
    /// Puts a labelled set into this engine, which should be an empty one on a temporary folder, waits until
    /// all of it is embedded, and asks every question in every mode. `progress` is told the share done, 0..=1.
    pub fn evaluate(
        &self,
        set: &Labelled,
        cancel: &CancelToken,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Evaluation, Error> {
        let names = self.load(set, cancel, progress)?;
        let modes: &[Mode] = match self.shared.model.get() {
            Some(_) => &[Mode::Hybrid, Mode::Meaning, Mode::Words],
            None => &[Mode::Words],
        };
        let mut evaluation = Evaluation {
            documents: set.documents.len(),
            questions: set.questions.len(),
            ..Evaluation::default()
        };
        for &mode in modes {
            evaluation.modes.insert(mode.to_string(), self.ask(set, &names, mode, cancel)?);
        }
        progress(1.0);
        Ok(evaluation)
    }

    fn load(
        &self,
        set: &Labelled,
        cancel: &CancelToken,
        progress: &mut dyn FnMut(f32),
    ) -> Result<HashMap<MemoryId, String>, Error> {
        let mut names = HashMap::with_capacity(set.documents.len());
        for batch in set.documents.chunks(BATCH) {
            cancel.check()?;
            let mut memories = Vec::with_capacity(batch.len());
            for (name, text) in batch {
                let memory =
                    Memory::new(Content::new(text.as_str())?, Tier::Memories, self.shared.clock.now());
                names.insert(memory.id, name.clone());
                memories.push(memory);
            }
            self.insert(&memories)?;
        }
        let total = names.len().max(1) as f32;
        self.wait_until(|status| {
            progress(1.0 - status.pending as f32 / total);
            let model_is_out = status.model.state == crate::ModelState::Failed;
            status.pending == 0 || model_is_out || cancel.is_cancelled()
        });
        cancel.check()?;
        Ok(names)
    }

    fn ask(
        &self,
        set: &Labelled,
        names: &HashMap<MemoryId, String>,
        mode: Mode,
        cancel: &CancelToken,
    ) -> Result<Figures, Error> {
        let mut qualities = Vec::with_capacity(set.questions.len());
        let mut millis = Vec::with_capacity(set.questions.len());
        for question in &set.questions {
            let reply = self.search_plainly(&Query::new(&question.text, DEPTH, None, mode)?, cancel)?;
            millis.push(reply.timings.total as f64 / 1000.0);
            let found: Vec<&str> =
                reply.hits.iter().filter_map(|hit| names.get(&hit.memory.id).map(String::as_str)).collect();
            qualities.push(quality(&found, &question.grades));
        }
        millis.sort_unstable_by(f64::total_cmp);
        let at = |share| percentile(&millis, share).unwrap_or_default();
        Ok(Figures {
            all: mean(qualities.iter()),
            odd: mean(qualities.iter().step_by(2)),
            even: mean(qualities.iter().skip(1).step_by(2)),
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
        })
    }
}

/// The quality of one list of documents, best first.
fn quality(found: &[&str], grades: &HashMap<String, u32>) -> Quality {
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let grade = |document: &&str| f64::from(grades.get(*document).copied().unwrap_or(0));
    let gain: f64 =
        found.iter().take(DEPTH).enumerate().map(|(rank, document)| grade(document) * discount(rank)).sum();
    let mut ideal: Vec<u32> = grades.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best: f64 =
        ideal.iter().take(DEPTH).enumerate().map(|(rank, &grade)| f64::from(grade) * discount(rank)).sum();
    let relevant = found.iter().take(DEPTH).filter(|document| grade(document) > 0.0).count();
    let first = found.iter().take(DEPTH).position(|document| grade(document) > 0.0);
    Quality {
        ndcg_at_10: if best > 0.0 { gain / best } else { 0.0 },
        recall_at_10: relevant as f64 / grades.len().max(1) as f64,
        mrr: first.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0)),
    }
}

fn mean<'a>(qualities: impl Iterator<Item = &'a Quality>) -> Quality {
    let (mut sum, mut count) = (Quality::default(), 0.0_f64);
    for quality in qualities {
        sum.ndcg_at_10 += quality.ndcg_at_10;
        sum.recall_at_10 += quality.recall_at_10;
        sum.mrr += quality.mrr;
        count += 1.0;
    }
    let count = count.max(1.0);
    Quality {
        ndcg_at_10: sum.ndcg_at_10 / count,
        recall_at_10: sum.recall_at_10 / count,
        mrr: sum.mrr / count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_as_in_the_textbook() {
        let grades = HashMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)]);
        let perfect = quality(&["a", "b", "c"], &grades);
        assert!((perfect.ndcg_at_10 - 1.0).abs() < 1e-12 && (perfect.mrr - 1.0).abs() < 1e-12);
        let late = quality(&["c", "a"], &grades);
        let expected = (2.0 / 3.0_f64.log2()) / (2.0 + 1.0 / 3.0_f64.log2());
        assert!((late.ndcg_at_10 - expected).abs() < 1e-12, "a at rank 2, b missing");
        assert!((late.recall_at_10 - 0.5).abs() < 1e-12 && (late.mrr - 0.5).abs() < 1e-12);
        assert!(quality(&[], &grades).ndcg_at_10.abs() < 1e-12, "nothing found is worth nothing");
    }
}

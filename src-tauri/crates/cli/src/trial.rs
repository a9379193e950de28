//! `papr eval`, `papr demo`: search tried on other memories than the person's, in a folder that goes away.

use std::path::Path;

use papr_engine::eval::{Evaluation, Labelled};
use papr_engine::{Config, Engine, Error, Fusion, Resources};
use papr_memory::{Mode, Query};

use crate::output::{Failure, Output};
use crate::wait::{finish_embedding, wait_ready};

/// Questions of `papr demo`: by meaning, by an id, by a name, by one word.
const DEMO: [&str; 5] = [
    "why planners do not trust what the machine proposes",
    "spotting clients who are in the database two times",
    "INC-2041",
    "Siobhán Keane",
    "coffee",
];

/// An engine on a folder that goes away with the returned guard.
fn open_temporary(fusion: Fusion) -> Result<(tempfile::TempDir, Engine), Failure> {
    let folder = tempfile::tempdir()?;
    let config = Config { fusion, ..Config::new(folder.path(), Resources::find(None)) };
    Ok((folder, Engine::open(config)?))
}

/// Measures search on a labelled set.
pub(crate) fn eval(
    folder: &Path,
    samples: bool,
    weight: Option<f32>,
    model: Option<&str>,
    output: &Output,
) -> Result<(), Failure> {
    let mut fusion = Fusion::default();
    if let Some(weight) = weight {
        if !(0.0..=1.0).contains(&weight) {
            return Err(Failure::Usage(format!("--meaning-weight is {weight}; it lies between 0 and 1")));
        }
        fusion.meaning = weight;
    }
    let set = if samples { Labelled::over_samples(folder)? } else { Labelled::read(folder)? };
    let (_folder, engine) = open_temporary(fusion)?;
    if let Some(id) = model {
        engine.use_model(id)?;
    }
    engine.start()?;
    let model = wait_ready(&engine, output)?.model;
    if let Some(problem) = &model.problem {
        output.note(&format!("Words only, there is no model: {}", problem.message));
    }
    let bar = output.progress("Embedding, %", Some(100));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=100
    let evaluation =
        engine.evaluate(&set, output.cancel(), &mut |share| bar.set_position((share * 100.0) as u64))?;
    bar.finish_and_clear();
    output.print(&evaluation, evaluation_table)
}

fn evaluation_table(evaluation: &Evaluation) -> String {
    let mut text = format!(
        "{} documents, {} questions\n\n{:<8}  {:>7}  {:>7}  {:>7}  {:>9}  {:>6}  {:>7}  {:>7}  {:>7}\n",
        evaluation.documents,
        evaluation.questions,
        "mode",
        "nDCG@10",
        "odd",
        "even",
        "recall@10",
        "MRR",
        "p50 ms",
        "p95 ms",
        "p99 ms"
    );
    for (mode, figures) in &evaluation.modes {
        text += &format!(
            "{mode:<8}  {:>7.4}  {:>7.4}  {:>7.4}  {:>9.4}  {:>6.4}  {:>7.2}  {:>7.2}  {:>7.2}\n",
            figures.all.ndcg_at_10,
            figures.odd.ndcg_at_10,
            figures.even.ndcg_at_10,
            figures.all.recall_at_10,
            figures.all.mrr,
            figures.p50_ms,
            figures.p95_ms,
            figures.p99_ms
        );
    }
    text
}

/// Asks the sample memories.
pub(crate) fn demo(queries: &[String], output: &Output) -> Result<(), Failure> {
    let (_folder, engine) = open_temporary(Fusion::default())?;
    engine.start()?;
    wait_ready(&engine, output)?;
    let added = engine.add_samples()?;
    output.note(&format!("{added} sample memories, in a folder that is removed afterwards."));
    finish_embedding(&engine, output)?;
    let own: Vec<&str> = queries.iter().map(String::as_str).collect();
    let asked: &[&str] = if own.is_empty() { &DEMO } else { &own };
    let mut replies = Vec::with_capacity(asked.len());
    for text in asked {
        let query = Query::new(text, 3, None, Mode::Hybrid).map_err(Error::from)?;
        replies.push((*text, engine.search(&query, output.cancel())?));
    }
    output.print(&replies, |replies| {
        replies.iter().map(|(text, reply)| format!("\n› {text}\n\n{}", output.reply(reply))).collect()
    })
}

//! What each command does, over the engine.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use papr_engine::eval::{Evaluation, Labelled};
use papr_engine::{
    Child, Config, Edit, Engine, Error, Fusion, ImportReport, ModelState, NewMemory, Resources, Status,
};
use papr_memory::{CancelToken, Memory, MemoryId, Mode, Query};
use serde::Serialize;

use crate::arguments::{Arguments, Command};
use crate::output::{Failure, Output, facets_text, memory_line, memory_text, note, progress};
use crate::upkeep::{self, BackupCommand};
use crate::{account, cloud, models, sync};

/// Questions of `papr demo`: by meaning, by an id, by a name, by one word.
const DEMO: [&str; 5] = [
    "why planners do not trust what the machine proposes",
    "spotting clients who are in the database two times",
    "INC-2041",
    "Siobhán Keane",
    "coffee",
];

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::Eval { folder, samples, meaning_weight, model } => {
            eval(folder, *samples, *meaning_weight, model.as_deref(), output)
        }
        Command::Demo { queries } => demo(queries, output),
        Command::Backup(BackupCommand::Restore { file }) => {
            upkeep::restore(&data_folder(arguments)?, file, output)
        }
        Command::Compact => upkeep::compact(&data_folder(arguments)?, output),
        Command::Account(command) => account::run(arguments, command, output),
        Command::Search { query, limit, cloud: true, .. } => {
            cloud::search(&open(arguments)?, query, *limit, output)
        }
        command => run_on(&open(arguments)?, command, output),
    }
}

fn run_on(engine: &Engine, command: &Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { text, tier, topics } => {
            let content = text_or_stdin(text)?;
            let memory = engine.add(NewMemory { content, tier: Some(*tier), topics: topics.clone() })?;
            output.print(&memory, |memory| format!("Saved {}\n", memory.id))?;
            finish_embedding(engine)
        }
        Command::Import { file } => import(engine, file, output),
        Command::Export { file } => export(engine, file, output),
        Command::List { filters, sort, limit } => {
            engine.start_index()?;
            engine.wait_index()?;
            let memories = engine.list(&filters.filters(), *sort, None, *limit)?.memories;
            output.print(&memories, |memories| memories.iter().map(memory_line).collect())
        }
        Command::Facets { filters } => {
            engine.start_index()?;
            engine.wait_index()?;
            output.print(&engine.facets(&filters.filters())?, facets_text)
        }
        Command::Get { id } => output.print(&engine.get(*id)?, memory_text),
        Command::Edit { id, text, tier, topics } => {
            let content = text.as_deref().map(text_or_stdin).transpose()?;
            let topics = (!topics.is_empty()).then(|| topics.clone());
            if content.is_none() && tier.is_none() && topics.is_none() {
                return Err(Failure::Usage("nothing to change: give a text, --tier or --topic".to_owned()));
            }
            let memory = engine.edit(*id, None, Edit { content, tier: *tier, topics })?;
            output.print(&memory, |memory| format!("Saved {}, revision {}\n", memory.id, memory.rev))?;
            finish_embedding(engine)
        }
        Command::Delete { ids } => {
            let deleted = engine.delete(ids)?;
            some_of(ids, &deleted)?;
            output.print(&deleted, |deleted| format!("Deleted {} of {}\n", deleted.len(), ids.len()))
        }
        Command::Restore { ids } => {
            let restored = engine.restore(ids)?;
            some_of(ids, &restored)?;
            output.print(&restored, |restored| format!("Took back {} of {}\n", restored.len(), ids.len()))?;
            finish_embedding(engine)
        }
        Command::Search { query, limit, skip, filters, sort, mode, cloud: _ } => {
            let query = Query::new(query, *limit, None, *mode).map_err(Error::from)?;
            let query = query.among(filters.filters()).sorted(*sort).skipping(*skip);
            ready_for(engine, *mode)?;
            let reply = engine.search(&query, &CancelToken::new())?;
            output.print(&reply, |reply| output.reply(reply))
        }
        Command::Embed { texts } => embed(engine, texts, output),
        Command::Status => status(engine, output),
        Command::Models(command) => models::run(engine, command, output),
        Command::Doctor => doctor(engine, output),
        Command::Check => upkeep::check(engine, output),
        Command::Backup(command) => upkeep::backup(engine, command, output),
        Command::Eval { .. } | Command::Demo { .. } | Command::Compact | Command::Account(_) => Ok(()),
    }
}

fn data_folder(arguments: &Arguments) -> Result<PathBuf, Failure> {
    arguments.data_dir.clone().or_else(papr_engine::default_data_folder).ok_or_else(|| {
        Failure::Usage("this system names no folder for an app's data: choose one with --data-dir".to_owned())
    })
}

/// What an engine is opened with here.
pub(crate) fn config(arguments: &Arguments) -> Result<Config, Failure> {
    let folder = data_folder(arguments)?;
    Ok(Config { child: Child::this_program().ok(), ..Config::new(folder, Resources::find(None)) })
}

/// An engine for one command: Papr is reached only where the command asks for it.
pub(crate) fn open(arguments: &Arguments) -> Result<Engine, Failure> {
    let engine = open_to_stay(arguments)?;
    engine.sync_on_demand_only();
    Ok(engine)
}

/// An engine that syncs by itself once it is started.
pub(crate) fn open_to_stay(arguments: &Arguments) -> Result<Engine, Failure> {
    let engine = Engine::open(config(arguments)?)?;
    if let Some(recovered) = engine.status().recovered {
        note(&recovered);
    }
    Ok(engine)
}

/// An engine on a folder that goes away with the returned guard.
fn open_temporary(fusion: Fusion) -> Result<(tempfile::TempDir, Engine), Failure> {
    let folder = tempfile::tempdir()?;
    let config = Config { fusion, ..Config::new(folder.path(), Resources::find(None)) };
    Ok((folder, Engine::open(config)?))
}

/// Waits for what a search of this mode needs.
fn ready_for(engine: &Engine, mode: Mode) -> Result<(), Failure> {
    match mode {
        Mode::Words => engine.start_index()?,
        Mode::Hybrid | Mode::Meaning => {
            engine.start()?;
            let model = engine.wait_until(Status::model_is_done).model;
            if let Some(problem) = model.problem {
                note(&format!("By word only: {}", problem.message));
            }
        }
    }
    Ok(engine.wait_index()?)
}

/// Fails if none of `ids` was there.
fn some_of(ids: &[MemoryId], found: &[Memory]) -> Result<(), Error> {
    match (ids.first(), found) {
        (Some(&id), []) => Err(Error::NotFound(id)),
        _ => Ok(()),
    }
}

/// Embeds what was just written. Without a model it stays to be done: it is saved, and found by word.
pub(crate) fn finish_embedding(engine: &Engine) -> Result<(), Failure> {
    engine.start()?;
    let status = engine.wait_ready();
    if let (ModelState::Failed, Some(problem)) = (status.model.state, &status.model.problem) {
        note(&format!("Found by word only until there is a model: {}", problem.message));
        return Ok(());
    }
    let bar = progress("Learning the meaning", Some(status.pending as u64));
    engine.wait_until(|now| {
        bar.set_position(status.pending.saturating_sub(now.pending) as u64);
        now.pending == 0 || now.model.state == ModelState::Failed
    });
    bar.finish_and_clear();
    if let Some(problem) = engine.status().model.problem {
        note(&format!("Not all of it is found by meaning yet: {}", problem.message));
    }
    Ok(())
}

fn import(engine: &Engine, file: &Path, output: &Output) -> Result<(), Failure> {
    let bar = progress("Lines read", None);
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    let report =
        engine.import(&mut *input, file, &CancelToken::new(), &mut |lines| bar.set_position(lines))?;
    bar.finish_and_clear();
    for bad in &report.bad_lines {
        note(&format!("line {}: {}", bad.line, bad.reason));
    }
    let untold = report.bad - report.bad_lines.len() as u64;
    if untold > 0 {
        note(&format!("and {untold} more lines"));
    }
    output.print(&report, import_line)?;
    finish_embedding(engine)?;
    if report.bad > 0 && report.added + report.already_there == 0 {
        return Err(Failure::Usage(format!("no line of {} is a memory", file.display())));
    }
    Ok(())
}

fn import_line(report: &ImportReport) -> String {
    format!("{} added, {} already there, {} not imported\n", report.added, report.already_there, report.bad)
}

fn export(engine: &Engine, file: &Path, output: &Output) -> Result<(), Failure> {
    if file == Path::new("-") {
        engine.export(&mut BufWriter::new(io::stdout().lock()), file)?;
        return Ok(());
    }
    let file_error = |source| Error::File { path: file.to_owned(), source };
    // Written beside, synced, then renamed: an older export is whole until the new one is.
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let write = || -> Result<_, Error> {
        let mut writer = BufWriter::new(File::create(&part).map_err(file_error)?);
        let exported = engine.export(&mut writer, file)?;
        writer
            .into_inner()
            .map_err(|error| file_error(error.into_error()))?
            .sync_all()
            .map_err(file_error)?;
        fs::rename(&part, file).map_err(file_error)?;
        Ok(exported)
    };
    let exported = write().inspect_err(|_| drop(fs::remove_file(&part)))?;
    output.print(&exported, |exported| {
        format!("{} memories written to {}\n", exported.memories, file.display())
    })
}

#[derive(Serialize)]
struct EmbeddedText {
    vector: Vec<f32>,
}

fn embed(engine: &Engine, texts: &[String], output: &Output) -> Result<(), Failure> {
    engine.start()?;
    engine.wait_ready();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = engine.embed(&texts)?;
    let embedded: Vec<EmbeddedText> =
        vectors.iter().map(|vector| EmbeddedText { vector: vector.as_slice().to_vec() }).collect();
    output.print(&embedded, |embedded| {
        let line = |text: &EmbeddedText| {
            text.vector.iter().map(|number| format!("{number:.6}")).collect::<Vec<_>>().join(" ") + "\n"
        };
        embedded.iter().map(line).collect()
    })
}

fn doctor(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.start()?;
    engine.wait_ready();
    let bar = progress("Looking, of 9", Some(9));
    let diagnosis = engine.doctor(&mut |_| bar.inc(1), &CancelToken::new())?;
    bar.finish_and_clear();
    output.print(&diagnosis, ToString::to_string)?;
    if diagnosis.is_well() { Ok(()) } else { Err(Failure::Unwell) }
}

#[derive(Serialize)]
struct StatusReport {
    #[serde(flatten)]
    status: Status,
    bytes_on_disk: u64,
}

fn status(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.sync_status()?;
    engine.start()?;
    let report = StatusReport { status: engine.wait_ready(), bytes_on_disk: engine.size_on_disk()? };
    output.print(&report, |report| {
        let (status, model) = (&report.status, &report.status.model);
        let mut text = format!(
            "Memories  {} goals, {} memories, {} of them samples · {:.1} MB on disk\n",
            status.counts.goals,
            status.counts.memories,
            status.samples,
            report.bytes_on_disk as f64 / 1e6
        );
        if status.pending + status.unembeddable > 0 {
            text += &format!("Meaning   {} to do, {} impossible\n", status.pending, status.unembeddable);
        }
        text += &match (&model.problem, &model.name) {
            (Some(problem), _) => format!("Model     none: {}\n", problem.message),
            (None, Some(name)) => format!(
                "Model     {name} · {} dims · {} · {} · loaded in {} ms\n",
                model.dims.unwrap_or_default(),
                model.precision.as_deref().unwrap_or("?"),
                model.provider.as_deref().unwrap_or("?"),
                model.load_ms.unwrap_or_default(),
            ),
            (None, None) => "Model     none\n".to_owned(),
        };
        let hint = model.problem.as_ref().and_then(|problem| problem.hint.as_ref());
        text += &hint.map_or(String::new(), |hint| format!("          {hint}\n"));
        text + &format!("Sync      {}\n", sync::state(&status.sync))
    })
}

fn eval(
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
    let model = engine.wait_ready().model;
    if let Some(problem) = &model.problem {
        note(&format!("Words only, there is no model: {}", problem.message));
    }
    let bar = progress("Embedding, %", Some(100));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=100
    let evaluation =
        engine.evaluate(&set, &CancelToken::new(), &mut |share| bar.set_position((share * 100.0) as u64))?;
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

fn demo(queries: &[String], output: &Output) -> Result<(), Failure> {
    let (_folder, engine) = open_temporary(Fusion::default())?;
    engine.start()?;
    engine.wait_ready();
    let added = engine.add_samples()?;
    note(&format!("{added} sample memories, in a folder that is removed afterwards."));
    finish_embedding(&engine)?;
    let own: Vec<&str> = queries.iter().map(String::as_str).collect();
    let asked: &[&str] = if own.is_empty() { &DEMO } else { &own };
    let mut replies = Vec::with_capacity(asked.len());
    for text in asked {
        let query = Query::new(text, 3, None, Mode::Hybrid).map_err(Error::from)?;
        replies.push((*text, engine.search(&query, &CancelToken::new())?));
    }
    output.print(&replies, |replies| {
        replies.iter().map(|(text, reply)| format!("\n› {text}\n\n{}", output.reply(reply))).collect()
    })
}

/// The text itself, or all of standard input for `-`.
pub(crate) fn text_or_stdin(text: &str) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let input_error = |source| Error::File { path: PathBuf::from("standard input"), source };
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(input_error)?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::Usage(format!("standard input is not UTF-8: {}", error.utf8_error())))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

//! `papr models`: which models there are, and what is done with them.

use std::path::PathBuf;

use clap::Subcommand;
use papr_engine::{DownloadState, Engine, Error, ModelCheck, ModelInfo, ModelSpeed, ModelState};
use serde::Serialize;

use crate::output::{Failure, Output};
use crate::wait::{finish_embedding, wait_ready, wait_until};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show all models: those that are there and those that could be
    List,
    /// Show one model in full
    Show {
        /// Its id
        id: String,
    },
    /// Fetch and install a model; goes on where an earlier attempt stopped
    Install {
        /// Its id
        id: String,
        /// Do not ask before hosts are contacted
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete a model that was installed
    Remove {
        /// Its id
        id: String,
    },
    /// Search with this model from now on; all memories are embedded again first
    Use {
        /// Its id
        id: String,
    },
    /// Compare every byte of a model with its manifest, and its vectors with reference vectors and the processor's
    Verify {
        /// Its id; all installed ones if none is given
        id: Option<String>,
        /// Compare bytes alone; nothing is loaded
        #[arg(long)]
        files: bool,
    },
    /// Install a model from a folder on this machine
    Import {
        /// The folder, or a file in it
        path: PathBuf,
        /// Which model of the list the files are, where there is no manifest.json
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Time a model on this machine
    Bench {
        /// Its id; the one that serves if none is given
        id: Option<String>,
    },
    /// Compare Papr's own vectors with those of the model that serves, and tell whether searches use them
    Match,
    /// Show where models are kept
    Where,
    /// Delete what Core ML compiled; it is compiled again when it is needed
    ClearCache,
}

pub(crate) fn run(engine: &Engine, command: &ModelsCommand, output: &Output) -> Result<(), Failure> {
    match command {
        ModelsCommand::List => output.print(&engine.models()?, |models| models.iter().map(line).collect()),
        ModelsCommand::Show { id } => output.print(&engine.model(id)?, in_full),
        ModelsCommand::Install { id, yes } => install(engine, id, *yes, output),
        ModelsCommand::Remove { id } => {
            let freed = Freed { bytes: engine.remove_model(id)? };
            output.print(&freed, |freed| format!("Removed {id}; {} are free again\n", size(freed.bytes)))
        }
        ModelsCommand::Use { id } => switch(engine, id, output),
        ModelsCommand::Verify { id, files } => verify(engine, id.as_deref(), *files, output),
        ModelsCommand::Import { path, id } => {
            let id = engine.import_model(&output.path(path), id.as_deref(), output.cancel())?;
            output.print(&engine.model(&id)?, |model| {
                format!("Installed {}: papr models use {id}\n", model.name)
            })
        }
        ModelsCommand::Bench { id } => bench(engine, id.as_deref(), output),
        ModelsCommand::Match => {
            engine.start()?;
            wait_ready(engine, output)?;
            output.waiting("Comparing", || engine.match_server_space(output.cancel()))?;
            finish_embedding(engine, output)?;
            output.print(&engine.server_space()?, |space| format!("{}\n", space.describe()))
        }
        ModelsCommand::Where => {
            let folder = engine.models_folder();
            output.print(&folder, |folder| format!("{}\n", folder.display()))
        }
        ModelsCommand::ClearCache => {
            let freed = Freed { bytes: engine.clear_core_ml_cache()? };
            output.print(&freed, |freed| format!("{} are free again\n", size(freed.bytes)))
        }
    }
}

#[derive(Serialize)]
struct Freed {
    bytes: u64,
}

/// `▸ all-minilm-l6-v2   90.8 MB   384 dims  fp32  installed, serves`
fn line(model: &ModelInfo) -> String {
    let mark = if model.serving || (model.chosen && model.installed) { '▸' } else { ' ' };
    let about = if model.approximate { "~" } else { "" };
    format!(
        "{mark} {:<28} {:>10}  {:>4} dims  {:<5} {}\n",
        model.id,
        format!("{about}{}", size(model.bytes)),
        model.dims,
        model.precision,
        state(model)
    )
}

fn state(model: &ModelInfo) -> String {
    if let Some(reason) = &model.disabled {
        let what = if model.installed { "installed, cannot be used here" } else { "cannot be installed" };
        return format!("{what}: {reason}");
    }
    if let Some(problem) = &model.problem {
        return format!("cannot be used: {}", problem.message);
    }
    let mut words = vec![if model.installed { "installed" } else { "not installed" }.to_owned()];
    if model.built_in && model.installed {
        words.push("comes with the app".to_owned());
    }
    if model.chosen {
        words.push("chosen".to_owned());
    }
    if let Some(download) = &model.download {
        let percent = 100 * download.bytes_done / download.bytes_total.max(1);
        words.push(match download.state {
            DownloadState::Running => format!("downloading, {percent} %"),
            DownloadState::Paused => format!("download paused at {percent} %"),
            DownloadState::Failed => "download failed".to_owned(),
        });
    }
    words.join(", ")
}

fn in_full(model: &ModelInfo) -> String {
    let mut text = format!("{} ({})\n", model.name, model.id);
    if !model.summary.is_empty() {
        text += &format!("{}\n", model.summary);
    }
    text += &format!("State      {}\n", state(model));
    text +=
        &format!("Vectors    {} dims, reads {} tokens, {}\n", model.dims, model.max_tokens, model.precision);
    let about = if model.approximate { "about " } else { "" };
    text += &format!("Size       {about}{}", size(model.bytes));
    text += &model.memory_bytes.map_or("\n".to_owned(), |bytes| format!(", {} of memory\n", size(bytes)));
    text += &format!("Licence    {}", model.license);
    text += &model.license_url.as_ref().map_or("\n".to_owned(), |url| format!(" · {url}\n"));
    text += &format!("Source     {}\n", model.source);
    text += &format!("Languages  {}\n", model.languages.join(", "));
    let hashes = match model.hashes {
        papr_memory::HashOrigin::Pinned => "pinned in this version",
        papr_memory::HashOrigin::Recorded => "verified on first install and recorded",
    };
    text += &format!("Hashes     {hashes}\n");
    if let Some(fingerprint) = &model.fingerprint {
        text += &format!("Space      {fingerprint}\n");
    }
    for line in &model.notes {
        text += &format!("Note       {line}\n");
    }
    text
}

fn install(engine: &Engine, id: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    let model = engine.model(id)?;
    if model.installed {
        return output.print(&model, |model| format!("{} is installed already\n", model.id));
    }
    if engine.local_only() {
        return Err(Error::LocalOnly.into());
    }
    let hosts = engine.model_hosts(id)?.join(", ");
    output.note(&format!("{} from {hosts}, licence {}", size(model.bytes), model.license));
    if !yes && output.at_terminal() && !output.agreed("Fetch it?")? {
        return Err(Failure::Usage("nothing was fetched".to_owned()));
    }
    engine.install_model(id)?;
    let bar = output.progress("Fetching, MB", Some(model.bytes / 1_000_000));
    let status = wait_until(engine, output, |status| {
        let download = status.downloads.iter().find(|download| download.model == id);
        if let Some(download) = download {
            bar.set_length(download.bytes_total / 1_000_000);
            bar.set_position(download.bytes_done / 1_000_000);
        }
        Ok(download.is_none_or(|download| download.state != DownloadState::Running))
    });
    bar.finish_and_clear();
    // It goes on where it stopped, should it be asked for again.
    let status = status.inspect_err(|_| engine.pause_download(id))?;
    match status
        .downloads
        .into_iter()
        .find(|download| download.model == id)
        .and_then(|stopped| stopped.problem)
    {
        Some(problem) => Err(Error::Unavailable(Box::new(problem)).into()),
        None => output
            .print(&engine.model(id)?, |model| format!("Installed {}: papr models use {id}\n", model.name)),
    }
}

fn switch(engine: &Engine, id: &str, output: &Output) -> Result<(), Failure> {
    engine.use_model(id)?;
    engine.start()?;
    wait_ready(engine, output)?;
    let bar = output.progress("Embedding again", None);
    let status = wait_until(engine, output, |status| {
        if let Some(switch) = &status.switch {
            bar.set_length(switch.total as u64);
            bar.set_position(switch.done as u64);
        }
        let stopped = status.switch.as_ref().is_some_and(|switch| switch.problem.is_some());
        Ok(status.model.id.as_deref() == Some(id) || stopped || status.model.state == ModelState::Failed)
    });
    bar.finish_and_clear();
    let status = status?;
    let problem = status.switch.and_then(|switch| switch.problem).or(status.model.problem);
    match problem {
        Some(problem) => Err(Error::Unavailable(Box::new(problem)).into()),
        None => output.print(&engine.model(id)?, |model| format!("Searches use {}\n", model.name)),
    }
}

fn verify(engine: &Engine, id: Option<&str>, files: bool, output: &Output) -> Result<(), Failure> {
    let ids: Vec<String> = match id {
        Some(id) => vec![id.to_owned()],
        None => engine.models()?.into_iter().filter(|model| model.installed).map(|model| model.id).collect(),
    };
    let mut checks = Vec::with_capacity(ids.len());
    for id in &ids {
        checks.push(if files {
            engine.verify_model(id, output.cancel())?
        } else {
            output.waiting(&format!("Checking {id}"), || engine.check_model(id, output.cancel()))?
        });
    }
    output.print(&checks, |checks| checks.iter().map(check_text).collect())?;
    if checks.iter().all(ModelCheck::is_well) { Ok(()) } else { Err(Failure::Unwell) }
}

fn check_text(check: &ModelCheck) -> String {
    let mut text = format!("{}: every byte as in its manifest, {}\n", check.model, size(check.bytes));
    if let Some(device) = &check.device {
        text += &format!("  runs on {device}\n");
    }
    for comparison in &check.comparisons {
        text += &format!("  {}\n", comparison.describe());
    }
    for note in &check.notes {
        text += &format!("  {note}\n");
    }
    text
}

fn bench(engine: &Engine, id: Option<&str>, output: &Output) -> Result<(), Failure> {
    let models = engine.models()?;
    let chosen = models.iter().find(|model| model.chosen).map(|model| model.id.as_str());
    let id = id.or(chosen).ok_or_else(|| Failure::Usage("no model is installed".to_owned()))?;
    let bar = output.progress("Timing, %", Some(100));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=100
    let speed =
        engine.bench_model(id, &mut |share| bar.set_position((share * 100.0) as u64), output.cancel())?;
    bar.finish_and_clear();
    output.print(&speed, speed_table)
}

fn speed_table(speed: &ModelSpeed) -> String {
    let mut text = format!(
        "Papr Desktop {} · {}\n{} · {} · {} · loaded in {:.2} s\n\n tokens   p50 ms   p95 ms\n",
        env!("CARGO_PKG_VERSION"),
        speed.machine,
        speed.model,
        speed.precision,
        speed.device,
        f64::from(speed.load_ms) / 1e3
    );
    for query in &speed.queries {
        text += &format!("{:>7}  {:>7.1}  {:>7.1}\n", query.tokens, query.p50_ms, query.p95_ms);
    }
    text += &format!("\n{:.0} texts a second, many at a time\n", speed.texts_per_second);
    match speed.processor_ms {
        Some(ms) => {
            text + &format!(
                "Energy: {ms:.1} ms of processor time a text; what other devices use is not in it\n"
            )
        }
        None => text,
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1_000_000_000 {
        return format!("{:.1} GB", bytes as f64 / 1e9);
    }
    format!("{:.1} MB", bytes as f64 / 1e6)
}

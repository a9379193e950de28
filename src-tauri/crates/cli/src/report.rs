//! `papr status`, `papr doctor`, `papr embed`: how things are, and what the model makes of a text.

use papr_engine::{Engine, Status};
use serde::Serialize;

use crate::output::{Failure, Output};
use crate::sync;
use crate::wait::wait_ready;

#[derive(Serialize)]
struct StatusReport {
    #[serde(flatten)]
    status: Status,
    bytes_on_disk: u64,
}

/// Shows what is there, and how the model runs.
pub(crate) fn status(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.sync_status()?;
    engine.start()?;
    let report = StatusReport { status: wait_ready(engine, output)?, bytes_on_disk: engine.size_on_disk()? };
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

/// Looks at everything the app needs.
pub(crate) fn doctor(engine: &Engine, output: &Output) -> Result<(), Failure> {
    engine.start()?;
    wait_ready(engine, output)?;
    let bar = output.progress("Looking, of 9", Some(9));
    let diagnosis = engine.doctor(&mut |_| bar.inc(1), output.cancel())?;
    bar.finish_and_clear();
    output.print(&diagnosis, ToString::to_string)?;
    if diagnosis.is_well() { Ok(()) } else { Err(Failure::Unwell) }
}

#[derive(Serialize)]
struct EmbeddedText {
    vector: Vec<f32>,
}

/// Prints the vectors of texts.
pub(crate) fn embed(engine: &Engine, texts: &[String], output: &Output) -> Result<(), Failure> {
    engine.start()?;
    wait_ready(engine, output)?;
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

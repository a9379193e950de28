//! `papr import`, `papr export`: memories as JSON Lines, from a file or standard input and to a file or standard output.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::Path;

use papr_engine::{Engine, Error, Format, ImportReport};

use crate::output::{Failure, Output};
use crate::wait::finish_embedding;

/// Adds what a file says.
pub(crate) fn import(engine: &Engine, file: &Path, output: &Output) -> Result<(), Failure> {
    let bar = output.progress("Lines read", None);
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        output.input()
    } else {
        let opened = File::open(output.path(file));
        let opened = opened.map_err(|source| Error::File { path: file.to_owned(), source })?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    let report = engine.import(&mut *input, file, output.cancel(), &mut |lines| bar.set_position(lines))?;
    bar.finish_and_clear();
    for bad in &report.bad_lines {
        output.note(&format!("line {}: {}", bad.line, bad.reason));
    }
    let untold = report.bad - report.bad_lines.len() as u64;
    if untold > 0 {
        output.note(&format!("and {untold} more lines"));
    }
    output.print(&report, import_line)?;
    finish_embedding(engine, output)?;
    if report.bad > 0 && report.added + report.already_there == 0 {
        return Err(Failure::Usage(format!("no line of {} is a memory", file.display())));
    }
    Ok(())
}

fn import_line(report: &ImportReport) -> String {
    format!("{} added, {} already there, {} not imported\n", report.added, report.already_there, report.bad)
}

/// Writes all memories to a file.
pub(crate) fn export(engine: &Engine, file: &Path, output: &Output) -> Result<(), Failure> {
    if file == Path::new("-") {
        engine.export(&mut BufWriter::with_capacity(1 << 16, output.raw()), file)?;
        return Ok(());
    }
    let exported = engine.export_to(Format::Lines, None, &output.path(file))?;
    output.print(&exported, |exported| {
        format!("{} memories written to {}\n", exported.memories, file.display())
    })
}

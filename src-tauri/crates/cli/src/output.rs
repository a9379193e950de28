//! What is printed: for people in lines, for programs in JSON, progress for people at a terminal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use papr_engine::{Code, Error, Problem};
use papr_memory::ports::StoreError;
use papr_memory::{Facets, Hit, Memory, Reason, Reply, Span};
use serde::Serialize;

use crate::key;
use crate::words::text_of;

/// Where and how results are printed.
pub(crate) struct Output {
    json: bool,
    marks: bool,
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    Engine(Error),
    /// The reader of our output is gone, as in `papr list | head`: nobody to tell.
    Closed,
    /// The report says what is broken.
    Unwell,
    /// What an engine tells of something that did not succeed, such as a sync.
    Told(Problem),
    Usage(String),
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::File { path, source }
                if path.as_path() == Path::new("-") && source.kind() == io::ErrorKind::BrokenPipe =>
            {
                Failure::Closed
            }
            error => Failure::Engine(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::Closed } else { Failure::Output(error) }
    }
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        Self { json, marks: stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    pub(crate) fn print<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut stdout, value).map_err(io::Error::from)?;
            stdout.write_all(b"\n")?;
        } else {
            stdout.write_all(text(value).as_bytes())?;
        }
        Ok(stdout.flush()?)
    }

    /// Tells why a command failed, and with which exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> ExitCode {
        let (problem, exit) = match failure {
            Failure::Closed => return ExitCode::SUCCESS,
            Failure::Unwell => return ExitCode::FAILURE,
            Failure::Told(problem) => (problem.clone(), 1),
            Failure::Engine(error) => (Problem::from(error), exit_code(error)),
            Failure::Usage(message) => (plain(Code::InvalidInput, message.clone()), 2),
            Failure::Output(error) => (plain(Code::Internal, format!("cannot print the result: {error}")), 1),
        };
        let problem = for_a_terminal(problem);
        if self.json {
            if let Ok(json) = serde_json::to_string(&serde_json::json!({ "error": problem })) {
                note(&json);
            }
        } else {
            note(&format!("papr: {}", problem.message));
            if let Some(hint) = &problem.hint {
                note(&format!("hint: {hint}"));
            }
        }
        ExitCode::from(exit)
    }

    /// A reply as people read it.
    pub(crate) fn reply(&self, reply: &Reply) -> String {
        let mut text: String =
            reply.hits.iter().enumerate().map(|(rank, hit)| self.hit(rank + 1, hit)).collect();
        if reply.hits.is_empty() {
            text.push_str("Nothing found.\n");
        }
        text.push_str(&latency_line(reply));
        text
    }

    fn hit(&self, rank: usize, hit: &Hit) -> String {
        let why = match hit.why {
            Reason::Exact => "exact",
            Reason::Both => "words and meaning",
            Reason::Words => "words",
            Reason::Meaning => "meaning",
            Reason::Listed => "listed",
        };
        let cosine = hit.cosine.map_or(String::new(), |cosine| format!(" · cosine {cosine:.2}"));
        let words = hit
            .words
            .filter(|&words| words > 0.0)
            .map_or(String::new(), |words| format!(" · words {words:.1}"));
        let head =
            format!("{rank:>2}. {} · {why}{cosine}{words} · {}", tier_name(&hit.memory), hit.memory.id);
        let snippet: String = hit.snippet.iter().map(|span| self.span(span)).collect();
        let alike = match hit.alike.len() {
            0 => String::new(),
            1 => "    and 1 that says the same\n".to_owned(),
            many => format!("    and {many} that say the same\n"),
        };
        format!("{head}\n    {snippet}\n{alike}")
    }

    fn span(&self, span: &Span) -> String {
        if span.marked && self.marks { format!("\x1b[1m{}\x1b[0m", span.text) } else { span.text.clone() }
    }
}

/// Facets, a block each, the most frequent first.
pub(crate) fn facets_text(facets: &Facets) -> String {
    let blocks = [
        ("Tier", &facets.tiers),
        ("Type", &facets.kinds),
        ("Source", &facets.sources),
        ("Role", &facets.roles),
        ("Category", &facets.categories),
        ("Topic", &facets.topics),
    ];
    let mut text = format!("{} memories\n", facets.total);
    for (name, counts) in blocks.into_iter().filter(|(_, counts)| !counts.is_empty()) {
        text.push_str(&format!("\n{name}\n"));
        text.extend(counts.iter().map(|facet| format!("{:>7}  {}\n", facet.count, facet.value)));
    }
    text
}

/// A remark to the person, beside the results.
pub(crate) fn note(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether somebody is there to be asked.
pub(crate) fn at_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks; everything but a yes is a no.
pub(crate) fn agreed(question: &str) -> Result<bool, Failure> {
    Ok(matches!(answer(&format!("{question} [y/N]"))?.as_str(), "y" | "yes"))
}

/// What somebody types to a question, in small letters.
pub(crate) fn answer(question: &str) -> Result<String, Failure> {
    note(question);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_lowercase())
}

/// A progress bar over `total` steps; without a total, a counter. Quiet when nobody watches.
pub(crate) fn progress(what: &str, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total).with_style(style("{msg} {bar:30} {pos}/{len}")),
        None => ProgressBar::no_length().with_style(style("{msg} {human_pos}")),
    };
    bar.set_draw_target(if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    bar.with_message(what.to_owned())
}

/// Does `work` under a sign that something goes on. Quiet when nobody watches.
pub(crate) fn waiting<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let bar = progress(what, None).with_style(style("{spinner} {msg}"));
    bar.enable_steady_tick(Duration::from_millis(120));
    let done = work();
    bar.finish_and_clear();
    done
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The same problem with a hint that names this program's commands, where there is one to name.
fn for_a_terminal(problem: Problem) -> Problem {
    let hint = match problem.code {
        Code::SignedOut => {
            "`papr login` signs in with a key from your Papr dashboard. Everything on this machine works without."
        }
        Code::Unauthorised if key::is_in_environment() => {
            "The key is the one in PAPR_MEMORY_API_KEY: set it to a valid one from your Papr dashboard, or unset it."
        }
        Code::Unauthorised => "Copy a valid key from your Papr dashboard and give it to `papr login`.",
        Code::LocalOnly => "`papr privacy --local-only off` lets it reach Papr and fetch models again.",
        Code::KeychainMissing if cfg!(target_os = "linux") => {
            "Start a keyring such as GNOME Keyring or KWallet and log in to it. On a machine without one, set \
             PAPR_MEMORY_API_KEY for the commands that need Papr."
        }
        Code::KeychainMissing => {
            "Log in to the desktop as yourself, or set PAPR_MEMORY_API_KEY for the commands that need Papr."
        }
        Code::KeychainLocked => {
            "Unlock the keychain, or answer what it asks in a window, and try again; or set PAPR_MEMORY_API_KEY for \
             this command."
        }
        Code::KeychainDenied => {
            "Try again and allow it when the system asks, or set PAPR_MEMORY_API_KEY for this command."
        }
        _ => return problem,
    };
    Problem { hint: Some(hint.to_owned()), ..problem }
}

fn plain(code: Code, message: String) -> Problem {
    Problem { code, message, hint: None, retryable: false }
}

fn exit_code(error: &Error) -> u8 {
    match (error, error.code()) {
        (Error::Store(StoreError::NotOurs { .. } | StoreError::Io { .. }), _)
        | (_, Code::StoreLocked | Code::StoreDamaged | Code::DiskFull) => 3,
        (_, Code::InvalidInput | Code::NotFound | Code::Conflict) => 2,
        _ => 1,
    }
}

/// `Goal` or `Memory`.
fn tier_name(memory: &Memory) -> &'static str {
    match memory.tier {
        papr_memory::Tier::Goals => "Goal",
        papr_memory::Tier::Memories => "Memory",
    }
}

/// One memory in a line: id, tier, date, text.
pub(crate) fn memory_line(memory: &Memory) -> String {
    let day = memory.updated_at.strftime("%Y-%m-%d");
    format!("{}  {:<6}  {day}  {}\n", memory.id, tier_name(memory), text_of(memory))
}

/// One memory in full.
pub(crate) fn memory_text(memory: &Memory) -> String {
    let topics =
        if memory.topics.is_empty() { String::new() } else { format!(" · {}", memory.topics.join(", ")) };
    format!(
        "{}\n{} · {} · revision {} · changed {}{topics}\n\n{}\n",
        memory.id,
        tier_name(memory),
        memory.kind,
        memory.rev,
        memory.updated_at,
        memory.content.as_str()
    )
}

/// `12 results (3 goals, 9 memories) · 9 ms (embed 6, search 1)`
fn latency_line(reply: &Reply) -> String {
    let plural =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let millis = |micros: u64| format!("{:.1}", micros as f64 / 1000.0);
    let timings = &reply.timings;
    let search = timings.vector + timings.words + timings.fetch;
    let shown = reply.counts.total();
    let results = match reply.total.max(shown) {
        total if total == shown => plural(shown, "result", "results"),
        total => format!("{shown} of {}", plural(total, "result", "results")),
    };
    let mut line = format!(
        "{results} ({}, {}) · {} ms (embed {}, search {})\n",
        plural(reply.counts.goals, "goal", "goals"),
        plural(reply.counts.memories, "memory", "memories"),
        millis(timings.total),
        millis(timings.tokenize + timings.embed),
        millis(search),
    );
    if let Some(degraded) = &reply.degraded {
        line.push_str(degraded);
        line.push('\n');
    }
    line
}

//! Asking Papr's own search: `papr search --cloud`, and what can be done with what it finds.

use clap::Args;
use papr_engine::{CloudHit, CloudReply, Engine};
use papr_memory::Memory;
use serde::Serialize;

use crate::account::connect;
use crate::output::{Failure, Output};
use crate::wait::{self, finish_embedding};
use crate::words::{count, one_line, text_of};

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Verdict {
    /// It helped
    #[arg(long)]
    helped: bool,
    /// It did not help
    #[arg(long)]
    not_helped: bool,
}

/// Sends the question to Papr, and says so before.
pub(crate) fn search(engine: &Engine, question: &str, limit: usize, output: &Output) -> Result<(), Failure> {
    connect(engine, output)?;
    let limit = u32::try_from(limit).ok().filter(|limit| (1..=50).contains(limit));
    let limit = limit
        .ok_or_else(|| Failure::Usage("Papr returns 1 to 50 results: choose -k in that range".to_owned()))?;
    if let Some(account) = engine.account()?.filter(|account| account.signed_in) {
        output.note(&format!("This question goes to {}, for 1 operation.", host(&account.base_url)));
    }
    let reply = output.waiting("Asking Papr", || engine.ask_papr(question, limit, output.cancel()))?;
    output.print(&reply, reply_text)
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn reply_text(reply: &CloudReply) -> String {
    let mut text: String = reply.hits.iter().enumerate().map(|(at, hit)| hit_text(at + 1, hit)).collect();
    if reply.hits.is_empty() {
        text.push_str("Papr found nothing.\n");
    }
    text +=
        &format!("{} from {} · {} ms\n", count(reply.hits.len(), "result", "results"), reply.host, reply.ms);
    if reply.hits.iter().any(|hit| hit.here.is_none()) {
        text += "`papr keep ID` brings one here.\n";
    }
    if let Some(search) = &reply.search_id {
        text += &format!("Did it help? `papr feedback {search} --helped` or `--not-helped` tells Papr.\n");
    }
    text
}

fn hit_text(rank: usize, hit: &CloudHit) -> String {
    let here = hit.here.map_or("not here".to_owned(), |id| format!("here as {id}"));
    let kind = hit.kind.as_deref().map_or(String::new(), |kind| format!(" · {kind}"));
    let text = if hit.content.is_empty() { "(without a text)".to_owned() } else { one_line(&hit.content) };
    format!("{rank:>2}. from Papr · {}{kind} · {here}\n    {text}\n", hit.remote)
}

#[derive(Serialize)]
struct Kept<'a> {
    remote: &'a str,
    memory: Memory,
}

/// Brings memories here that Papr has.
pub(crate) fn keep(engine: &Engine, ids: &[String], output: &Output) -> Result<(), Failure> {
    connect(engine, output)?;
    wait::index(engine, output)?;
    let mut kept = Vec::with_capacity(ids.len());
    for remote in ids {
        let id = engine.keep_from_papr(remote, output.cancel())?;
        kept.push(Kept { remote, memory: engine.get(id)? });
    }
    let line = |kept: &Kept<'_>| format!("Kept as {}: {}\n", kept.memory.id, text_of(&kept.memory));
    output.print(&kept, |kept| kept.iter().map(line).collect())?;
    finish_embedding(engine, output)
}

#[derive(Serialize)]
struct Told<'a> {
    search: &'a str,
    helped: bool,
}

/// Tells Papr whether an answer helped.
pub(crate) fn feedback(
    engine: &Engine,
    search: &str,
    verdict: &Verdict,
    about: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let helped = verdict.helped;
    connect(engine, output)?;
    engine.tell_papr(search, helped, about, output.cancel())?;
    output.print(&Told { search, helped }, |told| {
        format!("Papr was told that it {}.\n", if told.helped { "helped" } else { "did not help" })
    })
}

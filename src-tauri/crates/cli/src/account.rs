//! `papr login`, `logout`, `whoami`, `adopt`: whose memories these are. What goes to and fro is in [`crate::sync`].

use clap::Subcommand;
use papr_engine::{AccountInfo, Engine, Error, KeyPlace, SignedIn, SignedOut};
use papr_memory::ports::CredentialError;
use papr_memory::{Filters, Memory, SecretSource, Slot, Sort, Source};
use serde::Serialize;

use crate::cloud::{self, Verdict};
use crate::conflicts::{self, ConflictsCommand};
use crate::door::{self, Door};
use crate::key::{self, KEY_VARIABLE};
use crate::output::{Failure, Output};
use crate::privacy::{self, PrivacyArguments};
use crate::sync::{self, SyncArguments};
use crate::wait;
use crate::words::{changes, count, memories, operations, text_of};

/// What Papr counts for a memory that is added.
const OPERATIONS_TO_ADD: u64 = 4;
/// Memories that are shown before they are given to an account.
const SHOWN: usize = 10;

const LOGIN_HELP: &str = "The key is in your Papr dashboard. It is checked with Papr and then kept in the system's keychain, nowhere else.
From a program: papr login < FILE, where the first line is the key. It is never an argument.
On a machine without a keychain: set PAPR_MEMORY_API_KEY instead; no login is needed then.";

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Sign in to Papr with a key, asked for without showing it or read from standard input
    #[command(after_help = LOGIN_HELP)]
    Login {
        /// Nothing belongs here; a key that is given all the same is refused with the reason.
        #[arg(hide = true, allow_hyphen_values = true)]
        key: Vec<String>,
    },
    /// Sign out: the key is removed; the account's memories stay as a copy or are wiped
    Logout {
        /// Keep the account's memories on this machine
        #[arg(long, conflicts_with = "wipe")]
        keep: bool,
        /// Remove the account's memories from this machine, backups included
        #[arg(long)]
        wipe: bool,
        /// Do not ask, even if changes that Papr never got would be lost
        #[arg(long, short)]
        yes: bool,
    },
    /// Show who is signed in, where, and with which key
    Whoami,
    /// Sync with Papr now: fetch what is new, send what was written here
    Sync(SyncArguments),
    /// Show what Papr has yet to hear
    Outbox,
    /// Show and resolve what changed here and at Papr
    Conflicts {
        #[command(subcommand)]
        command: Option<ConflictsCommand>,
    },
    /// Give the memories that were written while nobody was signed in to the account
    Adopt {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Fetch memories that `search --cloud` found, and keep them here
    Keep {
        /// What Papr calls them
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Tell Papr whether the answer of a `search --cloud` helped
    Feedback {
        /// What that search was called
        search: String,
        #[command(flatten)]
        verdict: Verdict,
        /// A memory that it is about, as Papr calls it; may be given several times
        #[arg(long, value_name = "ID")]
        about: Vec<String>,
    },
    /// Show what left this machine and to whom, and stop it
    Privacy(PrivacyArguments),
}

pub(crate) fn run(door: &Door<'_>, command: &AccountCommand, output: &Output) -> Result<(), Failure> {
    let open = || door.open(output);
    match command {
        AccountCommand::Login { key } => login(door, key, output),
        AccountCommand::Logout { keep, wipe, yes } => logout(door, *keep, *wipe, *yes, output),
        AccountCommand::Whoami => whoami(&*open()?, output),
        AccountCommand::Sync(options) => sync::run(door, options, output),
        AccountCommand::Outbox => conflicts::outbox(&*open()?, output),
        AccountCommand::Conflicts { command } => conflicts::run(&*open()?, command.as_ref(), output),
        AccountCommand::Adopt { yes } => adopt(&*open()?, *yes, output),
        AccountCommand::Keep { ids } => cloud::keep(&*open()?, ids, output),
        AccountCommand::Feedback { search, verdict, about } => {
            cloud::feedback(&*open()?, search, verdict, about, output)
        }
        AccountCommand::Privacy(options) => privacy::run(&*open()?, options, output),
    }
}

/// Before every command that needs Papr: refuses while "local only" is on, and signs in with the key of the
/// environment, where there is one.
pub(crate) fn connect(engine: &Engine, output: &Output) -> Result<(), Failure> {
    if engine.local_only() {
        return Err(Error::LocalOnly.into());
    }
    if output.around().has_key && !key::is_in_environment() {
        output.note(&format!("{KEY_VARIABLE} is not used: Papr Desktop runs, and was started without it."));
    }
    if engine.sign_in_from_environment(output.cancel())? {
        output.note(&format!("Signed in with the key in {KEY_VARIABLE}."));
    }
    Ok(())
}

fn login(door: &Door<'_>, argument: &[String], output: &Output) -> Result<(), Failure> {
    key::check_source(argument)?;
    let engine = door.open(output)?;
    if engine.local_only() {
        return Err(Error::LocalOnly.into());
    }
    // Before a key is asked for: without a keychain it could not be kept.
    if let Ok(slot) = Slot::papr("login") {
        door::keychain().get(&slot).map_err(Error::from)?;
    }
    let key = key::read(output)?;
    let sign_in = || engine.sign_in(key.expose().to_owned(), None, KeyPlace::Keychain, output.cancel());
    let signed_in = output.waiting("Asking Papr", sign_in)?;
    if signed_in.account.key_source != Some(SecretSource::Keychain) {
        // It would be gone with this process.
        engine.sign_out(false, output.cancel())?;
        let reason = "there is none that takes a key, so you are not signed in".to_owned();
        return Err(Error::from(CredentialError::Missing { reason }).into());
    }
    output.print(&signed_in, login_text)
}

fn login_text(signed_in: &SignedIn) -> String {
    let account = &signed_in.account;
    let mut text = format!(
        "Signed in at {}. The key that ends in {} is in the system's keychain.\n",
        account.base_url,
        account.last_four.as_deref().unwrap_or("?")
    );
    if signed_in.known {
        text += &format!("Here already: {} of this account.\n", memories(account.memories));
    }
    if signed_in.hidden > 0 {
        text +=
            &format!("Kept on this machine, unseen: {} of another account.\n", memories(signed_in.hidden));
    }
    if signed_in.adoptable > 0 {
        text += &format!(
            "Written here while nobody was signed in: {}. `papr adopt` gives that to this account.\n",
            memories(signed_in.adoptable)
        );
    }
    text + "`papr sync` fetches what Papr has and sends what you write.\n"
}

fn whoami(engine: &Engine, output: &Output) -> Result<(), Failure> {
    output.print(&engine.account()?, |account| match account {
        Some(account) => account_text(account),
        None if key::is_in_environment() => {
            format!("Nobody is signed in yet: `papr sync` does so with the key in {KEY_VARIABLE}.\n")
        }
        None => "Nobody is signed in. `papr login` does so; everything on this machine works without.\n"
            .to_owned(),
    })
}

fn account_text(account: &AccountInfo) -> String {
    let ends = account.last_four.as_deref().unwrap_or("?");
    let key = match (account.signed_in, account.key_source) {
        (true, Some(SecretSource::Environment)) => format!("ends in {ends}, from {KEY_VARIABLE}"),
        (true, Some(SecretSource::Memory)) => format!("ends in {ends}, in memory only"),
        (true, _) => format!("ends in {ends}, in the system's keychain"),
        (false, _) => "none: not signed in, the memories here are a local copy".to_owned(),
    };
    let pending = match account.pending {
        0 => String::new(),
        many => format!(", {} not sent yet", changes(many)),
    };
    format!(
        "Account   {}\nPapr      {}\nKey       {key}\nMemories  {} here{pending}\n",
        account.id, account.base_url, account.memories
    )
}

fn logout(door: &Door<'_>, keep: bool, wipe: bool, yes: bool, output: &Output) -> Result<(), Failure> {
    let engine = door.open(output)?;
    let status = engine.sync_status()?;
    if status.account.is_none() {
        return Err(Error::SignedOut.into());
    }
    let wipe = wipe || (!keep && asks_to_wipe(&engine, status.pending, output)?);
    if wipe && status.pending > 0 && !yes {
        let lost = format!("{} that Papr never got would be lost", changes(status.pending));
        if !output.at_terminal() {
            return Err(Failure::Usage(format!(
                "{lost}: send them first with `papr sync`, or say --yes as well. Nothing was changed"
            )));
        }
        if !output.agreed(&format!("{lost}. Wipe all the same?"))? {
            return Err(unchanged());
        }
    }
    let done = engine.sign_out(wipe, output.cancel())?;
    if wipe {
        door.write_anew(engine, output)?;
    }
    output.print(&done, |done| logout_text(*done, wipe, status.pending))?;
    if key::is_in_environment() {
        output.note(&format!(
            "{KEY_VARIABLE} is still set: the next command that needs Papr signs in with it again."
        ));
    }
    Ok(())
}

/// Asks what becomes of the memories.
fn asks_to_wipe(engine: &Engine, pending: usize, output: &Output) -> Result<bool, Failure> {
    if !output.at_terminal() {
        return Err(Failure::Usage(
            "say what becomes of the account's memories on this machine: --keep or --wipe".to_owned(),
        ));
    }
    // The keychain may be out of reach; signing out goes on without it.
    let here = engine.account().ok().flatten();
    let here = here.map_or_else(|| "The memories".to_owned(), |account| memories(account.memories));
    let unsent = if pending > 0 { format!("; {} not sent yet", changes(pending)) } else { String::new() };
    output.note(&format!("{here} of this account on this machine{unsent}."));
    match output
        .answer("Keep them as a local copy, wipe them from this machine, or stop here? [keep/wipe/N]")?
        .as_str()
    {
        "k" | "keep" => Ok(false),
        "w" | "wipe" => Ok(true),
        _ => Err(unchanged()),
    }
}

fn unchanged() -> Failure {
    Failure::Usage("nothing was changed".to_owned())
}

fn logout_text(done: SignedOut, wiped: bool, pending: usize) -> String {
    let key = if done.key_removed { "the key is removed" } else { "there was no key to remove" };
    if wiped {
        return format!(
            "Signed out: {key}. Gone from this machine: {}, and {} that may have held them.\n",
            memories(done.wiped),
            count(done.copies, "backup or copy", "backups and copies")
        );
    }
    let waits = match pending {
        0 => String::new(),
        1 => " 1 change waits for the next time you sign in.".to_owned(),
        many => format!(" {} wait for the next time you sign in.", changes(many)),
    };
    format!("Signed out: {key}. Here as a local copy: {}.{waits}\n", memories(done.kept))
}

#[derive(Serialize)]
struct Adopted {
    adopted: usize,
    operations: u64,
}

fn adopt(engine: &Engine, yes: bool, output: &Output) -> Result<(), Failure> {
    connect(engine, output)?;
    let adoptable = engine.adoptable()?;
    let cost = |many: usize| many as u64 * OPERATIONS_TO_ADD;
    if adoptable > 0 && !yes {
        if engine.sync_status()?.account.is_none() {
            return Err(Error::SignedOut.into());
        }
        let asked = format!(
            "{} would belong to your account and go to Papr with the next syncs, for {}",
            memories(adoptable),
            operations(cost(adoptable))
        );
        if !output.at_terminal() {
            return Err(Failure::Usage(format!("{asked}: say --yes to do it. Nothing was changed")));
        }
        show_some(engine, adoptable, output)?;
        output.note(&format!("{asked}."));
        if !output.agreed("Give them to your account?")? {
            return Err(unchanged());
        }
    }
    let adopted = if adoptable > 0 { engine.adopt()? } else { 0 };
    let adopted = Adopted { adopted, operations: cost(adopted) };
    output.print(&adopted, |done| match done.adopted {
        0 => "Every memory here belongs to an account already.\n".to_owned(),
        many => {
            let cost = operations(done.operations);
            format!("Given to your account: {}. `papr sync` sends that, for {cost}.\n", memories(many))
        }
    })
}

/// Shows the newest of the memories that would be given away.
fn show_some(engine: &Engine, adoptable: usize, output: &Output) -> Result<(), Failure> {
    wait::index(engine, output)?;
    let nobodys = |memory: &&Memory| memory.account.is_none() && memory.source != Source::Sample;
    let (mut shown, mut after) = (0, None);
    while shown < SHOWN {
        let page = engine.list(&Filters::default(), Sort::Newest, after, 200)?;
        for memory in page.memories.iter().filter(nobodys).take(SHOWN - shown) {
            output.note(&format!("  {}", text_of(memory)));
            shown += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if adoptable > shown {
        output.note(&format!("  and {} more", adoptable - shown));
    }
    Ok(())
}

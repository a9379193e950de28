//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use papr_ipc::Window;
use papr_memory::{MemoryId, Mode, Sort, Tier};

use crate::account::AccountCommand;
use crate::filters::FilterArguments;
use crate::models::ModelsCommand;
use crate::upkeep::BackupCommand;

/// Your Papr memories in a terminal: found by meaning and by word, on this machine.
#[derive(Debug, Parser)]
#[command(name = "papr", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    /// Folder of the memories [default: the app's own]
    #[arg(long, global = true, value_name = "FOLDER", env = "PAPR_DATA_DIR", display_order = 900)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str =
    "Nothing leaves this machine but by login, sync, search --cloud, keep, feedback and models install.
A key may also come from PAPR_MEMORY_API_KEY, another address of Papr from PAPR_BASE_URL.
While Papr Desktop runs it carries commands out, with the variables that it was started with.

Exit codes:
  0  done
  1  failed, or Papr was not reached or refused
  2  asked for something that cannot be done as asked
  3  the data folder cannot be used: another program or version has it, it is damaged, or the disk is full";

const QUICK_HELP: &str = "On Wayland no app can take a global shortcut: bind a key to `papr quick` in the desktop's settings instead.";

/// What a command needs to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing of the person's.
    Nothing,
    /// The data folder, which nobody has open.
    Folder,
    /// The app that runs.
    Window(Window),
    /// An engine on the data folder.
    Engine,
}

impl Command {
    pub(crate) fn needs(&self) -> Needs {
        match self {
            Command::Eval { .. } | Command::Demo { .. } => Needs::Nothing,
            Command::Compact | Command::Backup(BackupCommand::Restore { .. }) => Needs::Folder,
            Command::Show => Needs::Window(Window::Main),
            Command::Quick => Needs::Window(Window::Quick),
            _ => Needs::Engine,
        }
    }

    /// Whether Ctrl-C is how it is meant to end.
    pub(crate) fn ends_with_interrupt(&self) -> bool {
        matches!(self, Command::Account(AccountCommand::Sync(options)) if options.watches())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep a new memory
    Add {
        /// The text; - reads it from standard input
        text: String,
        /// Where it belongs: goals or memories
        #[arg(long, default_value_t = Tier::Memories)]
        tier: Tier,
        /// A subject word; may be given several times
        #[arg(long = "topic", value_name = "WORD")]
        topics: Vec<String>,
    },
    /// Add memories from a file of JSON Lines; what is there already is not added again
    Import {
        /// The file, one JSON object a line with at least "content"; - reads standard input
        file: PathBuf,
    },
    /// Write all memories to a file of JSON Lines
    Export {
        /// The file; - writes to standard output
        file: PathBuf,
    },
    /// Show memories, last changed first
    List {
        /// newest or oldest first
        #[arg(long, default_value_t = Sort::Newest)]
        sort: Sort,
        /// How many at most
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        filters: FilterArguments,
    },
    /// Count memories by tier, type, source, role, category and topic
    Facets {
        #[command(flatten)]
        filters: FilterArguments,
    },
    /// Show one memory
    Get {
        /// Its id
        id: MemoryId,
    },
    /// Change a memory
    Edit {
        /// Its id
        id: MemoryId,
        /// The new text; - reads it from standard input
        text: Option<String>,
        /// Move it to goals or memories
        #[arg(long)]
        tier: Option<Tier>,
        /// Its new subject words; may be given several times
        #[arg(long = "topic", value_name = "WORD")]
        topics: Vec<String>,
    },
    /// Delete memories; they can be taken back for 30 days
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<MemoryId>,
    },
    /// Take deleted memories back
    Restore {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<MemoryId>,
    },
    /// Find memories by meaning and by word
    Search {
        /// A question, a name, an id, a "phrase in quotes"; -word leaves out, topic: tier: before: after: narrow
        #[arg(allow_hyphen_values = true)]
        query: String,
        /// How many results at most, 1 to 1,000
        #[arg(short = 'k', long = "limit", default_value_t = 10)]
        limit: usize,
        /// How many of the first results to leave out
        #[arg(long, default_value_t = 0)]
        skip: usize,
        /// relevance, newest or oldest
        #[arg(long, default_value_t = Sort::Relevance)]
        sort: Sort,
        /// hybrid, meaning or words
        #[arg(long, default_value_t = Mode::Hybrid)]
        mode: Mode,
        /// Ask Papr's own search instead: the question is sent to it, for 1 operation; at most 50 results
        #[arg(long, conflicts_with_all = ["skip", "sort", "mode", "FilterArguments"])]
        cloud: bool,
        #[command(flatten)]
        filters: FilterArguments,
    },
    #[command(flatten)]
    Account(AccountCommand),
    /// Bring the main window of the running app to the front
    Show,
    /// Show the running app's quick search, or hide it if it is shown
    #[command(after_help = QUICK_HELP)]
    Quick,
    /// Print the vectors of texts
    Embed {
        /// The texts
        #[arg(required = true)]
        texts: Vec<String>,
    },
    /// Show what is there, and how the model runs
    Status,
    /// Look at and change the models that embed
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Read every entry of the data folder and check it
    Check,
    /// Make, list, verify and restore backups
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Write the data folder anew without the room that old versions take
    Compact,
    /// Look at everything the app needs and print a report that may be sent on
    Doctor,
    /// Measure how good search is on a labelled set, in a temporary folder
    Eval {
        /// A folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv
        folder: PathBuf,
        /// The questions are over the sample memories; no corpus.jsonl is read
        #[arg(long)]
        samples: bool,
        /// Weight of meaning against words, 0 to 1
        #[arg(long, value_name = "WEIGHT")]
        meaning_weight: Option<f32>,
        /// Measure with this model instead of the built-in one
        #[arg(long, value_name = "ID")]
        model: Option<String>,
    },
    /// Search the sample memories with a few questions, in a temporary folder
    Demo {
        /// Questions of your own
        queries: Vec<String>,
    },
}

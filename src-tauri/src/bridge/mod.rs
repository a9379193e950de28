//! The bridge to the windows: which commands and events there are, and the shapes that travel.
//!
//! `ui/src/backend/bindings.ts` is generated from here; `cargo test --test bindings` compares it, and with
//! `PAPR_BLESS=1` writes it.

mod account;
mod error;
mod filters;
mod ledger;
mod memory;
mod models;
mod reply;
mod status;

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri_specta::{Builder, Event, collect_commands, collect_events};

pub use account::{
    Account, Choice, CloudHit, CloudReply, Conflict, KeySource, OutboxItem, SignedIn, SignedOut, Sync,
    SyncPhase, Theirs, Waiting,
};
pub use error::{AppError, ErrorCode};
pub use filters::{FacetCount, Facets, Filters, Listing, Place, Question, Sort};
pub use ledger::{Ledger, LedgerEntry, Outcome, Totals};
pub use memory::{Memory, Source, Tier};
pub(crate) use memory::{count, memory_id, memory_ids};
pub use models::{Download, DownloadState, Finding, ModelInfo, Phase, Report, Switch, Verdict};
pub use reply::{Hit, Mode, Reply, Span, TierCounts, Timings, Why};
pub use status::{AppState, IndexState, Model, ModelState, Shortcut, Status};

use crate::commands;

/// The engine's status changed.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct StatusChanged(pub Status);

/// The main window is to show the memory with this id.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct OpenMemory(pub String);

/// The quick window was just shown.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Type, Event)]
pub struct QuickShown;

/// All commands and events.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        // What goes out and what comes back has one shape.
        .disable_serde_phases()
        .commands(collect_commands![
            commands::search::search,
            commands::status::status,
            commands::memories::list,
            commands::memories::facets,
            commands::memories::get,
            commands::memories::add,
            commands::memories::edit,
            commands::memories::remove,
            commands::memories::restore,
            commands::memories::add_samples,
            commands::memories::remove_samples,
            commands::windows::show_main,
            commands::windows::hide_quick,
            commands::status::retry,
            commands::models::models,
            commands::models::model_hosts,
            commands::models::install_model,
            commands::models::pause_download,
            commands::models::cancel_download,
            commands::models::use_model,
            commands::models::pause_switch,
            commands::models::remove_model,
            commands::models::import_model,
            commands::models::verify_model,
            commands::models::doctor,
            commands::account::account,
            commands::account::sign_in,
            commands::account::sign_out,
            commands::account::adoptable,
            commands::account::to_adopt,
            commands::account::adopt,
            commands::account::sync_now,
            commands::account::pause_sync,
            commands::account::set_local_only,
            commands::account::set_budget,
            commands::account::outbox,
            commands::account::waiting,
            commands::account::conflicts,
            commands::account::resolve,
            commands::account::ledger,
            commands::account::export_ledger,
            commands::account::ask_papr,
            commands::account::keep_from_papr,
            commands::account::tell_papr,
            commands::account::tell_network,
        ])
        .events(collect_events![StatusChanged, OpenMemory, QuickShown])
}

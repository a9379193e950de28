//! The bridge to the windows: which commands and events there are, and the shapes that travel.
//!
//! `ui/src/backend/bindings.ts` is generated from here; `cargo test --test bindings` compares it, and with
//! `PAPR_BLESS=1` writes it.

mod account;
mod data;
mod error;
mod filters;
mod ledger;
mod memory;
mod models;
mod reply;
mod server_space;
mod settings;
mod status;

use serde::{Deserialize, Serialize};
use specta::Type;
use tauri_specta::{Builder, Event, collect_commands, collect_events};

pub use account::{
    Account, Choice, CloudHit, CloudReply, Conflict, KeySource, OutboxItem, SignedIn, SignedOut, Sync,
    SyncPhase, Theirs, Waiting,
};
pub use data::{
    Backup, BadLine, Choose, Detail, Fact, Folder, Format, ImportPreview, Imported, MainView, Move, Mover,
    Part, PartSize, Related, Sizes,
};
pub use error::{AppError, ErrorCode};
pub use filters::{FacetCount, Facets, Filters, Listing, Place, Question, Sort};
pub use ledger::{Ledger, LedgerEntry, Outcome, Totals};
pub use memory::{Memory, Source, Tier};
pub(crate) use memory::{count, memory_id, memory_ids};
pub use models::{Download, DownloadState, Finding, ModelInfo, Phase, Report, Switch, Verdict};
pub use reply::{Hit, Mode, Reply, Span, TierCounts, Timings, Why};
pub use server_space::{Measured, ServerSpace, ServerVectors, SpaceMatch};
pub use settings::{Language, OnEnter, QuickSettings, Settings, SettingsChange, Theme};
pub use status::{AppState, IndexState, Model, ModelState, Shortcut, Status};

use crate::commands;

/// The engine's status changed.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct StatusChanged(pub Status);

/// Something was chosen.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct SettingsChanged(pub Settings);

/// The main window is to show a memory.
#[derive(Clone, Debug, Serialize, Deserialize, Type, Event)]
pub struct OpenMemory {
    /// Its id.
    pub id: String,
    /// In the form to edit it.
    pub edit: bool,
}

/// The main window is to show one of its views.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Type, Event)]
pub struct OpenView(pub MainView);

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
            commands::library::ids,
            commands::library::some,
            commands::library::move_to,
            commands::library::related,
            commands::library::detail,
            commands::memories::add,
            commands::memories::edit,
            commands::memories::remove,
            commands::memories::restore,
            commands::memories::add_samples,
            commands::memories::remove_samples,
            commands::windows::show_main,
            commands::windows::show_view,
            commands::windows::hide_quick,
            commands::windows::resize_quick,
            commands::windows::open_link,
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
            commands::models::server_space,
            commands::models::set_server_vectors,
            commands::models::match_server_space,
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
            commands::settings::settings,
            commands::settings::change_settings,
            commands::settings::pin,
            commands::data::sizes,
            commands::data::reveal,
            commands::data::move_data,
            commands::data::diagnostics,
            commands::data::choose,
            commands::data::export_memories,
            commands::data::preview_import,
            commands::data::import_memories,
            commands::data::backups,
            commands::data::back_up,
            commands::data::restore_backup,
            commands::data::delete_everything,
        ])
        .events(collect_events![StatusChanged, SettingsChanged, OpenMemory, OpenView, QuickShown])
}

//! Makes Tauri's permissions: every command of the app is closed to every window until a capability opens it.

use tauri_build::{AppManifest, Attributes};

const COMMANDS: &[&str] = &[
    "search",
    "status",
    "retry",
    "list",
    "facets",
    "get",
    "ids",
    "some",
    "move_to",
    "related",
    "detail",
    "add",
    "edit",
    "remove",
    "restore",
    "add_samples",
    "remove_samples",
    "show_main",
    "show_view",
    "hide_quick",
    "resize_quick",
    "open_link",
    "models",
    "model_hosts",
    "install_model",
    "pause_download",
    "cancel_download",
    "use_model",
    "pause_switch",
    "remove_model",
    "import_model",
    "verify_model",
    "server_space",
    "set_server_vectors",
    "match_server_space",
    "doctor",
    "account",
    "sign_in",
    "sign_out",
    "adoptable",
    "to_adopt",
    "adopt",
    "sync_now",
    "pause_sync",
    "set_local_only",
    "set_budget",
    "outbox",
    "waiting",
    "conflicts",
    "resolve",
    "ledger",
    "export_ledger",
    "ask_papr",
    "keep_from_papr",
    "tell_papr",
    "tell_network",
    "settings",
    "change_settings",
    "pin",
    "sizes",
    "reveal",
    "move_data",
    "diagnostics",
    "choose",
    "export_memories",
    "preview_import",
    "import_memories",
    "backups",
    "back_up",
    "restore_backup",
    "delete_everything",
];

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    let attributes = Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*.json")
        .app_manifest(AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}

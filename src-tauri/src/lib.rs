//! Papr Desktop's shell: the file to open first. It puts together the engine, the commands that windows may
//! call, the tray, the global shortcut and the windows. Nothing here knows how search works: that is
//! `papr-engine`, behind [`app::App`].

mod app;
pub mod bridge;
mod choices;
mod commands;
mod door;
mod erase;
mod log;
mod notify;
mod platform;
mod settings;
mod shortcut;
mod socket;
mod strings;
mod tray;
mod windows;

use std::process::ExitCode;

use tauri::async_runtime::spawn;
use tauri::{Manager, RunEvent};

/// See [`papr_engine::serve`]: `main` begins with it.
pub use papr_engine::serve;

use crate::app::App;

/// Starts without the main window: how the system starts the app at login.
const HIDDEN: &str = "--hidden";
/// Asks for the quick window.
const QUICK: &str = "--quick";

/// Runs the app until it is quit.
pub fn run() -> ExitCode {
    let data = app::data_folder();
    // Nothing is made in the place of a folder that was moved to a disk which is away.
    if data.exists() || !app::was_moved(&data) {
        log::begin(&data);
    }
    let bridge = bridge::builder();
    let built = tauri::Builder::default()
        // First of all plugins: a second start shows the first one's window and ends.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| started_again(app, &arguments)))
        .plugin(tauri_plugin_autostart::Builder::new().arg(HIDDEN).build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .plugin(tauri_plugin_store::Builder::new().build())
        .plugin(windows::kept_in_place())
        .invoke_handler(bridge.invoke_handler())
        .on_window_event(windows::on_event)
        .setup(move |tauri| {
            bridge.mount_events(tauri);
            let handle = tauri.handle();
            tauri.manage(App::new(handle));
            let desktop = handle.state::<App>().desktop().get();
            strings::choose(desktop.language);
            shortcut::register(handle);
            let opens = handle.clone();
            spawn(async move { opens.state::<App>().open().await });
            tray::build(handle);
            platform::watch_system(handle);
            if !desktop.start_hidden && !std::env::args().any(|argument| argument == HIDDEN) {
                windows::show_main(handle);
            }
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            let code = app.run_return(|handle, event| match event {
                RunEvent::Exit => handle.state::<App>().close(),
                // A double click on an app that runs: macOS starts no second one.
                #[cfg(target_os = "macos")]
                RunEvent::Reopen { .. } => windows::show_main(handle),
                _ => {}
            });
            erase::finish();
            u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            tracing::error!(%error, "the app could not start");
            strings::tell_start_failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn started_again(app: &tauri::AppHandle, arguments: &[String]) {
    if arguments.iter().any(|argument| argument == QUICK) {
        windows::toggle_quick(app);
    } else {
        windows::show_main(app);
    }
}

//! Papr Desktop's shell: the file to open first. It puts together the engine, the commands that windows may
//! call, the tray, the global shortcut and the windows. Nothing here knows how search works: that is
//! `papr-engine`, behind [`app::App`].

mod app;
pub mod bridge;
mod commands;
mod door;
mod platform;
mod shortcut;
mod strings;
mod tray;
mod windows;

use std::process::ExitCode;

use tauri::async_runtime::spawn;
use tauri::{Manager, RunEvent};

/// See [`papr_engine::serve`]: `main` begins with it.
pub use papr_engine::serve;

use crate::app::App;

/// Runs the app until it is quit.
pub fn run() -> ExitCode {
    let bridge = bridge::builder();
    let built = tauri::Builder::default()
        // First of all plugins: a second start shows the first one's window and ends.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| windows::show_main(app)))
        .plugin(shortcut::plugin())
        .invoke_handler(bridge.invoke_handler())
        .on_window_event(windows::on_event)
        .setup(move |tauri| {
            bridge.mount_events(tauri);
            let handle = tauri.handle();
            tauri.manage(App::new(handle));
            shortcut::register(handle);
            let opens = handle.clone();
            spawn(async move { opens.state::<App>().open().await });
            tray::build(handle);
            platform::watch_system(handle);
            windows::show_main(handle);
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|handle, event| match event {
                RunEvent::Exit => handle.state::<App>().close(),
                // A double click on an app that runs: macOS starts no second one.
                #[cfg(target_os = "macos")]
                RunEvent::Reopen { .. } => windows::show_main(handle),
                _ => {}
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the app could not start");
            strings::tell_start_failed(&error);
            ExitCode::FAILURE
        }
    }
}

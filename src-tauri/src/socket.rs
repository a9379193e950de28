//! The app's socket: through it `papr` in a terminal has its commands carried out by the engine that is open here, and
//! asks for windows.

use std::path::Path;
use std::sync::Mutex;

use papr_ipc::{Caller, Handler, Invocation, Server, Window};
use tauri::async_runtime::block_on;
use tauri::{AppHandle, Manager};

use crate::app::App;
use crate::door::lock;
use crate::windows;

/// The exit code where the engine is not to be had.
const NO_ENGINE: u8 = 3;

/// What is listened on while the engine is open.
#[derive(Debug, Default)]
pub(crate) struct Socket(Mutex<Option<Server>>);

impl Socket {
    /// Listens for those who want the engine on `data`. Without it the app works, and `papr` says that the folder is
    /// in use.
    pub(crate) fn listen(&self, app: &AppHandle, data: &Path) {
        let mut server = lock(&self.0);
        // The place is free once the older one is gone.
        *server = None;
        *server = Server::bind(data, papr_cli::VERSION, Commands(app.clone()))
            .inspect_err(|error| tracing::warn!(%error, "commands of other processes cannot be taken"))
            .ok();
    }

    /// Takes no more commands, and cancels those that are under way.
    pub(crate) fn stop(&self) {
        *lock(&self.0) = None;
    }
}

struct Commands(AppHandle);

impl Handler for Commands {
    fn run(&self, invocation: Invocation, caller: &Caller) -> u8 {
        let asks = caller.clone();
        let app = self.0.state::<App>();
        let done = app.with_engine(move |engine| Ok(papr_cli::serve(engine, &invocation, &asks)));
        block_on(done).unwrap_or_else(|error| {
            // Nobody to tell, if it is gone.
            let _ = caller.errors(format!("papr: {}\n", error.message).as_bytes());
            NO_ENGINE
        })
    }

    fn show(&self, window: Window) {
        let app = self.0.clone();
        let shown = self.0.run_on_main_thread(move || match window {
            Window::Main => windows::show_main(&app),
            Window::Quick => windows::toggle_quick(&app),
        });
        if let Err(error) = shown {
            tracing::warn!(%error, "a window could not be asked for");
        }
    }
}

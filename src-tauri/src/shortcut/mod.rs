//! The global shortcut that toggles the quick window: taken at the start, and another one when a person records it.

#[cfg(not(target_os = "linux"))]
mod library;
#[cfg(target_os = "linux")]
mod x11;

use tauri::{AppHandle, Manager};
use tauri_plugin_global_shortcut::Shortcut as Keys;

#[cfg(not(target_os = "linux"))]
use library as system;
#[cfg(target_os = "linux")]
use x11 as system;

use crate::app::App;
use crate::bridge::{AppError, Shortcut};
use crate::strings::{self, fill};

/// Takes the shortcut that was chosen. If the system refuses, the app works without it and says so.
pub(crate) fn register(app: &AppHandle) {
    if let Err(error) = system::begin(app) {
        tracing::warn!(error, "there are no global shortcuts here");
    }
    let keys = app.state::<App>().desktop().get().shortcut;
    if let Err(error) = change(app, None, keys.as_deref()) {
        tracing::warn!(error = error.message, "the global shortcut was refused");
    }
}

/// Takes `new` and then lets go of `old`; if `new` is refused, `old` stays.
pub(crate) fn change(app: &AppHandle, old: Option<&str>, new: Option<&str>) -> Result<(), AppError> {
    let taken = new.map_or(Ok(()), |keys| take(app, keys));
    let strings = strings::now();
    if taken.is_ok() {
        let same = old.and_then(read).is_some_and(|old| new.and_then(read) == Some(old));
        if let Some(old) = old.and_then(read).filter(|_| !same)
            && let Err(error) = system::release(app, old)
        {
            // It was never registered, as on Wayland.
            tracing::debug!(error, "the old shortcut was not there");
        }
    } else if old.is_some() {
        // What worked before still does.
        return taken;
    }
    let problem = match (&taken, new) {
        (_, Some(_)) if on_wayland() => Some(strings.shortcut_wayland.clone()),
        (Err(_), _) => Some(strings.shortcut_taken.clone()),
        _ => None,
    };
    app.state::<App>().set_shortcut(Shortcut {
        keys: new.unwrap_or_default().to_owned(),
        registered: new.is_some() && problem.is_none(),
        problem,
    });
    taken
}

fn take(app: &AppHandle, keys: &str) -> Result<(), AppError> {
    let strings = strings::now();
    let say = |text: &str| fill(text, &[("keys", keys)]);
    let Some(parsed) = read(keys) else {
        return Err(AppError::refused(
            say(&strings.shortcut_unreadable),
            Some(strings.shortcut_unreadable_hint.clone()),
        ));
    };
    // On Wayland it would be granted and never heard of.
    if on_wayland() || system::holds(app, parsed) {
        return Ok(());
    }
    system::take(app, parsed).map_err(|error| {
        tracing::info!(error, keys, "a shortcut was refused");
        AppError::refused(say(&strings.shortcut_refused), Some(strings.shortcut_refused_hint.clone()))
    })
}

fn read(keys: &str) -> Option<Keys> {
    keys.parse().ok()
}

/// Registering succeeds on Wayland and never fires.
fn on_wayland() -> bool {
    cfg!(target_os = "linux")
        && std::env::var_os("WAYLAND_DISPLAY").is_some()
        && std::env::var_os("GDK_BACKEND").is_none_or(|backend| backend != "x11")
}

//! The tray: an icon that tells the state, and a menu that is a function of the status. A desktop without a tray is no
//! reason not to start.

mod menu;

use std::sync::Mutex;

use jiff::tz::TimeZone;
use tauri::async_runtime::spawn;
use tauri::image::Image;
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};
use tauri_specta::Event;

use self::menu::{Action, Entry, Look};
use crate::app::App;
use crate::bridge::{AppError, OpenView, Status};
use crate::door::lock;
use crate::{strings, windows};

#[cfg(target_os = "macos")]
macro_rules! icon {
    ($state:literal) => {
        include_bytes!(concat!("../../../icons/tray/", $state, "-mac.png"))
    };
}
#[cfg(not(target_os = "macos"))]
macro_rules! icon {
    ($state:literal) => {
        include_bytes!(concat!("../../../icons/tray/", $state, "-other.png"))
    };
}

fn icon(look: Look) -> &'static [u8] {
    match look {
        Look::Idle => icon!("idle"),
        Look::Syncing => icon!("syncing"),
        Look::Downloading => icon!("downloading"),
        Look::Attention => icon!("attention"),
        Look::Offline => icon!("offline"),
        Look::Paused => icon!("paused"),
    }
}

/// The icon and what it shows now.
pub(crate) struct Tray {
    icon: TrayIcon,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    look: Option<Look>,
    entries: Vec<Entry>,
    /// The lines with a text, in the order of the menu.
    lines: Vec<MenuItem<Wry>>,
}

/// Builds the icon; the menu comes with the first status.
pub(crate) fn build(app: &AppHandle) {
    match try_build(app) {
        Ok(icon) => {
            app.manage(Tray { icon, shown: Mutex::default() });
            update(app);
        }
        Err(error) => tracing::warn!(%error, "there is no tray here"),
    }
}

fn try_build(app: &AppHandle) -> tauri::Result<TrayIcon> {
    let mut tray = TrayIconBuilder::with_id("papr");
    // Linux reads the icon from a file, which stays when the app ends: among what is the app's own, and goes with it.
    if let Ok(cache) = app.path().app_cache_dir() {
        tray = tray.temp_dir_path(cache.join("tray"));
    }
    tray.icon(Image::from_bytes(icon(Look::Idle))?)
        .icon_as_template(true)
        .tooltip(&strings::now().app)
        // A click opens quick search, where the system tells of clicks; Linux does not.
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| chosen(app, event.id().as_ref()))
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                windows::toggle_quick(icon.app_handle());
            }
        })
        .build(app)
}

/// Shows the status as it is now, from any thread.
pub(crate) fn update(app: &AppHandle) {
    let handle = app.clone();
    let asked = app.run_on_main_thread(move || {
        let Some(tray) = handle.try_state::<Tray>() else { return };
        let status = handle.state::<App>().status();
        if let Err(error) = tray.show(&handle, &status) {
            tracing::warn!(%error, "the tray could not be changed");
        }
    });
    if let Err(error) = asked {
        tracing::debug!(%error, "the tray is gone");
    }
}

impl Tray {
    fn show(&self, app: &AppHandle, status: &Status) -> tauri::Result<()> {
        let strings = strings::now();
        let (look, entries) = (menu::look(status), menu::menu(status, &strings, &TimeZone::system()));
        let mut shown = lock(&self.shown);
        if shown.look != Some(look) {
            self.icon.set_icon_with_as_template(Some(Image::from_bytes(icon(look))?), true)?;
            self.icon.set_tooltip(Some(menu::tooltip(look, &strings)))?;
            shown.look = Some(look);
        }
        if shown.entries == entries {
            return Ok(());
        }
        if same_shape(&shown.entries, &entries) {
            // A menu that is open stays open.
            for (line, text) in shown.lines.iter().zip(texts(&entries)) {
                line.set_text(text)?;
            }
        } else {
            let mut lines = Vec::new();
            let menu = Menu::new(app)?;
            for entry in &entries {
                menu.append(made(app, entry, &mut lines)?.as_ref())?;
            }
            self.icon.set_menu(Some(menu))?;
            shown.lines = lines;
        }
        shown.entries = entries;
        Ok(())
    }

    fn action(&self, id: &str) -> Option<Action> {
        fn find<'a>(entries: &'a [Entry], id: &str) -> Option<&'a Action> {
            entries.iter().find_map(|entry| match entry {
                Entry::Item(_, Some(action)) if self::id(action) == id => Some(action),
                Entry::Group(_, inner) => find(inner, id),
                _ => None,
            })
        }
        find(&lock(&self.shown).entries, id).cloned()
    }
}

/// What a line is known by: what it does.
fn id(action: &Action) -> String {
    format!("{action:?}")
}

/// Makes an entry, and notes the lines with a text.
fn made(
    app: &AppHandle,
    entry: &Entry,
    lines: &mut Vec<MenuItem<Wry>>,
) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
    Ok(match entry {
        Entry::Line => Box::new(PredefinedMenuItem::separator(app)?),
        Entry::Item(text, action) => {
            let line = match action {
                Some(action) => MenuItem::with_id(app, id(action), text, true, None::<&str>)?,
                None => MenuItem::new(app, text, false, None::<&str>)?,
            };
            lines.push(line.clone());
            Box::new(line)
        }
        Entry::Group(text, inner) => {
            let group = Submenu::new(app, text, true)?;
            for entry in inner {
                group.append(made(app, entry, lines)?.as_ref())?;
            }
            Box::new(group)
        }
    })
}

/// Whether the same lines do the same, in the same order, whatever they say. The name of a group is part of the shape:
/// under GTK it cannot be changed.
fn same_shape(before: &[Entry], after: &[Entry]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|pair| match pair {
            (Entry::Line, Entry::Line) => true,
            (Entry::Item(_, before), Entry::Item(_, after)) => before == after,
            (Entry::Group(name, before), Entry::Group(other, after)) => {
                name == other && same_shape(before, after)
            }
            _ => false,
        })
}

/// The texts of the lines in the order of the menu.
fn texts(entries: &[Entry]) -> Vec<&str> {
    let mut texts = Vec::new();
    for entry in entries {
        match entry {
            Entry::Line => {}
            Entry::Item(text, _) => texts.push(text.as_str()),
            Entry::Group(_, inner) => texts.extend(self::texts(inner)),
        }
    }
    texts
}

fn chosen(app: &AppHandle, id: &str) {
    let Some(action) = app.try_state::<Tray>().and_then(|tray| tray.action(id)) else { return };
    match action {
        Action::Quick => windows::toggle_quick(app),
        Action::Open => windows::show_main(app),
        Action::View(view) => {
            windows::show_main(app);
            if let Err(error) = OpenView(view).emit(app) {
                tracing::warn!(%error, "a view could not be asked for");
            }
        }
        Action::Quit => app.exit(0),
        Action::Sync
        | Action::PauseSync(_)
        | Action::PauseDownload(_)
        | Action::Download(_)
        | Action::CancelDownload(_) => {
            let app = app.clone();
            spawn(async move {
                if let Err(error) = work(&app, action).await {
                    // The status tells it too, in the menu and in the windows.
                    tracing::warn!(error = error.message, "what the tray was asked for failed");
                }
            });
        }
    }
}

async fn work(app: &AppHandle, action: Action) -> Result<(), AppError> {
    let work = move |engine: &papr_engine::Engine| match &action {
        Action::Sync => engine.ask_for_sync(false),
        Action::PauseSync(paused) => engine.pause_sync(*paused),
        Action::PauseDownload(model) => {
            engine.pause_download(model);
            Ok(())
        }
        Action::Download(model) => engine.install_model(model),
        Action::CancelDownload(model) => engine.cancel_download(model),
        Action::Quick | Action::Open | Action::View(_) | Action::Quit => Ok(()),
    };
    app.state::<App>().with_engine(work).await
}

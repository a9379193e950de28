//! Choices, read from and written to where each belongs: the engine's settings, the desktop's file, or the system.

use papr_engine::{Choices, DeviceChoice, Engine};
use tauri::async_runtime::spawn_blocking;
use tauri_plugin_autostart::ManagerExt;
use tauri_specta::Event;

use crate::app::App;
use crate::bridge::{AppError, Settings, SettingsChange, SettingsChanged};
use crate::{shortcut, strings, tray};

/// What can run a model here, beside what is chosen by trial.
#[cfg(target_os = "macos")]
const DEVICES: &[&str] = &["auto", "coreml", "cpu", "off"];
#[cfg(windows)]
const DEVICES: &[&str] = &["auto", "directml", "cuda", "cpu", "off"];
#[cfg(not(any(target_os = "macos", windows)))]
const DEVICES: &[&str] = &["auto", "cuda", "cpu", "off"];

/// Everything that can be chosen, as it is.
pub(crate) async fn read(app: &App) -> Result<Settings, AppError> {
    let (engine, damaged) =
        app.with_engine(|engine| Ok((engine.settings(), engine.settings_damaged()))).await?;
    let desktop = app.desktop().get();
    let handle = app.handle().clone();
    // Asks the system, which may read files.
    let launch_at_login = spawn_blocking(move || handle.autolaunch().is_enabled().ok()).await.ok().flatten();
    let damaged = damaged.or_else(|| app.desktop().damaged.clone());
    Ok(Settings {
        shortcut: desktop.shortcut,
        launch_at_login,
        start_hidden: desktop.start_hidden,
        close_to_tray: desktop.close_to_tray,
        notifications: desktop.notifications,
        theme: desktop.theme,
        language: desktop.language,
        results: engine.results,
        quick: desktop.quick,
        recent_first: engine.recent_first,
        goals_first: engine.goals_first,
        device: engine.device.to_string(),
        devices: DEVICES.iter().map(ToString::to_string).collect(),
        unload_minutes: engine.unload_minutes,
        sync_minutes: engine.sync_minutes,
        operations_per_month: u32::try_from(engine.operations_per_month).unwrap_or(u32::MAX),
        local_only: engine.local_only,
        ledger_days: engine.ledger_days,
        pinned: desktop.pinned,
        first_run_done: desktop.first_run_done,
        damaged: damaged.map(|path| path.display().to_string()),
    })
}

/// Changes some of it. What can be refused comes first; once something was taken, nothing after it can fail but the
/// disk.
pub(crate) async fn change(app: &App, change: SettingsChange) -> Result<Settings, AppError> {
    let choices = choices(&change)?;
    let before = app.desktop().get();
    // No keys at all switch it off.
    let keys = change.shortcut.as_deref().filter(|keys| !keys.is_empty());
    if change.shortcut.is_some() {
        shortcut::change(app.handle(), before.shortcut.as_deref(), keys)?;
    }
    let done = take(app, &change, keys, choices).await;
    // Back to what was there; it was free a moment ago.
    if done.is_err()
        && change.shortcut.is_some()
        && let Err(error) = shortcut::change(app.handle(), keys, before.shortcut.as_deref())
    {
        tracing::warn!(error = error.message, "the shortcut could not be put back");
    }
    done?;
    told(app).await
}

/// Tells all windows and the tray, and returns what holds now.
pub(crate) async fn told(app: &App) -> Result<Settings, AppError> {
    let settings = read(app).await?;
    if let Err(error) = SettingsChanged(settings.clone()).emit(app.handle()) {
        tracing::warn!(%error, "a choice could not be told");
    }
    tray::update(app.handle());
    Ok(settings)
}

async fn take(
    app: &App,
    change: &SettingsChange,
    keys: Option<&str>,
    choices: Choices,
) -> Result<(), AppError> {
    let was_on = match change.launch_at_login {
        Some(on) => launch_at_login(app, on).await?,
        None => None,
    };
    if let Err(refused) = app.with_engine(move |engine: &Engine| engine.choose(&choices)).await {
        if let Some(on) = was_on {
            launch_at_login(app, on).await?;
        }
        return Err(refused);
    }
    app.desktop().change(|desktop| {
        if change.shortcut.is_some() {
            desktop.shortcut = keys.map(str::to_owned);
        }
        set(&mut desktop.start_hidden, change.start_hidden);
        set(&mut desktop.close_to_tray, change.close_to_tray);
        set(&mut desktop.notifications, change.notifications);
        set(&mut desktop.theme, change.theme);
        set(&mut desktop.language, change.language);
        set(&mut desktop.quick, change.quick);
        set(&mut desktop.first_run_done, change.first_run_done);
    })?;
    strings::choose(app.desktop().get().language);
    Ok(())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn choices(change: &SettingsChange) -> Result<Choices, AppError> {
    let device = change.device.as_deref().map(str::parse::<DeviceChoice>).transpose();
    Ok(Choices {
        device: device.map_err(|error| AppError::invalid(error.to_string()))?,
        unload_minutes: change.unload_minutes,
        recent_first: change.recent_first,
        goals_first: change.goals_first,
        sync_minutes: change.sync_minutes,
        operations_per_month: change.operations_per_month.map(u64::from),
        ledger_days: change.ledger_days,
        results: change.results,
    })
}

/// Has the system start the app at login, or no more; returns how it was.
async fn launch_at_login(app: &App, on: bool) -> Result<Option<bool>, AppError> {
    let handle = app.handle().clone();
    let done = spawn_blocking(move || {
        let login = handle.autolaunch();
        let before = login.is_enabled().ok();
        if on { login.enable() } else { login.disable() }.map(|()| before)
    });
    done.await.map_err(|error| AppError::internal(&error))?.map_err(|error| {
        let strings = strings::now();
        let message = strings::fill(&strings.autostart_refused, &[("reason", &error.to_string())]);
        AppError::refused(message, Some(strings.autostart_refused_hint.clone()))
    })
}

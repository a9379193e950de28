//! Notifications: few, and only of what a person would want to be called for while no window of the app is in front.

use tauri::{AppHandle, Manager, WebviewWindow};
use tauri_plugin_notification::NotificationExt;

use crate::app::App;
use crate::bridge::{DownloadState, ModelState, Status};
use crate::strings::{self, Strings, fill, plural};

/// A title and a sentence.
pub(crate) type News = (String, String);

/// What the step from one status to the next is worth telling.
pub(crate) fn news(before: &Status, after: &Status, strings: &Strings) -> Option<News> {
    // The new model serves a moment before the change to it is over.
    let awaited = before.switch.as_ref().is_some_and(|switch| after.model.id.as_ref() == Some(&switch.model));
    if awaited && before.model.id != after.model.id && after.model.state == ModelState::Ready {
        let name = after.model.name.as_deref().unwrap_or_default();
        return Some((strings.model_ready_title.clone(), fill(&strings.model_ready_body, &[("name", name)])));
    }
    let failed = |status: &Status, model: &str| {
        status.downloads.iter().any(|one| one.model == model && one.state == DownloadState::Failed)
    };
    let fresh = after.downloads.iter().find(|one| failed(after, &one.model) && !failed(before, &one.model));
    if let Some(error) = fresh.and_then(|download| download.error.as_ref()) {
        return Some((strings.download_failed_title.clone(), error.message.clone()));
    }
    if after.sync.conflicts > before.sync.conflicts {
        let text = plural(
            after.sync.conflicts,
            &strings.sync_needs_conflicts_one,
            &strings.sync_needs_conflicts_other,
        );
        return Some((strings.sync_needs_title.clone(), text));
    }
    let problem = after.sync.error.as_ref().filter(|error| !error.retryable);
    let told = before.sync.error.as_ref();
    problem
        .filter(|problem| told.is_none_or(|told| told.code != problem.code))
        .map(|problem| (strings.sync_needs_title.clone(), problem.message.clone()))
}

/// Tells it, unless the person is looking or wants no notifications.
pub(crate) fn tell(app: &AppHandle, (title, body): News) {
    // GTK takes a window that was hidden while it had the keyboard for one that still has it.
    let looked_at =
        |window: &WebviewWindow| window.is_visible().unwrap_or(false) && window.is_focused().unwrap_or(false);
    let looking = || app.webview_windows().values().any(looked_at);
    if !app.state::<App>().desktop().get().notifications || looking() {
        return;
    }
    show(app, &title, &body);
}

/// Tells once that closing the main window leaves the app running.
pub(crate) fn tell_closed(app: &AppHandle) {
    let desktop = app.state::<App>().desktop().get();
    if desktop.close_told || !desktop.notifications {
        return;
    }
    if let Err(error) = app.state::<App>().desktop().change(|desktop| desktop.close_told = true) {
        tracing::warn!(error = error.message, "it may be told again");
    }
    let strings = strings::now();
    show(app, &strings.closed_title, &strings.closed_body);
}

fn show(app: &AppHandle, title: &str, body: &str) {
    if let Err(error) = app.notification().builder().title(title).body(body).show() {
        tracing::debug!(%error, "the system shows no notifications");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{AppError, ErrorCode, Shortcut, Switch};
    use crate::door::State;

    fn strings() -> Strings {
        serde_json::from_str(include_str!("../strings/en.json")).unwrap()
    }

    fn status() -> Status {
        let mut status = Status::new(&State::Opening(Vec::new()), String::new(), Shortcut::default());
        status.model.state = ModelState::Ready;
        status.model.id = Some("old".to_owned());
        status
    }

    fn refused(retryable: bool) -> AppError {
        AppError { code: ErrorCode::Unauthorised, message: "the key".to_owned(), hint: None, retryable }
    }

    #[test]
    fn a_new_model_is_told_once_it_serves() {
        let mut before = status();
        before.switch = Some(Switch {
            model: "new".to_owned(),
            name: "New".to_owned(),
            done: 1,
            total: 2,
            paused: false,
            eta_s: None,
            error: None,
        });
        let mut after = status();
        assert_eq!(news(&before, &after, &strings()), None, "going back is no news");
        after.switch.clone_from(&before.switch);
        after.model.id = Some("new".to_owned());
        after.model.name = Some("New".to_owned());
        assert_eq!(news(&before, &after, &strings()).unwrap().1, "New now finds your memories.");
        let mut over = after.clone();
        over.switch = None;
        assert_eq!(news(&after, &over, &strings()), None, "told once");
        assert!(news(&before, &over, &strings()).is_some(), "also if both are seen at once");
    }

    #[test]
    fn sync_calls_only_when_it_needs_a_person() {
        let (before, mut after) = (status(), status());
        after.sync.error = Some(refused(true));
        assert_eq!(news(&before, &after, &strings()), None, "it tries again by itself");
        after.sync.error = Some(refused(false));
        assert!(news(&before, &after, &strings()).is_some());
        assert_eq!(news(&after, &after, &strings()), None, "the same thing is not told again");
        let mut conflicts = status();
        conflicts.sync.conflicts = 1;
        assert!(news(&before, &conflicts, &strings()).unwrap().1.starts_with("1 memory"));
        assert_eq!(news(&conflicts, &before, &strings()), None, "what is resolved is no news");
    }
}

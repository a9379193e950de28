//! What the tray shows, worked out from the status alone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::bridge::{
    AppError, AppState, Download, DownloadState, MainView, ModelState, Phase, Status, SyncPhase,
};
use crate::strings::{Strings, fill, plural};

/// The longest text of an entry.
const LONGEST: usize = 80;

/// What the icon tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Idle,
    Syncing,
    Downloading,
    Attention,
    Offline,
    Paused,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Quick,
    Open,
    View(MainView),
    Sync,
    PauseSync(bool),
    PauseDownload(String),
    Download(String),
    CancelDownload(String),
    Quit,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Does something; nothing, and is grey, without an action.
    Item(String, Option<Action>),
    /// Opens more lines.
    Group(String, Vec<Entry>),
    Line,
}

/// What the icon tells of a status: what needs a person before what is under way.
pub(crate) fn look(status: &Status) -> Look {
    let loading = |download: &Download| download.state == DownloadState::Running;
    match status.sync.phase {
        _ if status.state == AppState::Failed || status.fatal.is_some() => Look::Attention,
        SyncPhase::Attention => Look::Attention,
        _ if status.model.state == ModelState::Failed => Look::Attention,
        _ if status.downloads.iter().any(|download| download.state == DownloadState::Failed) => {
            Look::Attention
        }
        _ if status.downloads.iter().any(loading) => Look::Downloading,
        SyncPhase::Syncing => Look::Syncing,
        SyncPhase::Offline => Look::Offline,
        SyncPhase::Paused => Look::Paused,
        _ => Look::Idle,
    }
}

/// What the pointer is told over the icon.
pub(crate) fn tooltip(look: Look, strings: &Strings) -> &str {
    match look {
        Look::Idle => &strings.state_idle,
        Look::Syncing => &strings.state_syncing,
        Look::Downloading => &strings.state_downloading,
        Look::Attention => &strings.state_attention,
        Look::Offline => &strings.state_offline,
        Look::Paused => &strings.state_paused,
    }
}

/// The whole menu.
pub(crate) fn menu(status: &Status, strings: &Strings, zone: &TimeZone) -> Vec<Entry> {
    let mut menu =
        vec![item(&strings.tray_quick, Action::Quick), item(&strings.tray_open, Action::Open), Entry::Line];
    menu.extend(sync(status, strings, zone));
    menu.push(Entry::Line);
    menu.push(model(status, strings));
    menu.extend(status.downloads.iter().flat_map(|one| download(one, strings)));
    let problems = problems(status, strings);
    if !problems.is_empty() {
        menu.extend([Entry::Line, Entry::Group(strings.tray_problems.clone(), problems)]);
    }
    menu.extend([
        Entry::Line,
        item(&strings.tray_settings, Action::View(MainView::Settings)),
        item(&strings.tray_quit, Action::Quit),
    ]);
    menu
}

fn item(text: &str, action: Action) -> Entry {
    Entry::Item(text.to_owned(), Some(action))
}

fn sync(status: &Status, strings: &Strings, zone: &TimeZone) -> Vec<Entry> {
    let sync = &status.sync;
    let last = sync.succeeded_at.as_deref().and_then(|at| when(at, zone));
    let now = match last {
        Some(when) => fill(&strings.tray_sync_last, &[("when", &when)]),
        None => strings.tray_sync.clone(),
    };
    let mut entries = Vec::new();
    match sync.phase {
        SyncPhase::SignedOut => {
            entries.push(item(&strings.tray_sign_in, Action::View(MainView::Sync)));
            return entries;
        }
        // The Privacy view is where it is switched off.
        SyncPhase::LocalOnly => {
            entries.push(Entry::Item(now, None));
            return entries;
        }
        SyncPhase::Syncing => entries.push(Entry::Item(strings.tray_syncing.clone(), None)),
        _ => entries.push(item(&now, Action::Sync)),
    }
    let pause = if sync.paused { &strings.tray_resume } else { &strings.tray_pause };
    entries.push(item(pause, Action::PauseSync(!sync.paused)));
    entries
}

/// The time of day, or the day if it was another one.
fn when(at: &str, zone: &TimeZone) -> Option<String> {
    let at = at.parse::<Timestamp>().ok()?.to_zoned(zone.clone());
    Some(at.strftime("%Y-%m-%d %H:%M").to_string())
}

fn model(status: &Status, strings: &Strings) -> Entry {
    let model = &status.model;
    let text = match model.state {
        ModelState::Ready => fill(
            &strings.tray_model,
            &[
                ("name", model.name.as_deref().unwrap_or_default()),
                ("device", model.provider.as_deref().unwrap_or_default()),
            ],
        ),
        ModelState::Loading => strings.tray_model_loading.clone(),
        ModelState::Missing => strings.tray_model_missing.clone(),
        ModelState::Failed => strings.tray_model_failed.clone(),
    };
    item(&shortened(&text), Action::View(MainView::Models))
}

/// Lines of their own, and no group: under GTK the name of a group stays what it was when the menu was made, and the
/// percentage with it.
fn download(download: &Download, strings: &Strings) -> [Entry; 3] {
    let name = download.model.as_str();
    let percent = (u64::from(download.kilobytes_done) * 100) / u64::from(download.kilobytes_total.max(1));
    let percent = percent.min(100).to_string();
    let say = |text: &str| fill(text, &[("name", name), ("percent", &percent)]);
    let (text, first) = match (download.state, download.phase) {
        (DownloadState::Failed, _) => (
            say(&strings.tray_download_failed),
            (&strings.tray_download_retry, Action::Download(name.to_owned())),
        ),
        (DownloadState::Paused, _) => (
            say(&strings.tray_download_paused),
            (&strings.tray_download_resume, Action::Download(name.to_owned())),
        ),
        (DownloadState::Running, phase) => {
            let text = match phase {
                Phase::Downloading => &strings.tray_download,
                Phase::Checking | Phase::Verifying => &strings.tray_verifying,
                Phase::Installing => &strings.tray_installing,
            };
            (say(text), (&strings.tray_download_pause, Action::PauseDownload(name.to_owned())))
        }
    };
    [
        item(&shortened(&text), Action::View(MainView::Models)),
        item(&shortened(&say(first.0)), first.1),
        item(&shortened(&say(&strings.tray_download_cancel)), Action::CancelDownload(name.to_owned())),
    ]
}

/// What went wrong lately and was not mended, each leading to where it can be.
fn problems(status: &Status, strings: &Strings) -> Vec<Entry> {
    let mut problems = Vec::new();
    let mut tell = |error: Option<&AppError>, view| {
        problems.extend(error.map(|error| item(&shortened(&error.message), Action::View(view))));
    };
    tell(status.fatal.as_ref(), MainView::Search);
    tell(status.sync.error.as_ref(), MainView::Sync);
    if status.model.state == ModelState::Failed {
        tell(status.model.error.as_ref(), MainView::Models);
    }
    for download in &status.downloads {
        tell(download.error.as_ref(), MainView::Models);
    }
    if status.sync.conflicts > 0 {
        let text = plural(status.sync.conflicts, &strings.tray_conflicts_one, &strings.tray_conflicts_other);
        problems.push(item(&text, Action::View(MainView::Sync)));
    }
    problems
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{ErrorCode, Shortcut};
    use crate::door::State;

    fn strings() -> Strings {
        serde_json::from_str(include_str!("../../strings/en.json")).unwrap()
    }

    fn status() -> Status {
        let mut status = Status::new(&State::Opening(Vec::new()), String::new(), Shortcut::default());
        status.state = AppState::Open;
        status.model.state = ModelState::Ready;
        status.model.name = Some("Mini".to_owned());
        status.model.provider = Some("CPU".to_owned());
        status
    }

    fn error(message: &str) -> AppError {
        AppError { code: ErrorCode::Offline, message: message.to_owned(), hint: None, retryable: true }
    }

    fn download(state: DownloadState, phase: Phase) -> Download {
        Download {
            model: "mini".to_owned(),
            state,
            phase,
            kilobytes_done: 371,
            kilobytes_total: 1000,
            kilobytes_per_second: None,
            eta_s: None,
            error: None,
        }
    }

    /// Everything that is said, groups included.
    fn said(entries: &[Entry]) -> Vec<(String, Option<Action>)> {
        let mut said = Vec::new();
        for entry in entries {
            match entry {
                Entry::Line => {}
                Entry::Item(text, action) => said.push((text.clone(), action.clone())),
                Entry::Group(text, inner) => {
                    said.push((text.clone(), None));
                    said.extend(self::said(inner));
                }
            }
        }
        said
    }

    fn shown(status: &Status) -> Vec<(String, Option<Action>)> {
        said(&menu(status, &strings(), &TimeZone::UTC))
    }

    fn says(status: &Status, text: &str) -> bool {
        shown(status).iter().any(|(said, _)| said == text)
    }

    /// What the entry with this text does.
    fn find(status: &Status, text: &str) -> Option<Action> {
        shown(status).into_iter().find(|(said, _)| said == text).and_then(|(_, action)| action)
    }

    #[test]
    fn quick_search_open_settings_and_quit_are_always_there() {
        let opening = Status::new(&State::Opening(Vec::new()), String::new(), Shortcut::default());
        for status in [opening, status()] {
            let actions: Vec<_> = shown(&status).into_iter().filter_map(|(_, action)| action).collect();
            for action in [Action::Quick, Action::Open, Action::View(MainView::Settings), Action::Quit] {
                assert_eq!(actions.iter().filter(|&other| *other == action).count(), 1, "{action:?} once");
            }
        }
    }

    #[test]
    fn sync_says_when_it_last_went_through() {
        let mut status = status();
        assert_eq!(find(&status, "Sign in to sync…"), Some(Action::View(MainView::Sync)), "nobody signed in");
        status.sync.phase = SyncPhase::Idle;
        assert_eq!(find(&status, "Sync now"), Some(Action::Sync), "never synced yet");
        status.sync.succeeded_at = Some("2026-03-04T05:06:07Z".to_owned());
        assert_eq!(find(&status, "Sync now (last 2026-03-04 05:06)"), Some(Action::Sync));
        assert_eq!(find(&status, "Pause sync"), Some(Action::PauseSync(true)));
        status.sync.paused = true;
        assert_eq!(find(&status, "Resume sync"), Some(Action::PauseSync(false)));
        status.sync.phase = SyncPhase::Syncing;
        assert!(says(&status, "Syncing…"), "{:?}", shown(&status));
        assert_eq!(find(&status, "Syncing…"), None, "one at a time");
        status.sync.phase = SyncPhase::LocalOnly;
        assert!(
            shown(&status).iter().all(|(_, action)| *action != Some(Action::Sync)),
            "nothing leaves the device"
        );
    }

    #[test]
    fn a_download_can_be_held_resumed_and_given_up() {
        let mut status = status();
        status.downloads = vec![download(DownloadState::Running, Phase::Downloading)];
        assert!(says(&status, "Downloading mini: 37 %"), "{:?}", shown(&status));
        assert_eq!(find(&status, "Pause mini"), Some(Action::PauseDownload("mini".to_owned())));
        assert_eq!(find(&status, "Cancel mini"), Some(Action::CancelDownload("mini".to_owned())));
        assert_eq!(look(&status), Look::Downloading);
        status.downloads = vec![download(DownloadState::Paused, Phase::Downloading)];
        assert_eq!(find(&status, "Resume mini"), Some(Action::Download("mini".to_owned())));
        assert_eq!(look(&status), Look::Idle, "what a person paused needs nobody");
        status.downloads = vec![download(DownloadState::Failed, Phase::Verifying)];
        status.downloads[0].error = Some(error("wrong bytes"));
        assert_eq!(find(&status, "Try mini again"), Some(Action::Download("mini".to_owned())));
        assert_eq!(find(&status, "wrong bytes"), Some(Action::View(MainView::Models)), "and why");
        assert_eq!(look(&status), Look::Attention);
        status.downloads[0].kilobytes_total = 0;
        assert!(!shown(&status).is_empty(), "a size that is not known yet divides nothing");
    }

    #[test]
    fn what_needs_a_person_comes_before_what_is_under_way() {
        let mut status = status();
        for (phase, expected) in [
            (SyncPhase::Idle, Look::Idle),
            (SyncPhase::Syncing, Look::Syncing),
            (SyncPhase::Offline, Look::Offline),
            (SyncPhase::Paused, Look::Paused),
            (SyncPhase::Attention, Look::Attention),
            (SyncPhase::LocalOnly, Look::Idle),
        ] {
            status.sync.phase = phase;
            assert_eq!(look(&status), expected, "{phase:?}");
        }
        status.downloads = vec![download(DownloadState::Running, Phase::Downloading)];
        status.sync.phase = SyncPhase::Attention;
        assert_eq!(look(&status), Look::Attention);
        status.sync.phase = SyncPhase::Syncing;
        assert_eq!(look(&status), Look::Downloading);
        status.model.state = ModelState::Failed;
        assert_eq!(look(&status), Look::Attention, "search goes by words only");
    }

    #[test]
    fn conflicts_and_problems_lead_to_where_they_are_mended() {
        let mut status = status();
        status.sync.conflicts = 2;
        status.sync.error = Some(error(&"x".repeat(300)));
        assert_eq!(find(&status, "2 conflicts to decide"), Some(Action::View(MainView::Sync)));
        let longest = shown(&status).into_iter().map(|(text, _)| text.chars().count()).max();
        assert_eq!(longest, Some(LONGEST), "a menu as wide as the screen is none");
    }

    #[test]
    fn no_status_says_the_same_thing_twice_in_a_menu() {
        let mut status = status();
        status.sync.phase = SyncPhase::Idle;
        let mut texts: Vec<_> = shown(&status).into_iter().map(|(text, _)| text).collect();
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all, "each entry is told apart by its words");
    }
}

//! The words of the tray, notifications and the system's own surfaces, one file a language in `src-tauri/strings`.
//! What stands in windows is in `ui/src/strings`.

use std::io::Write;
use std::sync::{Arc, LazyLock, RwLock};

use serde::Deserialize;

use crate::bridge::Language;

/// All texts of one language. A text with `{name}` in it is filled in by [`fill`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the English file says what each is
pub(crate) struct Strings {
    pub(crate) app: String,
    pub(crate) tray_quick: String,
    pub(crate) tray_open: String,
    pub(crate) tray_sync: String,
    pub(crate) tray_sync_last: String,
    pub(crate) tray_syncing: String,
    pub(crate) tray_sign_in: String,
    pub(crate) tray_pause: String,
    pub(crate) tray_resume: String,
    pub(crate) tray_model: String,
    pub(crate) tray_model_loading: String,
    pub(crate) tray_model_missing: String,
    pub(crate) tray_model_failed: String,
    pub(crate) tray_download: String,
    pub(crate) tray_verifying: String,
    pub(crate) tray_installing: String,
    pub(crate) tray_download_paused: String,
    pub(crate) tray_download_failed: String,
    pub(crate) tray_download_pause: String,
    pub(crate) tray_download_resume: String,
    pub(crate) tray_download_retry: String,
    pub(crate) tray_download_cancel: String,
    pub(crate) tray_problems: String,
    pub(crate) tray_conflicts_one: String,
    pub(crate) tray_conflicts_other: String,
    pub(crate) tray_settings: String,
    pub(crate) tray_quit: String,
    pub(crate) state_idle: String,
    pub(crate) state_syncing: String,
    pub(crate) state_downloading: String,
    pub(crate) state_attention: String,
    pub(crate) state_offline: String,
    pub(crate) state_paused: String,
    pub(crate) shortcut_taken: String,
    pub(crate) shortcut_wayland: String,
    pub(crate) shortcut_unreadable: String,
    pub(crate) shortcut_unreadable_hint: String,
    pub(crate) shortcut_refused: String,
    pub(crate) shortcut_refused_hint: String,
    pub(crate) autostart_refused: String,
    pub(crate) autostart_refused_hint: String,
    pub(crate) link_refused: String,
    pub(crate) folder_not_whole: String,
    pub(crate) not_confirmed: String,
    pub(crate) erase_left: String,
    pub(crate) erase_left_hint: String,
    pub(crate) closed_title: String,
    pub(crate) closed_body: String,
    pub(crate) model_ready_title: String,
    pub(crate) model_ready_body: String,
    pub(crate) download_failed_title: String,
    pub(crate) sync_needs_title: String,
    pub(crate) sync_needs_conflicts_one: String,
    pub(crate) sync_needs_conflicts_other: String,
    pub(crate) start_failed: String,
}

static NOW: LazyLock<RwLock<Arc<Strings>>> = LazyLock::new(|| RwLock::new(read(Language::System)));

/// The texts of the language that was chosen.
pub(crate) fn now() -> Arc<Strings> {
    NOW.read().map_or_else(|_| read(Language::En), |strings| Arc::clone(&strings))
}

/// Chooses a language.
pub(crate) fn choose(language: Language) {
    if let Ok(mut now) = NOW.write() {
        *now = read(language);
    }
}

fn read(language: Language) -> Arc<Strings> {
    let german = match language {
        Language::De => true,
        Language::En => false,
        Language::System => sys_locale::get_locale().is_some_and(|locale| is_german(&locale)),
    };
    let file = if german { include_str!("../strings/de.json") } else { include_str!("../strings/en.json") };
    // A test reads both.
    Arc::new(serde_json::from_str(file).unwrap_or_default())
}

/// `de`, `de-AT`, `de_DE.UTF-8`.
fn is_german(locale: &str) -> bool {
    locale.split(['-', '_', '.']).next().is_some_and(|tag| tag.eq_ignore_ascii_case("de"))
}

/// A text with its gaps filled in.
pub(crate) fn fill(text: &str, gaps: &[(&str, &str)]) -> String {
    gaps.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// One form for 1, the other for the rest: the rule of both languages.
pub(crate) fn plural(n: u32, one: &str, other: &str) -> String {
    fill(if n == 1 { one } else { other }, &[("n", &n.to_string())])
}

/// Tells on standard error that there will be no window to tell it in.
pub(crate) fn tell_start_failed(error: &tauri::Error) {
    let text = fill(&now().start_failed, &[("reason", &error.to_string())]);
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const FILES: [&str; 2] = [include_str!("../strings/en.json"), include_str!("../strings/de.json")];

    fn gaps(text: &str) -> Vec<&str> {
        let mut gaps: Vec<_> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(gap, _)| gap).collect();
        gaps.sort_unstable();
        gaps
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let [english, german] =
            FILES.map(|file| serde_json::from_str::<BTreeMap<String, String>>(file).unwrap());
        for file in FILES {
            // Fails on a text that is missing or that nobody uses.
            serde_json::from_str::<Strings>(file).unwrap();
        }
        for (key, text) in &english {
            assert_eq!(gaps(text), gaps(&german[key]), "what is filled in at {key} is the same in both");
            assert!(!german[key].is_empty(), "{key} says something");
        }
    }

    #[test]
    fn the_language_of_the_system_is_known_by_its_first_part() {
        for german in ["de", "de-AT", "de_DE.UTF-8", "DE-ch"] {
            assert!(is_german(german), "{german}");
        }
        for other in ["en", "den-Latn", "nds", "", "C.UTF-8"] {
            assert!(!is_german(other), "{other} is none: English stands in");
        }
    }

    #[test]
    fn gaps_are_filled_and_plurals_chosen() {
        assert_eq!(fill("{name}: {percent} %", &[("name", "Mini"), ("percent", "7")]), "Mini: 7 %");
        assert_eq!(plural(1, "1 conflict", "{n} conflicts"), "1 conflict");
        assert_eq!(plural(0, "1 conflict", "{n} conflicts"), "0 conflicts");
    }
}

//! A text about how the app is doing, to be copied and sent to somebody: no text of a memory, no key, no account, and
//! no name of the person in a path. It costs no long check; those are the doctor's.

use std::fmt::Write;
use std::path::Path;

use papr_memory::CancelToken;

use crate::doctor::{Looks, Verdict, caches, device, disk, megabytes, memory};
use crate::{Engine, Error, Settings};

impl Engine {
    /// Tells the version, the machine, the model and its device, counts, sizes, how far the index and sync are, and the
    /// settings.
    pub fn diagnostics(&self) -> Result<String, Error> {
        let status = self.status();
        let mut text =
            format!("Papr Desktop {}\n{}, {}\n", env!("CARGO_PKG_VERSION"), papr_embed::machine(), system());
        let mut tell = |name: &str, detail: String| {
            let mut lines = detail.lines();
            let _ = writeln!(text, "{name:<12} {}", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(text, "{:<12} {line}", "");
            }
        };
        tell("processor", features().join(" "));
        let looks: [(&str, Looks); 4] =
            [("memory", memory), ("disk", disk), ("caches", caches), ("device", device)];
        for (name, look) in looks {
            let (verdict, detail) = look(self, &CancelToken::new());
            let mark = if verdict == Verdict::Good { String::new() } else { format!("{verdict}: ") };
            tell(name, format!("{mark}{detail}"));
        }
        let resources = &self.shared.resources;
        let library = if resources.runtime_library.is_file() { "there" } else { "missing" };
        tell("runtime", format!("{} is {library}", resources.runtime_library.display()));
        let model = &status.model;
        let problem = model.problem.as_ref().map(|problem| format!(", {:?}", problem.code));
        tell(
            "model",
            format!(
                "{} {:?}{}, {} dims, loaded in {} ms, a query {:.1} ms (95th percentile {:.1})",
                model.id.as_deref().unwrap_or("none"),
                model.state,
                problem.unwrap_or_default(),
                model.dims.unwrap_or_default(),
                model.load_ms.unwrap_or_default(),
                model.p50_ms.unwrap_or_default(),
                model.p95_ms.unwrap_or_default()
            ),
        );
        let counts = status.counts;
        tell(
            "memories",
            format!(
                "{} goals, {} memories, {} of them samples; {} without a vector yet, {} without one for good",
                counts.goals, counts.memories, status.samples, status.pending, status.unembeddable
            ),
        );
        let problem = status.problem.as_ref().map(|problem| format!(", {:?}", problem.code));
        let graphs = status.graphs.map(|graphs| format!(", graphs {} of {}", graphs.done, graphs.of));
        tell(
            "index",
            format!("{:?}{}{}", status.index, problem.unwrap_or_default(), graphs.unwrap_or_default()),
        );
        let sizes = self.data_sizes()?;
        let parts = [
            ("memories", sizes.memories),
            ("backups", sizes.backups),
            ("set aside", sizes.set_aside),
            ("graphs", sizes.graphs),
            ("models", sizes.models),
            ("logs", sizes.logs),
            ("other", sizes.other),
        ];
        tell("sizes", parts.map(|(name, bytes)| format!("{name} {}", megabytes(bytes))).join(", "));
        let repaired = status.recovered.is_some() || self.shared.settings_damaged.is_some();
        tell("repaired", if repaired { "at this start" } else { "nothing" }.to_owned());
        tell("sync", sync(&status.sync));
        tell("settings", settings(&self.settings()));
        Ok(without_home(&text, dirs::home_dir().as_deref()))
    }
}

fn sync(sync: &crate::SyncStatus) -> String {
    let at = |time: Option<jiff::Timestamp>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let problem = sync.problem.as_ref().map(|problem| format!(", {:?}", problem.code));
    format!(
        "{:?}{}\ntried {}, succeeded {}, next {}\n{} pending, {} unknown, {} conflicts, {} refused, {} outside of \
         both tiers\n{} of {} operations spent, {} expected",
        sync.phase,
        problem.unwrap_or_default(),
        at(sync.tried_at),
        at(sync.succeeded_at),
        at(sync.next_at),
        sync.pending,
        sync.unknown,
        sync.conflicts,
        sync.refused,
        sync.outside,
        sync.spent,
        sync.budget,
        sync.forecast
    )
}

/// What was chosen, without whose accounts there are and what only others know.
fn settings(settings: &Settings) -> String {
    let accounts = settings.accounts.len();
    let signed_in = settings.profile().is_some_and(|profile| profile.signed_in_at.is_some());
    let plain = Settings { accounts: Vec::new(), account: None, other: <_>::default(), ..settings.clone() };
    let plain = serde_json::to_value(&plain).unwrap_or_default();
    let choices = plain.as_object().into_iter().flatten();
    let choices = choices.filter(|(name, _)| !["accounts", "account"].contains(&name.as_str()));
    let choices: Vec<String> = choices.map(|(name, value)| format!("{name} {value}")).collect();
    format!("{}\n{accounts} accounts, signed in {signed_in}", choices.join(", "))
}

/// The system, and its version.
fn system() -> String {
    let name = sysinfo::System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned());
    let kernel = sysinfo::System::kernel_version().unwrap_or_default();
    format!("{name}, kernel {kernel}")
}

/// The instructions that scans and models make use of.
fn features() -> Vec<&'static str> {
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! note {
            ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { features.push($name); })* };
        }
        note!("sse4.2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512vnni", "popcnt", "sha");
    }
    #[cfg(target_arch = "aarch64")]
    {
        macro_rules! note {
            ($($name:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($name) { features.push($name); })* };
        }
        note!("neon", "fp16", "dotprod", "i8mm", "bf16", "sha2");
    }
    features
}

/// The text with `~` for the person's own folder, whose name is often theirs, and without that name in other paths.
fn without_home(text: &str, home: Option<&Path>) -> String {
    let Some((home, name)) = home.and_then(|home| Some((home.to_str()?, home.file_name()?.to_str()?))) else {
        return text.to_owned();
    };
    let text = text.replace(home.trim_end_matches(['/', '\\']), "~");
    let slashed = |slash: &str| (format!("{slash}{name}{slash}"), format!("{slash}…{slash}"));
    ["/", "\\"].into_iter().map(slashed).fold(text, |text, (path, without)| text.replace(&path, &without))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use papr_memory::Tier;
    use serde_json::json;

    use super::*;
    use crate::{Config, NewMemory, Resources};

    #[test]
    fn it_tells_how_things_are_and_nothing_of_the_person() {
        let folder = tempfile::tempdir().unwrap();
        let profile = json!({
            "id": "papr-0123456789abcdef", "base_url": "https://memory.papr.ai", "key_digest": "d1935700",
            "signed_in_at": "2026-11-01T09:00:00Z",
        });
        let chosen = json!({"accounts": [profile], "account": "papr-0123456789abcdef", "sync_minutes": 15,
            "pinned": "what only the window knows"});
        std::fs::write(folder.path().join("settings.json"), chosen.to_string()).unwrap();
        std::fs::create_dir(folder.path().join("memories")).unwrap();
        let resources = Resources::in_folder(Path::new("/nowhere"));
        let engine = Engine::open(Config::new(folder.path(), resources)).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        let new = |content: &str| NewMemory { content: content.to_owned(), ..NewMemory::default() };
        engine.add(NewMemory { tier: Some(Tier::Goals), ..new("divorce by spring") }).unwrap();
        let at = Instant::now();
        let text = engine.diagnostics().unwrap();
        let took = at.elapsed();
        println!("{text}\n{took:?}");
        for told in
            ["Papr Desktop", "1 goals, 0 memories", "Ready", "sync_minutes 15", "1 accounts, signed in true"]
        {
            assert!(text.contains(told), "{told}: {text}");
        }
        for kept in ["divorce", "0123456789abcdef", "d1935700", "pinned", "only the window"] {
            assert!(!text.contains(kept), "{kept}: {text}");
        }
        assert!(took.as_millis() < 2_000, "no long look: {took:?}");
    }

    #[test]
    fn nobodys_name_is_in_a_path() {
        let home = Path::new("/home/alice");
        let text = "in /home/alice/x and /media/alice/disk and /mnt/y";
        assert_eq!(without_home(text, Some(home)), "in ~/x and /media/…/disk and /mnt/y");
        assert_eq!(without_home("/a", Some(Path::new("/"))), "/a");
    }
}

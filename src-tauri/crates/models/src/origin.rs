//! Where an installed model came from, kept beside it, and whether there is a newer one.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::write_whole;
use crate::hub::FileFacts;
use crate::{InstalledModel, ModelError};

/// The name of the file beside the manifest.
pub(crate) const ORIGIN: &str = "origin.json";

/// What the hub said of a model when it was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The host it was downloaded from.
    pub host: String,
    /// `organisation/name`.
    pub repo: String,
    /// The revision that was asked for.
    pub revision: String,
    /// The commit that was.
    pub commit: Option<String>,
    /// Each file.
    pub files: Vec<OriginFile>,
}

/// One file as the hub had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginFile {
    /// Its path in the repository.
    pub from: String,
    /// The hub's tag.
    pub etag: Option<String>,
    /// SHA-256 of what was installed.
    pub sha256: String,
}

/// What the hub has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFacts {
    /// The commit the revision stands for, where the hub says so.
    pub commit: Option<String>,
    /// Each file: its path in the repository and what is known of it.
    pub files: Vec<(String, FileFacts)>,
}

/// Whether the hub has another model than the installed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// The same content.
    UpToDate,
    /// Another content.
    Available {
        /// The files that changed, by their paths in the repository.
        changed: Vec<String>,
    },
    /// Nothing to compare by.
    Unknown,
}

impl Origin {
    /// What is known of where `model` came from. `None` for one that was imported, converted or came with the app.
    pub fn of(model: &InstalledModel) -> Option<Self> {
        serde_json::from_slice(&fs::read(model.folder().join(ORIGIN)).ok()?).ok()
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(ORIGIN);
        let json = serde_json::to_vec_pretty(self).map_err(|error| ModelError::at(&path)(error.into()))?;
        write_whole(&path, &json)
    }

    /// Compares file by file: by SHA-256 where the hub tells it, else by tag; by the commit where neither is known.
    /// Another commit with the same files is not an update.
    pub fn compare(&self, hub: &HubFacts) -> Update {
        let mut changed = Vec::new();
        let mut unknown = false;
        for (from, facts) in &hub.files {
            let Some(mine) = self.files.iter().find(|file| file.from == *from) else {
                changed.push(from.clone());
                continue;
            };
            let same = match (&facts.sha256, &mine.etag, &facts.etag) {
                (Some(sha256), ..) => Some(*sha256 == mine.sha256),
                (None, Some(mine), Some(now)) => Some(mine == now),
                _ => None,
            };
            match same {
                Some(false) => changed.push(from.clone()),
                Some(true) => {}
                None => unknown = true,
            }
        }
        let same_commit = self.commit.is_some() && self.commit == hub.commit;
        match (changed.is_empty(), unknown && !same_commit) {
            (false, _) => Update::Available { changed },
            (true, false) => Update::UpToDate,
            (true, true) => Update::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let file = |from: &str, etag: Option<&str>, digit: &str| OriginFile {
            from: from.to_owned(),
            etag: etag.map(str::to_owned),
            sha256: digit.repeat(64),
        };
        Origin {
            host: "huggingface.co".to_owned(),
            repo: "a/b".to_owned(),
            revision: "main".to_owned(),
            commit: Some("c".repeat(40)),
            files: vec![file("model.onnx", Some("t"), "a"), file("tokenizer.json", Some("u"), "b")],
        }
    }

    fn hub(commit: &str, files: &[(&str, Option<&str>, Option<&str>)]) -> HubFacts {
        let files = files.iter().map(|(from, etag, digit)| {
            let sha256 = digit.map(|digit| digit.repeat(64));
            let mut facts = FileFacts::pinned(None, sha256.as_ref());
            facts.etag = etag.map(str::to_owned);
            ((*from).to_owned(), facts)
        });
        HubFacts { commit: Some(commit.repeat(40)), files: files.collect() }
    }

    #[test]
    fn another_content_is_an_update_and_another_commit_alone_is_not() {
        let same = hub("d", &[("model.onnx", Some("other"), Some("a")), ("tokenizer.json", Some("u"), None)]);
        assert_eq!(origin().compare(&same), Update::UpToDate);
        let other = hub("d", &[("model.onnx", Some("t"), Some("f")), ("tokenizer.json", Some("v"), None)]);
        let changed = vec!["model.onnx".to_owned(), "tokenizer.json".to_owned()];
        assert_eq!(origin().compare(&other), Update::Available { changed });
        let more = hub("d", &[("model.onnx", Some("t"), None), ("model.onnx_data", None, None)]);
        let changed = vec!["model.onnx_data".to_owned()];
        assert_eq!(origin().compare(&more), Update::Available { changed });
        let silent = [("model.onnx", None, None), ("tokenizer.json", None, None)];
        assert_eq!(origin().compare(&hub("d", &silent)), Update::Unknown);
        assert_eq!(origin().compare(&hub("c", &silent)), Update::UpToDate);
    }
}

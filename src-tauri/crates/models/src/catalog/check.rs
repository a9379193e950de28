//! What a catalogue must not say.

use std::collections::BTreeSet;

use crate::catalog::{CatalogEntry, FileRole, HubSource, ModelSource};
use crate::files::is_sha256;
use crate::staging::is_id;

/// Says what contradicts itself or makes no sense, with the entry's id.
pub(super) fn entries(entries: &[CatalogEntry]) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = &entry.id;
        if !is_id(id) {
            return Err(format!("{id:?} cannot be the name of a folder"));
        }
        if !ids.insert(id.as_str()) {
            return Err(format!("{id} is there twice"));
        }
        self::entry(entry).map_err(|reason| format!("{id}: {reason}"))?;
    }
    let stray = entries.iter().find(|entry| {
        entry.variant_of.as_ref().is_some_and(|of| *of == entry.id || !ids.contains(of.as_str()))
    });
    match stray {
        Some(entry) => Err(format!("{}: a variant of a model that is not there", entry.id)),
        None => Ok(()),
    }
}

fn entry(entry: &CatalogEntry) -> Result<(), String> {
    entry.recipe.check()?;
    for (what, text) in [("name", &entry.name), ("summary", &entry.summary), ("license", &entry.license.spdx)]
    {
        if text.trim().is_empty() || text.contains('\n') {
            return Err(format!("{what} must be one line"));
        }
    }
    if entry.languages.is_empty() || entry.runs_on.is_empty() {
        return Err("no language, or nothing it runs on".to_owned());
    }
    if entry.size.bytes == 0 || entry.memory_bytes == 0 {
        return Err("size and memory must be above 0".to_owned());
    }
    match &entry.source {
        ModelSource::BuiltIn => Ok(()),
        ModelSource::Weights { repo, .. } if entry.disabled.is_none() => {
            Err(format!("{repo} has no graph, so the entry must be disabled"))
        }
        ModelSource::Weights { repo, .. } => self::repo(repo),
        ModelSource::Hub(hub) => self::hub(entry, hub),
    }
}

fn hub(entry: &CatalogEntry, hub: &HubSource) -> Result<(), String> {
    repo(&hub.repo)?;
    if hub.revision.trim().is_empty() {
        return Err("no revision".to_owned());
    }
    let mut names = BTreeSet::new();
    for file in &hub.files {
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
        if !file.from.split('/').all(plain) {
            return Err(format!("{:?} is not a path in a repository", file.from));
        }
        let own = [crate::MANIFEST, crate::origin::ORIGIN].contains(&file.to.as_str());
        let note = [".part", ".note", ".new"].iter().any(|end| file.to.ends_with(end));
        if !plain(&file.to) || file.to.contains('/') || own || note || !names.insert(file.to.as_str()) {
            return Err(format!("{:?} cannot be a file's name, or is one already", file.to));
        }
        if !file.sha256.as_deref().is_none_or(is_sha256) {
            return Err(format!("the sha256 of {} is not 64 hexadecimal digits", file.from));
        }
    }
    let count = |role| hub.files.iter().filter(|file| file.role == role).count();
    if count(FileRole::Model) != 1 || count(FileRole::Tokenizer) != 1 {
        return Err("one graph and one tokenizer are needed".to_owned());
    }
    let known: Option<u64> = hub.files.iter().map(|file| file.bytes).sum();
    match known {
        Some(bytes) if bytes != entry.size.bytes => {
            Err(format!("its files have {bytes} bytes together, and its size says {}", entry.size.bytes))
        }
        None if !entry.size.approximate => {
            Err("the size of a file is unknown, so the size is approximate".to_owned())
        }
        _ => Ok(()),
    }
}

fn repo(repo: &str) -> Result<(), String> {
    let plain = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(known)
    };
    match repo.split_once('/') {
        Some((organisation, name)) if plain(organisation) && plain(name) => Ok(()),
        _ => Err(format!("{repo:?} is not organisation/name")),
    }
}

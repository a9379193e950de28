//! From a catalogue entry to a model folder, over the network.

mod files;

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use papr_memory::{CancelToken, Manifest, ModelFile};

use crate::catalog::HubSource;
use crate::download::{Places, Sidecar};
use crate::files::{check_space, length, sha256};
use crate::hub::facts::FileFacts;
use crate::hub::transport::Connection;
use crate::origin::{HubFacts, Origin, OriginFile, Update};
use crate::progress::{Meter, OnProgress, Phase};
use crate::staging::{Claim, describe, undescribe};
use crate::stop::Stop;
use crate::{CatalogEntry, Hub, InstalledModel, MANIFEST, ModelError};
use files::{Located, Repository};

/// Files that are fetched at a time.
const AT_A_TIME: usize = 2;

/// Downloads a model, verifies it and puts it into `<models>/<id>/`.
///
/// What an earlier attempt left is taken up, in this or another process; so is what other programs' caches have.
/// A model of the same content that is there already is verified and returned; another content replaces it.
/// `cancel` is seen within a tenth of a second, also while nothing comes from the network; what was downloaded
/// stays (a pause), until [`forget`] drops it. Network and files are worked on by threads of this call's own.
///
/// # Errors
/// [`ModelError`]; nothing half-installed is ever listed, whatever the error, and whenever the process ends.
pub fn install(
    entry: &CatalogEntry,
    hub: &Hub,
    models: &Path,
    progress: OnProgress<'_>,
    cancel: &CancelToken,
) -> Result<InstalledModel, ModelError> {
    let source = entry.downloads()?;
    let claim = Claim::new(models, &entry.id)?;
    let meter = Meter::new(progress, source.files.len(), entry.size.bytes);
    let installation =
        Installation { entry, source, hub, staging: claim.staging()?, claim, meter, stop: Stop::new(cancel) };
    let result = installation.run();
    if result.is_err() {
        // Only if it is empty; what was downloaded stays.
        let _ = fs::remove_dir(&installation.staging);
    }
    result
}

/// What the hub has now for an entry: for [`Origin::compare`], and for sizes and redirects before a download.
/// Only heads are asked for.
///
/// # Errors
/// [`ModelError`], those about the hub, and `NotOffered` and `Cancelled`.
pub fn look_up(entry: &CatalogEntry, hub: &Hub, cancel: &CancelToken) -> Result<HubFacts, ModelError> {
    let source = entry.downloads()?;
    let repository = Repository { hub, source, stop: Stop::new(cancel) };
    let located = on_own_thread(|| repository.locate(&Connection::new(hub)?))?;
    let commit = located.first().and_then(|first| first.facts.commit.clone());
    let files = source.files.iter().zip(located).map(|(file, located)| (file.from.clone(), located.facts));
    Ok(HubFacts { commit, files: files.collect() })
}

/// The hosts that a download of `entry` contacts, before it does: the hub's own, and, where they are known, those
/// it sends on to, `*.` standing for any name before. A mirror may send on to others; [`look_up`] tells which.
/// Empty for what is not downloaded.
pub fn hosts(entry: &CatalogEntry, hub: &Hub) -> Vec<String> {
    if entry.downloads().is_err() {
        return Vec::new();
    }
    let mut hosts = vec![hub.host().to_owned()];
    if hub.host() == "huggingface.co" {
        hosts.extend(["*.huggingface.co", "*.hf.co"].map(str::to_owned));
    }
    hosts
}

/// Drops what interrupted downloads of a model left; the number of bytes that were.
///
/// # Errors
/// [`ModelError::Busy`] while it is being downloaded, and what the system says of the folder.
pub fn forget(id: &str, models: &Path) -> Result<u64, ModelError> {
    Claim::new(models, id)?.forget()
}

/// A file that was read back from the disk.
struct Whole {
    sha256: String,
    bytes: u64,
}

struct Installation<'a> {
    entry: &'a CatalogEntry,
    source: &'a HubSource,
    hub: &'a Hub,
    claim: Claim,
    staging: PathBuf,
    meter: Meter<'a>,
    stop: Stop<'a>,
}

impl Installation<'_> {
    fn run(&self) -> Result<InstalledModel, ModelError> {
        self.stop.check()?;
        if let Some(manifest) = self.finished()? {
            return self.publish(&manifest);
        }
        undescribe(&self.staging)?;
        self.meter.enter(Phase::CheckingSpace, |_| 0);
        let located = self.locate()?;
        if let Some(model) = self.is_there(&located)? {
            self.claim.forget()?;
            return Ok(model);
        }
        self.check_space(&located)?;
        let (facts, files) = self.fetch_and_verify(&located)?;
        let (manifest, origin) = self.describe(&facts, &files)?;
        describe(&self.staging, &manifest, Some(&origin))?;
        self.publish(&manifest)
    }

    fn places(&self, index: usize) -> Places {
        Places::new(&self.staging, &self.source.files[index].to)
    }

    /// The manifest, if an earlier attempt came as far as that and every byte is still right.
    fn finished(&self) -> Result<Option<Manifest>, ModelError> {
        if !self.staging.join(MANIFEST).exists() {
            return Ok(None);
        }
        let Ok(model) = InstalledModel::open(&self.staging) else { return Ok(None) };
        let manifest = model.manifest().clone();
        if manifest.id != self.entry.id || manifest.recipe != self.entry.recipe {
            return Ok(None);
        }
        self.meter.enter(Phase::Verifying, |_| 0);
        for file in &self.source.files {
            let Some(mine) = manifest.files().find(|mine| mine.path == file.to) else { return Ok(None) };
            if file.sha256.as_ref().is_some_and(|pinned| *pinned != mine.sha256)
                || sha256(&self.staging.join(&mine.path), &self.stop, |_| {})? != mine.sha256
            {
                return Ok(None);
            }
        }
        Ok(Some(manifest))
    }

    /// Asks the hub about each file, unless all are complete here.
    fn locate(&self) -> Result<Vec<Located>, ModelError> {
        let repository = Repository { hub: self.hub, source: self.source, stop: self.stop };
        let located = match repository.complete(|index| self.places(index))? {
            Some(located) => located,
            None => on_own_thread(|| repository.locate(&Connection::new(self.hub)?))?,
        };
        for (index, located) in located.iter().enumerate() {
            self.meter.size(index, located.facts.bytes);
        }
        Ok(located)
    }

    /// The model that is installed, if it is of the same content and every byte is right.
    fn is_there(&self, located: &[Located]) -> Result<Option<InstalledModel>, ModelError> {
        let Ok(model) = InstalledModel::open(&self.claim.folder()) else { return Ok(None) };
        let Some(origin) = Origin::of(&model) else { return Ok(None) };
        let files = self.source.files.iter().zip(located);
        let files = files.map(|(file, located)| (file.from.clone(), located.facts.clone())).collect();
        let commit = located.first().and_then(|first| first.facts.commit.clone());
        let same = origin.repo == self.source.repo
            && origin.compare(&HubFacts { commit, files }) == Update::UpToDate
            && model.manifest().recipe == self.entry.recipe;
        if !same {
            return Ok(None);
        }
        self.meter.enter(Phase::Verifying, |_| 0);
        for file in model.manifest().files() {
            match sha256(&model.folder().join(&file.path), &self.stop, |_| {}) {
                Ok(found) if found == file.sha256 => {}
                Err(error @ ModelError::Cancelled(_)) => return Err(error),
                _ => return Ok(None),
            }
        }
        Ok(Some(model))
    }

    /// Refuses a download that the disk has no room for.
    fn check_space(&self, located: &[Located]) -> Result<(), ModelError> {
        let known: Option<u64> = located.iter().map(|located| located.facts.bytes).sum();
        let mut missing = known.unwrap_or(self.entry.size.bytes);
        for (index, located) in located.iter().enumerate() {
            let places = self.places(index);
            places.keep_only(&located.url, &located.facts)?;
            missing = missing.saturating_sub(places.bytes()?);
        }
        check_space(&self.staging, missing)
    }

    /// Every file, complete and read back from the disk: what the hub said of it, its hash and its size.
    fn fetch_and_verify(&self, located: &[Located]) -> Result<(Vec<FileFacts>, Vec<Whole>), ModelError> {
        let facts = self.fetch(located)?;
        match self.verify() {
            // The disk gave back other bytes than were written, or somebody changed them. Once more.
            Err(ModelError::Checksum { .. }) => Ok((self.fetch(located)?, self.verify()?)),
            result => Ok((facts, result?)),
        }
    }

    /// Fetches what is missing, some files at a time. The first failure stops the others.
    fn fetch(&self, located: &[Located]) -> Result<Vec<FileFacts>, ModelError> {
        let before: Vec<u64> =
            (0..located.len()).map(|index| self.places(index).bytes()).collect::<Result<_, _>>()?;
        self.meter.enter(Phase::Downloading, |index| before.get(index).copied().unwrap_or(0));
        let (failed, next) = (AtomicBool::new(false), AtomicUsize::new(0));
        let repository = Repository { hub: self.hub, source: self.source, stop: self.stop.or(&failed) };
        let work = || {
            let mut results = Vec::new();
            let mut connection = None;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(located) = located.get(index) else { return results };
                let done = |bytes| self.meter.done(index, bytes);
                let result = repository.fetch(index, located, self.places(index), &mut connection, &done);
                if result.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                results.push((index, result));
            }
        };
        let mut results = thread::scope(|scope| {
            let count = AT_A_TIME.min(located.len());
            let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            let joined =
                workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.flatten().collect::<Vec<_>>()
        });
        results.sort_by_key(|result| result.0);
        // A file that was stopped because of another one is not what went wrong.
        let rank = |result: &Result<FileFacts, ModelError>| match result {
            Err(ModelError::Cancelled(_)) => 1,
            Err(_) => 2,
            Ok(_) => 0,
        };
        if let Some(worst) = (0..results.len()).max_by_key(|index| rank(&results[*index].1))
            && results[worst].1.is_err()
        {
            results.swap(0, worst);
            results.truncate(1);
        }
        results.into_iter().map(|result| result.1).collect()
    }

    /// Reads every file back and compares it with what was hashed on its way in. A wrong one is dropped.
    fn verify(&self) -> Result<Vec<Whole>, ModelError> {
        self.meter.enter(Phase::Verifying, |_| 0);
        let mut files = Vec::new();
        for index in 0..self.source.files.len() {
            let places = self.places(index);
            let expected = places.complete()?.and_then(|note: Sidecar| note.complete);
            let found = sha256(&places.whole, &self.stop, |bytes| self.meter.done(index, bytes))?;
            let bytes = length(&places.whole)?.unwrap_or(0);
            if expected.as_ref() != Some(&found) {
                places.clear()?;
                let expected = expected.unwrap_or_default();
                return Err(ModelError::Checksum { path: places.whole, expected, found });
            }
            files.push(Whole { sha256: found, bytes });
        }
        Ok(files)
    }

    fn describe(&self, facts: &[FileFacts], whole: &[Whole]) -> Result<(Manifest, Origin), ModelError> {
        let commit = facts.first().and_then(|facts| facts.commit.clone());
        let of = |commit: &String| format!("{} at {commit}", self.source.repo);
        let source = commit.as_ref().map_or_else(|| self.source.repo.clone(), of);
        let files = self.source.files.iter().zip(whole).map(|(file, whole)| {
            let (path, sha256) = (file.to.clone(), whole.sha256.clone());
            (file.role, ModelFile { path, bytes: whole.bytes, sha256 })
        });
        let manifest = self.entry.manifest(files.collect(), source)?;
        let files = self.source.files.iter().zip(facts).zip(whole).map(|((file, facts), whole)| OriginFile {
            from: file.from.clone(),
            etag: facts.etag.clone(),
            sha256: whole.sha256.clone(),
        });
        let origin = Origin {
            host: self.hub.host().to_owned(),
            repo: self.source.repo.clone(),
            revision: self.source.revision.clone(),
            commit,
            files: files.collect(),
        };
        Ok((manifest, origin))
    }

    fn publish(&self, manifest: &Manifest) -> Result<InstalledModel, ModelError> {
        self.meter.enter(Phase::Installing, |index| {
            let name = &self.source.files[index].to;
            manifest.files().find(|file| file.path == *name).map_or(0, |file| file.bytes)
        });
        // From here on it takes milliseconds, and a stop would leave nothing better.
        self.claim.publish(&self.staging, manifest)
    }
}

/// Runs `work` where no other runtime drives the thread: a connection needs that.
fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| resume_unwind(panic)))
}

//! The files of one repository: where they are, and how each comes here.

use reqwest::Url;

use crate::ModelError;
use crate::catalog::HubSource;
use crate::download::{Download, Places, Sidecar};
use crate::files;
use crate::hub::facts::FileFacts;
use crate::hub::fetch::{Fault, Fetch};
use crate::hub::transport::Connection;
use crate::hub::{Hub, cache};
use crate::stop::Stop;

/// A file whose address, and as much of the rest as can be, is known.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) url: Url,
    pub(super) facts: FileFacts,
}

/// The files that are taken from one repository.
#[derive(Clone, Copy)]
pub(super) struct Repository<'a> {
    pub(super) hub: &'a Hub,
    pub(super) source: &'a HubSource,
    pub(super) stop: Stop<'a>,
}

impl Repository<'_> {
    fn name(&self, index: usize) -> String {
        format!("{}/{}", self.source.repo, self.source.files[index].from)
    }

    fn url(&self, index: usize, commit: Option<&str>) -> Url {
        let revision = commit.unwrap_or(&self.source.revision);
        self.hub.url(&self.source.repo, revision, &self.source.files[index].from)
    }

    /// All files, if each is complete already and they are of one commit: then the hub need not be asked.
    pub(super) fn complete(
        &self,
        places: impl Fn(usize) -> Places,
    ) -> Result<Option<Vec<Located>>, ModelError> {
        let mut located = Vec::new();
        for (index, file) in self.source.files.iter().enumerate() {
            let Some(note) = places(index).complete()? else { return Ok(None) };
            let Ok(facts) = note.facts().held_to(&file.pinned(), &self.name(index)) else { return Ok(None) };
            let url = self.url(index, facts.commit.as_deref());
            if !note.speaks_of(&url, &facts) {
                return Ok(None);
            }
            located.push(Located { url, facts });
        }
        let one = located.windows(2).all(|pair| pair[0].facts.commit == pair[1].facts.commit);
        Ok(one.then_some(located))
    }

    /// Asks the hub about each file. The commit that it names for the first is asked for with the others.
    pub(super) fn locate(&self, connection: &Connection) -> Result<Vec<Located>, ModelError> {
        let mut commit: Option<String> = None;
        let mut located = Vec::new();
        for (index, file) in self.source.files.iter().enumerate() {
            let name = self.name(index);
            let told = self.head(connection, &name, &self.url(index, commit.as_deref()))?;
            commit = commit.or_else(|| told.commit.clone());
            let facts = told.held_to(&file.pinned(), &name)?;
            located.push(Located { url: self.url(index, commit.as_deref()), facts });
        }
        Ok(located)
    }

    fn head(&self, connection: &Connection, name: &str, url: &Url) -> Result<FileFacts, ModelError> {
        let fetch = Fetch { hub: self.hub, connection, name, stop: &self.stop };
        let retries = self.hub.options().retries;
        let mut failures = 0;
        loop {
            let (reason, after) = match fetch.head(url) {
                Ok(facts) => return Ok(facts),
                Err(Fault::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Retry { reason, after }) => (reason, after),
                Err(Fault::Restart { reason }) => (reason, None),
                Err(Fault::WrongBytes { found, .. }) => (found, None),
            };
            failures += 1;
            if failures >= retries.failures.max(1) {
                return Err(ModelError::Offline { host: self.hub.host().to_owned(), reason });
            }
            self.stop.sleep(retries.wait(failures, after, fastrand::f64()))?;
        }
    }

    /// Brings one file: from another program's cache if it is there, else from the hub. The connection is made
    /// when it is first needed.
    pub(super) fn fetch(
        &self,
        index: usize,
        located: &Located,
        places: Places,
        connection: &mut Option<Connection>,
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<FileFacts, ModelError> {
        self.stop.check()?;
        if places.bytes()? == 0 && self.take_from_cache(index, located, &places, done)? {
            return Ok(located.facts.clone());
        }
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(Connection::new(self.hub)?),
        };
        let name = self.name(index);
        let download = Download {
            fetch: Fetch { hub: self.hub, connection, name: &name, stop: &self.stop },
            places,
            url: located.url.clone(),
            pinned: self.source.files[index].pinned(),
            facts: located.facts.clone(),
            done,
        };
        download.run()
    }

    /// Copies the file from a cache, where one has these very bytes. A cache that cannot be read is passed over.
    fn take_from_cache(
        &self,
        index: usize,
        located: &Located,
        places: &Places,
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<bool, ModelError> {
        let facts = &located.facts;
        let (Some(bytes), Some(sha256)) = (facts.bytes, &facts.sha256) else { return Ok(false) };
        let (caches, path) = (&self.hub.options().caches, &self.source.files[index].from);
        for file in cache::candidates(caches, &self.source.repo, facts.commit.as_deref(), path, bytes) {
            match files::copy(&file, places.part(), &self.stop, done) {
                Ok(found) if found == *sha256 => {
                    places.complete_with(Sidecar::new(&located.url, facts), &found)?;
                    return Ok(true);
                }
                Ok(_) | Err(ModelError::Io { .. } | ModelError::Missing { .. }) => places.clear()?,
                Err(error) => {
                    places.clear()?;
                    return Err(error);
                }
            }
        }
        done(0);
        Ok(false)
    }
}

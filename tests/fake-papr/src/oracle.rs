//! What really happened, by the server's view: the log of accepted writes and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::journal::{Action, Author, Entry};
use crate::record::Record;

/// What a memory is by the server's view.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It was never there.
    Never,
    /// It is there.
    Live {
        /// As it stands.
        memory: Box<Record>,
    },
    /// It was there and is gone.
    Deleted {
        /// When, by the server's clock.
        at: i64,
    },
}

/// The log at one moment. A copy: it stands still while the server goes on.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Oracle {
    /// Every accepted write, oldest first; those whose reply was lost too.
    pub entries: Vec<Entry>,
}

impl Oracle {
    fn of<'a>(&'a self, account: &str) -> impl DoubleEndedIterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.account == account)
    }

    /// What a memory is now.
    #[must_use]
    pub fn state(&self, account: &str, id: &str) -> State {
        match self.of(account).rfind(|entry| entry.id == id) {
            None => State::Never,
            Some(Entry { record: Some(record), .. }) => State::Live { memory: Box::new(record.clone()) },
            Some(entry) => State::Deleted { at: entry.at },
        }
    }

    /// Every memory of an account that is there, by id.
    #[must_use]
    pub fn memories(&self, account: &str) -> BTreeMap<&str, &Record> {
        let mut memories = BTreeMap::new();
        for entry in self.of(account) {
            match &entry.record {
                Some(record) => memories.insert(entry.id.as_str(), record),
                None => memories.remove(entry.id.as_str()),
            };
        }
        memories
    }

    /// The ids of the memories that clients made under each of their own ids, deleted ones too.
    #[must_use]
    pub fn created_by_client_id(&self, account: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut created: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for entry in self.of(account).filter(|entry| entry.action == Action::Create) {
            if let (Author::Client, Some(client_id)) = (entry.author, entry.client_id.as_deref()) {
                created.entry(client_id).or_default().push(&entry.id);
            }
        }
        created
    }

    /// What was made more than once: client id → the memories made under it.
    #[must_use]
    pub fn doubled(&self, account: &str) -> BTreeMap<&str, Vec<&str>> {
        let mut created = self.created_by_client_id(account);
        created.retain(|_, ids| ids.len() > 1);
        created
    }

    /// Pairs of memories that ever said the same at once, by id, each pair once. Where nobody writes a text twice on
    /// purpose, they are one memory that was doubled, whatever client id each of them has.
    #[must_use]
    pub fn twins(&self, account: &str) -> BTreeSet<(&str, &str)> {
        let mut says: BTreeMap<&str, &str> = BTreeMap::new();
        let mut said_by: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut twins = BTreeSet::new();
        for entry in self.of(account) {
            let id = entry.id.as_str();
            if let Some(old) = says.remove(id) {
                said_by.entry(old).or_default().remove(id);
            }
            let Some(text) = entry.record.as_ref().and_then(|record| record.content.as_deref()) else {
                continue;
            };
            let others = said_by.entry(text).or_default();
            twins.extend(others.iter().map(|other| (id.min(other), id.max(other))));
            others.insert(id);
            says.insert(id, text);
        }
        twins
    }

    /// Writes that were accepted and whose client got no answer it could read.
    pub fn untold<'a>(&'a self, account: &str) -> impl Iterator<Item = &'a Entry> {
        self.of(account).filter(|entry| entry.reply_lost)
    }
}

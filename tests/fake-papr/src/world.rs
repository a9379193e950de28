//! What the server knows: accounts and their memories, all of it made by replaying the log of accepted writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use crate::clock;
use crate::dice::Dice;
use crate::journal::{Action, Author, Entry, Journal, Line};
use crate::quota::Meter;
use crate::record::{Edit, NewMemory, Place, Record};
use crate::vectors::Written;

/// One account: the memories behind a key.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) memories: BTreeMap<String, Record>,
    /// When what was deleted was deleted.
    pub(crate) deleted: BTreeMap<String, i64>,
    pub(crate) meter: Meter,
    /// Searches that feedback may be given on.
    pub(crate) searches: BTreeSet<String>,
    pub(crate) feedback: u64,
}

/// Who writes, and whether they will hear of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hand<'a> {
    pub(crate) account: &'a str,
    pub(crate) author: Author,
    pub(crate) reply_lost: bool,
    pub(crate) now: i64,
}

impl<'a> Hand<'a> {
    pub(crate) fn server(account: &'a str, now: i64) -> Self {
        Self { account, author: Author::Server, reply_lost: false, now }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    accounts: HashMap<String, Account>,
    pub(crate) entries: Vec<Entry>,
    journal: Journal,
    pub(crate) written: Written,
    /// How many ids were made that are no memory's.
    others: u64,
}

impl World {
    pub(crate) fn open(seed: u64, folder: Option<&Path>) -> io::Result<Self> {
        let (journal, lines) = match folder {
            Some(folder) => Journal::open(folder)?,
            None => (Journal::default(), Vec::new()),
        };
        let (accounts, entries) = (HashMap::new(), Vec::new());
        let mut world = Self { seed, accounts, entries, journal, written: Written::default(), others: 0 };
        for line in lines {
            world.replay(line);
        }
        Ok(world)
    }

    pub(crate) fn account(&mut self, name: &str) -> &mut Account {
        self.accounts.entry(name.to_owned()).or_default()
    }

    pub(crate) fn known(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name)
    }

    /// The memory as it stands.
    pub(crate) fn get(&self, account: &str, id: &str) -> Option<&Record> {
        self.accounts.get(account)?.memories.get(id)
    }

    fn replay(&mut self, line: Line) {
        match line {
            Line::Accepted(entry) => self.take_in(*entry),
            Line::Spent { account, month, operations } => {
                *self.account(&account).meter.spent.entry(month).or_default() += operations;
            }
        }
    }

    fn take_in(&mut self, entry: Entry) {
        let account = self.account(&entry.account);
        if let Some(record) = &entry.record {
            account.deleted.remove(&entry.id);
            account.memories.insert(entry.id.clone(), record.clone());
        } else {
            account.memories.remove(&entry.id);
            account.deleted.insert(entry.id.clone(), entry.at);
        }
        self.entries.push(entry);
    }

    fn accept(&mut self, hand: Hand<'_>, action: Action, id: &str, record: Option<Record>) -> io::Result<()> {
        let known = record.as_ref().or_else(|| self.get(hand.account, id));
        let entry = Entry {
            number: self.entries.len() as u64 + 1,
            at: hand.now,
            account: hand.account.to_owned(),
            author: hand.author,
            action,
            id: id.to_owned(),
            client_id: known.and_then(Record::client_id).map(str::to_owned),
            reply_lost: hand.reply_lost,
            record,
        };
        let line = Line::Accepted(Box::new(entry));
        self.journal.append(&line)?;
        self.replay(line);
        Ok(())
    }

    /// A memory that was not there. Its id is given, or comes from the seed.
    pub(crate) fn create(&mut self, hand: Hand<'_>, new: NewMemory, more: More) -> io::Result<Record> {
        let mut dice = Dice::new(self.seed, &[1, self.entries.len() as u64]);
        let mut fresh = || memory_id(&mut dice);
        let id = new.id.unwrap_or_else(&mut fresh);
        let at = new.at.unwrap_or(hand.now);
        let record = Record {
            object_id: object_id(&mut dice),
            content: new.content,
            kind: if new.kind.is_empty() { "text".to_owned() } else { new.kind },
            metadata: new.metadata,
            context: more.context,
            place: new.place,
            twice: new.twice,
            embedding: new.embedding,
            created_at: at,
            updated_at: at,
            revision: 1,
            external_user_id: more.external_user_id,
            namespace_id: more.namespace_id,
            id,
        };
        self.accept(hand, Action::Create, &record.id.clone(), Some(record.clone()))?;
        Ok(record)
    }

    /// A changed memory; `None` where there is none.
    pub(crate) fn update(&mut self, hand: Hand<'_>, id: &str, edit: Edit) -> io::Result<Option<Record>> {
        let Some(mut record) = self.get(hand.account, id).cloned() else { return Ok(None) };
        record.updated_at = edit.at.unwrap_or(hand.now);
        record.revision += 1;
        edit.apply(&mut record);
        self.accept(hand, Action::Update, id, Some(record.clone()))?;
        Ok(Some(record))
    }

    /// Into other tiers. The time of change stays: the real delta says nothing of moves.
    pub(crate) fn move_to(&mut self, hand: Hand<'_>, id: &str, place: Place) -> io::Result<Option<Record>> {
        let Some(mut record) = self.get(hand.account, id).cloned() else { return Ok(None) };
        record.place = place;
        record.revision += 1;
        self.accept(hand, Action::Move, id, Some(record.clone()))?;
        Ok(Some(record))
    }

    /// Gone; `None` where there was none.
    pub(crate) fn delete(&mut self, hand: Hand<'_>, id: &str) -> io::Result<Option<Record>> {
        let Some(record) = self.get(hand.account, id).cloned() else { return Ok(None) };
        self.accept(hand, Action::Delete, id, None)?;
        Ok(Some(record))
    }

    /// Counts operations against the month.
    pub(crate) fn spend(&mut self, account: &str, operations: u64, now: i64) -> io::Result<()> {
        if operations == 0 {
            return Ok(());
        }
        let line = Line::Spent { account: account.to_owned(), month: clock::month(now), operations };
        self.journal.append(&line)?;
        self.replay(line);
        Ok(())
    }

    /// An id for something that is no memory: a search, a word of feedback.
    pub(crate) fn other_id(&mut self) -> String {
        self.others += 1;
        object_id(&mut Dice::new(self.seed, &[2, self.others]))
    }
}

/// What only a client's POST brings along.
#[derive(Debug, Default)]
pub(crate) struct More {
    pub(crate) context: Vec<Value>,
    pub(crate) external_user_id: Option<String>,
    pub(crate) namespace_id: Option<String>,
}

/// Keys of `metadata`, set one by one.
pub(crate) fn metadata_of(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Mostly a UUID; one in six is cut short, as Papr has them.
fn memory_id(dice: &mut Dice) -> String {
    let (high, low) = (dice.number(), dice.number());
    let text = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | ((low >> 48) & 0x3FFF),
        low & 0xFFFF_FFFF_FFFF
    );
    if dice.below(6) == 0 { text.chars().take(28).collect() } else { text }
}

/// Ten letters and digits, as Parse has them.
fn object_id(dice: &mut Dice) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..10).map(|_| char::from(LETTERS[dice.below(LETTERS.len())])).collect()
}

//! Looking at everything: is each value as it was written, and do the trees agree with one another.

use std::fs;

use papr_memory::ports::StoreError;
use papr_memory::{CancelToken, MemoryId};
use serde::{Deserialize, Serialize};

use crate::outbox::{self, Op};
use crate::state::{self, State};
use crate::tree::Part;
use crate::{SledStore, id_of, record, vectors};

/// How many findings are told one by one; all are counted.
const TOLD: usize = 100;

/// Entries between two looks at whether to stop.
const STEP: u64 = 256;

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProgress {
    /// Entries looked at.
    pub done: u64,
    /// Entries there were when the check began.
    pub total: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// An entry that cannot be read.
    Damaged {
        /// The tree it is in.
        tree: String,
        /// The memory it is of, or its key in hexadecimal digits.
        key: String,
        /// What does not fit.
        what: String,
    },
    /// A memory that is there and among the deleted ones too.
    AliveAndDeleted {
        /// Which.
        id: MemoryId,
    },
    /// A vector of no memory.
    VectorWithoutMemory {
        /// The memory it was of.
        id: MemoryId,
    },
    /// A vector of a space that is not in the manifest.
    VectorOfNoSpace {
        /// The memory it is of.
        id: MemoryId,
    },
    /// Papr is to be told of a memory that is not there, or not in that revision.
    OutboxWithoutMemory {
        /// Which.
        id: MemoryId,
    },
    /// A history of moves of no memory.
    MovesWithoutMemory {
        /// Which.
        id: MemoryId,
    },
    /// What is known of Papr's counterpart of no memory.
    LinkWithoutMemory {
        /// Which.
        id: MemoryId,
    },
    /// What the store counted is not what it holds: entries are missing, or old ones came back.
    Miscounted {
        /// Entries as counted at each change.
        expected: u64,
        /// Entries found.
        found: u64,
    },
    /// Files beside the log, which sled never syncs; the store syncs them itself.
    Blobs {
        /// How many.
        files: u64,
    },
}

impl Finding {
    /// Whether something is damaged or missing. The others cost nothing but a little room.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::AliveAndDeleted { .. } | Self::Miscounted { .. })
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Memories that are whole.
    pub memories: u64,
    /// Deleted memories that are whole.
    pub tombstones: u64,
    /// Vectors that are whole, of all spaces.
    pub vectors: u64,
    /// What Papr has yet to be told.
    pub outbox: u64,
    /// The first hundred findings.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub found: u64,
    /// How many of them are damage.
    pub damage: u64,
    /// Whether the store's own count was compared; not if somebody wrote meanwhile.
    pub counted: bool,
}

impl CheckReport {
    /// Whether nothing is damaged or missing.
    pub fn is_whole(&self) -> bool {
        self.damage == 0
    }

    fn add(&mut self, finding: Finding) {
        self.found += 1;
        self.damage += u64::from(finding.is_damage());
        if self.findings.len() < TOLD {
            self.findings.push(finding);
        }
    }
}

impl SledStore {
    /// Reads every entry of every tree, checks it in full and against the other trees. Changes nothing.
    ///
    /// Others may read and write meanwhile. `progress` is called every few hundred entries. Fails with
    /// `Cancelled`, or if the database cannot be read on.
    pub fn check(
        &self,
        progress: &mut dyn FnMut(CheckProgress),
        cancel: &CancelToken,
    ) -> Result<CheckReport, StoreError> {
        let before = State::kept(&self.trees, &self.folder)?.unwrap_or_default();
        let total = before.entries();
        let mut report = CheckReport::default();
        let mut counted = State::default();
        let mut done = 0;
        for part in Part::ALL {
            for item in self.scan(self.trees.part(part).iter()) {
                let (key, value) = item?;
                if done % STEP == 0 {
                    cancel.check().map_err(StoreError::Cancelled)?;
                    progress(CheckProgress { done, total: total.max(done) });
                }
                done += 1;
                if part != Part::Manifest || key != state::KEY {
                    counted.add(&value);
                }
                self.check_entry(part, &key, &value, &mut report)?;
            }
        }
        let after = State::kept(&self.trees, &self.folder)?.unwrap_or_default();
        report.counted = after.changes == before.changes;
        if report.counted && !after.holds_what(&counted) {
            report.add(Finding::Miscounted { expected: after.entries(), found: counted.entries() });
        }
        let blobs = self.folder.join("db").join("blobs");
        let files = fs::read_dir(&blobs).map_or(0, |entries| entries.count() as u64);
        if files > 0 {
            report.add(Finding::Blobs { files });
        }
        progress(CheckProgress { done, total: total.max(done) });
        Ok(report)
    }

    fn check_entry(
        &self,
        part: Part,
        key: &[u8],
        value: &[u8],
        report: &mut CheckReport,
    ) -> Result<(), StoreError> {
        if let Err(corrupt) = part.check(key, value) {
            let id = key.get(key.len().saturating_sub(16)..).filter(|_| part != Part::Manifest);
            let key = id.and_then(id_of).map_or_else(|| format!("{key:02x?}"), |id| id.to_string());
            report.add(Finding::Damaged { tree: part.name().to_owned(), key, what: corrupt.to_string() });
            return Ok(());
        }
        match part {
            Part::Manifest | Part::Moves | Part::Links => {}
            Part::Memories => report.memories += 1,
            Part::Tombstones => report.tombstones += 1,
            Part::Outbox => report.outbox += 1,
            Part::Vectors => report.vectors += 1,
        }
        if self.disagreement(part, key, value)?.is_none() {
            return Ok(());
        }
        // Somebody may have written between two reads: only what is still so while nobody writes counts.
        let _nobody_writes = self.writer();
        let Some(value) = self.read(self.trees.part(part), key)? else { return Ok(()) };
        if let Some(finding) = self.disagreement(part, key, &value)? {
            report.add(finding);
        }
        Ok(())
    }

    /// What is wrong with a whole entry beside the entries of other trees.
    fn disagreement(&self, part: Part, key: &[u8], value: &[u8]) -> Result<Option<Finding>, StoreError> {
        let there = |tree: Part, key: &[u8]| Ok(self.read(self.trees.part(tree), key)?.is_some());
        let Some(id) = key.get(key.len().saturating_sub(16)..).and_then(id_of) else { return Ok(None) };
        let id_key = id.to_bytes();
        Ok(match part {
            Part::Manifest | Part::Memories => None,
            Part::Tombstones => there(Part::Memories, key)?.then_some(Finding::AliveAndDeleted { id }),
            Part::Moves => {
                let known = there(Part::Memories, key)? || there(Part::Tombstones, key)?;
                (!known).then_some(Finding::MovesWithoutMemory { id })
            }
            Part::Links => {
                let known = there(Part::Memories, key)? || there(Part::Tombstones, key)?;
                (!known).then_some(Finding::LinkWithoutMemory { id })
            }
            Part::Outbox => {
                let Ok(entry) = outbox::decode(id, value) else { return Ok(None) };
                let tree = if entry.op == Op::Upsert { Part::Memories } else { Part::Tombstones };
                let kept = self.read(self.trees.part(tree), key)?;
                // A damaged one is told by itself.
                let fits = kept.is_some_and(|kept| {
                    record::outline(id, &kept).map_or(true, |outline| outline.rev == entry.rev)
                });
                (!fits).then_some(Finding::OutboxWithoutMemory { id })
            }
            Part::Vectors => {
                let space = key.get(..vectors::KEY_BYTES - 16).unwrap_or_default();
                if !there(Part::Manifest, &[vectors::SPACE_KEYS, space].concat())? {
                    Some(Finding::VectorOfNoSpace { id })
                } else if !there(Part::Memories, &id_key)? {
                    Some(Finding::VectorWithoutMemory { id })
                } else {
                    None
                }
            }
        })
    }
}

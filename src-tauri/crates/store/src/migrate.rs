//! From one schema to the next.
//!
//! The schema's number stands in the manifest and in `store.json`. An older database is brought up to date
//! when it is opened, after a backup; a newer one is refused and not touched. A step works on entries one by
//! one, so that the same step serves a database in place and an old backup that is put back.

use std::path::Path;

use papr_memory::ports::StoreError;

use crate::codec::{self, Corrupt};
use crate::marker::not_ours;
use crate::tree::Part;
use crate::{SledStore, Trees};

/// The schema this version writes: trees, keys and values as this crate's documentation tells.
///
/// 1 was the first; 2 has the tree `moves`, 3 the tree `links`.
pub(crate) const SCHEMA: u32 = 3;

pub(crate) const KEY: &[u8] = b"schema";

/// Entries changed in one transaction.
const BATCH: usize = 500;

/// The new value of an entry, or nothing if it stays as it is: also for one that has the new form already,
/// because a step that was cut short begins anew.
type Step = fn(Part, &[u8], &[u8]) -> Result<Option<Vec<u8>>, Corrupt>;

/// The first leads from schema 1 to 2, and so on.
const STEPS: [Step; SCHEMA as usize - 1] = [
    // A tree more, empty at first. No entry changes.
    |_, _, _| Ok(None),
    // The same.
    |_, _, _| Ok(None),
];

/// The value of an entry written with `schema`, as it is today; nothing if it is the same.
pub(crate) fn entry(schema: u32, part: Part, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, Corrupt> {
    let mut changed: Option<Vec<u8>> = None;
    for step in STEPS.iter().skip((schema as usize).saturating_sub(1)) {
        let next = step(part, key, changed.as_deref().unwrap_or(value))?;
        changed = next.or(changed);
    }
    Ok(changed)
}

/// Refuses what this version cannot use.
pub(crate) fn check_schema(folder: &Path, schema: u32) -> Result<(), StoreError> {
    let age = match schema {
        1..=SCHEMA => return Ok(()),
        0 => "no version of this app",
        _ => "a newer version of this app",
    };
    Err(not_ours(folder, format!("it was written by {age}: its schema is {schema}, this one's {SCHEMA}")))
}

pub(crate) fn encode(schema: u32) -> Vec<u8> {
    codec::encode(KEY, &schema.to_le_bytes())
}

pub(crate) fn decode(value: &[u8]) -> Result<u32, Corrupt> {
    let payload = codec::decode(KEY, value)?;
    payload.try_into().map(u32::from_le_bytes).map_err(|_| Corrupt::Malformed("schema"))
}

/// The schema of a database; none for a new one, or one that is not whole, which shows elsewhere.
pub(crate) fn schema_of(trees: &Trees, folder: &Path) -> Result<Option<u32>, StoreError> {
    let kept = crate::guard::quietly(|| trees.manifest.get(KEY))?
        .map_err(|error| crate::guard::from_sled(folder, error))?;
    let schema = kept.map(|kept| decode(&kept)).transpose().map_err(|corrupt| StoreError::Damaged {
        what: format!("the manifest of the database in {} is not as it was written", folder.display()),
        source: Some(corrupt.into()),
    })?;
    schema.map_or(Ok(()), |schema| check_schema(folder, schema))?;
    Ok(schema)
}

impl SledStore {
    /// Brings the database from `schema` to [`SCHEMA`]. A damaged entry stays as it is.
    pub(crate) fn migrate(&self, schema: u32) -> Result<(), StoreError> {
        for part in Part::ALL {
            let mut changed = Vec::new();
            for item in self.scan(self.trees.part(part).iter()) {
                let (key, value) = item?;
                match entry(schema, part, &key, &value) {
                    Ok(Some(value)) => changed.push((key, value)),
                    Ok(None) => {}
                    Err(corrupt) => {
                        tracing::error!(tree = part.name(), %corrupt, "a damaged entry is passed over");
                    }
                }
                if changed.len() == BATCH {
                    self.put_batch(part, &changed)?;
                    changed.clear();
                }
            }
            self.put_batch(part, &changed)?;
        }
        self.commit(&mut self.writer(), |trees| trees.put(trees.manifest, KEY, &encode(SCHEMA)))
    }

    fn put_batch(&self, part: Part, batch: &[(sled::IVec, Vec<u8>)]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.commit(&mut self.writer(), |trees| {
            batch.iter().try_for_each(|(key, value)| trees.put(trees.part(part), key, value))
        })
    }
}

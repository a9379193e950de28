//! Making a store smaller.
//!
//! sled 0.34 gives no room back to the system. So everything is written into a new database, which takes the
//! old one's place when it was compared with it; only then does the old one go.

use std::path::Path;

use jiff::Timestamp;
use papr_memory::CancelToken;
use papr_memory::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::dump::Entry;
use crate::open::{io_error, prepare};
use crate::rebuild::{Rebuild, Rule};
use crate::sizes::Sizes;
use crate::tree::Part;
use crate::{SledStore, quarantine, state};

/// What compacting a store brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Its parts before.
    pub before: Sizes,
    /// Its parts after.
    pub after: Sizes,
}

/// Writes the closed store in `folder` anew. Needs as much room as the store takes.
///
/// Fails as [`SledStore::open`] does; with `Damaged` if an entry is damaged or the two databases differ; with
/// `Cancelled`. In all these cases the store is as it was.
pub fn compact(folder: &Path, now: Timestamp, cancel: &CancelToken) -> Result<Compacted, StoreError> {
    let lock = prepare(folder)?;
    let before = Sizes::of(folder)?;
    let store = SledStore::open_locked(folder, now, None, lock.clone())?;
    let mut new = Rebuild::begin(folder, now)?;
    new.by(Rule::All)?;
    for part in Part::ALL {
        for (number, item) in store.scan(store.trees.part(part).iter()).enumerate() {
            if number % 256 == 0 {
                cancel.check().map_err(StoreError::Cancelled)?;
            }
            let (key, value) = item?;
            part.check(&key, &value).map_err(|corrupt| StoreError::Damaged {
                what: format!("an entry of {} is damaged; the store was not compacted", part.name()),
                source: Some(corrupt.into()),
            })?;
            new.take(Entry { part, key: key.to_vec(), value: value.to_vec() })?;
        }
    }
    let old = state::State::count(&store.trees, folder)?;
    if !new.state()?.holds_what(&old) {
        return Err(state::missing(folder, "what was written anew is not the same"));
    }
    new.count_on_from(state::State::kept(&store.trees, folder)?.unwrap_or_default().changes)?;
    let stage = new.finish()?;
    drop(store);
    quarantine::swap(folder, &stage, None).map_err(|source| io_error(folder, source))?;
    Ok(Compacted { before, after: Sizes::of(folder)? })
}

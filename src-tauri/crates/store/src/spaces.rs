//! The spaces that vectors live in, and notes: small things in the manifest.
//!
//! Vectors of several spaces stand beside each other, so that another model's are made while the old ones
//! serve. A space is in the manifest from its first vector until it is removed.

use std::io;

use papr_memory::ports::{SpaceInfo, StoreError};
use papr_memory::{CancelToken, Dims, Fingerprint, Space};

use crate::SledStore;
use crate::codec::{self, Corrupt};
use crate::vectors::SPACE_KEYS;

/// Before the key of a note in the manifest.
const NOTE_KEYS: &str = "note/";

/// The longest a note's key may be, in bytes.
const MAX_NOTE_KEY: usize = 200;

/// Vectors removed in one transaction.
const BATCH: usize = 500;

/// The key of a space in the manifest.
pub(crate) fn key(space: &Space) -> Vec<u8> {
    [SPACE_KEYS, &space.fingerprint.key_prefix()].concat()
}

/// The value kept for a space: its dimensions, u16 little-endian, then its fingerprint in full.
pub(crate) fn encode(key: &[u8], space: &Space) -> Vec<u8> {
    let mut payload = u16::from(space.dims).to_le_bytes().to_vec();
    payload.extend_from_slice(space.fingerprint.as_str().as_bytes());
    codec::encode(key, &payload)
}

/// The space kept under `key`.
pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Space, Corrupt> {
    let malformed = Corrupt::Malformed("space");
    let payload = codec::decode(key, value)?;
    let (dims, fingerprint) = payload.split_first_chunk().ok_or(malformed)?;
    let dims = Dims::new(u16::from_le_bytes(*dims)).ok_or(malformed)?;
    let fingerprint = std::str::from_utf8(fingerprint).map_err(|_| malformed)?;
    let fingerprint: Fingerprint = serde_json::from_value(fingerprint.into()).map_err(|_| malformed)?;
    let space = Space { fingerprint, dims };
    if key == self::key(&space) { Ok(space) } else { Err(malformed) }
}

/// Refuses `space` if another one has its key prefix, so that vectors of two spaces never mix.
pub(crate) fn check(space: &Space, key: &[u8], kept: &[u8]) -> Result<(), StoreError> {
    let damaged =
        |what: String, source: Option<Corrupt>| StoreError::Damaged { what, source: source.map(Into::into) };
    if let Err(corrupt) = codec::decode(key, kept) {
        let what = format!("the entry of the space {} is not as it was written", space.fingerprint);
        return Err(damaged(what, Some(corrupt)));
    }
    if kept != encode(key, space) {
        let what = format!(
            "vectors of another space than {} with {} dimensions stand under its keys",
            space.fingerprint, space.dims
        );
        return Err(damaged(what, None));
    }
    Ok(())
}

impl SledStore {
    /// A space whose entry is damaged is passed over: its vectors can be made again.
    pub(crate) fn all_spaces(&self) -> Result<Vec<SpaceInfo>, StoreError> {
        let mut spaces = Vec::new();
        for item in self.scan(self.trees.manifest.scan_prefix(SPACE_KEYS)) {
            let (key, value) = item?;
            match decode(&key, &value) {
                Ok(space) => {
                    let (count, bytes) = self.weigh(&space)?;
                    spaces.push(SpaceInfo { space, count, bytes });
                }
                Err(corrupt) => tracing::error!(%corrupt, "the entry of a space is damaged"),
            }
        }
        Ok(spaces)
    }

    pub(crate) fn vectors_in(&self, space: &Space) -> Result<usize, StoreError> {
        let key = key(space);
        let Some(kept) = self.read(&self.trees.manifest, &key)? else { return Ok(0) };
        check(space, &key, &kept)?;
        Ok(self.weigh(space)?.0)
    }

    /// How many vectors a space has, and their bytes.
    fn weigh(&self, space: &Space) -> Result<(usize, u64), StoreError> {
        let (mut count, mut bytes) = (0, 0);
        for item in self.scan(self.trees.vec.scan_prefix(space.fingerprint.key_prefix())) {
            let (key, value) = item?;
            count += 1;
            bytes += (key.len() + value.len()) as u64;
        }
        Ok((count, bytes))
    }

    pub(crate) fn remove_whole_space(
        &self,
        space: &Space,
        cancel: &CancelToken,
    ) -> Result<usize, StoreError> {
        let space_key = key(space);
        let Some(kept) = self.read(&self.trees.manifest, &space_key)? else { return Ok(0) };
        check(space, &space_key, &kept)?;
        let prefix = space.fingerprint.key_prefix();
        let mut removed = 0;
        loop {
            cancel.check().map_err(StoreError::Cancelled)?;
            // Held while the batch is read too: nobody adds a vector between the last one and the end.
            let mut writer = self.writer();
            let batch = self.scan(self.trees.vec.scan_prefix(prefix)).take(BATCH);
            let batch = batch.map(|item| item.map(|(key, _)| key)).collect::<Result<Vec<_>, _>>()?;
            self.commit(&mut writer, |trees| {
                if batch.is_empty() {
                    return trees.remove(trees.manifest, &space_key);
                }
                batch.iter().try_for_each(|key| trees.remove(trees.vec, key))
            })?;
            if batch.is_empty() {
                writer.spaces.remove(&prefix);
                return Ok(removed);
            }
            removed += batch.len();
        }
    }

    fn note_key(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        if key.is_empty() || key.len() > MAX_NOTE_KEY {
            let what = format!("a note's key has 1 to {MAX_NOTE_KEY} bytes, not {}", key.len());
            let source = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(StoreError::Io { path: self.folder.clone(), source });
        }
        Ok([NOTE_KEYS, key].concat().into_bytes())
    }

    pub(crate) fn read_note(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let note = self.note_key(key)?;
        let Some(value) = self.read(&self.trees.manifest, &note)? else { return Ok(None) };
        let payload = codec::decode(&note, &value).map_err(|corrupt| StoreError::Damaged {
            what: format!("the note {key} is not as it was written"),
            source: Some(corrupt.into()),
        })?;
        Ok(Some(payload.to_vec()))
    }

    pub(crate) fn write_note(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let note = self.note_key(key)?;
        let value = value.map(|value| codec::encode(&note, value));
        self.commit(&mut self.writer(), |trees| match &value {
            Some(value) => trees.put(trees.manifest, &note, value),
            None => trees.remove(trees.manifest, &note),
        })
    }
}

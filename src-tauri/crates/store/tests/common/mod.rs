//! What the tests of this folder share. Each uses a part of it.
#![allow(dead_code, unreachable_pub)]

use std::path::Path;

use jiff::Timestamp;
use papr_memory::ports::{Store, VectorRecord};
use papr_memory::{Content, Dims, Fingerprint, Memory, MemoryId, RemoteId, Space, Tier, Vector};
use papr_store::SledStore;

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

/// A time long after 1970 and before today.
pub fn now() -> Timestamp {
    at(1_750_000_000_123)
}

pub fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, now()).unwrap()
}

/// A memory with an id that depends on `number` alone; ids sort as the numbers do.
pub fn memory(number: u64, text: &str) -> Memory {
    let mut memory = Memory::new(Content::new(text).unwrap(), Tier::Memories, now());
    memory.id = id(number);
    memory
}

pub fn id(number: u64) -> MemoryId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    MemoryId::from_bytes(bytes)
}

pub fn of_account(mut memory: Memory, sent: bool) -> Memory {
    memory.account = Some("me".to_owned());
    memory.remote =
        sent.then(|| RemoteId { account: "me".to_owned(), id: "r-1".to_owned(), object_id: None });
    memory
}

/// A space of 16 dimensions whose fingerprint is `digits`, repeated or cut to 64.
pub fn space(digits: &str) -> Space {
    let fingerprint: String = digits.chars().cycle().take(64).collect();
    let fingerprint: Fingerprint = serde_json::from_value(fingerprint.into()).unwrap();
    Space { fingerprint, dims: Dims::new(16).unwrap() }
}

/// A vector of 16 dimensions that points mostly along one of them.
pub fn vector(direction: usize) -> Vector {
    let mut values = [0.1_f32; 16];
    values[direction % 16] = 1.0;
    let norm = values.iter().map(|x| x * x).sum::<f32>().sqrt();
    Vector::new(values.iter().map(|x| x / norm).collect(), Dims::new(16).unwrap()).unwrap()
}

pub fn vector_of(memory: &Memory, direction: usize) -> VectorRecord {
    VectorRecord { id: memory.id, content: memory.content.clone(), vector: vector(direction) }
}

pub fn vectors(store: &SledStore, space: &Space) -> Vec<(MemoryId, Vector)> {
    let mut all = Vec::new();
    let passed_over = store.vectors(space, &mut |id, vector| all.push((id, vector))).unwrap();
    assert_eq!(passed_over, 0, "all vectors are whole");
    all
}

pub fn ids(memories: &[Memory]) -> Vec<MemoryId> {
    memories.iter().map(|memory| memory.id).collect()
}

/// How often something random is tried: ten times as often, at least, where `PAPR_LONG` is set.
pub fn rounds(usual: u32) -> u32 {
    if std::env::var_os("PAPR_LONG").is_some() { usual * 10 } else { usual }
}

/// This test program, started again to run its `child_serves` alone.
pub fn child() -> papr_store::Child {
    let arguments = ["--exact", "child_serves", "--nocapture"].map(Into::into).to_vec();
    papr_store::Child::new(std::env::current_exe().unwrap(), arguments)
}

/// Opens the database behind the store's back, which must be closed, and takes the seal off as a hard stop
/// would.
pub fn behind_its_back(folder: &Path, change: impl FnOnce(&sled::Db)) {
    let db = sled::Config::new().path(folder.join("db")).segment_size(2 << 20).flush_every_ms(None);
    let db = db.open().unwrap();
    change(&db);
    db.flush().unwrap();
    drop(db);
    std::fs::remove_file(folder.join("sealed")).unwrap();
}

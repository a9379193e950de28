//! Bounded fuzzing of what is read from disk: values of every tree changed under a right checksum, files of the
//! folder of any bytes; and all tests of this kind once more where memory is scarce.

use std::fs;

use half::f16;
use jiff::Timestamp;
use papr_memory::ports::TierMove;
use papr_memory::{
    Content, Dims, Fingerprint, Link, Memory, MemoryId, Op, OutboxEntry, RemoteId, Space, Tier, TierSetter,
};
use proptest::prelude::*;
use serde_json::json;

use crate::state::State;
use crate::tree::Part;
use crate::{backup, codec, links, marker, migrate, moves, outbox, quarantine, record, seal, spaces, state};

/// A whole value, the key it is kept under, and what its checksum is made with.
struct Whole {
    part: Part,
    key: Vec<u8>,
    salt: Vec<u8>,
    value: Vec<u8>,
}

impl Whole {
    fn new(part: Part, key: impl Into<Vec<u8>>, salt: &[u8], value: Vec<u8>) -> Self {
        let key = key.into();
        let salt = [salt, &key].concat();
        Self { part, key, salt, value }
    }
}

fn id() -> MemoryId {
    MemoryId::from_bytes([7; 16])
}

fn memory() -> Memory {
    let mut memory = Memory::new(Content::new("some text").unwrap(), Tier::Goals, Timestamp::UNIX_EPOCH);
    memory.id = id();
    memory.topics = ["one", "two"].map(str::to_owned).to_vec();
    memory.account = Some("me".to_owned());
    memory.remote =
        Some(RemoteId { account: "me".to_owned(), id: "r".to_owned(), object_id: Some("o".to_owned()) });
    memory.metadata.insert("k".to_owned(), json!({"deep": [1, null, 1.5, {"er": "x"}]}));
    memory
}

/// One of each kind.
fn whole() -> Vec<Whole> {
    let key = id().to_bytes();
    let fingerprint: Fingerprint = serde_json::from_value("a1".repeat(32).into()).unwrap();
    let space = Space { fingerprint, dims: Dims::new(16).unwrap() };
    let space_key = spaces::key(&space);
    let numbers = [0.25_f32; 14].into_iter().chain([0.3, 0.187_082_87]);
    let numbers: Vec<u8> = numbers.flat_map(|number| f16::from_f32(number).to_le_bytes()).collect();
    let vector_key = crate::vectors::key(space.fingerprint.key_prefix(), id());
    let moved =
        TierMove { from: Tier::Goals, to: Tier::Memories, by: TierSetter::Papr, at: Timestamp::UNIX_EPOCH };
    let entry = OutboxEntry { id: id(), op: Op::Upsert, rev: 3 };
    let deleted = Some(Timestamp::UNIX_EPOCH);
    vec![
        Whole::new(Part::Memories, key, b"", record::encode(&memory(), None).unwrap()),
        Whole::new(Part::Tombstones, key, b"", record::encode(&memory(), deleted).unwrap()),
        Whole::new(Part::Outbox, key, b"", outbox::encode(&entry)),
        Whole::new(Part::Moves, key, b"moves/", moves::encode(id(), &[moved, moved])),
        Whole::new(Part::Links, key, b"links/", links::encode(&Link::new(id(), "me")).unwrap()),
        Whole::new(Part::Manifest, space_key.clone(), b"", spaces::encode(&space_key, &space)),
        Whole::new(Part::Manifest, state::KEY, b"", State::default().encode()),
        Whole::new(Part::Manifest, migrate::KEY, b"", migrate::encode(migrate::SCHEMA)),
        Whole::new(Part::Vectors, vector_key, b"", codec::encode(&vector_key, &numbers)),
    ]
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Set(place, value) if !bytes.is_empty() => {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            Self::Insert(place, more) => {
                let place = place.index(bytes.len() + 1);
                bytes.splice(place..place, more.iter().copied());
            }
            Self::Remove(place, count) if !bytes.is_empty() => {
                let from = place.index(bytes.len());
                bytes.drain(from..bytes.len().min(from + count));
            }
            Self::Set(..) | Self::Remove(..) => {}
        }
    }
}

fn apply(changes: &[Change], bytes: &mut Vec<u8>) {
    for change in changes {
        change.apply(bytes);
    }
}

/// Any byte, but often one that begins a great number.
fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xff])]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = any::<prop::sample::Index>;
    let change = prop_oneof![
        (place(), any_byte()).prop_map(|(place, value)| Change::Set(place, value)),
        (place(), prop::collection::vec(any_byte(), 1..11)).prop_map(|(at, more)| Change::Insert(at, more)),
        (place(), 1..20_usize).prop_map(|(place, count)| Change::Remove(place, count)),
    ];
    prop::collection::vec(change, 0..4)
}

/// Any bytes, and such as a file of ours might become.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let known = [marker::MARKER, seal::FILE, state::MARK, "PAPRDUMP"].map(str::as_bytes);
    let ours = [
        br#"{"app":"papr-desktop","schema":1}"#.to_vec(),
        codec::encode(known[1], br#"{"db":{"bytes":5,"crc32":7}}"#),
        codec::encode(known[2], &9_u64.to_le_bytes()),
        [known[3], [1; 30].as_slice()].concat(),
    ];
    let changed = (prop::sample::select(ours.to_vec()), changes()).prop_map(|(mut bytes, changes)| {
        apply(&changes, &mut bytes);
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..120), changed]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_a_value_is_read_or_refused(changes in changes()) {
        for Whole { part, key, salt, value } in whole() {
            prop_assert_eq!(part.check(&key, &value), Ok(()), "as it was written");
            let mut payload = codec::decode(&salt, &value).unwrap().to_vec();
            apply(&changes, &mut payload);
            let changed = codec::encode(&salt, &payload);
            if part.check(&key, &changed).is_ok() && matches!(part, Part::Memories | Part::Tombstones) {
                let read = record::read(id(), &changed).unwrap();
                let again = record::encode(&read, read.deleted_at).unwrap();
                prop_assert_eq!(record::read(id(), &again), Ok(read), "what can be read can be written");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_files_of_a_folder_are_read_or_refused(files in prop::collection::vec(any_file(), 5)) {
        let folder = tempfile::tempdir().unwrap();
        let backups = folder.path().join("backups");
        fs::create_dir(&backups).unwrap();
        let [json, sealed, mark, dump, plan] = files.as_slice() else { unreachable!() };
        fs::write(folder.path().join(marker::MARKER), json).unwrap();
        fs::write(folder.path().join(seal::FILE), sealed).unwrap();
        fs::write(folder.path().join(state::MARK), mark).unwrap();
        fs::write(backups.join("x.paprbackup"), dump).unwrap();
        fs::create_dir(folder.path().join("swap")).unwrap();
        fs::write(folder.path().join("swap/plan"), plan).unwrap();
        let _ = marker::inspect(folder.path());
        let _ = seal::is_there(folder.path());
        let _ = state::read_mark(folder.path()).unwrap();
        prop_assert!(backup::verify_backup(&backups.join("x.paprbackup")).is_err(), "no backup by chance");
        let _ = backup::list(folder.path()).unwrap();
        quarantine::finish_swap(folder.path()).unwrap();
        prop_assert!(!folder.path().join("swap").exists(), "whatever the plan says, it is done with");
    }
}

/// A length that is a lie would ask for gigabytes.
#[cfg(target_os = "linux")]
#[test]
fn no_decoder_takes_memory_for_nothing() {
    let program = std::env::current_exe().unwrap();
    // Kibibytes of address space; every test whose name says that it reads any bytes.
    let script = "ulimit -v 400000 && exec \"$0\" ::any_ --test-threads=1";
    let out = std::process::Command::new("sh").arg("-c").arg(script).arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.contains("test result: ok.") && !said.contains(" 0 passed"), "it ran them: {said}");
}

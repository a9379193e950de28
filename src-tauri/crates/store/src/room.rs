//! A full disk is met before sled meets it.
//!
//! When sled cannot write, its database is of no use until it is opened again. So each change first looks at
//! how much room there is, and is refused in good time: nothing was begun, and once there is room again the
//! next change goes through.

use std::io;

use papr_memory::ports::StoreError;

use crate::SledStore;

/// Room that is left untouched, in bytes: a few segments of sled's log and the largest batch.
pub(crate) const RESERVE: u64 = 24 << 20;

impl SledStore {
    /// Fails with `Io` and [`io::ErrorKind::StorageFull`] if the disk is nearly full. A system that does not
    /// tell is taken at its best.
    pub(crate) fn check_room(&self) -> Result<(), StoreError> {
        match fs2::available_space(&self.folder) {
            Ok(free) if free < self.reserve => {
                let what = format!("only {} MB are left on this disk; nothing was changed", free >> 20);
                let source = io::Error::new(io::ErrorKind::StorageFull, what);
                Err(StoreError::Io { path: self.folder.clone(), source })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "the system does not say how much room there is");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use jiff::Timestamp;
    use papr_memory::ports::Store;
    use papr_memory::{Content, Memory, Tier};

    use super::*;

    fn mount(folder: &Path) -> bool {
        let tmpfs = ["-t", "tmpfs", "-o", "size=48m", "tmpfs"];
        cfg!(target_os = "linux")
            && Command::new("mount").args(tmpfs).arg(folder).output().is_ok_and(|out| out.status.success())
    }

    /// What happens where others fill the disk between the look and the write.
    #[test]
    fn when_sled_itself_meets_a_full_disk_nothing_saved_is_lost() {
        let disk = tempfile::tempdir().unwrap();
        if !mount(disk.path()) {
            return eprintln!("skipped: a small disk cannot be mounted here; that needs Linux and root");
        }
        let folder = disk.path().join("store");
        let mut store = SledStore::open(&folder, Timestamp::UNIX_EPOCH);
        if let Ok(store) = &mut store {
            store.reserve = 0;
        }
        let ballast = disk.path().join("ballast");
        std::fs::write(&ballast, vec![1; 8 << 20]).unwrap();
        let outcome = store.map(|store| {
            let mut saved = 0;
            let error = loop {
                let content = Content::new(format!("{saved} ").repeat(2_000)).unwrap();
                match store.insert(&[Memory::new(content, Tier::Memories, Timestamp::UNIX_EPOCH)]) {
                    Ok(()) => saved += 1,
                    Err(error) => break error,
                }
            };
            (saved, error)
        });
        let while_full = SledStore::open(&folder, Timestamp::UNIX_EPOCH).map(drop);
        std::fs::remove_file(&ballast).unwrap();
        let opened = SledStore::open(&folder, Timestamp::UNIX_EPOCH);
        let full = opened.and_then(|store| Ok(store.counts()?.total()));
        let unmounted = Command::new("umount").arg("-l").arg(disk.path()).status();
        let (saved, error) = outcome.unwrap();
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        assert!(matches!(while_full, Ok(()) | Err(StoreError::Io { .. })), "{while_full:?}");
        assert!(saved > 100, "{saved}");
        let full = full.unwrap();
        assert!(full == saved || full == saved + 1, "{full} of {saved} after a new start");
        assert!(unmounted.unwrap().success());
    }
}

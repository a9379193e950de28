//! A file that grows, and the hash of what is in it.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ModelError;
use crate::files::{hex, read_in_pieces};
use crate::stop::Stop;

/// `<file>.part`: opened for more bytes, with all earlier ones hashed.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    digest: Sha256,
    length: u64,
}

impl Part {
    /// Opens the file, made if need be, and hashes what is in it.
    pub(crate) fn open(path: &Path, stop: &Stop<'_>) -> Result<Self, ModelError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(ModelError::at(path))?;
        let mut part = Self { path: path.to_owned(), file, digest: Sha256::new(), length: 0 };
        let (digest, length) = (&mut part.digest, &mut part.length);
        read_in_pieces(path, stop, |piece| {
            digest.update(piece);
            *length += piece.len() as u64;
            Ok(())
        })?;
        part.file.seek(SeekFrom::Start(part.length)).map_err(ModelError::at(path))?;
        Ok(part)
    }

    /// Bytes in it.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Drops all bytes, for good: a note that is written after this speaks of none of them.
    pub(crate) fn restart(&mut self) -> Result<(), ModelError> {
        if self.length == 0 {
            return Ok(());
        }
        let empty =
            self.file.set_len(0).and_then(|()| self.file.sync_all()).and_then(|()| self.file.rewind());
        empty.map_err(ModelError::at(&self.path))?;
        self.digest = Sha256::new();
        self.length = 0;
        Ok(())
    }

    /// Adds bytes. After an error the file may hold some of them; the next opening hashes what is there.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.file.write_all(bytes).map_err(ModelError::at(&self.path))?;
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Syncs the file and gives its SHA-256.
    pub(crate) fn finish(self) -> Result<String, ModelError> {
        self.file.sync_all().map_err(ModelError::at(&self.path))?;
        Ok(hex(self.digest))
    }
}

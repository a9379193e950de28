//! Where the data folder is: in its usual place, or where a file there says that it was moved to.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, default_data_folder};

/// The file in a folder that the data was moved away from.
pub(crate) const FILE: &str = "moved-to.json";
pub(crate) const PART: &str = "moved-to.json.part";

#[derive(Serialize, Deserialize)]
struct Pointer {
    folder: PathBuf,
}

/// The folder of this person's data: [`default_data_folder`], or where it was moved to. `None` if the system names no
/// such place.
///
/// Nothing is looked for in it. If it is on a disk that is not connected, [`crate::Engine::open`] says so, and makes
/// nothing in its place; so it does if the file that names it cannot be read.
pub fn data_folder() -> Option<PathBuf> {
    let usual = default_data_folder()?;
    Some(read(&usual).ok().flatten().unwrap_or(usual))
}

/// Where the data of `folder` was moved to, if it was.
pub(crate) fn read(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let path = folder.join(FILE);
    let json = match fs::read(&path) {
        Ok(json) => json,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(Error::File { path, source }),
    };
    match serde_json::from_slice::<Pointer>(&json) {
        Ok(pointer) => Ok(Some(pointer.folder)),
        Err(error) => {
            let reason = format!("it says where your memories are, and cannot be read: {error}");
            Err(Error::Format { path, reason })
        }
    }
}

/// Says in `home` that its data is in `folder`; a crash leaves the old file or the new one.
pub(super) fn write(home: &Path, folder: &Path) -> Result<(), Error> {
    let (path, part) = (home.join(FILE), home.join(PART));
    let written = || {
        fs::create_dir_all(home)?;
        let mut file = File::create(&part)?;
        file.write_all(&serde_json::to_vec(&Pointer { folder: folder.to_owned() })?)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        sync_folder(home)
    };
    written().map_err(|source| Error::File { path, source })
}

/// Takes back what [`write`] said.
pub(crate) fn remove(home: &Path) -> Result<(), Error> {
    let path = home.join(FILE);
    match fs::remove_file(&path).and_then(|()| sync_folder(home)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(|source| Error::File { path, source }),
    }
}

/// The folder whose pointer tells where `data` is: the usual one if it does, else `data` itself.
pub(crate) fn home_of(data: &Path, usual: Option<&Path>) -> PathBuf {
    let usual = usual.filter(|usual| read(usual).ok().flatten().as_deref() == Some(data));
    usual.unwrap_or(data).to_owned()
}

/// What keeps a folder from being used as a data folder, as far as it was moved: it is not where it was moved to, or
/// it was moved away from here.
pub(crate) fn check(data: &Path, store: &Path, usual: Option<&Path>) -> Result<(), Error> {
    if let Some(elsewhere) = read(data)? {
        let reason = format!("they were moved from there to {}", elsewhere.display());
        return Err(Error::Folder { path: data.to_owned(), reason });
    }
    if home_of(data, usual) != data && !store.is_dir() {
        return Err(Error::FolderAway { path: data.to_owned() });
    }
    Ok(())
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_away_is_told_and_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (usual, disk) = (folder.path().join("usual"), folder.path().join("disk"));
        assert!(check(&usual, &usual.join("memories"), Some(&usual)).is_ok(), "nothing was moved");
        write(&usual, &disk).unwrap();
        assert_eq!(read(&usual).unwrap(), Some(disk.clone()));
        let check = |data: &Path| check(data, &data.join("memories"), Some(&usual));
        let away = check(&disk).unwrap_err();
        assert!(
            matches!(away, Error::FolderAway { .. }) && away.hint().unwrap().contains("Connect the disk")
        );
        assert!(!disk.exists(), "nothing is made");
        let moved = check(&usual).unwrap_err().to_string();
        assert!(moved.contains(&disk.display().to_string()), "the old place is not begun anew: {moved}");
        fs::create_dir_all(disk.join("memories")).unwrap();
        assert!(check(&disk).is_ok(), "the disk is back");
        fs::write(usual.join(FILE), "{ half").unwrap();
        assert!(matches!(check(&usual), Err(Error::Format { .. })), "a damaged pointer hides no memories");
        remove(&usual).unwrap();
        assert!(check(&usual).is_ok());
    }
}

//! Where things are: the data folder, and the resources that come with the app.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use papr_memory::ports::StoreError;

use crate::Error;
use crate::data::pointer;
use crate::settings::SETTINGS_FILE;

/// The app's identifier; names its folders, here and in Tauri.
pub const APP_IDENTIFIER: &str = "ai.papr.desktop";

/// The folder of the store within the data folder.
pub(crate) const STORE_FOLDER: &str = "memories";

/// The folder of this person's data: the same that Tauri uses.
///
/// Linux `$XDG_DATA_HOME/ai.papr.desktop`, macOS `~/Library/Application Support/ai.papr.desktop`, Windows
/// `%APPDATA%\ai.papr.desktop`. `None` if the system names no such place.
pub fn default_data_folder() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join(APP_IDENTIFIER))
}

/// Where the system keeps what it compiled for its Neural Engine on this app's behalf; none but on macOS.
pub(crate) fn system_core_ml_cache() -> Option<PathBuf> {
    let caches = dirs::cache_dir().filter(|_| cfg!(target_os = "macos"))?;
    Some(caches.join(APP_IDENTIFIER).join("com.apple.e5rt.e5bundlecache"))
}

/// The store's folder in `data`, if `data` may be used: new, empty, ours already, or the app's own folder; and neither
/// moved away from there nor away.
pub(crate) fn store_folder(data: &Path) -> Result<PathBuf, Error> {
    let store = data.join(STORE_FOLDER);
    pointer::check(data, &store, default_data_folder().as_deref())?;
    let io = |source| Error::from(StoreError::Io { path: data.to_owned(), source });
    if !data.try_exists().map_err(io)? || store.is_dir() || default_data_folder().as_deref() == Some(data) {
        return Ok(store);
    }
    let mut names = data.read_dir().map_err(io)?.map(|entry| Ok(entry.map_err(io)?.file_name()));
    let foreign = |name: &Result<OsString, Error>| !name.as_ref().is_ok_and(|name| is_made_first(name));
    let Some(first) = names.find(foreign).transpose()? else { return Ok(store) };
    let reason = format!("it holds {} and no memories", first.display());
    Err(StoreError::NotOurs { path: data.to_owned(), reason }.into())
}

/// Whether the app makes a file or folder of this name before there are memories.
fn is_made_first(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "logs" || name.starts_with("desktop.json") || name.starts_with(SETTINGS_FILE)
}

/// The folder of what comes with the app: `onnxruntime/` with the runtime library, `models/` with a folder a
/// model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// The runtime library to load.
    pub runtime_library: PathBuf,
    /// The folder that holds `models/`.
    pub folder: PathBuf,
}

#[cfg(target_os = "macos")]
const LIBRARY: &str = "libonnxruntime.1.28.0.dylib";
#[cfg(windows)]
const LIBRARY: &str = "onnxruntime.dll";
#[cfg(not(any(target_os = "macos", windows)))]
const LIBRARY: &str = "libonnxruntime.so.1.28.0";

impl Resources {
    /// Resources in `folder`. `ORT_DYLIB_PATH` names another library.
    pub fn in_folder(folder: &Path) -> Self {
        let beside = folder.join("onnxruntime").join(LIBRARY);
        // Where macOS wants libraries of an app, signed with it.
        let framework = folder.join("../Frameworks").join(LIBRARY);
        let own = if cfg!(target_os = "macos") && framework.exists() { framework } else { beside };
        let runtime_library = env::var_os("ORT_DYLIB_PATH").map_or(own, PathBuf::from);
        Self { runtime_library, folder: folder.to_owned() }
    }

    /// The folder with a folder a model.
    pub fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// Finds the resources: `PAPR_RESOURCES`, the app's bundle, then the `vendor` folder of the project this
    /// program was built in. If none exists, the place in the bundle is named, so that the error can say it.
    pub fn find(bundle: Option<&Path>) -> Self {
        if let Some(folder) = env::var_os("PAPR_RESOURCES") {
            return Self::in_folder(Path::new(&folder));
        }
        let program = env::current_exe().ok().and_then(|path| path.canonicalize().ok());
        let beside = program.as_deref().and_then(Path::parent).map(Path::to_owned);
        let installed = beside.as_deref().map(|folder| folder.join("../lib/Papr Desktop"));
        let vendors =
            program.iter().flat_map(|path| path.ancestors().skip(1)).map(|folder| folder.join("vendor"));
        let candidates: Vec<PathBuf> = bundle
            .map(Path::to_owned)
            .into_iter()
            .chain(beside.clone())
            .chain(installed)
            .chain(vendors)
            .collect();
        let found = candidates.iter().find(|folder| folder.join("models").is_dir());
        let fallback = candidates.first().cloned().unwrap_or_default();
        Self::in_folder(found.unwrap_or(&fallback))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_empty_or_own_folders_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new");
        assert!(store_folder(&data).is_ok(), "a folder that is yet to be made");
        std::fs::create_dir(&data).unwrap();
        assert!(store_folder(&data).is_ok(), "an empty folder");
        std::fs::create_dir(data.join("logs")).unwrap();
        std::fs::write(data.join("desktop.json"), "{}").unwrap();
        assert!(store_folder(&data).is_ok(), "what the app itself makes before");
        std::fs::write(data.join("letter.txt"), "dear").unwrap();
        assert!(
            matches!(store_folder(&data), Err(Error::Store(StoreError::NotOurs { .. }))),
            "somebody's letters stay alone"
        );
        std::fs::create_dir(data.join(STORE_FOLDER)).unwrap();
        assert!(store_folder(&data).is_ok(), "a folder with our memories in it");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(store_folder(&file).is_err(), "a file is no folder");
    }
}

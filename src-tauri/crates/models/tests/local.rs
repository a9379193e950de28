//! What needs no download: caches of other programs, imports, removals, lists, updates.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::fs;
use std::path::{Path, PathBuf};

use double::{COMMIT, Double, HubFile, MODEL_BYTES, Reply, entry, noise, quiet, sha256};
use papr_memory::{CancelToken, HashOrigin};
use papr_models::{
    Catalog, Found, Hub, HubOptions, InstalledModel, ModelError, ModelsFolder, Origin, Update, import,
    install, installed, look_up, remove, tidy,
};
use tempfile::TempDir;

/// A cache of another program with this file in it.
fn cache(commit: &str, path: &str, bytes: &[u8]) -> TempDir {
    let cache = TempDir::new().unwrap();
    let file = cache.path().join("models--org--model/snapshots").join(commit).join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
    cache
}

fn with_cache(double: &Double, cache: &TempDir) -> Hub {
    Hub::new(HubOptions { caches: vec![cache.path().to_owned()], ..double.options() }).unwrap()
}

#[test]
fn a_file_in_a_cache_is_not_downloaded() {
    for commit in [COMMIT, "2222222222222222222222222222222222222222"] {
        let (double, models) = (Double::new(), TempDir::new().unwrap());
        let cache = cache(commit, "onnx/model.onnx", &noise(1, MODEL_BYTES));
        let hub = with_cache(&double, &cache);
        let model = install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap();
        model.verify(&CancelToken::new()).unwrap();
        assert!(double.gets("model.onnx").is_empty(), "copied");
        assert_eq!(double.gets("tokenizer.json").len(), 1, "its hash is not known before");
        let cached = cache.path().join("models--org--model/snapshots").join(commit).join("onnx/model.onnx");
        assert_eq!(sha256(&fs::read(cached).unwrap()), sha256(&noise(1, MODEL_BYTES)), "left as it was");
    }
}

#[test]
fn another_content_in_a_cache_is_passed_over() {
    let mut same_size = noise(1, MODEL_BYTES);
    same_size[9] ^= 1;
    for bytes in [same_size, noise(1, 100)] {
        let (double, models) = (Double::new(), TempDir::new().unwrap());
        let hub = with_cache(&double, &cache(COMMIT, "onnx/model.onnx", &bytes));
        let model = install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap();
        model.verify(&CancelToken::new()).unwrap();
        assert_eq!(double.gets("model.onnx").len(), 1);
    }
}

/// The hub's files in a folder, by their names in the repository.
fn loose(double: &Double) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    for path in ["onnx/model.onnx", "tokenizer.json"] {
        fs::write(folder.path().join(path), double.file(path).bytes).unwrap();
    }
    folder
}

fn take(from: &Path, pinned: Option<&Double>, models: &Path) -> Result<InstalledModel, ModelError> {
    import(from, Some(&entry(pinned)), models, &quiet, &CancelToken::new())
}

#[test]
fn files_are_imported_from_a_folder_or_from_one_of_them() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let from = loose(&double);
    let model = take(from.path(), None, models.path()).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(model.manifest().hashes, HashOrigin::Recorded);
    assert!(Origin::of(&model).is_none());
    fs::rename(from.path().join("onnx/model.onnx"), from.path().join("model.onnx")).unwrap();
    let model = take(&from.path().join("model.onnx"), Some(&double), models.path()).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(model.manifest().hashes, HashOrigin::Pinned, "replaced");
    assert!(double.log().is_empty(), "nothing was asked of the network");
}

#[test]
fn an_import_is_verified_before_it_is_taken() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let from = loose(&double);
    let graph = from.path().join("onnx/model.onnx");
    let mut bytes = noise(1, MODEL_BYTES);
    bytes[0] ^= 1;
    fs::write(&graph, &bytes).unwrap();
    assert!(matches!(take(from.path(), Some(&double), models.path()), Err(ModelError::Checksum { .. })));
    fs::write(&graph, &bytes[1..]).unwrap();
    assert!(matches!(take(from.path(), Some(&double), models.path()), Err(ModelError::CutShort { .. })));
    fs::remove_file(&graph).unwrap();
    let error = take(from.path(), None, models.path()).unwrap_err();
    assert!(
        matches!(&error, ModelError::NotImportable { reason, .. } if reason.contains("model.onnx")),
        "{error:?}"
    );
    let nowhere = take(&from.path().join("nowhere"), None, models.path());
    assert!(matches!(nowhere, Err(ModelError::NotImportable { .. })));
    let unknown = import(from.path(), None, models.path(), &quiet, &CancelToken::new());
    assert!(matches!(unknown, Err(ModelError::NotImportable { .. })));
    assert!(installed(&[ModelsFolder::chosen(models.path())]).is_empty());
    let left = fs::read_dir(models.path()).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    assert_eq!(left, 0, "nothing is left over");
}

#[test]
fn a_model_folder_is_imported_with_its_papers() {
    let (double, first, second) = (Double::new(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let model = double::run(&double, first.path()).unwrap();
    fs::write(model.folder().join("LICENSE"), "MIT").unwrap();
    fs::write(model.folder().join("stray"), "x").unwrap();
    let copy = import(model.folder(), None, second.path(), &quiet, &CancelToken::new()).unwrap();
    copy.verify(&CancelToken::new()).unwrap();
    assert_eq!(copy.manifest(), model.manifest());
    assert!(copy.folder().join("LICENSE").is_file() && !copy.folder().join("stray").exists());
    assert_eq!(Origin::of(&copy), Origin::of(&model));
    let again = import(copy.folder(), None, second.path(), &quiet, &CancelToken::new());
    assert!(matches!(again, Err(ModelError::NotImportable { .. })), "itself");
    let catalog = Catalog::built_in().unwrap();
    let other = catalog.get("bge-small-en-v1.5");
    let other = import(model.folder(), other, second.path(), &quiet, &CancelToken::new());
    assert!(matches!(other, Err(ModelError::NotImportable { .. })), "another model than was chosen");
    fs::write(model.model_path(), noise(5, MODEL_BYTES)).unwrap();
    let damaged = import(model.folder(), None, second.path(), &quiet, &CancelToken::new());
    assert!(matches!(damaged, Err(ModelError::Checksum { .. })));
    copy.verify(&CancelToken::new()).unwrap();
}

#[test]
fn removing_says_what_it_freed() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let model = double::run(&double, models.path()).unwrap();
    let bytes: u64 =
        fs::read_dir(model.folder()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(remove("m", models.path()).unwrap(), bytes);
    assert!(!model.folder().exists());
    assert!(matches!(remove("m", models.path()), Err(ModelError::NoManifest { .. })));
    assert!(matches!(remove("../m", models.path()), Err(ModelError::InvalidId { .. })));
    assert!(matches!(remove("m", &models.path().join("a/b")), Err(ModelError::FolderAbsent { .. })));
    let broken = models.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("manifest.json"), "{").unwrap();
    assert_eq!(remove("broken", models.path()).unwrap(), 1, "an unusable one, too");
}

#[test]
fn a_list_tells_models_problems_and_absent_disks_apart() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double::run(&double, models.path()).unwrap();
    let broken = models.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("manifest.json"), "{").unwrap();
    for unfinished in ["n.part", "n.old"] {
        fs::create_dir(models.path().join(unfinished)).unwrap();
        fs::copy(models.path().join("m/manifest.json"), models.path().join(unfinished).join("manifest.json"))
            .unwrap();
    }
    let absent: PathBuf = models.path().join("disk/models");
    let found = installed(&[
        ModelsFolder::usual(models.path().join("none")),
        ModelsFolder::chosen(models.path()),
        ModelsFolder::chosen(&absent),
    ]);
    let [
        Found::Broken { folder, problem },
        Found::Model(model),
        Found::Unavailable { folder: gone, problem: why },
    ] = found.as_slice()
    else {
        panic!("{found:?}")
    };
    assert!(*folder == broken && matches!(problem, ModelError::Manifest { .. }));
    assert_eq!(model.manifest().id, "m");
    assert!(*gone == absent && matches!(why, ModelError::FolderAbsent { .. }));
}

#[test]
fn an_installed_model_is_not_fetched_again_and_a_newer_one_replaces_it() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let model = double::run(&double, models.path()).unwrap();
    let origin = Origin::of(&model).unwrap();
    assert_eq!(origin.commit.as_deref(), Some(COMMIT));
    let now = || look_up(&entry(None), &double.hub(), &CancelToken::new()).unwrap();
    assert_eq!(origin.compare(&now()), Update::UpToDate);
    double.clear_log();
    double::run(&double, models.path()).unwrap();
    assert!(double.log().iter().all(|request| request.method == "HEAD"), "heads only");

    let damaged = noise(6, MODEL_BYTES);
    fs::write(model.model_path(), &damaged).unwrap();
    let model = double::run(&double, models.path()).unwrap();
    model.verify(&CancelToken::new()).unwrap();

    double.put("onnx/model.onnx", HubFile { bytes: noise(2, 200_000), large: true });
    let changed = vec!["onnx/model.onnx".to_owned()];
    assert_eq!(origin.compare(&now()), Update::Available { changed });
    let model = double::run(&double, models.path()).unwrap();
    assert_eq!(fs::read(model.model_path()).unwrap(), noise(2, 200_000));
    assert_eq!(Origin::of(&model).unwrap().compare(&now()), Update::UpToDate);
    assert!(!models.path().join("m.old").exists());
}

#[test]
fn a_failed_update_leaves_the_model_that_was_there() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double::run(&double, models.path()).unwrap();
    double.put("onnx/model.onnx", HubFile { bytes: noise(2, 200_000), large: true });
    double.script(|request, _, reply| if request.is_get("model.onnx") { Reply::new(500) } else { reply });
    let failed = install(&entry(None), &double.hub(), models.path(), &quiet, &CancelToken::new());
    assert!(matches!(failed, Err(ModelError::Offline { .. })));
    let model = InstalledModel::open(&models.path().join("m")).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(fs::read(model.model_path()).unwrap(), noise(1, MODEL_BYTES));
}

#[test]
fn complete_files_need_no_hub() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    // Stopped when everything was there and only the last step was missing.
    let cancel = CancelToken::new();
    let stop = |progress: papr_models::Progress| {
        if progress.phase == papr_models::Phase::Verifying {
            cancel.cancel();
        }
    };
    install(&entry(None), &double.hub(), models.path(), &stop, &cancel).unwrap_err();
    let offline = Hub::new(HubOptions { endpoint: Double::empty().endpoint(), ..double.options() }).unwrap();
    let model = install(&entry(None), &offline, models.path(), &quiet, &CancelToken::new()).unwrap();
    model.verify(&CancelToken::new()).unwrap();
}

#[test]
fn two_at_a_time_is_one_too_many() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let second = std::sync::Mutex::new(None);
    let report = |_| {
        let mut second = second.lock().unwrap();
        if second.is_none() {
            let result = install(&entry(None), &double.hub(), models.path(), &quiet, &CancelToken::new());
            *second = Some(result);
        }
    };
    install(&entry(None), &double.hub(), models.path(), &report, &CancelToken::new()).unwrap();
    assert!(matches!(second.into_inner().unwrap(), Some(Err(ModelError::Busy { .. }))));
}

#[test]
fn a_look_at_the_hub_tells_sizes_and_where_it_sends_on_to() {
    let double = Double::new();
    double.script(|request, _, reply| {
        if request.path.ends_with("model.onnx") {
            Reply { status: 302, body: vec![], ..reply }.with("Location", "http://store.invalid/x")
        } else {
            reply
        }
    });
    let facts = look_up(&entry(None), &double.hub(), &CancelToken::new()).unwrap();
    assert_eq!(facts.commit.as_deref(), Some(COMMIT));
    let (path, graph) = &facts.files[1];
    assert_eq!((path.as_str(), graph.bytes), ("onnx/model.onnx", Some(MODEL_BYTES as u64)));
    assert_eq!(graph.redirected_to.as_deref(), Some("store.invalid"), "which is not contacted for that");
    assert_eq!(graph.sha256, Some(sha256(&noise(1, MODEL_BYTES))));
}

#[test]
fn a_kill_before_the_last_rename_is_made_good_without_a_hub() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let model = double::run(&double, models.path()).unwrap();
    let part = models.path().join("m.part");
    fs::rename(model.folder(), &part).unwrap();
    fs::write(part.join("model.onnx.note"), "{").unwrap();
    assert!(installed(&[ModelsFolder::chosen(models.path())]).is_empty());
    let offline = Hub::new(HubOptions { endpoint: Double::empty().endpoint(), ..double.options() }).unwrap();
    let again = install(&entry(None), &offline, models.path(), &quiet, &CancelToken::new()).unwrap();
    double::assert_whole(&double, models.path(), &again);
    // The same, with a byte that the disk lost: then it is fetched.
    fs::rename(again.folder(), &part).unwrap();
    fs::write(part.join("model.onnx"), noise(4, MODEL_BYTES)).unwrap();
    let again = double::run(&double, models.path()).unwrap();
    double::assert_whole(&double, models.path(), &again);
}

#[test]
fn what_a_kill_leaves_beside_the_models_is_put_right() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let at = |name: &str| models.path().join(name);
    let listed = || installed(&[ModelsFolder::chosen(models.path())]).len();
    double::run(&double, models.path()).unwrap();
    fs::rename(at("m"), at("m.old")).unwrap();
    assert_eq!(listed(), 0);
    tidy(models.path()).unwrap();
    assert_eq!(listed(), 1, "the exchange did not end: back again");
    for left in ["m.old", "n.old", "n.gone", "n.import.part"] {
        fs::create_dir(at(left)).unwrap();
        fs::copy(at("m/manifest.json"), at(left).join("manifest.json")).unwrap();
    }
    fs::create_dir(at("n.part")).unwrap();
    fs::write(at("n.part/model.onnx.part"), "x").unwrap();
    tidy(models.path()).unwrap();
    assert!(listed() == 1 && at("n.part/model.onnx.part").exists(), "a download is kept");
    assert!(["m.old", "n.old", "n.gone", "n.import.part", "n"].iter().all(|name| !at(name).exists()));
    tidy(&at("nowhere")).unwrap();
}

#[test]
fn a_hub_that_knows_no_head_or_is_busy_is_asked_again() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(|request, count, reply| match request.method.as_str() {
        "HEAD" if request.path.ends_with("model.onnx") => Reply::new(405),
        "HEAD" if count == 0 => Reply::new(503).with("Retry-After", 0),
        _ => reply,
    });
    let model = double::run(&double, models.path()).unwrap();
    double::assert_whole(&double, models.path(), &model);
}

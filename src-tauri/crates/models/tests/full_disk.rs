//! A disk that is too small, and one that fills up on the way.
//!
//! The second needs a small disk of its own. It is a tmpfs where this process may mount one; where not, the test
//! says so and ends, and what is left is the unit test that tells a full disk from other failures.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use double::{Double, HubFile, entry, noise, quiet};
use papr_memory::CancelToken;
use papr_models::{ModelError, ModelsFolder, Phase, Progress, install, installed, interrupted};
use tempfile::TempDir;

/// A small disk, as long as it lives.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn mount(size: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self { folder })
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Takes all room there is.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let mut size = 1 << 16;
    while size > 0 {
        if file.write_all(&vec![1; size]).is_err() {
            size /= 2;
        }
    }
}

fn big() -> Double {
    let double = Double::new();
    double.put("onnx/model.onnx", HubFile { bytes: noise(3, 3_000_000), large: true });
    double
}

#[test]
fn too_little_room_is_refused_with_numbers_and_nothing_is_fetched() {
    let Some(disk) = Disk::mount("3200k") else { return println!("not run: no tmpfs may be mounted here") };
    let double = big();
    let error =
        install(&entry(None), &double.hub(), &disk.models(), &quiet, &CancelToken::new()).unwrap_err();
    let ModelError::NoSpace { needed, free, .. } = error else { panic!("{error:?}") };
    assert_eq!(needed, 3_000_014 + 300_001, "with the reserve");
    assert!(free <= 3200 * 1024, "{free}");
    assert!(error.to_string().contains(&needed.to_string()) && error.to_string().contains(&free.to_string()));
    assert!(double.gets("model.onnx").is_empty());
}

#[test]
fn a_disk_that_fills_up_keeps_the_part() {
    let Some(disk) = Disk::mount("8m") else { return println!("not run: no tmpfs may be mounted here") };
    let (double, models) = (big(), disk.models());
    double.script(|request, count, reply| {
        if request.is_get("model.onnx") && count == 0 {
            reply.ending(double::Ending::Paced(100_000, std::time::Duration::from_millis(20)))
        } else {
            reply
        }
    });
    let filler = disk.folder.path().join("filler");
    let report = |progress: Progress| {
        if progress.phase == Phase::Downloading && progress.bytes_done > 500_000 && !filler.exists() {
            fill(&filler);
        }
    };
    let error = install(&entry(None), &double.hub(), &models, &report, &CancelToken::new()).unwrap_err();
    assert!(
        matches!(&error, ModelError::DiskFull { path } if path.ends_with("model.onnx.part")),
        "{error:?}"
    );
    assert!(installed(&[ModelsFolder::chosen(&models)]).is_empty());
    assert!(interrupted(&models)[0].bytes > 500_000);

    fs::remove_file(&filler).unwrap();
    double.clear_log();
    let model = install(&entry(None), &double.hub(), &models, &quiet, &CancelToken::new()).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert!(double.gets("model.onnx")[0].header("range").is_some(), "the rest only");
}

//! Killed at any moment, the next installation goes on and ends right.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use double::{Double, Ending, HubFile, entry, noise, quiet, sha256};
use papr_memory::CancelToken;
use papr_models::{Found, Hub, HubOptions, InstalledModel, ModelsFolder, install, installed};
use tempfile::TempDir;

const KILLS: usize = 20;
const MOST_ROUNDS: usize = 100;

/// What the child does; without the variables this is no test.
#[test]
fn child() {
    let (Ok(endpoint), Ok(models)) = (std::env::var("PAPR_TEST_ENDPOINT"), std::env::var("PAPR_TEST_MODELS"))
    else {
        return;
    };
    let hub = Hub::new(HubOptions { endpoint, proxy: false, ..HubOptions::default() }).unwrap();
    install(&entry(None), &hub, Path::new(&models), &quiet, &CancelToken::new()).unwrap();
}

fn start(double: &Double, models: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env("PAPR_TEST_ENDPOINT", double.endpoint())
        .env("PAPR_TEST_MODELS", models)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for_request(double: &Double, before: usize, child: &mut Child) {
    while double.log().len() == before && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_at_any_moment_it_goes_on_and_ends_right() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let bytes = noise(7, 1_000_000);
    double.put("onnx/model.onnx", HubFile { bytes: bytes.clone(), large: true });
    double.put("tokenizer.json", HubFile { bytes: noise(8, 50_000), large: false });
    double.script(|request, _, reply| match request.method.as_str() {
        "GET" => reply.ending(Ending::Paced(10_000, Duration::from_millis(4))),
        _ => reply,
    });
    // How long it takes from the first request on, if nobody kills it.
    let mut child = start(&double, models.path());
    wait_for_request(&double, 0, &mut child);
    let begin = Instant::now();
    assert!(child.wait().unwrap().success());
    let time = begin.elapsed();
    fs::remove_dir_all(models.path().join("m")).unwrap();

    let seed = std::process::id();
    let mut moments = noise(seed, 2 * MOST_ROUNDS).into_iter();
    let (mut hits, mut ended) = (0, 0);
    while hits < KILLS {
        let (Some(moment), Some(kind)) = (moments.next(), moments.next()) else { break };
        let before = double.log().len();
        let mut child = start(&double, models.path());
        // What is left to do gets less, so these moments reach the last step, too; some are before the first.
        if kind % 5 != 0 {
            wait_for_request(&double, before, &mut child);
        }
        std::thread::sleep(time.mul_f64(0.5 * f64::from(moment) / 255.0));
        hits += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        match installed(&[ModelsFolder::chosen(models.path())]).as_slice() {
            [] => {}
            [Found::Model(model)] => {
                model.verify(&CancelToken::new()).unwrap();
                ended += 1;
                fs::remove_dir_all(model.folder()).unwrap();
            }
            other => panic!("seed {seed}: something half-installed is listed: {other:?}"),
        }
    }
    println!("seed {seed}: {hits} kills hit a running installation, {ended} installations had ended");
    assert_eq!(hits, KILLS, "seed {seed}: the moments are chosen badly");
    assert!(start(&double, models.path()).wait().unwrap().success());
    let model = InstalledModel::open(&models.path().join("m")).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    assert_eq!(sha256(&fs::read(model.model_path()).unwrap()), sha256(&bytes));
    let ranges = double.gets("model.onnx").iter().filter(|get| get.header("range").is_some()).count();
    assert!(ranges > 0, "it never went on from where it was");
}

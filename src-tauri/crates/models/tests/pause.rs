//! Stopping, going on, and dropping what is there.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::time::{Duration, Instant};

use double::{Double, Ending, MODEL_BYTES, assert_nothing, assert_whole, entry, quiet, run};
use papr_memory::CancelToken;
use papr_models::{Hub, HubOptions, ModelError, forget, install, interrupted};
use tempfile::TempDir;

const MODEL: &str = "model.onnx";

#[test]
fn a_pause_keeps_what_is_there_and_forgetting_drops_it() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(|request, _, reply| {
        if request.is_get(MODEL) {
            reply.ending(Ending::Paced(10_000, Duration::from_millis(20)))
        } else {
            reply
        }
    });
    let cancel = CancelToken::new();
    let pause = |progress: papr_models::Progress| {
        if progress.bytes_done > 60_000 {
            cancel.cancel();
        }
    };
    let error = install(&entry(None), &double.hub(), models.path(), &pause, &cancel).unwrap_err();
    assert!(matches!(error, ModelError::Cancelled(_)), "{error:?}");
    assert!(interrupted(models.path())[0].bytes < MODEL_BYTES as u64, "seen before the end");
    assert_nothing(models.path());
    let left = interrupted(models.path());
    assert!(left.len() == 1 && left[0].id == "m" && left[0].bytes > 60_000, "{left:?}");

    double.clear_log();
    let model = run(&double, models.path()).unwrap();
    assert_whole(&double, models.path(), &model);
    assert!(double.gets(MODEL)[0].header("range").is_some(), "the rest only");

    let other = TempDir::new().unwrap();
    let again = CancelToken::new();
    let pause = |progress: papr_models::Progress| {
        if progress.bytes_done > 60_000 {
            again.cancel();
        }
    };
    install(&entry(None), &double.hub(), other.path(), &pause, &again).unwrap_err();
    assert!(forget("m", other.path()).unwrap() > 60_000);
    assert_eq!(interrupted(other.path()), []);
    assert_eq!(forget("m", other.path()).unwrap(), 0);
}

#[test]
fn a_stalled_download_can_be_paused_at_once() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(
        |request, _, reply| if request.is_get(MODEL) { reply.ending(Ending::Stall(10)) } else { reply },
    );
    let hub = Hub::new(HubOptions { stall_timeout: Duration::from_mins(1), ..double.options() }).unwrap();
    let cancel = CancelToken::new();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let its = &cancel;
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            its.cancel();
        });
        let error = install(&entry(None), &hub, models.path(), &quiet, &cancel).unwrap_err();
        assert!(matches!(error, ModelError::Cancelled(_)), "{error:?}");
    });
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[test]
fn bytes_that_change_on_the_disk_are_fetched_again() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    double.script(|request, count, reply| {
        if request.is_get(MODEL) && count == 0 {
            reply.ending(Ending::Paced(10_000, Duration::from_millis(10)))
        } else {
            reply
        }
    });
    let cancel = CancelToken::new();
    let pause = |progress: papr_models::Progress| {
        if progress.bytes_done > 60_000 {
            cancel.cancel();
        }
    };
    install(&entry(None), &double.hub(), models.path(), &pause, &cancel).unwrap_err();
    let part = models.path().join("m.part/model.onnx.part");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let model = run(&double, models.path()).unwrap();
    assert_whole(&double, models.path(), &model);
}

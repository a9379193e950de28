//! Every request of a download is told to an onlooker, with what came.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::sync::{Arc, Mutex};

use double::{Double, MODEL_BYTES, entry, quiet};
use papr_memory::CancelToken;
use papr_models::{Exchange, Hub, HubOptions, Observer, install};
use tempfile::TempDir;

#[test]
fn each_request_is_told_with_its_host_and_size() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let seen = Arc::new(Mutex::new(Vec::<Exchange>::new()));
    let tells = Arc::clone(&seen);
    let observer = Observer::new(move |exchange| tells.lock().unwrap().push(exchange.clone()));
    let hub = Hub::new(HubOptions { observer: Some(observer), ..double.options() }).unwrap();
    install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), double.log().len(), "none goes unseen");
    assert!(seen.iter().all(|exchange| exchange.host.starts_with("127.0.0.1:") && exchange.bytes_up > 50));
    let down: u64 = seen.iter().map(|exchange| exchange.bytes_down).sum();
    assert!(down > MODEL_BYTES as u64, "the model's bytes are among them: {down}");
}

#[test]
fn a_host_that_is_not_there_was_sent_nothing() {
    let models = TempDir::new().unwrap();
    let seen = Arc::new(Mutex::new(Vec::<Exchange>::new()));
    let tells = Arc::clone(&seen);
    let observer = Observer::new(move |exchange| tells.lock().unwrap().push(exchange.clone()));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = HubOptions {
        endpoint: format!("http://127.0.0.1:{free}"),
        observer: Some(observer),
        ..Double::new().options()
    };
    let hub = Hub::new(options).unwrap();
    install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap_err();
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty(), "attempts are told too");
    assert!(seen.iter().all(|exchange| exchange.not_connected && exchange.bytes_up == 0));
}

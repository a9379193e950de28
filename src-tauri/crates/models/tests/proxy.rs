//! The environment's proxy is used, for the hub and for nobody's token; a hub without TLS is no hub with it.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod double;

use std::path::Path;
use std::process::{Command, Stdio};

use double::{Double, entry, quiet};
use papr_memory::CancelToken;
use papr_models::{Hub, HubOptions, InstalledModel, ModelError, Retries, Token, install};
use tempfile::TempDir;

/// What the child does; without the variable this is no test.
#[test]
fn child() {
    let Ok(models) = std::env::var("PAPR_TEST_MODELS") else { return };
    let endpoint = "http://hub.invalid".to_owned();
    let token = Some(Token::new(double::TOKEN));
    let hub = Hub::new(HubOptions { endpoint, token, ..HubOptions::default() }).unwrap();
    install(&entry(None), &hub, Path::new(&models), &quiet, &CancelToken::new()).unwrap();
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env("PAPR_TEST_MODELS", models.path())
        .env("http_proxy", double.endpoint())
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let model = InstalledModel::open(&models.path().join("m")).unwrap();
    model.verify(&CancelToken::new()).unwrap();
    let log = double.log();
    assert!(log.iter().all(|request| request.path.starts_with("http://hub.invalid/")), "{log:?}");
    let clear = log.iter().any(|request| request.header("authorization").is_some());
    assert!(!clear, "a token never goes over a network in clear text");
}

#[test]
fn a_hub_without_tls_is_an_error_and_not_a_panic() {
    let (double, models) = (Double::new(), TempDir::new().unwrap());
    let endpoint = double.endpoint().replace("http:", "https:");
    let retries = Retries { failures: 1, ..Retries::default() };
    let hub = Hub::new(HubOptions { endpoint, retries, ..double.options() }).unwrap();
    let error = install(&entry(None), &hub, models.path(), &quiet, &CancelToken::new()).unwrap_err();
    assert!(matches!(error, ModelError::Offline { .. }), "{error:?}");
}

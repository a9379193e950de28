//! Devices and sessions with the built-in model on the CPU: fixed lengths, what really ran, a trial,
//! unloading, stopping a run.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use papr_embed::{
    Candidates, Device, DeviceChoice, EmbedOptions, Listener, ModelEmbedder, NeuralEngine, Outcome, Platform,
    Runtime, State, TRIAL_TEXTS, TrialKey, candidates, trial,
};
use papr_memory::ports::{EmbedError, Embedder, Lane, Role};
use papr_memory::{CancelToken, Vector};

fn embed(embedder: &ModelEmbedder, text: &str) -> Vector {
    let mut embedded =
        embedder.embed(&[text], Role::Document, Lane::Interactive, &CancelToken::new()).unwrap();
    embedded.vectors.remove(0).unwrap()
}

fn largest_difference(a: &Vector, b: &Vector) -> f32 {
    a.as_slice().iter().zip(b.as_slice()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

fn words(count: usize) -> String {
    ["water", "house", "night", "music", "river"]
        .iter()
        .cycle()
        .take(count)
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn fixed_lengths_give_the_vectors_of_open_ones() {
    let fixed = common::load_with(&EmbedOptions { static_shapes: true, ..EmbedOptions::default() }).unwrap();
    let open = common::embedder();
    let weights = common::manifest().model.bytes;
    assert_eq!(fixed.report().memory_bytes, weights, "one session to begin with");
    for count in [0, 1, 30, 31, 62, 63, 100, 126, 200, 300, 5] {
        let text = words(count);
        let difference = largest_difference(&embed(&fixed, &text), &embed(open, &text));
        assert!(difference < 1e-5, "{count} words: {difference:.2e}");
        assert!(fixed.report().memory_bytes <= 2 * weights, "two sessions alive at most");
    }
    assert_eq!(fixed.report().memory_bytes, 2 * weights);
    let texts: Vec<String> = (0..40).map(|number| words(number * 5 % 120)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let many = |embedder: &ModelEmbedder| {
        embedder.embed(&texts, Role::Document, Lane::Background, &CancelToken::new()).unwrap().vectors
    };
    for (fixed, open) in many(&fixed).into_iter().zip(many(open)) {
        assert!(largest_difference(&fixed.unwrap(), &open.unwrap()) < 1e-5);
    }
}

#[test]
fn a_report_says_what_ran() {
    let embedder = common::embedder();
    let report = embedder.report();
    println!("{report:?}");
    assert_eq!((report.device, report.describe().as_str()), (Device::Cpu, "CPU"));
    assert_eq!(report.assignment.len(), 1);
    assert!(report.assignment["CPUExecutionProvider"] > 20, "every node is the CPU's");
    assert_eq!((report.neural_engine, report.partitions), (NeuralEngine::No, None));
    assert!(report.load_ms > 1.0 && report.fallback.is_none());
    assert_eq!(report.memory_bytes, common::manifest().model.bytes);
    assert_eq!(embedder.state(), State::Loaded);
}

#[test]
fn the_library_says_what_it_has() {
    let runtime = Runtime::load(&common::runtime()).unwrap();
    println!("{runtime:?}");
    assert!(runtime.providers.iter().any(|provider| provider == Device::Cpu.provider()));
    assert!(runtime.build.starts_with("onnxruntime-") && !runtime.build.contains(' '));
    assert_eq!(runtime, Runtime::load(&common::runtime()).unwrap());
}

#[test]
fn a_device_that_is_not_there_is_an_error_and_no_silent_cpu() {
    let runtime = Runtime::load(&common::runtime()).unwrap();
    for device in [Device::CoreMl, Device::Cuda, Device::DirectMl] {
        if runtime.providers.iter().any(|provider| provider == device.provider()) {
            continue;
        }
        match common::load_with(&EmbedOptions::on(device)) {
            Err(EmbedError::Model(reason)) => println!("{device}: {reason}"),
            other => panic!("{device}: {other:?}"),
        }
    }
}

#[test]
fn a_trial_of_what_this_machine_has() {
    let runtime = Runtime::load(&common::runtime()).unwrap();
    let manifest = common::manifest();
    let key = TrialKey::new(&manifest, &runtime.build);
    let load = |device| common::load_with(&EmbedOptions::on(device));
    let never = CancelToken::new();
    let found =
        candidates(DeviceChoice::Auto, &Platform::current(), &runtime.providers, manifest.recipe.precision);
    let (result, embedder) = trial(key.clone(), &found, &TRIAL_TEXTS, load, &never).unwrap();
    println!("{}", serde_json::to_string_pretty(&result).unwrap());
    assert_eq!(result.candidates.len() + result.left_out.len(), Device::ALL.len(), "each is accounted for");
    assert_eq!(embedder.provider(), result.winner.label());

    // One that this build does not have, as if it were listed.
    let missing =
        Device::ALL.into_iter().find(|device| found.left_out.iter().any(|left| left.device == *device));
    let forced = Candidates {
        devices: vec![missing.unwrap(), Device::Cpu],
        preferred: missing,
        ..Candidates::default()
    };
    let (result, embedder) = trial(key, &forced, &TRIAL_TEXTS, load, &never).unwrap();
    assert!(matches!(result.candidates[1].outcome, Outcome::Failed { .. }), "{result:?}");
    assert_eq!((result.winner, embedder.provider()), (Device::Cpu, "CPU"));
}

#[test]
fn idle_sessions_are_dropped_and_loaded_again() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        Listener::new(move |state, report| told.lock().unwrap().push((state, report.memory_bytes > 0)))
    };
    let options = EmbedOptions {
        unload_after: Some(Duration::from_millis(100)),
        listener: Some(listener),
        ..EmbedOptions::default()
    };
    let embedder = common::load_with(&options).unwrap();
    let before = embed(&embedder, TRIAL_TEXTS[1]);
    let start = Instant::now();
    while embedder.state() != State::Unloaded {
        assert!(start.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(embedder.report().memory_bytes, 0);
    assert_eq!(embed(&embedder, TRIAL_TEXTS[1]), before, "the next call loads them again");
    let told = told.lock().unwrap();
    assert_eq!(told[..3], [(State::Unloaded, false), (State::Loading, false), (State::Loaded, true)]);
}

#[test]
fn a_run_that_nobody_waits_for_is_stopped() {
    let options = EmbedOptions { batch_tokens: (1 << 20).try_into().unwrap(), ..EmbedOptions::default() };
    let embedder = common::load_with(&options).unwrap();
    let text = words(254);
    let texts = vec![text.as_str(); 24];
    let run = |cancel: &CancelToken| embedder.embed(&texts, Role::Document, Lane::Background, cancel);
    let start = Instant::now();
    run(&CancelToken::new()).unwrap();
    let whole = start.elapsed();

    let cancel = CancelToken::new();
    thread::scope(|scope| {
        let job = scope.spawn(|| run(&cancel));
        thread::sleep(whole / 10);
        let start = Instant::now();
        cancel.cancel();
        assert!(matches!(job.join().unwrap(), Err(EmbedError::Cancelled(_))));
        let returned = start.elapsed();
        embed(&embedder, "where did I put it");
        let answered = start.elapsed();
        println!("a run of {whole:?}: returned {returned:?}, next query {answered:?} after the cancel");
        assert!(answered < whole / 2, "the run went on: {answered:?} of {whole:?}");
    });
    assert_eq!(embedder.report().fallback, None);
}

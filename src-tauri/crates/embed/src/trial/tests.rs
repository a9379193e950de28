//! With embedders that do what a broken device may do.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use papr_memory::ports::Embedded;
use papr_memory::{Cancelled, Dims, Space, VectorError};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Right,
    Slow,
    NoLoad,
    NotANumber,
    Zeros,
    Long,
    Few,
    /// At this cosine from the CPU's vectors.
    Off(f32),
    /// At this call.
    FailsAt(usize),
    /// At this call, and the CPU takes over.
    GivesUpAt(usize),
    Cancelled,
}

/// Fakes in memory on this thread, now and at most.
#[derive(Clone, Copy, Default)]
struct Alive {
    now: usize,
    most: usize,
}

thread_local!(static ALIVE: Cell<Alive> = Cell::default());

impl Drop for Fake {
    fn drop(&mut self) {
        let Alive { now, most } = ALIVE.get();
        ALIVE.set(Alive { now: now - 1, most });
    }
}

#[derive(Debug)]
struct Fake {
    kind: Kind,
    space: Space,
    calls: AtomicUsize,
}

impl Fake {
    fn load(kind: Kind) -> Result<Self, EmbedError> {
        if kind == Kind::NoLoad {
            return Err(EmbedError::Model("it cannot be compiled".to_owned()));
        }
        let fingerprint = serde_json::from_str(&format!("\"{}\"", "a".repeat(64))).unwrap();
        let space = Space { fingerprint, dims: Dims::new(2).unwrap() };
        let Alive { now, most } = ALIVE.get();
        ALIVE.set(Alive { now: now + 1, most: most.max(now + 1) });
        Ok(Self { kind, space, calls: AtomicUsize::new(0) })
    }

    fn vector(&self) -> Result<Vector, VectorError> {
        let two = self.space.dims;
        match self.kind {
            Kind::NotANumber => Vector::new(vec![f32::NAN, 1.0], two),
            Kind::Zeros => Vector::new(vec![0.0; 2], two),
            Kind::Long => Vector::new(vec![1.0, 0.0, 0.0], Dims::new(3).unwrap()),
            Kind::Off(cosine) => Vector::new(vec![cosine, (1.0 - cosine * cosine).sqrt()], two),
            _ => Vector::new(vec![1.0, 0.0], two),
        }
    }
}

impl Embedder for Fake {
    fn space(&self) -> &Space {
        &self.space
    }

    fn embed(&self, texts: &[&str], _: Role, _: Lane, cancel: &CancelToken) -> Result<Embedded, EmbedError> {
        cancel.check()?;
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.kind {
            Kind::FailsAt(last) if call >= last => {
                return Err(EmbedError::Run("the device is gone".to_owned()));
            }
            Kind::Cancelled => return Err(Cancelled.into()),
            Kind::Slow => thread::sleep(Duration::from_millis(3)),
            _ => thread::sleep(Duration::from_micros(300)),
        }
        let count = if self.kind == Kind::Few { 0 } else { texts.len() };
        let vectors = (0..count).map(|_| self.vector()).collect();
        Ok(Embedded { vectors, tokenize: Duration::ZERO, run: Duration::ZERO })
    }

    fn provider(&self) -> &'static str {
        match self.kind {
            Kind::GivesUpAt(last) if self.calls.load(Ordering::SeqCst) >= last => "CPU",
            Kind::GivesUpAt(_) => "Core ML",
            _ => "a fake",
        }
    }

    fn load_time(&self) -> Duration {
        Duration::ZERO
    }
}

fn key() -> TrialKey {
    let text = |text: &str| text.to_owned();
    TrialKey { machine: machine(), fingerprint: text("f"), model_sha256: text("m"), runtime: text("r") }
}

fn run(cpu: Kind, core_ml: Kind, preferred: Option<Device>) -> Result<Trial, EmbedError> {
    let candidates =
        Candidates { devices: vec![Device::CoreMl, Device::Cpu], preferred, ..Candidates::default() };
    let load = |device| Fake::load(if device == Device::Cpu { cpu } else { core_ml });
    let (trial, embedder) = trial(key(), &candidates, &["a text", "another"], load, &CancelToken::new())?;
    let winner = if trial.winner == Device::Cpu { cpu } else { core_ml };
    assert_eq!(embedder.kind, winner, "the winner comes ready for use");
    let json = serde_json::to_string(&trial).unwrap();
    assert_eq!(serde_json::from_str::<Trial>(&json).unwrap(), trial, "what is kept is what is read: {json}");
    Ok(trial)
}

fn outcome(kind: Kind) -> (Device, Candidate) {
    let trial = run(Kind::Right, kind, None).unwrap();
    assert_eq!(trial.candidates[0].device, Device::Cpu);
    (trial.winner, trial.candidates[1].clone())
}

#[test]
fn the_faster_of_two_right_devices_wins() {
    let trial = run(Kind::Slow, Kind::Right, None).unwrap();
    assert_eq!(trial.winner, Device::CoreMl);
    let outcomes: Vec<_> = trial.candidates.iter().map(|candidate| &candidate.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Slower, &Outcome::Won]);
    for candidate in &trial.candidates {
        assert!(candidate.p50_ms > Some(0.2) && candidate.load_ms.is_some(), "{candidate:?}");
        assert_eq!(candidate.min_cosine, Some(1.0));
    }
    let (winner, core_ml) = outcome(Kind::Slow);
    assert_eq!((winner, core_ml.outcome), (Device::Cpu, Outcome::Slower));
    assert!(core_ml.p50_ms > Some(2.9), "and it is told how slow it is");
}

#[test]
fn what_was_asked_for_need_not_be_faster_but_right() {
    let slow = run(Kind::Right, Kind::Slow, Some(Device::CoreMl)).unwrap();
    assert_eq!(slow.winner, Device::CoreMl);
    let wrong = run(Kind::Right, Kind::Zeros, Some(Device::CoreMl)).unwrap();
    assert_eq!(wrong.winner, Device::Cpu);
}

#[test]
fn wrong_vectors_are_refused_with_the_reason() {
    for (kind, says) in [
        (Kind::NotANumber, "NaN"),
        (Kind::Zeros, "norm is 0"),
        (Kind::Long, "3 numbers"),
        (Kind::Few, "0 vectors of 2 texts"),
        (Kind::Off(0.9), "cosine 0.9000"),
        (Kind::Off(0.998), "cosine 0.9980"),
    ] {
        let (winner, candidate) = outcome(kind);
        assert_eq!(winner, Device::Cpu, "{kind:?}");
        let Outcome::Refused { reason } = &candidate.outcome else { panic!("{kind:?}: {candidate:?}") };
        assert!(reason.contains(says), "{kind:?}: {reason}");
        assert_eq!(candidate.p50_ms, None, "not timed");
    }
    let (_, close) = outcome(Kind::Off(0.9995));
    assert!(matches!(close.outcome, Outcome::Won | Outcome::Slower), "half precision is right: {close:?}");
}

#[test]
fn a_device_that_fails_is_told_so() {
    for (kind, says) in [
        (Kind::NoLoad, "cannot be compiled"),
        (Kind::FailsAt(1), "device is gone"),
        (Kind::FailsAt(3), "device is gone"),
        (Kind::FailsAt(RUNS + 1), "device is gone"),
        (Kind::GivesUpAt(3), "Core ML failed while it ran, and CPU took over"),
    ] {
        let (winner, candidate) = outcome(kind);
        assert_eq!(winner, Device::Cpu, "{kind:?}");
        let Outcome::Failed { reason } = &candidate.outcome else { panic!("{kind:?}: {candidate:?}") };
        assert!(reason.contains(says), "{kind:?}: {reason}");
        assert_eq!(candidate.p50_ms, None, "{kind:?}: no figure of a device that failed");
    }
}

#[test]
fn without_a_cpu_that_works_there_is_no_trial() {
    assert!(matches!(run(Kind::NoLoad, Kind::Right, None), Err(EmbedError::Model(_))));
    assert!(matches!(run(Kind::FailsAt(5), Kind::Right, None), Err(EmbedError::Run(_))));
    assert!(matches!(run(Kind::Zeros, Kind::Right, None), Err(EmbedError::Model(_))));
    let none = trial(key(), &Candidates::default(), &["a"], |_| Fake::load(Kind::Right), &CancelToken::new());
    assert!(matches!(none, Err(EmbedError::Model(_))));
}

#[test]
fn a_cancel_ends_the_trial_and_is_nobodys_failure() {
    assert!(matches!(run(Kind::Right, Kind::Cancelled, None), Err(EmbedError::Cancelled(_))));
}

#[test]
fn each_device_is_loaded_once_and_the_cpu_first() {
    let loaded = RefCell::new(Vec::new());
    let candidates = Candidates {
        devices: vec![Device::Cuda, Device::DirectMl, Device::Cpu],
        preferred: None,
        left_out: vec![LeftOut { device: Device::CoreMl, reason: "it is part of macOS".to_owned() }],
        ..Candidates::default()
    };
    let load = |device| {
        loaded.borrow_mut().push(device);
        Fake::load(Kind::Right)
    };
    let (trial, _) = trial(key(), &candidates, &["a"], load, &CancelToken::new()).unwrap();
    assert_eq!(*loaded.borrow(), [Device::Cpu, Device::Cuda, Device::DirectMl]);
    assert_eq!(trial.left_out, candidates.left_out, "every device is accounted for");
    assert_eq!(trial.candidates.iter().filter(|one| one.outcome == Outcome::Won).count(), 1);
}

#[test]
fn what_a_machine_holds_once_is_tried_one_at_a_time() {
    let candidates = Candidates {
        devices: vec![Device::CoreMlNative, Device::Cpu],
        one_at_a_time: true,
        ..Candidates::default()
    };
    for (cpu, native, winner) in
        [(Kind::Slow, Kind::Right, Device::CoreMlNative), (Kind::Right, Kind::Zeros, Device::Cpu)]
    {
        ALIVE.set(Alive::default());
        let load = |device| Fake::load(if device == Device::Cpu { cpu } else { native });
        let (found, embedder) = trial(key(), &candidates, &["a"], load, &CancelToken::new()).unwrap();
        assert_eq!((found.winner, ALIVE.get().most), (winner, 1), "never two");
        assert_eq!(embedder.kind, if winner == Device::Cpu { cpu } else { native });
    }
}

#[test]
fn a_package_that_came_later_asks_for_another_trial() {
    let trial = run(Kind::Slow, Kind::Right, None).unwrap();
    let with = |devices: &[Device]| Candidates { devices: devices.to_vec(), ..Candidates::default() };
    assert!(trial.covers(&with(&[Device::CoreMl, Device::Cpu])) && trial.covers(&with(&[Device::Cpu])));
    assert!(!trial.covers(&with(&[Device::CoreMlNative, Device::CoreMl, Device::Cpu])));
}

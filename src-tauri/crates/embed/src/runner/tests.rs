//! With backends that fail when they are told to.

use std::sync::atomic::{AtomicUsize, Ordering};

use papr_memory::Cancelled;

use super::*;
use crate::report::NeuralEngine;

/// A report of a device of which nothing is known.
pub(crate) fn report(device: Device) -> Report {
    Report {
        device,
        assignment: [(device.provider().to_owned(), 1)].into(),
        partitions: None,
        neural_engine: NeuralEngine::No,
        load_ms: 1.0,
        memory_bytes: 100,
        fallback: None,
    }
}

/// A backend made of a function.
pub(crate) struct FromFn<F>(pub(crate) Device, pub(crate) F);

impl<F> Backend for FromFn<F>
where
    F: FnMut(&[&[u32]], usize) -> Result<Vec<Vec<f32>>, EmbedError> + Send,
{
    fn run(&mut self, texts: &[&[u32]], tokens: usize, _: &Interrupt) -> Result<Vec<Vec<f32>>, EmbedError> {
        (self.1)(texts, tokens)
    }

    fn report(&self) -> Report {
        report(self.0)
    }
}

fn dims() -> Dims {
    Dims::new(2).unwrap()
}

const GOOD: [f32; 2] = [0.6, 0.8];
const CPU: [f32; 2] = [1.0, 0.0];

/// A runner on Core ML whose runs give `answers` one after another; the CPU always answers.
fn runner(
    answers: impl Fn(usize) -> Result<Vec<Vec<f32>>, EmbedError> + Send + Clone + 'static,
) -> (Runner, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        Listener::new(move |state, report| {
            told.lock().unwrap().push(format!("{state:?} {} {:?}", report.device, report.fallback.is_some()));
        })
    };
    let load: Load = Box::new(move |device| {
        let answers = answers.clone();
        let mut run = 0;
        Ok(match device {
            Device::Cpu => {
                Box::new(FromFn(device, |texts: &[&[u32]], _| Ok(vec![CPU.to_vec(); texts.len()])))
            }
            _ => Box::new(FromFn(device, move |_: &[&[u32]], _| {
                run += 1;
                answers(run)
            })),
        })
    });
    (Runner::new(load, Device::CoreMl, dims(), Some(listener)).unwrap(), told)
}

fn run(runner: &mut Runner) -> Result<Vec<Vec<f32>>, EmbedError> {
    runner.run(&[&[1]], 1, &Interrupt::default())
}

#[test]
fn a_device_that_fails_is_replaced_once_and_the_same_texts_run_again() {
    let (mut runner, told) = runner(|run| match run {
        1 | 2 => Ok(vec![GOOD.to_vec()]),
        _ => Err(EmbedError::Run("the device is gone".to_owned())),
    });
    let watch = runner.watch();
    assert_eq!(run(&mut runner).unwrap(), [GOOD]);
    assert_eq!(run(&mut runner).unwrap(), [GOOD]);
    assert_eq!((watch.device(), watch.report().fallback), (Device::CoreMl, None));
    assert_eq!(run(&mut runner).unwrap(), [CPU], "the third run failed and was done by the CPU");
    assert_eq!(run(&mut runner).unwrap(), [CPU]);
    let report = watch.report();
    assert_eq!((report.device, watch.state()), (Device::Cpu, State::Loaded));
    assert!(report.fallback.unwrap().contains("the device is gone"));
    assert_eq!(
        *told.lock().unwrap(),
        ["Loaded Core ML true", "Loading Core ML true", "Loaded CPU true"],
        "told as it happened"
    );
    runner.unload();
    assert_eq!(run(&mut runner).unwrap(), [CPU], "the device is not tried again");
    assert!(watch.report().fallback.is_some(), "and the reason is still told");
}

#[test]
fn a_device_that_makes_no_vectors_is_replaced_too() {
    for bad in [vec![f32::NAN, 0.0], vec![0.0, 0.0], vec![1.0], vec![0.6, 0.6]] {
        let (mut runner, _) = runner(move |_| Ok(vec![bad.clone()]));
        assert_eq!(run(&mut runner).unwrap(), [CPU]);
        assert!(runner.watch().report().fallback.is_some());
    }
}

#[test]
fn a_cancel_is_no_failure_of_the_device() {
    let (mut runner, _) = runner(|_| Err(Cancelled.into()));
    assert!(matches!(run(&mut runner), Err(EmbedError::Cancelled(_))));
    assert_eq!(runner.watch().device(), Device::CoreMl);
}

#[test]
fn the_cpu_has_nothing_behind_it() {
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    let load: Load = Box::new(move |device| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FromFn(device, |_: &[&[u32]], _| Err(EmbedError::Run("no".to_owned())))))
    });
    let mut runner = Runner::new(load, Device::Cpu, dims(), None).unwrap();
    for _ in 0..2 {
        assert!(matches!(run(&mut runner), Err(EmbedError::Run(_))));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(runner.watch().report().fallback, None);
}

#[test]
fn a_reload_that_fails_is_that_calls_error_and_is_tried_again() {
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    let load: Load = Box::new(move |device| match counted.fetch_add(1, Ordering::SeqCst) {
        1 => Err(EmbedError::Model("the file is gone".to_owned())),
        _ => Ok(Box::new(FromFn(device, |_: &[&[u32]], _| Ok(vec![CPU.to_vec()])))),
    });
    let mut runner = Runner::new(load, Device::Cpu, dims(), None).unwrap();
    let watch = runner.watch();
    runner.unload();
    assert_eq!((watch.state(), watch.report().memory_bytes), (State::Unloaded, 0));
    assert!(matches!(run(&mut runner), Err(EmbedError::Model(_))));
    assert_eq!(watch.state(), State::Unloaded);
    assert_eq!(run(&mut runner).unwrap(), [CPU]);
    assert_eq!((watch.state(), watch.report().memory_bytes), (State::Loaded, 100));
}

//! The lanes without a model: runs are counted, and go on only when the test says so.

use std::sync::mpsc::{Receiver, Sender};

use papr_memory::Dims;

use super::*;
use crate::Device;
use crate::runner::tests::FromFn;
use crate::runner::{Load, State, Watch};

/// A worker that answers with a function, on a device that cannot be given up.
fn start<F>(run: F) -> Worker
where
    F: FnMut(&[&[u32]], usize) -> Result<Vec<Vec<f32>>, EmbedError> + Send + 'static,
{
    let mut run = Some(run);
    let load: Load = Box::new(move |device| {
        let run = run.take().ok_or(EmbedError::Stopped)?;
        Ok(Box::new(FromFn(device, run)))
    });
    Worker::start(Runner::new(load, Device::Cpu, Dims::new(1).unwrap(), None).unwrap(), None).unwrap()
}

/// A worker whose runs wait for a permit.
struct Gate {
    worker: Worker,
    permits: Sender<()>,
}

impl Gate {
    /// Beside the gate, what tells the number of tokens of each run that begins.
    fn new() -> (Self, Receiver<usize>) {
        let (report, began) = mpsc::channel();
        let (permits, permit) = mpsc::channel();
        let worker = start(move |texts: &[&[u32]], tokens| {
            report.send(tokens).unwrap();
            permit.recv().map_err(|_| EmbedError::Run("the test is over".to_owned()))?;
            Ok(texts.iter().map(|text| vec![text[0] as f32]).collect())
        });
        (Self { worker, permits }, began)
    }

    /// A call of `batches` runs of `tokens` tokens, one text each.
    fn call(
        &self,
        tokens: usize,
        batches: usize,
        lane: Lane,
        cancel: &CancelToken,
    ) -> Result<Done, EmbedError> {
        let texts = (0..batches).map(|row| vec![u32::try_from(row).unwrap(); tokens]).collect();
        let batches = (0..batches).rev().map(|row| Batch { rows: vec![row], tokens }).collect();
        self.worker.call(texts, batches, lane, cancel)
    }

    fn wait_for(&self, lane: Lane, waiting: usize) {
        while self.worker.queue.lock().lane(lane).len() < waiting {
            thread::yield_now();
        }
    }

    fn permit(&self, runs: usize) {
        (0..runs).for_each(|_| self.permits.send(()).unwrap());
    }
}

#[test]
fn a_query_goes_before_the_rest_of_a_background_job() {
    let (gate, began) = &Gate::new();
    let never = &CancelToken::new();
    thread::scope(|scope| {
        let background = scope.spawn(|| gate.call(7, 3, Lane::Background, never));
        assert_eq!(began.recv(), Ok(7), "the background has begun");
        let query = scope.spawn(|| gate.call(2, 1, Lane::Interactive, never));
        gate.wait_for(Lane::Interactive, 1);
        gate.permit(2);
        assert_eq!(query.join().unwrap().unwrap().vectors, [[0.0]]);
        assert!(!background.is_finished(), "two batches of it are still to be run");
        gate.permit(2);
        let done = background.join().unwrap().unwrap();
        assert_eq!(done.vectors, [[0.0], [1.0], [2.0]], "in the order of the texts, not of the runs");
    });
    let order: Vec<usize> = began.try_iter().collect();
    assert_eq!(order, [2, 7, 7]);
}

#[test]
fn a_call_cancelled_in_its_lane_is_never_run() {
    let (gate, began) = &Gate::new();
    let (never, cancelled) = (&CancelToken::new(), &CancelToken::new());
    thread::scope(|scope| {
        let long = scope.spawn(|| gate.call(7, 4, Lane::Background, never));
        assert_eq!(began.recv(), Ok(7));
        let calls = [
            (Lane::Interactive, scope.spawn(|| gate.call(2, 1, Lane::Interactive, cancelled))),
            (Lane::Background, scope.spawn(|| gate.call(3, 1, Lane::Background, cancelled))),
        ];
        for (lane, _) in &calls {
            gate.wait_for(*lane, 1);
        }
        cancelled.cancel();
        gate.permit(1);
        for (_, call) in calls {
            let answer = call.join().unwrap();
            assert!(matches!(answer, Err(EmbedError::Cancelled(_))), "{answer:?}");
        }
        assert!(!long.is_finished(), "the cancelled did not wait for the job before them");
        gate.permit(3);
        long.join().unwrap().unwrap();
    });
    assert!(began.try_iter().all(|tokens| tokens == 7));
}

#[test]
fn of_a_burst_of_queries_the_first_and_the_last_are_run() {
    let (gate, began) = &Gate::new();
    let cancels: Vec<CancelToken> = (0..50).map(|_| CancelToken::new()).collect();
    thread::scope(|scope| {
        let mut calls = Vec::new();
        for (number, cancel) in cancels.iter().enumerate() {
            // As a window does it: whoever asks anew wants no answer to what was asked before.
            calls.push(scope.spawn(move || gate.call(number + 1, 1, Lane::Interactive, cancel)));
            match number {
                0 => assert_eq!(began.recv(), Ok(1), "the first finds the worker idle"),
                _ => gate.wait_for(Lane::Interactive, number),
            }
            cancels[..number].last().inspect(|before| before.cancel());
        }
        gate.permit(2);
        let last = calls.pop().unwrap().join().unwrap();
        assert_eq!(last.unwrap().vectors, [[0.0]]);
        for call in calls {
            assert!(matches!(call.join().unwrap(), Err(EmbedError::Cancelled(_))), "nobody waits for it");
        }
    });
    assert_eq!(began.try_iter().collect::<Vec<_>>(), [50], "and of the others none was run");
}

#[test]
fn a_job_cancelled_midway_stops_at_the_next_batch() {
    let (gate, began) = &Gate::new();
    let cancel = &CancelToken::new();
    thread::scope(|scope| {
        let job = scope.spawn(|| gate.call(7, 100, Lane::Background, cancel));
        began.recv().unwrap();
        cancel.cancel();
        gate.permit(1);
        assert!(matches!(job.join().unwrap(), Err(EmbedError::Cancelled(_))));
    });
    assert_eq!(began.try_iter().count(), 0);
}

#[test]
fn a_failed_run_is_that_calls_error() {
    let worker = start(|texts: &[&[u32]], tokens| match tokens {
        1 => Err(EmbedError::Run("no".to_owned())),
        2 => Ok(Vec::new()),
        _ => Ok(vec![vec![1.0]; texts.len()]),
    });
    let call = |tokens: usize| {
        let batches = [Batch { rows: vec![0], tokens }].into();
        worker.call(vec![vec![1; tokens]], batches, Lane::Interactive, &CancelToken::new())
    };
    assert!(matches!(call(1), Err(EmbedError::Run(reason)) if reason == "no"));
    assert!(matches!(call(2), Err(EmbedError::Run(_))), "fewer vectors than texts");
    assert_eq!(call(3).unwrap().vectors, [[1.0]], "the next call is served");
}

#[test]
fn nothing_to_do_is_done() {
    let (gate, _began) = Gate::new();
    let done = gate.worker.call(Vec::new(), VecDeque::new(), Lane::Background, &CancelToken::new());
    assert_eq!(done.unwrap().vectors.len(), 0);
}

#[test]
fn a_panic_stops_the_worker_and_everyone_learns_it() {
    let worker = start(|_: &[&[u32]], _| panic!("a broken runtime"));
    for _ in 0..2 {
        let batches = [Batch { rows: vec![0], tokens: 1 }].into();
        let answer = worker.call(vec![vec![1]], batches, Lane::Interactive, &CancelToken::new());
        assert!(matches!(answer, Err(EmbedError::Stopped)), "{answer:?}");
    }
}

#[test]
fn dropping_it_joins_the_thread() {
    let owned = Arc::new(());
    let seen = Arc::clone(&owned);
    let worker = start(move |texts: &[&[u32]], _| {
        let _ = &seen;
        Ok(vec![Vec::new(); texts.len()])
    });
    assert_eq!(Arc::strong_count(&owned), 2);
    drop(worker);
    assert_eq!(Arc::strong_count(&owned), 1, "the thread is gone, and what it owned with it");
}

#[test]
fn a_cancelled_call_returns_while_its_run_goes_on() {
    let (gate, began) = &Gate::new();
    let cancel = &CancelToken::new();
    thread::scope(|scope| {
        let job = scope.spawn(|| gate.call(7, 2, Lane::Background, cancel));
        began.recv().unwrap();
        cancel.cancel();
        assert!(matches!(job.join().unwrap(), Err(EmbedError::Cancelled(_))), "with no permit given");
        gate.permit(2);
        gate.call(3, 1, Lane::Interactive, &CancelToken::new()).unwrap();
    });
    assert_eq!(began.try_iter().collect::<Vec<_>>(), [3], "the rest of it was not run");
}

/// A worker that unloads after 40 ms, and what is seen of it.
fn idling() -> (Worker, Arc<Watch>) {
    let load: Load = Box::new(|device| {
        Ok(Box::new(FromFn(device, |texts: &[&[u32]], _| Ok(vec![vec![1.0]; texts.len()]))))
    });
    let runner = Runner::new(load, Device::Cpu, Dims::new(1).unwrap(), None).unwrap();
    let watch = runner.watch();
    (Worker::start(runner, Some(Duration::from_millis(40))).unwrap(), watch)
}

fn one_text(worker: &Worker) -> Result<Done, EmbedError> {
    let batches = [Batch { rows: vec![0], tokens: 1 }].into();
    worker.call(vec![vec![1]], batches, Lane::Interactive, &CancelToken::new())
}

#[test]
fn idle_sessions_are_dropped_and_come_back() {
    let (worker, watch) = idling();
    for _ in 0..2 {
        one_text(&worker).unwrap();
        assert_eq!(watch.state(), State::Loaded);
        while watch.state() == State::Loaded {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(watch.state(), State::Unloaded);
    }
}

#[test]
fn work_puts_the_unloading_off() {
    let (worker, watch) = idling();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(120) {
        let before = Instant::now();
        one_text(&worker).unwrap();
        thread::sleep(Duration::from_millis(5));
        // A machine that let this thread wait may have let the worker idle.
        let loaded = watch.state() == State::Loaded;
        assert!(loaded || before.elapsed() > Duration::from_millis(35));
    }
}

/// How often each thread of that name was put to sleep of its own accord.
#[cfg(target_os = "linux")]
fn sleeps(name: &str) -> Vec<(std::path::PathBuf, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let mut found = Vec::new();
    for task in tasks.flatten() {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        if status.starts_with(&format!("Name:\t{name}\n")) {
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
            found.push((task.path(), line.unwrap_or_default().to_owned()));
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_worker_wakes_nobody() {
    let load: Load = Box::new(|device| Ok(Box::new(FromFn(device, |_: &[&[u32]], _| Ok(vec![vec![1.0]])))));
    let runner = Runner::new(load, Device::Cpu, Dims::new(1).unwrap(), None).unwrap();
    let watch = runner.watch();
    let before: Vec<_> = sleeps("papr-embed").into_iter().map(|(task, _)| task).collect();
    let worker = Worker::start(runner, Some(Duration::from_millis(20))).unwrap();
    one_text(&worker).unwrap();
    while watch.state() != State::Unloaded {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(20));
    let ours = || {
        let mut all = sleeps("papr-embed");
        all.retain(|(task, _)| !before.contains(task));
        all
    };
    let then = ours();
    thread::sleep(Duration::from_millis(300));
    let now = ours();
    // Workers of other tests come and go; one that was there at both times and slept through is ours.
    assert!(now.iter().any(|task| then.contains(task)), "{then:?} then, {now:?} now");
}

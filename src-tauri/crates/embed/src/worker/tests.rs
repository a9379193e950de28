//! The lanes without a model: runs are counted, and go on only when the test says so.

use std::sync::mpsc::{Receiver, Sender};

use super::*;

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
        let worker = Worker::start(move |texts: &[&[u32]], tokens| {
            report.send(tokens).unwrap();
            permit.recv().map_err(|_| "the test is over".to_owned())?;
            Ok(texts.iter().map(|text| vec![text[0] as f32]).collect())
        });
        (Self { worker: worker.unwrap(), permits }, began)
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
    let worker = Worker::start(|texts: &[&[u32]], tokens| match tokens {
        1 => Err("no".to_owned()),
        2 => Ok(Vec::new()),
        _ => Ok(vec![vec![1.0]; texts.len()]),
    });
    let worker = worker.unwrap();
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
    let worker = Worker::start(|_: &[&[u32]], _| panic!("a broken runtime")).unwrap();
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
    let worker = Worker::start(move |texts: &[&[u32]], _| {
        let _ = &seen;
        Ok(vec![Vec::new(); texts.len()])
    });
    let worker = worker.unwrap();
    assert_eq!(Arc::strong_count(&owned), 2);
    drop(worker);
    assert_eq!(Arc::strong_count(&owned), 1, "the thread is gone, and what it owned with it");
}

//! One thread that owns the backend, and the two lanes before it.
//!
//! A call is cut into batches; between two batches the thread looks at the lanes again, so a person's query
//! waits for one batch at most, however much is to be done in the background. A call that is cancelled returns
//! at once: what waits of it is never run, what runs of it is stopped. With nothing to do the thread sleeps;
//! it wakes once to unload the backend, if that was asked for, and then sleeps until there is work.

use std::collections::VecDeque;
use std::mem;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use papr_memory::ports::{EmbedError, Lane};
use papr_memory::{CancelToken, Cancelled};

use crate::batch::Batch;
use crate::interrupt::Interrupt;
use crate::runner::Runner;

/// How often a caller who waits looks whether its call was cancelled. Nobody looks when nobody waits.
const CANCEL_CHECK: Duration = Duration::from_millis(5);

/// What a call gives: numbers in the order of its texts, and the time its runs took.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) run: Duration,
}

/// A call in a lane.
struct Job {
    texts: Vec<Vec<u32>>,
    batches: VecDeque<Batch>,
    done: Done,
    cancel: CancelToken,
    interrupt: Arc<Interrupt>,
    reply: mpsc::Sender<Result<Done, EmbedError>>,
}

impl Job {
    fn answer(self, result: Result<Done, EmbedError>) {
        // Nobody listens to a call that was cancelled, and then nobody is to be told.
        let _ = self.reply.send(result);
    }
}

#[derive(Default)]
struct Lanes {
    interactive: VecDeque<Job>,
    background: VecDeque<Job>,
    closed: bool,
}

impl Lanes {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Background => &mut self.background,
        }
    }

    /// Takes cancelled calls out, wherever they stand, so that none waits for the work before it.
    fn sweep(&mut self) {
        for lane in [&mut self.interactive, &mut self.background] {
            if lane.iter().any(|job| job.cancel.is_cancelled()) {
                for job in mem::take(lane) {
                    if job.cancel.is_cancelled() {
                        job.answer(Err(Cancelled.into()));
                    } else {
                        lane.push_back(job);
                    }
                }
            }
        }
    }
}

/// What the thread does next.
enum Turn {
    Job(Lane, Job),
    Idle,
    Closed,
}

#[derive(Default)]
struct Queue {
    lanes: Mutex<Lanes>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work, or for `idle` to pass without any.
    fn next(&self, idle: Option<Duration>) -> Turn {
        let deadline = idle.and_then(|idle| Instant::now().checked_add(idle));
        let mut lanes = self.lock();
        loop {
            if lanes.closed {
                return Turn::Closed;
            }
            lanes.sweep();
            for lane in [Lane::Interactive, Lane::Background] {
                if let Some(job) = lanes.lane(lane).pop_front() {
                    return Turn::Job(lane, job);
                }
            }
            lanes = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Turn::Idle,
                Some(left) => {
                    self.changed.wait_timeout(lanes, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Lets nobody in any more; those who wait learn that the worker has stopped.
    fn close(&self) {
        let mut lanes = self.lock();
        lanes.closed = true;
        lanes.interactive.clear();
        lanes.background.clear();
        self.changed.notify_all();
    }
}

/// Closes the lanes when the thread ends, also when it panics.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The thread. Dropped, it finishes the batch at hand and is joined.
pub(crate) struct Worker {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread that answers calls with `runner`, and unloads it after `unload_after` without any.
    pub(crate) fn start(mut runner: Runner, unload_after: Option<Duration>) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let closing = Closing(Arc::clone(&queue));
        let thread = thread::Builder::new().name("papr-embed".to_owned()).spawn(move || {
            loop {
                let idle = unload_after.filter(|_| runner.is_loaded());
                match closing.0.next(idle) {
                    Turn::Closed => return,
                    Turn::Idle => runner.unload(),
                    Turn::Job(lane, mut job) => match step(&mut job, &mut runner) {
                        Err(error) => job.answer(Err(error)),
                        Ok(()) if job.batches.is_empty() => {
                            let done = Done { vectors: mem::take(&mut job.done.vectors), run: job.done.run };
                            job.answer(Ok(done));
                        }
                        Ok(()) => closing.0.lock().lane(lane).push_front(job),
                    },
                }
            }
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Runs `batches` of `texts` in `lane` and waits for them.
    pub(crate) fn call(
        &self,
        texts: Vec<Vec<u32>>,
        batches: VecDeque<Batch>,
        lane: Lane,
        cancel: &CancelToken,
    ) -> Result<Done, EmbedError> {
        let done = Done { vectors: vec![Vec::new(); texts.len()], run: Duration::ZERO };
        if batches.is_empty() {
            return Ok(done);
        }
        let (reply, answer) = mpsc::channel();
        let interrupt = Arc::new(Interrupt::default());
        let job =
            Job { texts, batches, done, cancel: cancel.clone(), interrupt: Arc::clone(&interrupt), reply };
        {
            let mut lanes = self.queue.lock();
            if lanes.closed {
                return Err(EmbedError::Stopped);
            }
            lanes.lane(lane).push_back(job);
        }
        self.queue.changed.notify_one();
        loop {
            match answer.recv_timeout(CANCEL_CHECK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(EmbedError::Stopped),
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                    interrupt.ask();
                    return Err(Cancelled.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Runs the next batch of `job`.
fn step(job: &mut Job, runner: &mut Runner) -> Result<(), EmbedError> {
    let Some(batch) = job.batches.pop_front() else { return Ok(()) };
    let texts: Vec<&[u32]> = batch.rows.iter().map(|&row| job.texts[row].as_slice()).collect();
    let start = Instant::now();
    let vectors = runner.run(&texts, batch.tokens, &job.interrupt)?;
    job.done.run += start.elapsed();
    if vectors.len() != batch.rows.len() {
        let message = format!("{} vectors of {} texts", vectors.len(), batch.rows.len());
        return Err(EmbedError::Run(message));
    }
    for (row, vector) in batch.rows.into_iter().zip(vectors) {
        job.done.vectors[row] = vector;
    }
    Ok(())
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic in it was already told to whoever waited.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

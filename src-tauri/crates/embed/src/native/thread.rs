//! A thread for what must not leave it.
//!
//! Objects of Core ML belong to the thread they were made on. They are made, used and dropped here; token ids go
//! in, numbers and reports come out.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use papr_memory::Cancelled;
use papr_memory::ports::EmbedError;

use super::packages::{Loader, Packages};
use crate::Report;
use crate::backend::Backend;
use crate::interrupt::Interrupt;

/// One text and where its numbers go.
struct Call {
    text: Vec<u32>,
    reply: Sender<(Result<Vec<f32>, EmbedError>, Report)>,
}

/// [`Packages`] on a thread of their own. Dropped, it waits for the text at hand and ends the thread.
pub(crate) struct OwnThread {
    /// `None` only while it is dropped.
    calls: Option<Sender<Call>>,
    thread: Option<JoinHandle<()>>,
    report: Report,
}

impl OwnThread {
    /// Starts a thread and makes the packages on it; waits for that.
    pub(crate) fn start<L: Loader>(
        make: impl FnOnce() -> Result<Packages<L>, EmbedError> + Send + 'static,
    ) -> Result<Self, EmbedError> {
        let (calls, called) = mpsc::channel();
        let (made, first) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("papr-coreml".to_owned())
            .spawn(move || match make() {
                Ok(packages) => {
                    // Nobody waits any more if sending fails; then no call comes either.
                    let _ = made.send(Ok(packages.report()));
                    serve(packages, &called);
                }
                Err(error) => {
                    let _ = made.send(Err(error));
                }
            })
            .map_err(|error| EmbedError::Run(format!("no thread to run it on: {error}")))?;
        let report = first.recv().map_err(|_| EmbedError::Stopped)??;
        Ok(Self { calls: Some(calls), thread: Some(thread), report })
    }

    fn call(&mut self, text: &[u32]) -> Result<Vec<f32>, EmbedError> {
        let (reply, answer) = mpsc::channel();
        let calls = self.calls.as_ref().ok_or(EmbedError::Stopped)?;
        calls.send(Call { text: text.to_vec(), reply }).map_err(|_| EmbedError::Stopped)?;
        let (numbers, report) = answer.recv().map_err(|_| EmbedError::Stopped)?;
        self.report = report;
        numbers
    }
}

/// Answers calls until nobody can make one any more.
fn serve<L: Loader>(mut packages: Packages<L>, calls: &Receiver<Call>) {
    for Call { text, reply } in calls {
        let numbers = packages.run(&text);
        // Whoever stopped waiting is not to be told.
        let _ = reply.send((numbers, packages.report()));
    }
}

impl Backend for OwnThread {
    /// One text after another: a graph takes one. A text that is being computed cannot be stopped.
    fn run(
        &mut self,
        texts: &[&[u32]],
        _tokens: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            if interrupt.is_asked() {
                return Err(Cancelled.into());
            }
            vectors.push(self.call(text)?);
        }
        Ok(vectors)
    }

    fn report(&self) -> Report {
        self.report.clone()
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was already told to whoever waited.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::{Fake, packages};
    use super::*;

    #[test]
    fn what_cannot_leave_its_thread_is_used_from_another() {
        let mut backend = OwnThread::start(|| packages(Fake::new(), &[2, 4])).unwrap();
        assert_eq!(backend.report().memory_bytes, 1002);
        let texts: [&[u32]; 3] = [&[1], &[1, 2, 3], &[1, 2]];
        let vectors = backend.run(&texts, 4, &Interrupt::default()).unwrap();
        assert_eq!(vectors, vec![vec![0.6, 0.8, 0.0, 0.0]; 3]);
        assert_eq!(backend.report().memory_bytes, 2006, "the report is of after the run");
        let moved = thread::spawn(move || backend.run(&[&[1]], 4, &Interrupt::default()).unwrap().len());
        assert_eq!(moved.join().unwrap(), 1);
    }

    #[test]
    fn what_cannot_be_made_is_an_error() {
        let broken = || packages(Fake { broken: Some("load"), ..Fake::new() }, &[2]);
        let error = OwnThread::start(broken).err().unwrap();
        assert!(matches!(error, EmbedError::Model(_)), "{error}");
        let dies = || -> Result<Packages<Fake>, EmbedError> { panic!("for this test") };
        assert!(matches!(OwnThread::start(dies), Err(EmbedError::Stopped)));
    }

    #[test]
    fn nothing_is_begun_after_a_stop() {
        let mut backend = OwnThread::start(|| packages(Fake::new(), &[2])).unwrap();
        let interrupt = Interrupt::default();
        interrupt.ask();
        assert!(matches!(backend.run(&[&[1]], 2, &interrupt), Err(EmbedError::Cancelled(_))));
        assert_eq!(backend.run(&[&[1]], 2, &Interrupt::default()).unwrap().len(), 1, "and then it goes on");
    }

    #[test]
    fn a_failure_is_that_texts() {
        let broken = || packages(Fake { broken: Some("run"), ..Fake::new() }, &[2]);
        let mut backend = OwnThread::start(broken).unwrap();
        for _ in 0..2 {
            assert!(matches!(backend.run(&[&[1]], 2, &Interrupt::default()), Err(EmbedError::Run(_))));
        }
    }
}

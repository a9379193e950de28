//! Requests on their way: attempts, waits between them, and what is certain afterwards.

pub(crate) mod attempt;
pub(crate) mod body;
pub(crate) mod tls;

use std::time::Duration;

use reqwest::{Method, Url};

use crate::client::Inner;
use crate::error::{Error, Outcome};
use crate::observe::Endpoint;
use crate::transport::body::Sink;

/// What doing something twice would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing changes, or the same change once more.
    Repeatable,
    /// Something is made, and would be made twice.
    Creates,
}

/// A request.
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) effect: Effect,
    /// For one attempt, from the connection to the last byte.
    pub(crate) limit: Duration,
    /// The longest answer, in bytes after decompression.
    pub(crate) answer_limit: u64,
}

/// An answer whose status is one of success; its body has gone into the sink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
}

impl Inner {
    /// Makes attempts until one succeeds or it makes no sense to go on.
    pub(crate) async fn send(&self, call: &Call, sink: &mut dyn Sink) -> Result<Answer, Error> {
        let mut unknown: Option<Error> = None;
        let mut number = 1;
        loop {
            if self.gate.is_closed() {
                return Err(unknown.unwrap_or_else(|| Error::LocalOnly { host: self.host.clone() }));
            }
            let error = match self.attempt(call, number, sink).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = self.wait_before_retry(call, &error, number).filter(|_| sink.restart());
            let Some(wait) = wait else {
                // That the last attempt was not sent says nothing of an earlier one.
                let sent_before = error.outcome() == Outcome::NotSent;
                return Err(unknown.filter(|_| sent_before).unwrap_or(error));
            };
            tracing::warn!(
                endpoint = call.endpoint.as_str(),
                attempt = number,
                wait_ms = wait.as_millis(),
                "a request to Papr failed and is tried again"
            );
            if error.outcome() == Outcome::Unknown {
                unknown = Some(error);
            }
            tokio::time::sleep(wait).await;
            number += 1;
        }
    }

    /// How long to wait before the next attempt; `None` if there is to be none.
    fn wait_before_retry(&self, call: &Call, error: &Error, number: u32) -> Option<Duration> {
        if number > self.retry.retries || !may_repeat(call.effect, error) {
            return None;
        }
        match error.retry_after() {
            Some(asked) => (asked <= self.retry.longest_asked).then_some(asked),
            None => Some(self.retry.wait(number, fastrand::f64())),
        }
    }
}

/// Whether the same request may be sent once more, and whether that could help.
fn may_repeat(effect: Effect, error: &Error) -> bool {
    let safe = effect == Effect::Repeatable || error.outcome() != Outcome::Unknown;
    safe && error.is_temporary()
}

//! One request and its answer.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Body as RequestBody, Request, Response, Url};

use crate::client::Inner;
use crate::error::{Cause, Error};
use crate::observe::{Attempt, AttemptEnd, Observer};
use crate::refusal::Refusal;
use crate::retry;
use crate::transport::body::{Beginning, Body, BodyFault, Sink};
use crate::transport::{Answer, Call};

/// What a refusal may have, after decompression; the rest is not read.
const MAX_REFUSAL: u64 = 4 << 20;

/// Tells the observer how the attempt ended, also where the future is dropped in the middle of it.
struct Watch<'a> {
    observer: Option<&'a dyn Observer>,
    begin: Instant,
    attempt: Attempt,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.attempt.elapsed = self.begin.elapsed();
        let Attempt { method, endpoint, number, bytes_up, bytes_down, elapsed, end, .. } = &self.attempt;
        tracing::debug!(
            method,
            endpoint = endpoint.as_str(),
            attempt = number,
            bytes_up,
            bytes_down,
            elapsed_ms = elapsed.as_millis(),
            ?end,
            "a request to Papr ended"
        );
        if let Some(observer) = self.observer {
            observer.attempted(&self.attempt);
        }
    }
}

impl Inner {
    /// Sends the request once and reads the whole answer, within the call's limit of time.
    pub(crate) async fn attempt(
        &self,
        call: &Call,
        number: u32,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Error> {
        let request = self.request(call)?;
        let attempt = Attempt {
            method: method_name(call),
            endpoint: call.endpoint,
            host: self.host.clone(),
            number,
            bytes_up: size_of_request(&request, call),
            bytes_down: 0,
            elapsed: Duration::ZERO,
            end: AttemptEnd::Abandoned,
        };
        let mut watch = Watch { observer: self.observer.as_deref(), begin: Instant::now(), attempt };
        let exchange = self.exchange(call, request, sink, &mut watch.attempt);
        let timed_out = || Error::TimedOut { host: self.host.clone(), limit: call.limit };
        let result = tokio::time::timeout(call.limit, exchange).await.unwrap_or_else(|_| Err(timed_out()));
        watch.attempt.end = match &result {
            Ok(answer) => AttemptEnd::Answered { status: answer.status },
            Err(Error::Refused(refusal)) => AttemptEnd::Answered { status: refusal.status },
            Err(Error::Redirected { status, .. }) => AttemptEnd::Answered { status: *status },
            Err(Error::Connect { .. } | Error::Setup { .. }) => {
                watch.attempt.bytes_up = 0;
                AttemptEnd::NotConnected
            }
            Err(Error::TimedOut { .. }) => AttemptEnd::TimedOut,
            Err(_) => AttemptEnd::Broken,
        };
        result
    }

    fn request(&self, call: &Call) -> Result<Request, Error> {
        let mut request = Request::new(call.method.clone(), call.url.clone());
        let headers = request.headers_mut();
        headers.insert("x-api-key", self.key.header()?);
        headers.insert("x-client-type", self.client_type.clone());
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(RequestBody::from(body.clone()));
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        call: &Call,
        request: Request,
        sink: &mut dyn Sink,
        attempt: &mut Attempt,
    ) -> Result<Answer, Error> {
        let mut response = self.http.execute(request).await.map_err(|error| self.broken(error))?;
        attempt.bytes_down += size_of_headers(response.headers()) + STATUS_LINE;
        let status = response.status().as_u16();
        match status {
            // What has no body has nothing to say but this.
            204 => Ok(Answer { status }),
            200..=299 => {
                self.read(&mut response, sink, call.answer_limit, attempt).await?;
                Ok(Answer { status })
            }
            300..=399 => Err(self.redirected(&response)),
            _ => Err(self.refused(&mut response, attempt).await),
        }
    }

    async fn read(
        &self,
        response: &mut Response,
        sink: &mut dyn Sink,
        limit: u64,
        attempt: &mut Attempt,
    ) -> Result<(), Error> {
        let status = response.status().as_u16();
        let fault = |fault| self.fault(status, fault);
        let coding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let mut body = Body::new(coding.map(str::to_owned).as_deref(), sink, limit).map_err(fault)?;
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(error))? {
            attempt.bytes_down += piece.len() as u64;
            body.write(&piece).map_err(fault)?;
        }
        body.finish().map_err(fault)
    }

    /// The status says enough; whatever of the body can be read makes the message.
    async fn refused(&self, response: &mut Response, attempt: &mut Attempt) -> Error {
        let status = response.status().as_u16();
        let retry_after = retry::asked(response.headers(), Timestamp::now());
        let mut body = Beginning::default();
        drop(self.read(response, &mut body, MAX_REFUSAL, attempt).await);
        Box::new(Refusal::read(&self.host, status, &body.0, retry_after, &self.key)).into()
    }

    fn redirected(&self, response: &Response) -> Error {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = location.and_then(|location| response.url().join(location).ok());
        let to = to.map(|url| origin(&url));
        Error::Redirected { host: self.host.clone(), status: response.status().as_u16(), to }
    }

    /// Only what was certainly not sent counts as such.
    fn broken(&self, error: reqwest::Error) -> Error {
        let error = error.without_url();
        let (host, connect, builder) = (self.host.clone(), error.is_connect(), error.is_builder());
        let source: Cause = Box::new(error);
        if builder {
            return Error::Setup { source };
        }
        if connect { Error::Connect { host, source } } else { Error::Broken { host, source } }
    }

    pub(crate) fn fault(&self, status: u16, fault: BodyFault) -> Error {
        let host = self.host.clone();
        match fault {
            BodyFault::Cut => Error::Broken { host, source: "the answer ended in the middle".into() },
            BodyFault::Wrong(reason) => Error::Unreadable { host, status, reason: reason.to_owned() },
            BodyFault::TooLong(limit) => Error::AnswerTooLong { host, limit },
        }
    }
}

/// `HTTP/1.1 200 OK` and the empty line.
const STATUS_LINE: u64 = 19;

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn method_name(call: &Call) -> &'static str {
    match call.method.as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "POST",
    }
}

/// Each with `: ` and a line's end.
fn size_of_headers(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64).sum()
}

fn size_of_request(request: &Request, call: &Call) -> u64 {
    let url = request.url();
    let target = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let line = call.method.as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    size_of_headers(request.headers()) + (line + call.body.as_ref().map_or(0, Vec::len)) as u64
}

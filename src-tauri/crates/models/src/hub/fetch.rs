//! One request to the hub, its redirects followed by hand.

use std::time::Duration;

use papr_memory::Cancelled;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, IF_RANGE,
    LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::{Method, Url};

use crate::ModelError;
use crate::hub::Hub;
use crate::hub::facts::FileFacts;
use crate::hub::headers::retry_after;
use crate::hub::transport::{Answer, Connection};
use crate::stop::Stop;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 8;

/// Why an attempt brought nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Somebody asked for a stop.
    Cancelled(Cancelled),
    /// It may go better the next time; what is there stays.
    Retry { reason: String, after: Option<Duration> },
    /// What is there is of no use; it may go better from the first byte.
    Restart { reason: String },
    /// All bytes came, and they are not the right ones.
    WrongBytes { expected: String, found: String },
    /// It will not go better.
    Final(ModelError),
}

impl Fault {
    pub(crate) fn retry(reason: String) -> Self {
        Self::Retry { reason, after: None }
    }
}

impl From<Cancelled> for Fault {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<ModelError> for Fault {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Final(error),
        }
    }
}

/// The rest of a file, from `start` on.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub(crate) start: u64,
    /// The tag of the server that sent the beginning; without one the hash must tell.
    pub(crate) if_range: Option<String>,
}

/// Asks for one file of a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) connection: &'a Connection,
    /// `repository/path`, for errors.
    pub(crate) name: &'a str,
    pub(crate) stop: &'a Stop<'a>,
}

/// What came back at the end of the redirects.
#[derive(Debug)]
pub(crate) struct Fetched<'c> {
    pub(crate) answer: Answer<'c>,
    /// What all answers on the way said about the file.
    pub(crate) facts: FileFacts,
}

impl<'a> Fetch<'a> {
    /// The head of a file: what the hub says about it. Redirects are followed until its size and tag are known.
    pub(crate) fn head(self, url: &Url) -> Result<FileFacts, Fault> {
        match self.follow(&Method::HEAD, url, None) {
            // Not every mirror knows HEAD. The body of the GET is not read.
            Ok(fetched) if matches!(fetched.answer.status(), 405 | 501) => {
                let fetched = self.follow(&Method::GET, url, None)?;
                self.judge(&fetched, false)?;
                Ok(fetched.facts)
            }
            Ok(fetched) if is_redirect(fetched.answer.status()) => Ok(fetched.facts),
            Ok(fetched) => {
                self.judge(&fetched, false)?;
                Ok(fetched.facts)
            }
            Err(fault) => Err(fault),
        }
    }

    /// The bytes of a file. The status is 200, or, where a rest was asked for, also 206 or 416.
    pub(crate) fn get(self, url: &Url, rest: Option<&Rest>) -> Result<Fetched<'a>, Fault> {
        let fetched = self.follow(&Method::GET, url, rest)?;
        self.judge(&fetched, rest.is_some())?;
        Ok(fetched)
    }

    fn follow(self, method: &Method, url: &Url, rest: Option<&Rest>) -> Result<Fetched<'a>, Fault> {
        let mut url = url.clone();
        let mut facts = FileFacts::default();
        for _ in 0..=MOST_REDIRECTS {
            let headers = self.headers(&url, rest);
            let answer = self.connection.send(method.clone(), &url, headers, self.stop)?;
            facts.learn(&answer);
            if !is_redirect(answer.status()) {
                return Ok(Fetched { answer, facts });
            }
            let next = answer.header(LOCATION).and_then(|location| url.join(location).ok());
            let Some(next) = next else { return Err(self.bad("a redirect to nowhere")) };
            let secure = next.scheme() == "https" || (next.scheme() == "http" && url.scheme() == "http");
            if !secure {
                return Err(self.bad("a redirect away from https"));
            }
            if next.host_str() != url.host_str() {
                facts.redirected_to = next.host_str().map(str::to_owned);
                if method == Method::HEAD && facts.is_complete() {
                    return Ok(Fetched { answer, facts });
                }
            }
            url = next;
        }
        Err(self.bad("endless redirects"))
    }

    fn headers(self, url: &Url, rest: Option<&Rest>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let text = |text: String| HeaderValue::from_str(&text).ok();
        if let Some(token) = self.hub.token_for(url)
            && let Some(mut value) = text(format!("Bearer {}", token.expose()))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(rest) = rest {
            headers.extend(text(format!("bytes={}-", rest.start)).map(|value| (RANGE, value)));
            let tag = rest.if_range.as_ref().and_then(|tag| text(format!("\"{tag}\"")));
            headers.extend(tag.map(|value| (IF_RANGE, value)));
        }
        headers
    }

    /// Sorts out what is not a file.
    fn judge(self, fetched: &Fetched<'_>, ranged: bool) -> Result<(), Fault> {
        let answer = &fetched.answer;
        let status = answer.status();
        match status {
            200 => {}
            206 | 416 if ranged => return Ok(()),
            206 | 416 => return Err(Fault::Restart { reason: format!("status {status} was not asked for") }),
            // The address of a store is good for some minutes; the hub gives another one.
            400..=410 if fetched.facts.redirected_to.is_some() => {
                return Err(Fault::retry(format!("status {status}")));
            }
            401 | 403 | 451 => {
                let (host, path) = (self.hub.host().to_owned(), self.name.to_owned());
                return Err(Fault::Final(ModelError::Denied { host, path, status }));
            }
            404 | 410 => {
                let (host, path) = (self.hub.host().to_owned(), self.name.to_owned());
                return Err(Fault::Final(ModelError::NotOnHub { host, path }));
            }
            408 | 425 | 429 | 500.. => {
                let after = answer.header(RETRY_AFTER).and_then(retry_after);
                return Err(Fault::Retry { reason: format!("status {status}"), after });
            }
            _ => return Err(self.bad(&format!("status {status}"))),
        }
        // A page where a file should be: the login of a network, most often.
        if answer.header(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/html")) {
            return Err(self.bad("it is a web page"));
        }
        Ok(())
    }

    /// Refuses bytes that are not the file's own.
    pub(crate) fn refuse_encoded(self, answer: &Answer<'_>) -> Result<(), Fault> {
        match answer.header(CONTENT_ENCODING) {
            None | Some("" | "identity") => Ok(()),
            Some(encoding) => Err(self.bad(&format!("it is compressed on the way ({encoding})"))),
        }
    }

    fn bad(self, reason: &str) -> Fault {
        let (host, path) = (self.hub.host().to_owned(), self.name.to_owned());
        Fault::Final(ModelError::BadAnswer { host, path, reason: reason.to_owned() })
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

//! One thread's connections: requests and pieces of answers, each with a limit and a look at the stop.
//!
//! The HTTP client is asynchronous, because only then can waiting for a byte be given up at any moment. That stays
//! in here: a small runtime of this thread's own drives it, and everything outside is plain calls. A connection
//! must be made on a thread that no other runtime drives.

use std::pin::pin;
use std::sync::Once;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, Method, Response, Url, redirect};
use tokio::runtime::{Builder, Runtime};

use crate::ModelError;
use crate::hub::fetch::Fault;
use crate::hub::observe::{Exchange, Observer};
use crate::hub::{Hub, HubOptions};
use crate::stop::{Stop, TICK};

/// The name under which this program asks.
const USER_AGENT: &str = concat!("papr-desktop/", env!("CARGO_PKG_VERSION"));

/// What one thread needs to speak HTTP.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Taken out only when the connection is dropped.
    runtime: Option<Runtime>,
    client: Client,
    stall_timeout: Duration,
    /// Building a connection may take its own time, more than once where a host has several addresses.
    answer_timeout: Duration,
    observer: Option<Observer>,
}

/// The head of an answer, and the way to its body.
#[derive(Debug)]
pub(crate) struct Answer<'c> {
    connection: &'c Connection,
    response: Response,
    exchange: Exchange,
    begun: Instant,
}

/// What all connections to a hub share: certificates, proxy, time-outs. Nothing is sent.
pub(crate) fn client(options: &HubOptions) -> Result<Client, ModelError> {
    static PROVIDER: Once = Once::new();
    // It fails if the process has chosen one already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        // Followed by hand: the hub's answer tells the hash, and the token must stay behind.
        .redirect(redirect::Policy::none())
        // A connection belongs to the runtime that made it, and those come and go.
        .pool_max_idle_per_host(0)
        .connect_timeout(options.connect_timeout);
    if !options.proxy {
        client = client.no_proxy();
    }
    client.build().map_err(|error| ModelError::Network { reason: told(error) })
}

impl Connection {
    /// Prepares; nothing is sent.
    pub(crate) fn new(hub: &Hub) -> Result<Self, ModelError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ModelError::Network { reason: error.to_string() })?;
        let options = hub.options();
        Ok(Self {
            runtime: Some(runtime),
            client: hub.client().clone(),
            stall_timeout: options.stall_timeout,
            answer_timeout: options.connect_timeout.saturating_add(options.stall_timeout),
            observer: options.observer.clone(),
        })
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        stop: &Stop<'_>,
    ) -> Result<Answer<'_>, Fault> {
        let mut exchange = asked(&method, url, &headers);
        let request = self.client.request(method, url.clone()).headers(headers);
        let begun = Instant::now();
        match self.wait(request.send(), self.answer_timeout, stop) {
            Ok(Ok(response)) => {
                exchange.status = Some(response.status().as_u16());
                Ok(Answer { connection: self, response, exchange, begun })
            }
            failed => {
                let error = failed.map(Result::err);
                exchange.not_connected = matches!(&error, Ok(Some(error)) if error.is_connect());
                self.observe(&mut exchange, begun);
                Err(error?.map_or_else(|| Fault::retry("no answer".to_owned()), broken))
            }
        }
    }

    fn observe(&self, exchange: &mut Exchange, begun: Instant) {
        let Some(observer) = &self.observer else { return };
        exchange.elapsed = begun.elapsed();
        if exchange.not_connected {
            exchange.bytes_up = 0;
        }
        observer.tell(exchange);
    }

    /// Drives `future` to its end, to the limit, or to the stop.
    fn wait<F: Future>(&self, future: F, limit: Duration, stop: &Stop<'_>) -> Result<F::Output, Fault> {
        let Some(runtime) = &self.runtime else {
            return Err(Fault::retry("the connection is closed".to_owned()));
        };
        let begin = Instant::now();
        let mut future = pin!(future);
        loop {
            stop.check()?;
            let step = TICK.min(limit);
            // The timer must be made inside the runtime that drives it.
            match runtime.block_on(async { tokio::time::timeout(step, future.as_mut()).await }) {
                Ok(output) => return Ok(output),
                Err(_) if begin.elapsed() >= limit => {
                    return Err(Fault::retry(format!("no byte came for {} s", limit.as_secs_f32())));
                }
                Err(_) => {}
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A name that is still being looked up must not hold up the one who stopped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header as text; `None` also where it is not text.
    pub(crate) fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.response.headers().get(name.into())?.to_str().ok()
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) fn piece(&mut self, stop: &Stop<'_>) -> Result<Option<impl AsRef<[u8]> + use<>>, Fault> {
        let limit = self.connection.stall_timeout;
        let piece = self.connection.wait(self.response.chunk(), limit, stop)?.map_err(broken)?;
        self.exchange.bytes_down += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(piece)
    }
}

/// An answer is done with when nobody reads it any more.
impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.connection.observe(&mut self.exchange, self.begun);
    }
}

/// A request that is about to be sent.
fn asked(method: &Method, url: &Url, headers: &HeaderMap) -> Exchange {
    let path = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let line = method.as_str().len() + path + " HTTP/1.1\r\n ".len();
    let fields: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Exchange {
        host: format!("{}{port}", url.host_str().unwrap_or_default()),
        bytes_up: (line + fields) as u64,
        bytes_down: 0,
        elapsed: Duration::ZERO,
        status: None,
        not_connected: false,
    }
}

fn broken(error: reqwest::Error) -> Fault {
    Fault::retry(told(error))
}

/// What lies at the bottom of an error: the layers above it say only that something was sent. Without the
/// address, since that of a store carries a signature.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

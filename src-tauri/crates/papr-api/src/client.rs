//! The client: made once, cloned cheaply, shared by everybody.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::gate::Gate;
use crate::key::ApiKey;
use crate::observe::{Endpoint, Observer};
use crate::refusal::Refusal;
use crate::retry::RetryPolicy;
use crate::transport::body::Document;
use crate::transport::{Answer, Call, Effect, tls};

/// Where Papr is.
pub const DEFAULT_BASE_URL: &str = "https://memory.papr.ai";

const DEFAULT_USER_AGENT: &str = concat!("papr-api/", env!("CARGO_PKG_VERSION"));
const DEFAULT_CLIENT_TYPE: &str = "papr_desktop";
/// Of an answer that is kept whole, after decompression.
const MAX_ANSWER: u64 = 64 << 20;

/// A way to Papr with one key. Cloning it is cheap, and the clones share their connections.
///
/// # Cancelling
/// Dropping a call's future ends it at once, in whatever state it is. A request that was on its way then has an
/// unknown outcome, as [`Outcome::Unknown`](crate::Outcome::Unknown) has it.
///
/// # Runtime
/// Calls must be awaited inside a tokio runtime with its network and time drivers. A client may be used from several,
/// but connections that are kept open end with the runtime they were opened in.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) base: Url,
    /// With the port where one was given.
    pub(crate) host: String,
    pub(crate) key: ApiKey,
    pub(crate) client_type: HeaderValue,
    pub(crate) user_agent: HeaderValue,
    pub(crate) http: reqwest::Client,
    pub(crate) retry: RetryPolicy,
    pub(crate) gate: Gate,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) call: Duration,
    pub(crate) long_call: Duration,
    pub(crate) stream: u64,
}

/// What a [`Client`] is made from.
pub struct ClientBuilder {
    key: ApiKey,
    base: String,
    client_type: String,
    user_agent: String,
    connect: Duration,
    proxy: bool,
    retry: RetryPolicy,
    gate: Gate,
    observer: Option<Arc<dyn Observer>>,
    limits: Limits,
}

impl ClientBuilder {
    /// Where Papr is. Default [`DEFAULT_BASE_URL`]. Must be `https`; plain `http` goes to this very machine only.
    #[must_use]
    pub fn base_url(mut self, base: &str) -> Self {
        base.trim().clone_into(&mut self.base);
        self
    }

    /// The program that asks, as `name/version`.
    #[must_use]
    pub fn user_agent(mut self, agent: &str) -> Self {
        agent.clone_into(&mut self.user_agent);
        self
    }

    /// What is sent as `X-Client-Type`. Default `papr_desktop`.
    #[must_use]
    pub fn client_type(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.client_type);
        self
    }

    /// The longest time to open a connection. Default 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// The longest time for one attempt at a call, from the connection to the last byte. Default 60 s. The waits
    /// between attempts are the [`RetryPolicy`]'s.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limits.call = limit;
        self
    }

    /// The same for the calls that move much: tiers, OMO export and import. Default 300 s.
    #[must_use]
    pub fn long_timeout(mut self, limit: Duration) -> Self {
        self.limits.long_call = limit;
        self
    }

    /// The longest answer that tiers and delta may have, in bytes after decompression. Default 1 GiB; every other
    /// answer may have 64 MiB.
    #[must_use]
    pub fn stream_limit(mut self, bytes: u64) -> Self {
        self.limits.stream = bytes;
        self
    }

    /// How failed calls are tried again.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The switch that this client obeys. Default one that stays open.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Somebody to be told of every attempt.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Whether the system's proxy is used. Default yes; never for this very machine.
    #[must_use]
    pub fn system_proxy(mut self, on: bool) -> Self {
        self.proxy = on;
        self
    }

    /// Checks everything. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::BaseUrl`], [`Error::Invalid`] for a name that cannot be sent in a header, [`Error::Setup`] where the
    /// system's certificates or proxy cannot be had.
    pub fn build(self) -> Result<Client, Error> {
        let (base, loopback) = checked_base(&self.base)?;
        let header = |what, text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::invalid(what, "it cannot be sent in a header"))
        };
        let port = base.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Client(Arc::new(Inner {
            host: format!("{}{port}", base.host_str().unwrap_or_default()),
            client_type: header("the client type", &self.client_type)?,
            user_agent: header("the user agent", &self.user_agent)?,
            http: tls::http(self.connect, self.proxy, loopback)?,
            base,
            key: self.key,
            retry: self.retry,
            gate: self.gate,
            observer: self.observer,
            limits: self.limits,
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.base.contains('@') { "***" } else { &self.base };
        f.debug_struct("ClientBuilder").field("base", &shown).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The address, and whether it is this machine's.
fn checked_base(given: &str) -> Result<(Url, bool), Error> {
    // The error must not repeat what may be a password.
    let shown = if given.contains('@') { "***" } else { given };
    let refuse = |reason: &str| Error::BaseUrl { given: shown.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(given).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("it must begin with https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it must not hold a name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must end with the path"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if url.scheme() == "http" && !loopback {
        return Err(refuse("without https the key could be read on the way"));
    }
    Ok((url, loopback))
}

impl Client {
    /// A client for this key; [`ClientBuilder::build`] makes it.
    pub fn builder(key: ApiKey) -> ClientBuilder {
        ClientBuilder {
            key,
            base: DEFAULT_BASE_URL.to_owned(),
            client_type: DEFAULT_CLIENT_TYPE.to_owned(),
            user_agent: DEFAULT_USER_AGENT.to_owned(),
            connect: Duration::from_secs(5),
            proxy: true,
            retry: RetryPolicy::default(),
            gate: Gate::new(),
            observer: None,
            limits: Limits {
                call: Duration::from_mins(1),
                long_call: Duration::from_mins(5),
                stream: 1 << 30,
            },
        }
    }

    /// Whom it asks: the host, with the port where one was given.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Its switch.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { host, key, gate, .. } = &*self.0;
        f.debug_struct("Client")
            .field("host", host)
            .field("key", key)
            .field("gate", gate)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// A call that reads, changes nothing twice, and takes the usual time.
    pub(crate) fn call(&self, endpoint: Endpoint, method: Method, path: &[&str]) -> Call {
        let mut url = self.base.clone();
        // An http address always has a path to append to.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let (body, effect, limit) = (None, Effect::Repeatable, self.limits.call);
        Call { endpoint, method, url, body, effect, limit, answer_limit: MAX_ANSWER }
    }

    /// Sends the call and takes its answer as one object that says success.
    pub(crate) async fn object(&self, call: &Call) -> Result<(Map<String, Value>, u16), Error> {
        let (map, answer) = self.any_object(call).await?;
        self.success(answer, &map)?;
        Ok((map, answer.status))
    }

    /// The same, whatever the object says.
    pub(crate) async fn any_object(&self, call: &Call) -> Result<(Map<String, Value>, Answer), Error> {
        let mut document = Document::default();
        let answer = self.send(call, &mut document).await?;
        Ok((document.map, answer))
    }

    /// Papr can say success in the status and an error in the envelope.
    pub(crate) fn success(&self, answer: Answer, map: &Map<String, Value>) -> Result<(), Error> {
        let code = map.get("code").and_then(crate::lenient::count).and_then(|code| u16::try_from(code).ok());
        let code = code.filter(|code| (400..600).contains(code));
        let says_error = map
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(|status| status.eq_ignore_ascii_case("error"));
        if code.is_none() && !says_error {
            return Ok(());
        }
        let status = code.unwrap_or(answer.status);
        Err(Box::new(Refusal::from_map(&self.host, status, map.clone(), None, &self.key)).into())
    }

    pub(crate) fn unreadable(&self, status: u16, reason: &str) -> Error {
        Error::Unreadable { host: self.host.clone(), status, reason: reason.to_owned() }
    }
}

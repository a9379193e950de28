//! What an onlooker is told of each request to a hub, or to a store of files that it redirects to: enough for a ledger
//! of what left the device.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One request and what came back, right after it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Whom: the host, with the port where the address has one.
    pub host: String,
    /// Bytes of request line and headers, without what TLS and the HTTP library add (under 200 bytes).
    pub bytes_up: u64,
    /// Bytes of the answer's body that came.
    pub bytes_down: u64,
    /// From asking for a connection to the last byte that was read.
    pub elapsed: Duration,
    /// The answer's HTTP status; none if no answer came.
    pub status: Option<u16>,
    /// Whether no connection could be opened, so that nothing left the device.
    pub not_connected: bool,
}

/// Somebody who is told of every request, on the thread that made it: be quick.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Exchange) + Send + Sync>);

impl Observer {
    /// Told by calling `tell`.
    pub fn new(tell: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, exchange: &Exchange) {
        (self.0)(exchange);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

//! The HTTP library, set up for one address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Once;
use std::time::Duration;

use reqwest::redirect;

use crate::Error;

/// A connection that was idle for longer is not used again: servers close theirs, and a request that meets the
/// closing has an unknown outcome.
const IDLE: Duration = Duration::from_secs(20);

/// `loopback`: the address is this machine's, and no proxy may see what goes there.
pub(crate) fn http(connect: Duration, proxy: bool, loopback: bool) -> Result<reqwest::Client, Error> {
    static PROVIDER: Once = Once::new();
    // It fails if the process has chosen one already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        // Which request may be sent twice is decided here, by what it does.
        .retry(reqwest::retry::never())
        .referer(false)
        // Decompressed here, to count what came over the wire; and so that this client does the same whether or not
        // another part of the program turns the library's own on.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .pool_idle_timeout(IDLE)
        .connect_timeout(connect);
    if loopback {
        // Whatever the system's tables say, the name means this machine: the key may go there in plain text.
        let this = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
        builder = builder.resolve_to_addrs("localhost", &this);
    }
    if loopback || !proxy {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Error::Setup { source: Box::new(error.without_url()) })
}

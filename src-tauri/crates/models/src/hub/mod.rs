//! The hub that models are downloaded from: its address, the token, what is asked of it.
//!
//! The protocol is that of `huggingface.co`, which mirrors speak too. A token is sent to the endpoint itself and
//! to nobody else, and over TLS or to this very machine only.

pub(crate) mod cache;
pub(crate) mod facts;
pub(crate) mod fetch;
pub(crate) mod headers;
mod observe;
mod retry;
pub(crate) mod transport;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Url};

use crate::ModelError;
pub use facts::FileFacts;
pub use observe::{Exchange, Observer};
pub use retry::Retries;

/// Where models are downloaded from if nothing else is said.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// An access token of a hub account.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token; white space around it is dropped.
    pub fn new(token: &str) -> Self {
        Self(token.trim().to_owned())
    }

    /// For the one place that puts it into a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Never the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a hub is reached.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// Its address, with scheme. Default [`DEFAULT_ENDPOINT`].
    pub endpoint: String,
    /// For models that are not given to everybody. Default none.
    pub token: Option<Token>,
    /// Caches of other programs for this hub, looked into before anything is downloaded, never written to.
    /// Default none; see [`HubOptions::from_variables`].
    pub caches: Vec<PathBuf>,
    /// Whether the proxy of the system or of the environment is used. Default yes.
    pub proxy: bool,
    /// The longest time to build a connection. Default 15 s.
    pub connect_timeout: Duration,
    /// The longest time in which not a byte comes. Default 30 s.
    pub stall_timeout: Duration,
    /// What happens when an attempt fails.
    pub retries: Retries,
    /// Somebody to be told of every request. Default nobody.
    pub observer: Option<Observer>,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            endpoint: DEFAULT_ENDPOINT.to_owned(),
            token: None,
            caches: Vec::new(),
            proxy: true,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            retries: Retries::default(),
            observer: None,
        }
    }
}

impl HubOptions {
    /// The defaults, with the address from `HF_ENDPOINT` and the cache from the first of `HF_HUB_CACHE`,
    /// `HF_HOME` and the home folder. `variable` gives the value of an environment variable.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        let cache = variable("HF_HUB_CACHE")
            .map(PathBuf::from)
            .or_else(|| variable("HF_HOME").map(|home| PathBuf::from(home).join("hub")))
            .or_else(|| home().map(|home| home.join(".cache/huggingface/hub")));
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        Self { endpoint, caches: cache.into_iter().collect(), ..Self::default() }
    }
}

/// A hub whose address makes sense. Nothing is sent until something is asked of it.
#[derive(Clone)]
pub struct Hub {
    endpoint: Url,
    client: Client,
    options: HubOptions,
}

impl Hub {
    /// Checks the address and reads the system's certificates and proxy.
    ///
    /// # Errors
    /// [`ModelError::Endpoint`] for anything but `http` or `https` and a host, without a user, query or fragment;
    /// [`ModelError::Network`] where certificates or proxy cannot be had.
    pub fn new(options: HubOptions) -> Result<Self, ModelError> {
        // The error must not repeat what may be a password.
        let shown = if options.endpoint.contains('@') { "***" } else { options.endpoint.as_str() };
        let refuse =
            |reason: &str| ModelError::Endpoint { endpoint: shown.to_owned(), reason: reason.to_owned() };
        let endpoint = Url::parse(options.endpoint.trim()).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(endpoint.scheme(), "https" | "http") || endpoint.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it must be an address with https"));
        }
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            return Err(refuse("it must not hold a name or a password"));
        }
        if endpoint.query().is_some() || endpoint.fragment().is_some() {
            return Err(refuse("it must end with the path"));
        }
        let client = transport::client(&options)?;
        Ok(Self { endpoint, client, options })
    }

    /// The host that is asked first.
    pub fn host(&self) -> &str {
        self.endpoint.host_str().unwrap_or_default()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn options(&self) -> &HubOptions {
        &self.options
    }

    /// `{endpoint}/{repository}/resolve/{revision}/{path}`.
    pub(crate) fn url(&self, repo: &str, revision: &str, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        // An http address always has a path to append to.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(repo.split('/'))
                .extend(["resolve", revision])
                .extend(path.split('/'));
        }
        url
    }

    /// The token, if `url` may see it: the endpoint's own scheme, host and port, and either TLS or this machine.
    pub(crate) fn token_for(&self, url: &Url) -> Option<&Token> {
        let own = url.origin() == self.endpoint.origin();
        let private = url.scheme() == "https" || is_this_machine(url);
        self.options.token.as_ref().filter(|_| own && private)
    }
}

/// Without the client, which knows the proxy and perhaps its password.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A host name that does not leave this machine.
fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(endpoint: &str) -> Result<Hub, ModelError> {
        let token = Some(Token::new(" hf_secret\n"));
        Hub::new(HubOptions { endpoint: endpoint.to_owned(), token, ..HubOptions::default() })
    }

    #[test]
    fn addresses_are_built_below_the_endpoint() {
        let url =
            |endpoint, revision| hub(endpoint).unwrap().url("a/b", revision, "onnx/model.onnx").to_string();
        assert_eq!(
            url("https://huggingface.co", "main"),
            "https://huggingface.co/a/b/resolve/main/onnx/model.onnx"
        );
        assert_eq!(url("https://m.example/hf/", "x"), "https://m.example/hf/a/b/resolve/x/onnx/model.onnx");
        assert_eq!(
            url("http://m.example", "refs/pr/1"),
            "http://m.example/a/b/resolve/refs%2Fpr%2F1/onnx/model.onnx"
        );
        for wrong in ["", "huggingface.co", "ftp://a", "file:///a", "https://a/?b", "https://a/#b"] {
            assert!(matches!(hub(wrong), Err(ModelError::Endpoint { .. })), "{wrong}");
        }
        for secret in ["https://me:password@a", "https://me:password@", "me:password@a b"] {
            let error = hub(secret).unwrap_err().to_string();
            assert!(!error.contains("password@"), "{error}");
        }
    }

    #[test]
    fn the_token_goes_to_the_endpoint_only_and_is_never_shown() {
        let secure = hub("https://huggingface.co").unwrap();
        let may = |hub: &Hub, url: &str| hub.token_for(&Url::parse(url).unwrap()).is_some();
        assert!(may(&secure, "https://huggingface.co/a/b"));
        for other in [
            "https://cdn.huggingface.co/a",
            "http://huggingface.co/a",
            "https://huggingface.co:8443/a",
            "https://huggingface.co.example/a",
        ] {
            assert!(!may(&secure, other), "{other}");
        }
        assert!(!may(&hub("http://mirror.example").unwrap(), "http://mirror.example/a"), "in clear text");
        assert!(may(&hub("http://127.0.0.1:9").unwrap(), "http://127.0.0.1:9/a"));
        let shown = format!("{secure:?}");
        assert!(!shown.contains("hf_secret") && shown.contains("***"), "{shown}");
    }

    #[test]
    fn variables_choose_endpoint_and_cache() {
        let options = |pairs: &[(&str, &str)]| {
            let find = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned());
            let options = HubOptions::from_variables(find);
            (options.endpoint, options.caches)
        };
        let home = ("HOME", "/h");
        assert_eq!(options(&[]), (DEFAULT_ENDPOINT.to_owned(), vec![]));
        assert_eq!(options(&[home]).1, [PathBuf::from("/h/.cache/huggingface/hub")]);
        assert_eq!(options(&[home, ("HF_HOME", "/x")]).1, [PathBuf::from("/x/hub")]);
        assert_eq!(options(&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/x")]).1, [PathBuf::from("/c")]);
        assert_eq!(options(&[("HF_ENDPOINT", "https://m"), ("HF_HOME", " ")]).0, "https://m");
    }
}

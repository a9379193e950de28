//! What all requests share, and who a key belongs to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::options::Options;
use crate::quota::Limits;
use crate::reply::Reply;
use crate::requests::Requests;
use crate::route::Route;
use crate::samples;
use crate::wiretap::Traffic;
use crate::world::{Hand, More, World};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) traffic: Arc<Traffic>,
    keys: Mutex<BTreeMap<String, String>>,
    world: Mutex<World>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        let world = World::open(options.seed, options.data.as_deref())?;
        let shared = Self {
            clock: Clock::new(options.now),
            faults: Faults::new(options.seed, options.script.clone()),
            requests: Requests::new(options.log),
            traffic: Arc::default(),
            keys: Mutex::new(options.keys.iter().cloned().collect()),
            world: Mutex::new(world),
            options,
        };
        shared.furnish()?;
        Ok(shared)
    }

    /// Limits for every account, and the samples for those that have never held anything.
    fn furnish(&self) -> io::Result<()> {
        let mut world = self.world();
        let now = self.clock.now();
        for (_, account) in &self.options.keys {
            world.account(account).meter.limits = self.options.limits;
            if world.entries.iter().any(|entry| entry.account == *account) {
                continue;
            }
            for sample in samples::memories(self.options.seed, self.options.memories, now) {
                world.create(Hand::server(account, now), sample, More::default())?;
            }
        }
        Ok(())
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_key(&self, key: &str, account: &str) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), account.to_owned());
        self.world().account(account);
    }

    pub(crate) fn revoke_key(&self, key: &str) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn set_limits(&self, account: &str, limits: Limits) {
        self.world().account(account).meter.limits = limits;
    }

    /// Whose request this is. Memories answer in the envelope, sync and users as the framework does.
    pub(crate) fn account_of(&self, headers: &HeaderMap, route: Route) -> Result<String, Reply> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let others = || {
            let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
            text("x-session-token").or(bearer)
        };
        let key = text("x-api-key").or_else(|| if route == Route::User { None } else { others() });
        let refuse = |error: &str| match route {
            Route::Tiers | Route::Delta | Route::User => Reply::detail(401, error),
            _ => Reply::envelope(401, error, serde_json::Value::Null),
        };
        let Some(key) = key else {
            return Err(refuse(
                "Missing authentication: provide X-API-Key, X-Session-Token or a Bearer token",
            ));
        };
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(key).cloned().ok_or_else(|| refuse("Invalid API key"))
    }
}

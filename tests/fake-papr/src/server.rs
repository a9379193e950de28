//! A running server and the strings it hangs on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::month;
use crate::faults::{Script, ScriptError};
use crate::options::Options;
use crate::oracle::Oracle;
use crate::quota::Limits;
use crate::record::{Edit, NewMemory, Place, Record};
use crate::requests::RequestLine;
use crate::serve::router;
use crate::shared::Shared;
use crate::wiretap::{Line, Tap};
use crate::world::{Hand, More, World};

/// What can go wrong with the server itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FakeError {
    /// The port is taken, or the data folder cannot be read or written.
    #[error("the fake Papr server cannot go on: {0}")]
    Io(#[from] io::Error),
    /// The fault script makes no sense.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A change of a memory that is not there.
    #[error("the account {account} has no memory {id}")]
    NoSuchMemory {
        /// Whose it should be.
        account: String,
        /// Its id.
        id: String,
    },
    /// A new memory under an id that is taken.
    #[error("the account {account} has a memory {id} already")]
    Taken {
        /// Whose it is.
        account: String,
        /// Its id.
        id: String,
    },
}

/// What went over all connections since the start: every byte, heads too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that were opened.
    pub connections: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
}

/// A server on 127.0.0.1, on a thread of its own. It stops when this is dropped.
#[derive(Debug)]
pub struct FakePapr {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakePapr {
    /// Starts a server; it listens when this returns.
    pub fn start(options: Options) -> Result<Self, FakeError> {
        options.script.check()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options)?);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("fake-papr".to_owned()).spawn(move || {
            runtime.block_on(run(listener, for_thread, stopped));
            // Connections that hang on purpose are not waited for.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { shared, address, stop: Some(stop), thread: Some(thread) })
    }

    /// A server that listens nowhere and has no thread: only [`FakePapr::ask`] reaches it. Its port is 0.
    pub fn unplugged(options: Options) -> Result<Self, FakeError> {
        options.script.check()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { shared: Arc::new(Shared::new(options)?), address, stop: None, thread: None })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What all choices come from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.options.seed
    }

    /// Closes the port and every connection, and waits until that is done. What was accepted stays readable here.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped as well.
            let _ = thread.join();
        }
    }

    /// Another key, from now on.
    pub fn add_key(&self, key: &str, account: &str) {
        self.shared.add_key(key, account);
    }

    /// A key that no longer opens anything: 401.
    pub fn revoke_key(&self, key: &str) {
        self.shared.revoke_key(key);
    }

    /// Starts a fault script; calls are counted from 1 again. An empty one makes everything go well.
    pub fn set_faults(&self, script: Script) -> Result<(), FakeError> {
        script.check()?;
        self.shared.faults.set(script);
        Ok(())
    }

    /// How often each rule of the running script has fired.
    #[must_use]
    pub fn fired(&self) -> Vec<u64> {
        self.shared.faults.fired()
    }

    /// What an account may spend from now on.
    pub fn set_limits(&self, account: &str, limits: Limits) {
        self.shared.set_limits(account, limits);
    }

    /// Operations an account has spent in the current month.
    #[must_use]
    pub fn operations(&self, account: &str) -> u64 {
        let month = month(self.shared.clock.now());
        self.shared.world().account(account).meter.spent.get(&month).copied().unwrap_or(0)
    }

    /// Words of feedback an account has given since the start.
    #[must_use]
    pub fn feedback(&self, account: &str) -> u64 {
        self.shared.world().account(account).feedback
    }

    /// The server's time in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// Stops the clock at this millisecond.
    pub fn set_now(&self, at: i64) {
        self.shared.clock.set(at);
    }

    /// Stops the clock, so much later than it is.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.set(self.now() + i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 2));
    }

    /// A memory comes from elsewhere. Gives its id.
    pub fn add(&self, account: &str, memory: NewMemory) -> Result<String, FakeError> {
        let mut world = self.shared.world();
        if let Some(id) = memory.id.clone().filter(|id| world.get(account, id).is_some()) {
            return Err(FakeError::Taken { account: account.to_owned(), id });
        }
        let hand = Hand::server(account, self.shared.clock.now());
        Ok(world.create(hand, memory, More::default())?.id)
    }

    /// A memory is changed elsewhere.
    pub fn edit(&self, account: &str, id: &str, edit: Edit) -> Result<Record, FakeError> {
        self.change(account, id, |world, hand| world.update(hand, id, edit))
    }

    /// A memory comes to stand in other tiers.
    pub fn move_tier(&self, account: &str, id: &str, place: Place) -> Result<Record, FakeError> {
        self.change(account, id, |world, hand| world.move_to(hand, id, place))
    }

    /// A memory is deleted elsewhere.
    pub fn delete(&self, account: &str, id: &str) -> Result<(), FakeError> {
        self.change(account, id, |world, hand| world.delete(hand, id)).map(drop)
    }

    fn change(
        &self,
        account: &str,
        id: &str,
        change: impl FnOnce(&mut World, Hand<'_>) -> io::Result<Option<Record>>,
    ) -> Result<Record, FakeError> {
        let hand = Hand::server(account, self.shared.clock.now());
        let changed = change(&mut self.shared.world(), hand)?;
        changed.ok_or_else(|| FakeError::NoSuchMemory { account: account.to_owned(), id: id.to_owned() })
    }

    /// What was accepted until now, by clients and by the calls above.
    #[must_use]
    pub fn oracle(&self) -> Oracle {
        Oracle { entries: self.shared.world().entries.clone() }
    }

    /// Every request until now.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestLine> {
        self.shared.requests.all()
    }

    /// What went over all connections until now.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let traffic = &self.shared.traffic;
        Traffic {
            connections: traffic.connections.load(Ordering::Relaxed),
            bytes_in: traffic.bytes_in.load(Ordering::Relaxed),
            bytes_out: traffic.bytes_out.load(Ordering::Relaxed),
        }
    }
}

impl Drop for FakePapr {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("fake-papr ran with seed {}", self.seed());
        }
        self.stop();
    }
}

async fn run(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let tap = Tap { listener, traffic: Arc::clone(&shared.traffic) };
    let service = router(&shared).into_make_service_with_connect_info::<Line>();
    tokio::select! {
        _ = axum::serve(tap, service) => {}
        _ = stopped => {}
    }
}

//! The app's side: takes connections, checks who they are, and has their commands run on a thread each.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papr_memory::CancelToken;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::caller::Caller;
use crate::frame::{Reader, write};
use crate::message::{Hello, Invocation, PROTOCOL, Reply, Request, Window};
use crate::system::{Acceptor, Listener, Stream};

/// How long a connection may take to say what it wants.
const GREETING: Duration = Duration::from_secs(5);

/// How many connections are served at once; more wait.
const AT_ONCE: usize = 64;

/// Frames that wait to be written, for each command.
const WAITING: usize = 8;

/// After a connection could not be taken, as where too many files are open.
const BREATH: Duration = Duration::from_millis(100);

/// What the app does for those who connect.
pub trait Handler: Send + Sync + 'static {
    /// Carries a command out, on a thread of its own, and tells its exit code. Should end soon after the caller's
    /// token is cancelled.
    fn run(&self, invocation: Invocation, caller: &Caller) -> u8;

    /// Shows a window.
    fn show(&self, window: Window);
}

/// A socket that is listened on until this is dropped.
pub struct Server {
    listener: Option<Listener>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

struct Shared {
    version: String,
    handler: Arc<dyn Handler>,
}

impl Server {
    /// Listens for those who want the engine on `data`, which exists. `AddrInUse` if another process does so already;
    /// a socket that one left that was killed is replaced.
    pub fn bind(data: &Path, version: &str, handler: impl Handler) -> io::Result<Self> {
        let listener = Listener::bind(data)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let acceptor = {
            let _inside = runtime.enter();
            listener.acceptor()?
        };
        let shared = Arc::new(Shared { version: version.to_owned(), handler: Arc::new(handler) });
        let (stop, stopped) = oneshot::channel();
        let work = move || listen(&runtime, acceptor, &shared, stopped);
        let thread = thread::Builder::new().name("papr-socket".to_owned()).spawn(work)?;
        Ok(Self { listener: Some(listener), stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    /// Takes the socket away and cancels every command. Does not wait for them.
    fn drop(&mut self) {
        self.listener = None;
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the socket's thread panicked");
        }
    }
}

/// Takes connections until it is stopped. Those there are end with the runtime.
fn listen(
    runtime: &Runtime,
    mut acceptor: Acceptor,
    shared: &Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    runtime.block_on(async {
        loop {
            let next = async {
                let place = Arc::clone(&room).acquire_owned().await.ok()?;
                match acceptor.accept().await {
                    Ok(stream) => stream.map(|stream| (stream, place)),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        sleep(BREATH).await;
                        None
                    }
                }
            };
            tokio::select! {
                _ = &mut stopped => return,
                next = next => if let Some((stream, place)) = next {
                    let shared = Arc::clone(shared);
                    tokio::spawn(async move {
                        if let Err(error) = serve(stream, &shared).await {
                            tracing::debug!(%error, "a connection ended early");
                        }
                        drop(place);
                    });
                }
            }
        }
    });
}

/// One connection, from its first frame to its last.
async fn serve(stream: Stream, shared: &Shared) -> io::Result<()> {
    let (read, mut to) = split(stream);
    let mut from = Reader::new(read);
    let greeting = async {
        let own = Hello { protocol: PROTOCOL, version: shared.version.clone() };
        write(&mut to, &own).await?;
        // Of another version: it has seen ours and tells the person.
        if from.next::<Hello>().await? != Some(own) {
            return Ok(None);
        }
        from.next::<Request>().await
    };
    match timeout(GREETING, greeting).await?? {
        Some(Request::Run(invocation)) => run(invocation, from, to, shared).await,
        Some(Request::Show(window)) => {
            shared.handler.show(window);
            write(&mut to, &Reply::Exit(0)).await
        }
        Some(Request::Input(_) | Request::Secret(_)) => Err(io::ErrorKind::InvalidData.into()),
        None => Ok(()),
    }
}

/// Cancels when it goes, however that comes.
struct Cancels(CancelToken);

impl Drop for Cancels {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn run(
    invocation: Invocation,
    mut from: Reader<ReadHalf<Stream>>,
    mut to: WriteHalf<Stream>,
    shared: &Shared,
) -> io::Result<()> {
    let cancels = Cancels(CancelToken::new());
    let (replies, mut replied) = mpsc::channel(WAITING);
    let (answers, answered) = mpsc::channel(1);
    let caller = Caller::new(replies, answered, cancels.0.clone());
    let handler = Arc::clone(&shared.handler);
    thread::Builder::new().name("papr-command".to_owned()).spawn(move || {
        let code = handler.run(invocation, &caller);
        caller.exit(code);
    })?;
    loop {
        tokio::select! {
            reply = replied.recv() => {
                // None after a panic.
                let reply = reply.ok_or(io::ErrorKind::BrokenPipe)?;
                write(&mut to, &reply).await?;
                if matches!(reply, Reply::Exit(_)) {
                    return Ok(());
                }
            }
            answer = from.next() => {
                let answer: Request = answer?.ok_or(io::ErrorKind::ConnectionReset)?;
                // More than was asked for: nobody reads it.
                answers.try_send(answer).map_err(|_| io::ErrorKind::InvalidData)?;
            }
        }
    }
}

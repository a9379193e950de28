//! Unix domain sockets: a file that only this user may open, in a folder that only this user may enter.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::place::places;

/// What the two sides speak through.
pub(crate) type Stream = UnixStream;

/// A socket that is listened on. Its file goes with it.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: StdListener,
    path: PathBuf,
    /// The file's device and number: another process may have put its own in its place.
    file: (u64, u64),
}

impl Listener {
    /// Listens for `data`. `AddrInUse` if another process does; what a process left that is gone is replaced.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        let mut last = io::Error::from(ErrorKind::NotFound);
        for path in places(&data.canonicalize()?, user()) {
            match Self::bind_at(&path) {
                Ok(listener) => return Ok(listener),
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn bind_at(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            make_private(folder)?;
        }
        clear(path)?;
        let socket = StdListener::bind(path)?;
        // Nobody else could enter the folder meanwhile.
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        let file = fs::symlink_metadata(path)?;
        Ok(Self { socket, path: path.to_owned(), file: (file.dev(), file.ino()) })
    }

    /// The same in a runtime, where it is waited on. The file stays this one's.
    pub(crate) fn acceptor(&self) -> io::Result<Acceptor> {
        Ok(Acceptor(UnixListener::from_std(self.socket.try_clone()?)?))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let still_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.file);
        if !still_ours {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "the socket's file stays behind");
        }
        if let Some(folder) = self.path.parent() {
            // The one in /tmp may have others in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Where connections come in.
pub(crate) struct Acceptor(UnixListener);

impl Acceptor {
    /// The next connection; `None` if it is somebody else's.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Stream>> {
        let (stream, _) = self.0.accept().await?;
        let ours = is_this_user(&stream)?;
        if !ours {
            tracing::warn!("another user tried to use the socket");
        }
        Ok(ours.then_some(stream))
    }
}

/// Connects to who listens for `data`; `None` if nobody does. What another user set up in our place counts as nobody.
pub(crate) async fn connect(data: &Path) -> io::Result<Option<Stream>> {
    let Ok(data) = data.canonicalize() else { return Ok(None) };
    for path in places(&data, user()) {
        match UnixStream::connect(&path).await {
            Ok(stream) if is_this_user(&stream)? => return Ok(Some(stream)),
            Ok(_) => tracing::warn!("another user listens on our socket"),
            Err(error) if nobody_is_there(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn nobody_is_there(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | ConnectionRefused | NotADirectory | PermissionDenied)
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn is_this_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == user())
}

/// Makes a folder that only this user may enter, or makes sure that it is one.
fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != user() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "the socket's folder is somebody else's"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Removes a socket that nobody listens on. Anything else that stands there is not touched.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
        Ok(_) => {}
    }
    match StdStream::connect(path) {
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn only_this_user_may_open_it() {
        let data = tempfile::tempdir().unwrap();
        // As somebody may have left it.
        fs::create_dir(data.path().join("run")).unwrap();
        fs::set_permissions(data.path().join("run"), Permissions::from_mode(0o755)).unwrap();
        let listener = Listener::bind(data.path()).unwrap();
        let (folder, socket) = (data.path().join("run"), data.path().join("run/papr.sock"));
        assert_eq!((mode(&folder), mode(&socket)), (0o700, 0o600));
        drop(listener);
        assert!(!socket.exists(), "it goes with its listener");
    }

    #[test]
    fn one_that_listens_is_not_replaced_and_one_that_is_dead_is() {
        let data = tempfile::tempdir().unwrap();
        let first = Listener::bind(data.path()).unwrap();
        assert_eq!(Listener::bind(data.path()).unwrap_err().kind(), ErrorKind::AddrInUse);
        let socket = first.path.clone();
        // As a kill leaves it: the file without the listener.
        let dead = data.path().join("dead");
        drop(StdListener::bind(&dead).unwrap());
        fs::rename(&dead, &socket).unwrap();
        let second = Listener::bind(data.path()).unwrap();
        drop(first);
        assert!(socket.exists(), "the first does not take the second's away");
        drop(second);
        assert!(!data.path().join("run").exists(), "nothing is left behind");
        fs::create_dir(data.path().join("run")).unwrap();
        fs::write(&socket, "not a socket").unwrap();
        assert_ne!(Listener::bind(data.path()).unwrap().path, socket, "what is none of ours is left alone");
        assert_eq!(fs::read(&socket).unwrap(), b"not a socket");
    }

    #[test]
    fn a_long_folder_has_a_short_socket() {
        let data = tempfile::tempdir().unwrap();
        let long = data.path().join("a".repeat(120));
        fs::create_dir(&long).unwrap();
        let listener = Listener::bind(&long).unwrap();
        assert!(listener.path.starts_with("/tmp"), "{listener:?}");
        assert_eq!((mode(listener.path.parent().unwrap()), mode(&listener.path)), (0o700, 0o600));
    }

    #[test]
    fn somebody_elses_folder_is_not_used() {
        let data = tempfile::tempdir().unwrap();
        let (there, link) = (data.path().join("there"), data.path().join("link"));
        fs::create_dir(&there).unwrap();
        std::os::unix::fs::symlink(&there, &link).unwrap();
        assert_eq!(make_private(&link).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}

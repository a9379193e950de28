//! The keychain of a desktop: GNOME's keyring, unlocked, with what it keeps in this desktop's own folders.

use std::io::Write;
use std::process::Stdio;

use zbus::blocking::{Connection, connection};
use zbus::zvariant::OwnedObjectPath;

use super::program::{tool, until};
use super::{Desktop, Program};

const SECRETS: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";

/// It runs until this is dropped.
pub struct Keyring {
    connection: Connection,
    collection: OwnedObjectPath,
    _daemon: Program,
}

impl Keyring {
    /// Puts a keychain on the desktop. The app looks for it when it first needs one.
    pub fn on(desktop: &Desktop) -> Self {
        let mut command = tool("gnome-keyring-daemon");
        desktop.surround(&mut command);
        command.args(["--foreground", "--components=secrets", "--unlock"]);
        let mut daemon = Program::start(command.stdin(Stdio::piped()).stdout(Stdio::null()));
        daemon.input().write_all(b"password").expect("it reads the password that it begins with");
        let connection = connection::Builder::address(desktop.bus_address.as_str())
            .and_then(connection::Builder::build)
            .expect("the test's own bus");
        let collection = until("the keyring", || {
            let (path, alias) = ("/org/freedesktop/secrets", "default");
            let reply =
                connection.call_method(Some(SECRETS), path, Some(SERVICE), "ReadAlias", &alias).ok()?;
            let path: OwnedObjectPath = reply.body().deserialize().ok()?;
            (path.as_str() != "/").then_some(path)
        });
        Self { connection, collection, _daemon: daemon }
    }

    /// How many secrets it keeps.
    pub fn items(&self) -> usize {
        let reply = self.connection.call_method(
            Some(SECRETS),
            self.collection.as_str(),
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(COLLECTION, "Items"),
        );
        let body = reply.expect("the keyring answers").body();
        let value: zbus::zvariant::Value<'_> = body.deserialize().expect("a list in a variant");
        Vec::<OwnedObjectPath>::try_from(value).expect("a list of paths").len()
    }
}

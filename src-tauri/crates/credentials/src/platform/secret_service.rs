//! The Secret Service of Linux and its relatives: GNOME Keyring, `KWallet`, `KeePassXC`, on the session's D-Bus.

use std::sync::Arc;

use keyring_core::{CredentialStore, Error};
use papr_memory::ports::CredentialError;
use secret_service::Error as ServiceError;
use zbus::DBusError as _;
use zbus_secret_service_keyring_store::Store;

use super::Cause;

/// A service that was started again knows nothing of earlier connections.
pub(crate) const CONNECTIONS_END: bool = true;

pub(crate) const MODIFIERS: &[(&str, &str)] = &[];

pub(crate) fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

pub(crate) fn no_access(cause: &Cause) -> CredentialError {
    failure(cause)
}

pub(crate) fn failure(cause: &Cause) -> CredentialError {
    match cause.downcast_ref::<ServiceError>() {
        Some(ServiceError::Zbus(error)) => of_bus(error),
        Some(ServiceError::ZbusFdo(error)) => of_method(error),
        Some(error @ ServiceError::Unavailable) => missing(error),
        Some(ServiceError::NoResult) => missing("no keyring has been set up in it"),
        Some(ServiceError::Locked) => CredentialError::Locked,
        Some(ServiceError::Prompt) if nobody_asks() => CredentialError::Locked,
        Some(ServiceError::Prompt) => CredentialError::Denied,
        _ => failed(cause),
    }
}

fn of_bus(error: &zbus::Error) -> CredentialError {
    match error {
        zbus::Error::MethodError(name, text, _) => {
            by_name(name.as_str(), text.as_deref().unwrap_or(name.as_str()))
        }
        zbus::Error::FDO(error) => of_method(error),
        zbus::Error::Connection(..)
        | zbus::Error::InputOutput(_)
        | zbus::Error::Address(_)
        | zbus::Error::Handshake(_)
        | zbus::Error::InterfaceNotFound => missing(error),
        _ => failed(error),
    }
}

fn of_method(error: &zbus::fdo::Error) -> CredentialError {
    match error {
        zbus::fdo::Error::ZBus(error) => of_bus(error),
        _ => by_name(error.name().as_str(), error.description().unwrap_or("it gave no reason")),
    }
}

/// What an error means that came over the bus: the service's own, or the bus's about the service.
fn by_name(name: &str, text: &str) -> CredentialError {
    match name.strip_prefix("org.freedesktop.").unwrap_or(name) {
        "Secret.Error.IsLocked" => CredentialError::Locked,
        // A sandbox or the bus's policy.
        "DBus.Error.AccessDenied" => CredentialError::Denied,
        "DBus.Error.ServiceUnknown" | "DBus.Error.NameHasNoOwner" => missing(text),
        name if name.starts_with("DBus.Error.Spawn.") => missing(text),
        _ => failed(text),
    }
}

/// Whether a question was put to nobody: GNOME Keyring lets another program ask, which is not there without
/// a desktop, and then reports what it reports of a person who refuses.
fn nobody_asks() -> bool {
    let has_owner = |bus: &zbus::blocking::Connection, name: &str| {
        let dbus = "org.freedesktop.DBus";
        let reply =
            bus.call_method(Some(dbus), "/org/freedesktop/DBus", Some(dbus), "NameHasOwner", &name)?;
        reply.body().deserialize::<bool>()
    };
    let asked = zbus::blocking::Connection::session().and_then(|bus| {
        Ok(!has_owner(&bus, "org.gnome.keyring")? || has_owner(&bus, "org.gnome.keyring.SystemPrompter")?)
    });
    !asked.unwrap_or(true)
}

fn missing(reason: &(impl ToString + ?Sized)) -> CredentialError {
    CredentialError::Missing { reason: reason.to_string() }
}

fn failed(reason: &(impl ToString + ?Sized)) -> CredentialError {
    CredentialError::Failed { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let cases = [
            (ServiceError::Locked, "locked"),
            (ServiceError::NoResult, "cannot be reached: no keyring has been set up in it"),
            (ServiceError::Unavailable, "cannot be reached"),
            (ServiceError::Crypto("no key"), "failed"),
            (ServiceError::PromptDisconnected, "failed"),
            (ServiceError::Zbus(io::Error::from(io::ErrorKind::BrokenPipe).into()), "cannot be reached"),
            (ServiceError::Zbus(zbus::Error::Address("no such bus".to_owned())), "no such bus"),
            (ServiceError::Zbus(zbus::Error::InvalidReply), "failed"),
            (ServiceError::ZbusFdo(zbus::fdo::Error::ServiceUnknown("nobody".to_owned())), "reached: nobody"),
            (
                ServiceError::ZbusFdo(zbus::fdo::Error::SpawnExecFailed("no file".to_owned())),
                "reached: no file",
            ),
            (ServiceError::ZbusFdo(zbus::fdo::Error::AccessDenied("policy".to_owned())), "refused"),
            (ServiceError::ZbusFdo(zbus::fdo::Error::NoReply("late".to_owned())), "failed: late"),
            (ServiceError::ZbusFdo(zbus::fdo::Error::ZBus(zbus::Error::Address("x".to_owned()))), "reached"),
        ];
        for (error, expected) in cases {
            let explained = failure(&error).to_string();
            assert!(explained.contains(expected), "{error:?}: {explained}");
        }
        assert_eq!(by_name("org.freedesktop.Secret.Error.IsLocked", ""), CredentialError::Locked);
        let other = no_access(&io::Error::other("something else"));
        assert_eq!(other, CredentialError::Failed { reason: "something else".to_owned() });
    }
}

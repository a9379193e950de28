//! The part of a desktop's panel that shows tray icons, as far as a test needs it: it is told of an icon, reads
//! the icon's menu and chooses from it. The protocols are KDE's `StatusNotifierItem` and Canonical's
//! `dbusmenu`.
#![allow(clippy::unused_self, clippy::needless_pass_by_value)] // so are the methods of a D-Bus interface written

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::blocking::{Connection, Proxy, connection};
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};

use super::Desktop;
use super::program::until;

/// An entry of the menu: its number and its words. A line between entries has none.
type Entry = (i32, String);
/// A menu as dbusmenu passes it: number, properties, entries.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// Where an icon can be reached: the name of its connection, and its path there.
type Item = (String, String);

pub struct Tray {
    connection: Connection,
    item: Arc<Mutex<Option<Item>>>,
}

struct Watcher(Arc<Mutex<Option<Item>>>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, #[zbus(header)] header: Header<'_>, service: &str) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender, service.to_owned()));
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

impl Tray {
    /// Puts a panel on the desktop. The app looks for it when it starts.
    pub fn on(desktop: &Desktop) -> Self {
        let item = Arc::default();
        let connection = connection::Builder::address(desktop.bus_address.as_str())
            .and_then(|bus| bus.name("org.kde.StatusNotifierWatcher"))
            .and_then(|bus| bus.serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&item))))
            .and_then(connection::Builder::build)
            .expect("the test's own bus takes a panel");
        Self { connection, item }
    }

    /// The labels of the menu.
    pub fn labels(&self) -> Vec<String> {
        until("a menu", || Some(self.entries()).filter(|entries| !entries.is_empty()))
            .into_iter()
            .map(|(_, label)| label)
            .filter(|label| !label.is_empty())
            .collect()
    }

    /// Chooses the entry with this label.
    pub fn choose(&self, label: &str) {
        let id = until(label, || self.entries().into_iter().find(|(_, name)| name == label)).0;
        let event = (id, "clicked", Value::from(0_i32), 0_u32);
        self.menu().call_method("Event", &event).expect("the menu hears of the click");
    }

    fn entries(&self) -> Vec<Entry> {
        let nothing: &[&str] = &[];
        let (_, (_, _, entries)): (u32, Layout) =
            self.menu().call("GetLayout", &(0_i32, -1_i32, nothing)).expect("a menu can be read");
        entries.into_iter().filter_map(entry).collect()
    }

    fn menu(&self) -> Proxy<'_> {
        let (service, path) =
            until("a tray icon", || self.item.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let proxy = |path: String, interface| {
            Proxy::new(&self.connection, service.clone(), path, interface).expect("these are names and paths")
        };
        let menu: OwnedObjectPath =
            proxy(path, "org.kde.StatusNotifierItem").get_property("Menu").expect("the icon has a menu");
        proxy(menu.to_string(), "com.canonical.dbusmenu")
    }
}

fn entry(value: OwnedValue) -> Option<Entry> {
    let structure = Structure::try_from(value).ok()?;
    let [Value::I32(id), Value::Dict(properties), _] = structure.fields() else { return None };
    let label: Option<String> = properties.get(&"label").ok().flatten();
    Some((*id, label.unwrap_or_default().replace('_', "")))
}

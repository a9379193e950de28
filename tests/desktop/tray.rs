//! The part of a desktop's panel that shows tray icons, as far as a test needs it: it is told of an icon, reads
//! the icon's menu and chooses from it. The protocols are KDE's `StatusNotifierItem` and Canonical's
//! `dbusmenu`.
#![allow(clippy::unused_self, clippy::needless_pass_by_value)] // so are the methods of a D-Bus interface written

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::blocking::proxy::Builder;
use zbus::blocking::{Connection, Proxy, connection};
use zbus::message::Header;
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::Desktop;
use super::program::{patiently, until};

/// An entry of the menu. A line between entries has no words.
#[derive(Clone, Debug)]
struct Entry {
    id: i32,
    label: String,
    enabled: bool,
    inner: Vec<Entry>,
}

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

    /// The labels of the menu, those of its groups and what is in them included.
    pub fn labels(&self) -> Vec<String> {
        until("a menu", || Some(self.entries()).filter(|entries| !entries.is_empty()))
            .into_iter()
            .map(|entry| entry.label)
            .filter(|label| !label.is_empty())
            .collect()
    }

    /// Chooses the entry with this label.
    pub fn choose(&self, label: &str) {
        self.choose_where(label, |name| name == label);
    }

    /// Chooses the entry whose label begins so.
    pub fn choose_starting(&self, start: &str) {
        self.choose_where(start, |name| name.starts_with(start));
    }

    /// Waits for an entry that begins so, and returns all that it says.
    pub fn shows(&self, start: &str) -> String {
        let find = |labels: Vec<String>| labels.into_iter().find(|label| label.starts_with(start));
        patiently(|| find(self.labels()))
            .unwrap_or_else(|| panic!("no entry begins with {start:?}: {:?}", self.labels()))
    }

    /// Waits until no entry begins so any more.
    pub fn drops(&self, start: &str) {
        until(&format!("{start:?} to go"), || {
            (!self.labels().iter().any(|label| label.starts_with(start))).then_some(())
        });
    }

    /// Whether the entry that begins so can be chosen.
    pub fn enabled(&self, start: &str) -> bool {
        until(start, || self.entries().into_iter().find(|entry| entry.label.starts_with(start))).enabled
    }

    /// Waits until the icon is the one of this state, as it stands in `icons/tray`.
    pub fn looks(&self, state: &str) {
        let icons = Path::new(env!("CARGO_MANIFEST_DIR")).join("icons/tray");
        let wanted = pixels(&icons.join(format!("{state}-other.png"))).expect("there is such an icon");
        until(&format!("the icon of {state}"), || {
            let shown: String = self.icon().get_property("IconName").ok()?;
            // The app replaces the file with each state.
            (pixels(Path::new(&shown))? == wanted).then_some(())
        });
    }

    fn choose_where(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let found = patiently(|| self.entries().into_iter().find(|entry| wanted(&entry.label)));
        let entry = found.unwrap_or_else(|| panic!("no {what:?} in the menu: {:?}", self.labels()));
        assert!(entry.enabled, "{what:?} can be chosen");
        let event = (entry.id, "clicked", Value::from(0_i32), 0_u32);
        self.menu().call_method("Event", &event).expect("the menu hears of the click");
    }

    /// Every entry, those of a group behind the group.
    fn entries(&self) -> Vec<Entry> {
        fn flat(entries: Vec<Entry>) -> Vec<Entry> {
            let with_inner = |mut entry: Entry| {
                let inner = flat(std::mem::take(&mut entry.inner));
                std::iter::once(entry).chain(inner)
            };
            entries.into_iter().flat_map(with_inner).collect()
        }
        let nothing: &[&str] = &[];
        let (_, (_, _, entries)): (u32, Layout) =
            self.menu().call("GetLayout", &(0_i32, -1_i32, nothing)).expect("a menu can be read");
        flat(entries.iter().filter_map(|value| entry(value)).collect())
    }

    fn icon(&self) -> Proxy<'_> {
        let (service, path) =
            until("a tray icon", || self.item.lock().unwrap_or_else(PoisonError::into_inner).clone());
        self.proxy(service, path, "org.kde.StatusNotifierItem")
    }

    fn menu(&self) -> Proxy<'_> {
        let icon = self.icon();
        let menu: OwnedObjectPath = icon.get_property("Menu").expect("the icon has a menu");
        self.proxy(icon.destination().to_string(), menu.to_string(), "com.canonical.dbusmenu")
    }

    /// Nothing of it is kept: what is read is as it is now.
    fn proxy(&self, service: String, path: String, interface: &'static str) -> Proxy<'_> {
        Builder::new(&self.connection)
            .destination(service)
            .and_then(|proxy| proxy.path(path))
            .and_then(|proxy| proxy.interface(interface))
            .and_then(|proxy| proxy.cache_properties(CacheProperties::No).build())
            .expect("these are names and paths")
    }
}

fn entry(value: &Value<'_>) -> Option<Entry> {
    let value = if let Value::Value(inner) = value { inner } else { value };
    let Value::Structure(structure) = value else { return None };
    let [Value::I32(id), Value::Dict(properties), Value::Array(inner)] = structure.fields() else {
        return None;
    };
    let label: Option<String> = properties.get(&"label").ok().flatten();
    let enabled: Option<bool> = properties.get(&"enabled").ok().flatten();
    Some(Entry {
        id: *id,
        label: label.unwrap_or_default().replace('_', ""),
        enabled: enabled.unwrap_or(true),
        inner: inner.iter().filter_map(entry).collect(),
    })
}

/// What is on a picture; nothing while it cannot be read.
fn pixels(file: &Path) -> Option<Vec<u8>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(file).ok()?)).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    reader.next_frame(&mut pixels).ok()?;
    Some(pixels)
}

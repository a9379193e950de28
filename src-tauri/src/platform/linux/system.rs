//! What the system tells of network, power and sleep, as it changes: nothing is asked twice, and no timer runs.
//!
//! The network by `GLib`'s monitor (`NetworkManager`, or the kernel's routes), the battery by `UPower`, sleep by
//! `logind`. Where one of them does not run, nothing is told of it.

use std::cell::Cell;
use std::rc::Rc;

use gtk::gio::prelude::NetworkMonitorExt;
use gtk::gio::{
    BusType, Cancellable, DBusCallFlags, DBusConnection, DBusSignalFlags, NetworkMonitor, bus_get,
};
use gtk::glib::{Variant, VariantDict, VariantTy};
use papr_engine::SystemFacts;

use super::super::SystemNews;

const UPOWER: &str = "org.freedesktop.UPower";
const DISPLAY_DEVICE: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
const DEVICE: &str = "org.freedesktop.UPower.Device";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const WARNING_LEVEL: &str = "WarningLevel";
/// `UPower`'s warning levels: 3 low, 4 critical, 5 about to act.
const LOW: u32 = 3;

/// Listens from now on and until the app ends; call it on the main thread.
pub(crate) fn watch(tell: impl Fn(SystemNews) + 'static) {
    let (tell, facts) = (Rc::new(tell), Rc::new(Cell::new(SystemFacts::default())));
    let change = {
        let tell = Rc::clone(&tell);
        Rc::new(move |change: &dyn Fn(&mut SystemFacts)| {
            let mut now = facts.get();
            change(&mut now);
            if now != facts.replace(now) {
                tell(SystemNews::Facts(now));
            }
        })
    };
    let network = NetworkMonitor::default();
    let look = {
        let change = Rc::clone(&change);
        move |network: &NetworkMonitor| {
            let (offline, metered) = (!network.is_network_available(), network.is_network_metered());
            change(&|facts| (facts.offline, facts.metered) = (offline, metered));
        }
    };
    look(&network);
    let again = look.clone();
    network.connect_network_changed(move |network, _| again(network));
    network.connect_network_metered_notify(look);
    bus_get(BusType::System, Cancellable::NONE, move |bus| {
        // Without a system bus nothing of this is told.
        let Ok(bus) = bus else { return };
        let slept = Rc::clone(&tell);
        watch_sleep(&bus, move || slept(SystemNews::Woke));
        watch_battery(&bus, move |low| change(&|facts| facts.low_battery = low));
    });
}

fn watch_sleep(bus: &DBusConnection, woke: impl Fn() + 'static) {
    bus.signal_subscribe(
        Some("org.freedesktop.login1"),
        Some("org.freedesktop.login1.Manager"),
        Some("PrepareForSleep"),
        Some("/org/freedesktop/login1"),
        None,
        DBusSignalFlags::NONE,
        move |_, _, _, _, _, about_to_sleep| {
            if about_to_sleep.get::<(bool,)>() == Some((false,)) {
                woke();
            }
        },
    );
}

fn watch_battery(bus: &DBusConnection, low: impl Fn(bool) + Clone + 'static) {
    let told = low.clone();
    bus.signal_subscribe(
        Some(UPOWER),
        Some(PROPERTIES),
        Some("PropertiesChanged"),
        Some(DISPLAY_DEVICE),
        Some(DEVICE),
        DBusSignalFlags::NONE,
        move |_, _, _, _, _, changed| {
            let properties = VariantDict::new(Some(&changed.child_value(1)));
            if let Ok(Some(level)) = properties.lookup::<u32>(WARNING_LEVEL) {
                told(level >= LOW);
            }
        },
    );
    bus.call(
        Some(UPOWER),
        DISPLAY_DEVICE,
        PROPERTIES,
        "Get",
        Some(&(DEVICE, WARNING_LEVEL).into()),
        VariantTy::new("(v)").ok(),
        DBusCallFlags::NONE,
        -1,
        Cancellable::NONE,
        move |answer| {
            let level = answer.ok().and_then(|answer| answer.child_value(0).get::<Variant>());
            if let Some(level) = level.and_then(|level| level.get::<u32>()) {
                low(level >= LOW);
            }
        },
    );
}

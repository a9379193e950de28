//! Global shortcuts on X11: keys that are grabbed on the root window.
//!
//! `global-hotkey`, which does this on other systems, asks the X server twenty times a second whether keys came, for as
//! long as the app runs. Here a thread sleeps until the server sends some, and keys stay taken when the layout of the
//! keyboard changes.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use gtk::gdk::keys::Key;
use tauri::{AppHandle, Manager};
use tauri_plugin_global_shortcut::{Code, Modifiers, Shortcut as Keys};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt, GrabMode, Keycode, Mapping, ModMask, Window};
use x11rb::rust_connection::RustConnection;

use crate::windows;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Num Lock and Caps Lock count as modifiers for the X server: keys are taken with each of them, and without.
const LOCKS: [u16; 4] = [0, LOCK, NUM_LOCK, LOCK | NUM_LOCK];
const LOCK: u16 = 1 << 1;
/// By convention: mod2.
const NUM_LOCK: u16 = 1 << 4;

/// The keys that this app has, and the connection they are held by.
struct Grabs {
    connection: RustConnection,
    root: Window,
    held: Mutex<Vec<Grab>>,
}

#[derive(Clone, Copy)]
struct Grab {
    keys: Keys,
    code: Keycode,
}

/// Makes ready for [`take`].
pub(super) fn begin(app: &AppHandle) -> Result<(), String> {
    let start = || -> Fallible<()> {
        let grabs = Arc::new(Grabs::connect()?);
        app.manage(Arc::clone(&grabs));
        let app = app.clone();
        thread::Builder::new().name("papr-keys".to_owned()).spawn(move || {
            if let Err(error) = grabs.wait(|| windows::toggle_quick(&app)) {
                tracing::warn!(%error, "the X server sends no keys any more");
            }
        })?;
        Ok(())
    };
    start().map_err(|error| error.to_string())
}

/// Whether these keys are taken by this app.
pub(super) fn holds(app: &AppHandle, keys: Keys) -> bool {
    app.try_state::<Arc<Grabs>>().is_some_and(|grabs| grabs.held().iter().any(|grab| grab.keys == keys))
}

/// Takes keys for this app. Why the system refuses is for the log.
pub(super) fn take(app: &AppHandle, keys: Keys) -> Result<(), String> {
    let grabs = app.try_state::<Arc<Grabs>>().ok_or("there is no X server")?;
    let grab = grabs.grab(keys).map_err(|error| error.to_string())?;
    grabs.held().push(grab);
    Ok(())
}

/// Lets go of keys.
pub(super) fn release(app: &AppHandle, keys: Keys) -> Result<(), String> {
    let grabs = app.try_state::<Arc<Grabs>>().ok_or("there is no X server")?;
    let mut held = grabs.held();
    let at = held.iter().position(|grab| grab.keys == keys).ok_or("it was not taken")?;
    grabs.ungrab(held.swap_remove(at)).map_err(|error| error.to_string())
}

impl Grabs {
    fn connect() -> Fallible<Self> {
        let (connection, screen) = RustConnection::connect(None)?;
        connection.xkb_use_extension(1, 0)?.reply()?;
        // Keys that are held down shall not be sent as if they were let go again and again.
        let repeat = xkb::PerClientFlag::DETECTABLE_AUTO_REPEAT;
        let (keyboard, none) = (xkb::ID::USE_CORE_KBD.into(), xkb::BoolCtrl::default());
        connection.xkb_per_client_flags(keyboard, repeat, repeat, none, none, none)?.reply()?;
        let root = connection.setup().roots[screen].root;
        Ok(Self { connection, root, held: Mutex::default() })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Grab>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for keys until the connection breaks.
    fn wait(&self, pressed: impl Fn()) -> Fallible<()> {
        let mut down = None;
        loop {
            match self.connection.wait_for_event()? {
                Event::KeyPress(key) if down != Some(key.detail) => {
                    let modifiers = u16::from(key.state) & taken_into_account();
                    let is = |grab: &Grab| grab.code == key.detail && modifiers_of(grab.keys) == modifiers;
                    if self.held().iter().any(is) {
                        down = Some(key.detail);
                        pressed();
                    }
                }
                Event::KeyRelease(key) if down == Some(key.detail) => down = None,
                Event::MappingNotify(news) if news.request == Mapping::KEYBOARD => self.grab_again(),
                _ => {}
            }
        }
    }

    fn grab(&self, keys: Keys) -> Fallible<Grab> {
        let grab = Grab { keys, code: self.code_of(keys.key)? };
        let taken = LOCKS.into_iter().try_for_each(|locks| -> Fallible<()> {
            let modifiers = ModMask::from(modifiers_of(keys) | locks);
            let (connection, mode) = (&self.connection, GrabMode::ASYNC);
            Ok(connection.grab_key(false, self.root, modifiers, grab.code, mode, mode)?.check()?)
        });
        match taken {
            Ok(()) => Ok(grab),
            Err(error) => {
                self.ungrab(grab)?;
                Err(error)
            }
        }
    }

    fn ungrab(&self, grab: Grab) -> Fallible<()> {
        for locks in LOCKS {
            let modifiers = ModMask::from(modifiers_of(grab.keys) | locks);
            self.connection.ungrab_key(grab.code, self.root, modifiers)?.check()?;
        }
        Ok(())
    }

    /// Takes the same keys where another layout has them.
    fn grab_again(&self) {
        let mut held = self.held();
        for grab in held.iter_mut() {
            match self.ungrab(*grab).and_then(|()| self.grab(grab.keys)) {
                Ok(now) => *grab = now,
                Err(error) => {
                    tracing::warn!(%error, keys = %grab.keys, "the new layout has no such shortcut");
                }
            }
        }
    }

    /// The key that writes a key's sign, on the layout of now.
    fn code_of(&self, key: Code) -> Fallible<Keycode> {
        let sign = keysym(key).ok_or_else(|| format!("no X server knows {key}"))?;
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let layout = self.connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let width = usize::from(layout.keysyms_per_keycode).max(1);
        let mut rows = (first..=last).zip(layout.keysyms.chunks(width));
        let found = rows.clone().find(|(_, signs)| signs.first() == Some(&sign));
        let found = found.or_else(|| rows.find(|(_, signs)| signs.contains(&sign)));
        found.map(|(code, _)| code).ok_or_else(|| format!("this keyboard has no {key}").into())
    }
}

/// Modifiers that tell one shortcut from another.
fn taken_into_account() -> u16 {
    u16::from(ModMask::CONTROL | ModMask::SHIFT | ModMask::M1 | ModMask::M4)
}

fn modifiers_of(keys: Keys) -> u16 {
    let masks = [
        (Modifiers::SHIFT, ModMask::SHIFT),
        (Modifiers::CONTROL, ModMask::CONTROL),
        (Modifiers::ALT, ModMask::M1),
        (Modifiers::SUPER, ModMask::M4),
        (Modifiers::META, ModMask::M4),
    ];
    let held = masks.into_iter().filter(|&(modifier, _)| keys.mods.contains(modifier));
    held.fold(0, |all, (_, mask)| all | u16::from(mask))
}

/// The X11 name of a key's sign, looked up in GDK's list.
fn keysym(key: Code) -> Option<u32> {
    let name = key.to_string();
    let sign = match name.as_str() {
        "Space" => "space",
        "Enter" => "Return",
        "Backspace" => "BackSpace",
        "PageUp" => "Page_Up",
        "PageDown" => "Page_Down",
        "Backquote" => "grave",
        "Minus" => "minus",
        "Equal" => "equal",
        "BracketLeft" => "bracketleft",
        "BracketRight" => "bracketright",
        "Backslash" => "backslash",
        "Semicolon" => "semicolon",
        "Quote" => "apostrophe",
        "Comma" => "comma",
        "Period" => "period",
        "Slash" => "slash",
        "PrintScreen" => "Print",
        "CapsLock" => "Caps_Lock",
        "NumLock" => "Num_Lock",
        "ScrollLock" => "Scroll_Lock",
        other => {
            let without = |prefix| other.strip_prefix(prefix);
            let sign = match (without("Key"), without("Digit"), without("Arrow"), without("Numpad")) {
                (Some(letter), ..) => letter.to_lowercase(),
                (_, Some(part), ..) | (_, _, Some(part), _) => part.to_owned(),
                (.., Some(part)) => format!("KP_{part}"),
                _ => other.to_owned(),
            };
            return known(&sign);
        }
    };
    known(sign)
}

fn known(sign: &str) -> Option<u32> {
    /// What GDK says of a name that it does not know.
    const VOID: u32 = 0xff_ffff;
    let key = *Key::from_name(sign);
    (key != 0 && key != VOID).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str) -> Keys {
        keys.parse().expect("keys")
    }

    #[test]
    fn every_key_that_can_be_recorded_has_a_sign() {
        let named = "Space Enter Tab Escape Backspace Insert Delete Home End PageUp PageDown ArrowUp ArrowDown \
                     ArrowLeft ArrowRight Backquote Minus Equal BracketLeft BracketRight Backslash Semicolon Quote \
                     Comma Period Slash NumpadAdd NumpadSubtract NumpadMultiply NumpadDivide NumpadDecimal Numpad7";
        let letters = ('A'..='Z').map(|letter| letter.to_string());
        let digits = ('0'..='9').map(|digit| digit.to_string());
        let functions = (1..=24).map(|number| format!("F{number}"));
        for key in named.split_whitespace().map(str::to_owned).chain(letters).chain(digits).chain(functions) {
            assert!(keysym(read(&format!("Ctrl+{key}")).key).is_some(), "{key} cannot be taken");
        }
        // X11's numbers, from keysymdef.h.
        assert_eq!(keysym(Code::KeyQ), Some(0x71), "the letter as it is without Shift");
        assert_eq!(keysym(Code::Digit7), Some(0x37));
        assert_eq!(keysym(Code::ArrowUp), Some(0xff52));
        assert_eq!(keysym(Code::NumpadAdd), Some(0xffab));
        assert_eq!(keysym(Code::Space), Some(0x20));
        assert_eq!(keysym(Code::LaunchMail), None, "what has no sign is refused, not guessed");
    }

    #[test]
    fn modifiers_tell_shortcuts_apart() {
        assert_eq!(
            modifiers_of(read("Ctrl+Shift+Space")),
            0b101,
            "Shift is the first bit, Control the third"
        );
        assert_eq!(modifiers_of(read("Alt+Super+K")), 0b100_1000, "Alt is mod1, the fourth bit; Super mod4");
        assert_eq!(taken_into_account() & (LOCK | NUM_LOCK), 0, "locks change no shortcut");
    }
}

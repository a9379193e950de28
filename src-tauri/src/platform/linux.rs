//! Linux: the keyboard for a window that a person has asked for.

use gdkx11::X11Window;
use gtk::glib::Cast;
use gtk::prelude::WidgetExt;
use tauri::WebviewWindow;

/// Notes, where X11 keeps it, that the person asked for this window at this moment.
///
/// Otherwise GTK names the last key or click that this app saw, and a global shortcut or the tray is neither: a
/// window manager then takes the window for one that comes unasked, and leaves the keyboard to the program that
/// has it. On Wayland the compositor decides by itself.
pub(crate) fn asked_for(window: &WebviewWindow) -> tauri::Result<()> {
    let asked = window.clone();
    window.run_on_main_thread(move || {
        let Ok(window) = asked.gtk_window() else { return };
        // Before it is first shown it has nothing yet that the time could be kept at.
        window.realize();
        if let Some(surface) = window.window().and_then(|surface| surface.downcast::<X11Window>().ok()) {
            surface.set_user_time(gdkx11::functions::x11_get_server_time(&surface));
        }
    })
}

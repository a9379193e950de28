//! The keyboard for a window that a person has asked for.

use gdkx11::X11Window;
use gtk::glib::{self, Cast};
use gtk::prelude::{GtkWindowExt, WidgetExt};
use tauri::WebviewWindow;

/// Shows a window and gives it the keyboard, in the name of what the person did at this moment.
///
/// Tauri's `set_focus` does nothing for a window that is not on the screen yet, and `show` only asks for that.
/// To window managers GTK then names the last key or click that this app saw, and a global shortcut or the tray
/// is neither: the window counts as one that comes unasked, and the keyboard stays with the program that has it.
pub(crate) fn present(window: &WebviewWindow) -> tauri::Result<()> {
    let asked = window.clone();
    window.run_on_main_thread(move || {
        let Ok(window) = asked.gtk_window() else { return };
        // A window that was never shown has nothing yet that the time could be kept at.
        window.realize();
        let surface = window.window().and_then(|surface| surface.downcast::<X11Window>().ok());
        // On Wayland the compositor decides by itself.
        let now = surface.map_or(0, |surface| {
            let now = gdkx11::functions::x11_get_server_time(&surface);
            surface.set_user_time(now);
            now
        });
        // Once what was asked for before, its place, is done.
        glib::idle_add_local_once(move || {
            window.show_all();
            window.present_with_time(now);
        });
    })
}

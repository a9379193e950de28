//! The quick window on macOS. **Nothing here has been run on a Mac.**

mod panel;

use tauri::WebviewWindow;

/// Shows the window above everything, apps in full screen included, and gives it the keyboard, while the app that is
/// worked in stays the active one and has the keyboard back as soon as the window goes.
pub(crate) fn present_over(window: &WebviewWindow) -> tauri::Result<()> {
    let asked = window.clone();
    window.run_on_main_thread(move || {
        let shown = asked.ns_window().is_ok_and(|window| {
            // SAFETY: this is the main thread, and `asked` keeps its window.
            #[allow(unsafe_code)]
            unsafe {
                panel::present(window)
            }
        });
        if !shown {
            tracing::warn!("the quick window is shown like any other: it cannot be a panel");
            let _ = asked.show().and_then(|()| asked.set_focus());
        }
    })
}

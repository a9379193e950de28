//! Starts Papr Desktop.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: the first line of the program: there is no other thread yet that could read the environment.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
        // The web engine would read how much memory the system has for as long as the app runs, hidden or not.
        #[cfg(target_os = "linux")]
        std::env::set_var("WEBKIT_DISABLE_MEMORY_PRESSURE_MONITOR", "1");
        // Where there is no graphics processor, drawing through OpenGL is slower than without.
        #[cfg(target_os = "linux")]
        if !std::path::Path::new("/dev/dri").exists() {
            std::env::set_var("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1");
        }
    }
    if let Some(code) = papr_desktop::serve() {
        return code;
    }
    papr_desktop::run()
}

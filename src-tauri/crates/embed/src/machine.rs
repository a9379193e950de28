//! What a measurement of speed holds for: this processor, this many of it, this version of the system.

use std::thread;

/// A line that changes when a trial should be made again. Holds no name of a person or a host.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let parts = [system_version(), processor()].into_iter().flatten().map(|part| format!(", {part}"));
    format!("{os} {arch}, {cores} threads{}", parts.collect::<String>())
}

/// The system's version and build, such as `15.1 24B83`; empty where Core ML is not part of it.
pub(crate) fn system() -> String {
    system_plist().map(|plist| version_and_build(&plist)).unwrap_or_default()
}

/// Core ML comes with the system and changes with it.
fn system_version() -> Option<String> {
    let plist = system_plist()?;
    plist_string(&plist, "ProductVersion").map(str::to_owned)
}

/// What macOS says of itself.
fn system_plist() -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    std::fs::read_to_string("/System/Library/CoreServices/SystemVersion.plist").ok()
}

/// A build may change while the version stays: security responses do that.
fn version_and_build(plist: &str) -> String {
    let keys = ["ProductVersion", "ProductBuildVersion"];
    keys.iter().filter_map(|key| plist_string(plist, key)).collect::<Vec<_>>().join(" ")
}

fn processor() -> Option<String> {
    if cfg!(target_os = "linux") {
        let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        return model_name(&info).map(str::to_owned);
    }
    if cfg!(target_os = "macos") {
        let output =
            std::process::Command::new("/usr/sbin/sysctl").args(["-n", "machdep.cpu.brand_string"]).output();
        return Some(String::from_utf8_lossy(&output.ok()?.stdout).trim().to_owned());
    }
    std::env::var("PROCESSOR_IDENTIFIER").ok()
}

fn model_name(info: &str) -> Option<&str> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

fn plist_string<'a>(plist: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = plist.split_once(&format!("<key>{key}</key>"))?;
    let (_, value) = after.split_once("<string>")?;
    value.split_once("</string>").map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_machine_is_the_same_line() {
        assert_eq!(machine(), machine());
        assert!(machine().contains(std::env::consts::ARCH) && !machine().contains('\n'), "{}", machine());
    }

    #[test]
    fn reads_what_systems_write() {
        assert_eq!(model_name("processor\t: 0\nmodel name\t: A CPU @ 3 GHz\n"), Some("A CPU @ 3 GHz"));
        assert_eq!(model_name("processor\t: 0\n"), None);
        let plist = "<dict>\n\t<key>ProductName</key>\n\t<string>macOS</string>\n\t<key>ProductVersion</key>\n\
                     \t<string>15.1</string>\n\t<key>ProductBuildVersion</key>\n\t<string>24B83</string>\n</dict>";
        assert_eq!(version_and_build(plist), "15.1 24B83");
        assert_eq!(version_and_build("<dict></dict>"), "");
        assert_eq!(plist_string(plist, "ProductVersion"), Some("15.1"));
        assert_eq!(plist_string(plist, "Nothing"), None);
    }
}

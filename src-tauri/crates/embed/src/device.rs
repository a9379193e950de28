//! What may run a model, and what of it this machine and the loaded library offer.
//!
//! CUDA and `DirectML` are offered where the library lists them. Neither has been tried: the official builds
//! that the app ships have neither inside.

use std::fmt;
use std::str::FromStr;

use papr_memory::Precision;
use serde::{Deserialize, Serialize};

/// A provider of ONNX Runtime that the app knows how to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// Apple's Core ML, which may use the Neural Engine.
    CoreMl,
    /// NVIDIA's graphics processors.
    Cuda,
    /// Graphics and neural processors on Windows.
    DirectMl,
    /// The processor. Always there.
    Cpu,
}

impl Device {
    /// All of them, those most likely to be fast first.
    pub const ALL: [Self; 4] = [Self::CoreMl, Self::Cuda, Self::DirectMl, Self::Cpu];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::CoreMl => "Core ML",
            Self::Cuda => "CUDA",
            Self::DirectMl => "DirectML",
            Self::Cpu => "CPU",
        }
    }

    /// What ONNX Runtime calls it.
    pub fn provider(self) -> &'static str {
        match self {
            Self::CoreMl => "CoreMLExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::DirectMl => "DmlExecutionProvider",
            Self::Cpu => "CPUExecutionProvider",
        }
    }

    /// Whether a graph must have every length fixed to run there.
    pub(crate) fn wants_static_shapes(self) -> bool {
        self == Self::CoreMl
    }

    fn word(self) -> &'static str {
        match self {
            Self::CoreMl => "coreml",
            Self::Cuda => "cuda",
            Self::DirectMl => "directml",
            Self::Cpu => "cpu",
        }
    }
}

/// The name for people.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// What a person wants the model to run on: the value of `PAPR_DEVICE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceChoice {
    /// The fastest that gives right vectors.
    #[default]
    Auto,
    /// This one, if it gives right vectors; the CPU otherwise.
    Only(Device),
    /// None: memories are found by word alone.
    Off,
}

/// A text that names no [`DeviceChoice`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no device; say auto, coreml, cuda, directml, cpu or off")]
pub struct UnknownDevice(String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    /// Reads `auto`, `coreml`, `cuda`, `directml`, `cpu`, `off`; case and surrounding blanks do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let word = text.trim().to_ascii_lowercase();
        match word.as_str() {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => Device::ALL
                .into_iter()
                .find(|device| device.word() == word)
                .map(Self::Only)
                .ok_or_else(|| UnknownDevice(text.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Only(device) => device.word(),
            Self::Off => "off",
        })
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = UnknownDevice;

    fn try_from(text: String) -> Result<Self, UnknownDevice> {
        text.parse()
    }
}

/// What [`candidates`] has to know of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// As [`std::env::consts::OS`] has it.
    pub os: String,
    /// As [`std::env::consts::ARCH`] has it.
    pub arch: String,
}

impl Platform {
    /// Of this process.
    pub fn current() -> Self {
        Self { os: std::env::consts::OS.to_owned(), arch: std::env::consts::ARCH.to_owned() }
    }
}

/// A device that is not tried, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub device: Device,
    /// Why, for people.
    pub reason: String,
}

/// What to try, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The CPU, with whose vectors all others are compared, stands last. Empty if embedding is off.
    pub devices: Vec<Device>,
    /// The device a person asked for: it need not be the fastest.
    pub preferred: Option<Device>,
    /// Those not tried.
    pub left_out: Vec<LeftOut>,
}

/// Which devices are worth a trial for a model of `precision`, where the loaded library lists `providers`.
pub fn candidates(
    choice: DeviceChoice,
    platform: &Platform,
    providers: &[String],
    precision: Precision,
) -> Candidates {
    let mut found = Candidates::default();
    for device in Device::ALL {
        match obstacle(device, choice, platform, providers, precision) {
            None => found.devices.push(device),
            Some(reason) => found.left_out.push(LeftOut { device, reason }),
        }
    }
    if let DeviceChoice::Only(device) = choice {
        found.preferred = Some(device).filter(|device| found.devices.contains(device));
    }
    found
}

/// Why `device` is not tried.
fn obstacle(
    device: Device,
    choice: DeviceChoice,
    platform: &Platform,
    providers: &[String],
    precision: Precision,
) -> Option<String> {
    match choice {
        DeviceChoice::Off => return Some("embedding is switched off".to_owned()),
        _ if device == Device::Cpu => return None,
        DeviceChoice::Only(only) if only != device => return Some(format!("{only} was asked for")),
        _ => {}
    }
    if device == Device::CoreMl && platform.os != "macos" {
        return Some("it is part of macOS".to_owned());
    }
    if device == Device::CoreMl && platform.arch != "aarch64" {
        return Some("this Mac has no Neural Engine".to_owned());
    }
    if device == Device::DirectMl && platform.os != "windows" {
        return Some("it is part of Windows".to_owned());
    }
    if !providers.iter().any(|provider| provider == device.provider()) {
        return Some(format!("the loaded ONNX Runtime has no {}", device.provider()));
    }
    if precision == Precision::Int8 {
        return Some("a model of 8-bit integers falls back to the CPU there, piece by piece".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(os: &str, arch: &str) -> Platform {
        Platform { os: os.to_owned(), arch: arch.to_owned() }
    }

    fn listed(devices: &[Device]) -> Vec<String> {
        devices.iter().map(|device| device.provider().to_owned()).collect()
    }

    #[test]
    fn a_choice_reads_what_it_writes() {
        for word in ["auto", "coreml", "cuda", "directml", "cpu", "off"] {
            let choice: DeviceChoice = word.parse().unwrap();
            assert_eq!(choice.to_string(), word);
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(json, format!("{word:?}"));
            assert_eq!(serde_json::from_str::<DeviceChoice>(&json).unwrap(), choice);
        }
        assert_eq!(" CoreML ".parse(), Ok(DeviceChoice::Only(Device::CoreMl)));
        let error = "gpu".parse::<DeviceChoice>().unwrap_err().to_string();
        assert!(error.contains("gpu") && error.contains("directml"), "{error}");
    }

    #[test]
    fn a_mac_tries_core_ml_before_the_cpu() {
        let mac = platform("macos", "aarch64");
        let both = listed(&[Device::CoreMl, Device::Cpu]);
        let found = candidates(DeviceChoice::Auto, &mac, &both, Precision::Fp16);
        assert_eq!(found.devices, [Device::CoreMl, Device::Cpu]);
        assert_eq!(found.preferred, None);
        assert!(found.left_out.iter().all(|left| !left.reason.is_empty()), "a reason for each");

        let intel = platform("macos", "x86_64");
        assert_eq!(candidates(DeviceChoice::Auto, &intel, &both, Precision::Fp16).devices, [Device::Cpu]);
        let without = listed(&[Device::Cpu]);
        assert_eq!(candidates(DeviceChoice::Auto, &mac, &without, Precision::Fp16).devices, [Device::Cpu]);
        let int8 = candidates(DeviceChoice::Auto, &mac, &both, Precision::Int8);
        assert_eq!(int8.devices, [Device::Cpu]);
        assert!(int8.left_out[0].reason.contains("8-bit"), "{:?}", int8.left_out);
    }

    #[test]
    fn what_was_asked_for_is_tried_and_the_cpu_stands_behind_it() {
        let windows = platform("windows", "x86_64");
        let all = listed(&Device::ALL);
        let found = candidates(DeviceChoice::Auto, &windows, &all, Precision::Fp32);
        assert_eq!(found.devices, [Device::Cuda, Device::DirectMl, Device::Cpu]);
        let found = candidates(DeviceChoice::Only(Device::DirectMl), &windows, &all, Precision::Fp32);
        assert_eq!(found.devices, [Device::DirectMl, Device::Cpu]);
        assert_eq!(found.preferred, Some(Device::DirectMl));

        let linux = platform("linux", "x86_64");
        let found = candidates(DeviceChoice::Only(Device::CoreMl), &linux, &all, Precision::Fp32);
        assert_eq!((found.devices, found.preferred), (vec![Device::Cpu], None));
        assert_eq!(found.left_out[0].reason, "it is part of macOS");
        let found = candidates(DeviceChoice::Only(Device::Cpu), &linux, &all, Precision::Fp32);
        assert_eq!((found.devices, found.preferred), (vec![Device::Cpu], Some(Device::Cpu)));
    }

    #[test]
    fn off_tries_nothing() {
        let found =
            candidates(DeviceChoice::Off, &Platform::current(), &listed(&Device::ALL), Precision::Fp32);
        assert_eq!(found.devices, []);
        assert_eq!(found.left_out.len(), Device::ALL.len());
    }
}

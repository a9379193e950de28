//! What may run a model, and what of it this machine, the loaded library and the model's files offer.
//!
//! CUDA and `DirectML` are offered where the library lists them. Neither has been tried: the official builds
//! that the app ships have neither inside.

use std::fmt;
use std::str::FromStr;

use papr_memory::Precision;
use serde::{Deserialize, Serialize};

/// What the app knows how to run a model on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// Apple's Core ML by itself, with a package made for it; it may use the Neural Engine.
    #[serde(rename = "coreml_native")]
    CoreMlNative,
    /// Apple's Core ML behind ONNX Runtime, which may use the Neural Engine.
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
    pub const ALL: [Self; 5] = [Self::CoreMlNative, Self::CoreMl, Self::Cuda, Self::DirectMl, Self::Cpu];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::CoreMlNative => "Core ML (native)",
            Self::CoreMl => "Core ML",
            Self::Cuda => "CUDA",
            Self::DirectMl => "DirectML",
            Self::Cpu => "CPU",
        }
    }

    /// What ONNX Runtime calls it; what it does without ONNX Runtime, too, has a name there.
    pub fn provider(self) -> &'static str {
        match self {
            Self::CoreMlNative => "CoreML",
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

    /// Whether Core ML runs it, one way or the other.
    pub(crate) fn is_core_ml(self) -> bool {
        matches!(self, Self::CoreMlNative | Self::CoreMl)
    }

    fn word(self) -> &'static str {
        match self {
            Self::CoreMlNative => "coreml_native",
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
#[error("{0:?} is no device; say auto, coreml, coreml_native, cuda, directml, cpu or off")]
pub struct UnknownDevice(String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    /// Reads `auto`, `coreml`, `coreml_native`, `cuda`, `directml`, `cpu`, `off`; case and surrounding blanks do not matter.
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

/// In which forms a model is there. Forms of the same weights and recipe serve one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// An ONNX graph.
    pub onnx: bool,
    /// Packages for Core ML.
    pub core_ml: bool,
}

impl Forms {
    /// An ONNX graph and nothing else.
    pub const ONNX: Self = Self { onnx: true, core_ml: false };
    /// Packages for Core ML and nothing else.
    pub const CORE_ML: Self = Self { onnx: false, core_ml: true };
}

/// What to try, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The CPU, with whose vectors all others are compared, stands last. Empty if embedding is off, or if nothing
    /// here can run the model.
    pub devices: Vec<Device>,
    /// The device a person asked for: it need not be the fastest.
    pub preferred: Option<Device>,
    /// Those not tried.
    pub left_out: Vec<LeftOut>,
    /// Whether a trial may have only one of them in memory at a time: packages are made of models that a machine
    /// holds once.
    pub one_at_a_time: bool,
}

impl Candidates {
    /// What runs a model that is there in `forms` before anything was tried: the CPU, or for packages the first
    /// that they can run on, since Core ML kept to the processor is slow for what packages are made of.
    pub fn untried(&self, forms: Forms) -> Option<Device> {
        let packages = !forms.onnx;
        self.devices.iter().copied().find(|device| packages || *device == Device::Cpu)
    }
}

/// Which devices are worth a trial for a model of `precision` with an ONNX graph, where the loaded library lists
/// `providers`.
pub fn candidates(
    choice: DeviceChoice,
    platform: &Platform,
    providers: &[String],
    precision: Precision,
) -> Candidates {
    candidates_of(Forms::ONNX, choice, platform, providers, precision)
}

/// As [`candidates`], for a model that is there in `forms`.
///
/// With packages for Core ML alone, [`Device::Cpu`] is Core ML kept to the processor.
pub fn candidates_of(
    forms: Forms,
    choice: DeviceChoice,
    platform: &Platform,
    providers: &[String],
    precision: Precision,
) -> Candidates {
    let mut found = Candidates { one_at_a_time: !forms.onnx, ..Candidates::default() };
    for device in Device::ALL {
        match obstacle(device, forms, choice, platform, providers, precision) {
            None => found.devices.push(device),
            Some(reason) => found.left_out.push(LeftOut { device, reason }),
        }
    }
    if let DeviceChoice::Only(only) = choice {
        found.preferred = found.devices.iter().copied().find(|device| is_meant(only, *device));
    }
    found
}

/// Whether who asks for `only` means `device`: Core ML is Core ML, behind ONNX Runtime or not.
fn is_meant(only: Device, device: Device) -> bool {
    only == device || (only == Device::CoreMl && device == Device::CoreMlNative)
}

/// Why `device` is not tried.
fn obstacle(
    device: Device,
    forms: Forms,
    choice: DeviceChoice,
    platform: &Platform,
    providers: &[String],
    precision: Precision,
) -> Option<String> {
    if choice == DeviceChoice::Off {
        return Some("embedding is switched off".to_owned());
    }
    if device == Device::Cpu {
        let runs = forms.onnx || (forms.core_ml && platform.os == "macos");
        return (!runs).then(|| "a package for Core ML runs on macOS alone".to_owned());
    }
    if let DeviceChoice::Only(only) = choice
        && !is_meant(only, device)
    {
        return Some(format!("{only} was asked for"));
    }
    if device.is_core_ml() && platform.os != "macos" {
        return Some("it is part of macOS".to_owned());
    }
    if device.is_core_ml() && platform.arch != "aarch64" {
        return Some("this Mac has no Neural Engine".to_owned());
    }
    if device == Device::CoreMlNative {
        return (!forms.core_ml).then(|| "no package of this model for Core ML is installed".to_owned());
    }
    if device == Device::DirectMl && platform.os != "windows" {
        return Some("it is part of Windows".to_owned());
    }
    if !forms.onnx {
        return Some("this model is a package for Core ML".to_owned());
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
        for word in ["auto", "coreml", "coreml_native", "cuda", "directml", "cpu", "off"] {
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
        assert!(int8.left_out[1].reason.contains("8-bit"), "{:?}", int8.left_out);
    }

    #[test]
    fn a_package_for_core_ml_stands_before_onnx_runtime() {
        let mac = platform("macos", "aarch64");
        let both = listed(&[Device::CoreMl, Device::Cpu]);
        let of = |forms, choice, platform: &Platform| {
            candidates_of(forms, choice, platform, &both, Precision::Fp16)
        };
        let two = Forms { onnx: true, core_ml: true };
        let all = [Device::CoreMlNative, Device::CoreMl, Device::Cpu];
        assert_eq!(of(two, DeviceChoice::Auto, &mac).devices, all);
        let asked = of(two, DeviceChoice::Only(Device::CoreMl), &mac);
        assert_eq!((asked.devices, asked.preferred), (all.to_vec(), Some(Device::CoreMlNative)));
        let native = of(two, DeviceChoice::Only(Device::CoreMlNative), &mac);
        assert_eq!(native.devices, [Device::CoreMlNative, Device::Cpu]);

        let alone = of(Forms::CORE_ML, DeviceChoice::Auto, &mac);
        assert_eq!(alone.untried(Forms::CORE_ML), Some(Device::CoreMlNative));
        assert_eq!(of(two, DeviceChoice::Auto, &mac).untried(two), Some(Device::Cpu));
        assert_eq!(alone.devices, [Device::CoreMlNative, Device::Cpu], "the CPU through Core ML");
        assert!(alone.left_out.iter().any(|left| left.reason == "this model is a package for Core ML"));
        let elsewhere = of(Forms::CORE_ML, DeviceChoice::Auto, &platform("linux", "x86_64"));
        assert_eq!(elsewhere.devices, []);
        assert!(elsewhere.left_out.iter().any(|left| left.reason.contains("macOS alone")));
        let intel = of(Forms::CORE_ML, DeviceChoice::Auto, &platform("macos", "x86_64"));
        assert_eq!(intel.devices, [Device::Cpu]);
        let int8 = candidates_of(Forms::CORE_ML, DeviceChoice::Auto, &mac, &both, Precision::Int8);
        assert_eq!(int8.devices, [Device::CoreMlNative, Device::Cpu], "its weights alone are of 8 bits");
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

//! What the two sides say to each other.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Raised when a message changes its shape. [`Hello`] never does: by it the two sides find out.
pub const PROTOCOL: u32 = 1;

/// The first frame of each side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    /// The app's version.
    pub(crate) version: String,
}

/// A command line and what it was typed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    arguments: Vec<Raw>,
    folder: Raw,
    /// What the command finds around it.
    pub surroundings: Surroundings,
}

impl Invocation {
    /// `arguments` with the program's name first, typed in `folder`.
    pub fn new(
        arguments: impl IntoIterator<Item = OsString>,
        folder: PathBuf,
        surroundings: Surroundings,
    ) -> Self {
        let arguments = arguments.into_iter().map(Raw::from).collect();
        Self { arguments, folder: Raw::from(folder.into_os_string()), surroundings }
    }

    /// The current folder, which relative paths are below; empty if there is none.
    pub fn folder(&self) -> PathBuf {
        OsString::from(self.folder.clone()).into()
    }

    /// The command line, the program's name first.
    pub fn arguments(&self) -> Vec<OsString> {
        self.arguments.iter().cloned().map(OsString::from).collect()
    }
}

/// What a command finds around it in the process that it was typed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // facts that have nothing to do with each other
pub struct Surroundings {
    /// Whether somebody types at standard input.
    pub input_is_terminal: bool,
    /// Whether somebody reads standard output as it comes.
    pub output_is_terminal: bool,
    /// Likewise standard error.
    pub errors_are_terminal: bool,
    /// Columns of the terminal; 0 where there is none.
    pub width: u16,
    /// Whether `NO_COLOR` is set.
    pub no_color: bool,
    /// Whether there is a Papr key in its environment. The key itself is not told.
    pub has_key: bool,
}

/// A window that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// The main one, to the front.
    Main,
    /// The quick search: shown, or hidden if it is shown.
    Quick,
}

/// What somebody typed unseen. Shows itself to nobody and is wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// Takes a line over.
    pub fn new(line: String) -> Self {
        Self(Zeroizing::new(line))
    }

    /// The line.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Typed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// From the command line to the app.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// First: do this.
    Run(Invocation),
    /// First: show this.
    Show(Window),
    /// After [`Reply::WantInput`]: some of standard input, none at its end, or why it cannot be read.
    Input(Result<Vec<u8>, String>),
    /// After [`Reply::WantSecret`]: the line.
    Secret(Typed),
}

/// From the app to the command line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// For standard output.
    Output(Vec<u8>),
    /// For standard error.
    Errors(Vec<u8>),
    /// More of standard input is wanted.
    WantInput,
    /// A line is to be asked for with this prompt, and not shown.
    WantSecret(String),
    /// The end.
    Exit(u8),
}

/// A text of the system's, which need not be Unicode: its bytes on Unix, UTF-8 elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Raw(Vec<u8>);

#[cfg(unix)]
impl From<OsString> for Raw {
    fn from(text: OsString) -> Self {
        Self(std::os::unix::ffi::OsStringExt::into_vec(text))
    }
}

#[cfg(unix)]
impl From<Raw> for OsString {
    fn from(raw: Raw) -> Self {
        std::os::unix::ffi::OsStringExt::from_vec(raw.0)
    }
}

#[cfg(not(unix))]
impl From<OsString> for Raw {
    fn from(text: OsString) -> Self {
        Self(text.to_string_lossy().into_owned().into_bytes())
    }
}

#[cfg(not(unix))]
impl From<Raw> for OsString {
    fn from(raw: Raw) -> Self {
        String::from_utf8_lossy(&raw.0).into_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_unseen_does_not_show_itself() {
        let request = Request::Secret(Typed::new("key-alice-0123456789".to_owned()));
        assert_eq!(format!("{request:?}"), "Secret(***)");
    }
}

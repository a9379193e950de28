//! The ONNX Runtime library: looked at, loaded once, kept until the process ends.
//!
//! Official builds from 1.29 on carry an uploader of usage data that is on by default and makes a local
//! database even when asked not to. [`init_runtime`] therefore looks for it in the file and refuses such a
//! library before loading it: that nothing leaves the device is a property of the bytes that run, not of a
//! setting. `ORT_DISABLE_TELEMETRY=1`, which `main` sets, is a second lock on the same door. On Windows the
//! runtime also writes local trace events; those are switched off through its own interface.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::logging::LogLevel;
use papr_memory::ports::EmbedError;

/// What the uploader's address contains.
const UPLOADER: &[u8] = b"OneCollector";

/// What to do about any of it.
const CURE: &str = "put ONNX Runtime 1.28 there, or name another place in ORT_DYLIB_PATH";

/// The library of this process. Never unloaded: sessions may live as long as the process.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

/// Loads ONNX Runtime from the file `path`, unless that was done before.
///
/// Costs about 30 ms the first time and nothing after. A failure leaves the process as it was, so another
/// path may be tried. One process has one library: another path after a success is an error.
///
/// # Errors
/// [`EmbedError::Runtime`] if there is no such file, if it carries an uploader, if the system cannot load it,
/// if it is not ONNX Runtime, if it is older than 1.28, or if another one is loaded already.
pub fn init_runtime(path: &Path) -> Result<(), EmbedError> {
    environment(path).map(drop)
}

/// The environment in which sessions are made, with the library at `path`.
pub(crate) fn environment(path: &Path) -> Result<Environment, EmbedError> {
    let failed = |reason: String| EmbedError::Runtime { path: path.to_owned(), reason };
    let real = path.canonicalize().map_err(|error| failed(format!("{error}; {CURE}")))?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        if loaded.path != real {
            let other = loaded.path.display();
            return Err(failed(format!("this process runs on {other} already; restart it to change that")));
        }
        return Ok(loaded.environment.clone());
    }

    let uploads = File::open(&real).and_then(|file| contains(file, UPLOADER));
    if uploads.map_err(|error| failed(format!("{error}; {CURE}")))? {
        return Err(failed(format!("this build of it can send usage data to its maker; {CURE}")));
    }
    let environment = ort::init_from(&real)
        .map_err(|error| failed(explain(&error)))?
        .with_name("papr")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    // The wrapper opens its log at the chattiest level; formatting that costs time at every load.
    environment.set_log_level(LogLevel::Warning);
    *loaded = Some(Loaded { path: real, environment: environment.clone() });
    Ok(environment)
}

fn explain(error: &LoadDynamicError) -> String {
    match error {
        LoadDynamicError::Dlopen { error, .. } => format!("{error}; {CURE}"),
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => {
            format!("the file is not ONNX Runtime; {CURE}")
        }
        LoadDynamicError::BadVersion { version_str, .. } => {
            format!("the file is ONNX Runtime {version_str}, which is too old; {CURE}")
        }
    }
}

/// Whether `needle` occurs in what `source` gives. Reads in pieces and skips ahead by the byte under the
/// needle's end (Horspool), so a library of 24 MB costs a few milliseconds.
fn contains(mut source: impl Read, needle: &[u8]) -> io::Result<bool> {
    let Some((&last, head)) = needle.split_last() else { return Ok(true) };
    let mut skip = [needle.len(); 256];
    for (position, &byte) in head.iter().enumerate() {
        skip[usize::from(byte)] = head.len() - position;
    }
    let mut window = vec![0; 1 << 18];
    let (mut kept, mut at) = (0, head.len());
    loop {
        let read = match source.read(&mut window[kept..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = kept + read;
        while at < filled {
            if window[at] == last && &window[at - head.len()..at] == head {
                return Ok(true);
            }
            at += skip[usize::from(window[at])];
        }
        // The bytes that the needle's beginning may lie in move to the front.
        let start = at - head.len();
        kept = filled.saturating_sub(start);
        window.copy_within(filled - kept..filled, 0);
        at = head.len() + start.saturating_sub(filled);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, as a slow disk may.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn finds_what_is_there_and_nothing_else(
            text in "[abc]{0,60}", needle in "[abc]{1,5}", drip in 1_usize..9,
        ) {
            let found = contains(Drip(text.as_bytes(), drip), needle.as_bytes()).unwrap();
            prop_assert_eq!(found, text.contains(&needle));
        }
    }

    #[test]
    fn finds_across_the_edge_of_the_window() {
        for before in (1 << 18) - 20..(1 << 18) + 4 {
            let mut bytes = vec![b'O'; before];
            bytes.extend_from_slice(UPLOADER);
            assert!(contains(bytes.as_slice(), UPLOADER).unwrap(), "after {before} bytes");
            bytes.pop();
            assert!(!contains(bytes.as_slice(), UPLOADER).unwrap(), "cut, after {before} bytes");
        }
    }
}

//! Where the socket of a data folder is: worked out from the folder alone, so that both sides find the same place
//! whatever their environments say.

use std::fmt::Write as _;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// The longest path of a socket, in bytes, that every system takes: macOS has room for 103.
#[cfg(unix)]
const LONGEST: usize = 100;

/// The folder of the socket within the data folder, and its name there.
#[cfg(unix)]
const INSIDE: &str = "run/papr.sock";

/// The places to try, best first: in the data folder; in a folder of this user's in `/tmp`, for a data folder whose
/// path is too long for a socket or that cannot hold one. `data` is canonical.
#[cfg(unix)]
pub(crate) fn places(data: &Path, user: u32) -> Vec<PathBuf> {
    let inside = data.join(INSIDE);
    let outside = PathBuf::from(format!("/tmp/papr-{user}/{}.sock", digits(data)));
    let fits = inside.as_os_str().len() <= LONGEST;
    fits.then_some(inside).into_iter().chain([outside]).collect()
}

/// A few digits that stand for a folder.
pub(crate) fn digits(data: &Path) -> String {
    let hash = Sha256::digest(data.as_os_str().as_encoded_bytes());
    hash.iter().take(8).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // a string takes everything
        digits
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_short_enough() {
        let short = Path::new("/home/alice/.local/share/ai.papr.desktop");
        assert_eq!(places(short, 1000).len(), 2);
        assert_eq!(places(short, 1000)[0], short.join("run/papr.sock"));
        let long = short.join("a".repeat(200));
        let places = places(&long, u32::MAX);
        assert_eq!(places.len(), 1);
        assert!(places[0].as_os_str().len() <= LONGEST, "{places:?}");
        assert_ne!(digits(&long), digits(short), "a folder each");
    }
}

//! What differs between the systems: how a keychain is connected to, and what its errors mean.

use papr_memory::Slot;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "macos")]
use macos as system;
#[cfg(all(unix, not(target_os = "macos")))]
use secret_service as system;
#[cfg(windows)]
use windows as system;

/// What an error of the system's holds.
pub(crate) type Cause = dyn std::error::Error + Send + Sync + 'static;

pub(crate) use system::{CONNECTIONS_END, MODIFIERS, connect, failure, no_access};

/// The name of the item that holds a slot's secret. Windows knows no case in names, slots do.
pub(crate) fn item_name(slot: &Slot) -> String {
    if cfg!(windows) { without_case(slot.as_str()) } else { slot.as_str().to_owned() }
}

/// The same name in small letters; no other gets the same one.
fn without_case(name: &str) -> String {
    let mut item = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() || character == '^' {
            item.push('^');
        }
        item.push(character.to_ascii_lowercase());
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_differ_without_it() {
        assert_eq!(without_case("papr:mhnkVbA"), "papr:mhnk^vb^a");
        let names = ["ab", "Ab", "aB", "AB", "^ab", "^Ab", "a^b", "^^ab"];
        let items: std::collections::HashSet<_> = names.iter().map(|name| without_case(name)).collect();
        assert_eq!(items.len(), names.len());
    }
}

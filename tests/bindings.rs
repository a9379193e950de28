//! The TypeScript bindings in the tree are the ones the shell's types make.
//!
//! After a change of commands or types: `PAPR_BLESS=1 cargo test --features custom-protocol --test bindings`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot be set up should stop

use std::path::Path;

use specta_typescript::Typescript;

#[test]
fn bindings_are_current() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/backend/bindings.ts");
    if std::env::var_os("PAPR_BLESS").is_some() {
        papr_desktop::bridge::builder().export(Typescript::default(), &committed).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("bindings.ts");
    papr_desktop::bridge::builder().export(Typescript::default(), &fresh).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&committed), read(&fresh), "write them anew with PAPR_BLESS=1");
}

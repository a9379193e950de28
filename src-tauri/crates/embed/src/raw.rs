//! The calls that no safe wrapper offers: which providers the loaded library has, which of them runs which
//! node, and giving freed memory back to the system.
//!
//! With `native/macos.rs` the only unsafe code of this crate. All but the last need the library loaded: `runtime`
//! sees to it before anything here is called, and the wrapper gives out no session before.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int};
use std::{ptr, slice};

use ort::AsPointer;
use ort::session::Session;
use ort::sys::{OrtApi, OrtEpAssignedNode, OrtEpAssignedSubgraph, OrtStatusPtr};

/// What the session must be configured with for [`assignment`] to answer.
pub(crate) const RECORD_ASSIGNMENT: &str = "session.record_ep_graph_assignment_info";

/// The names of the providers inside the loaded library, the most preferred first.
pub(crate) fn providers() -> ort::Result<Vec<String>> {
    let api = ort::api();
    let (mut names, mut count) = (ptr::null_mut::<*mut c_char>(), c_int::default());
    // SAFETY: both pointers are to locals that outlive the call, which writes an array and its length.
    check(unsafe { (api.GetAvailableProviders)(&raw mut names, &raw mut count) })?;
    // SAFETY: the library wrote `count` pointers there; they stay valid until released below.
    let listed = unsafe { texts(names.cast_const().cast(), usize::try_from(count).unwrap_or(0)) };
    // SAFETY: exactly what the call above gave, released once; `listed` holds copies.
    check(unsafe { (api.ReleaseAvailableProviders)(names, count) })?;
    Ok(listed)
}

/// How many nodes of `session`'s optimised graph each provider runs. Empty unless the session was configured
/// with [`RECORD_ASSIGNMENT`].
pub(crate) fn assignment(session: &Session) -> ort::Result<BTreeMap<String, usize>> {
    let api = ort::api();
    let (mut graphs, mut count) = (ptr::null::<*const OrtEpAssignedSubgraph>(), 0_usize);
    // SAFETY: `session` is alive, so its pointer is; the other two are to locals that outlive the call.
    check(unsafe { (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &raw mut graphs, &raw mut count) })?;
    let mut nodes = BTreeMap::new();
    // SAFETY: the library wrote `count` pointers there. The session owns them, and is borrowed here.
    for &graph in unsafe { array(graphs, count) } {
        // SAFETY: `graph` is one of the session's, alive as above.
        let (provider, run) = unsafe { subgraph(api, graph) }?;
        *nodes.entry(provider).or_insert(0) += run;
    }
    Ok(nodes)
}

/// Gives freed memory back to the system, where its allocator would keep it for later: after the weights of a
/// model, tens of megabytes. Does nothing elsewhere.
pub(crate) fn release_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            /// glibc, since 2.0: `int malloc_trim(size_t pad)`.
            fn malloc_trim(pad: usize) -> c_int;
        }
        // SAFETY: takes no pointer, locks what it touches, and moves nothing that is allocated.
        unsafe { malloc_trim(0) };
    }
}

/// The provider of a subgraph and how many nodes of the graph it took.
///
/// # Safety
/// `graph` must be of a session that is alive.
unsafe fn subgraph(api: &OrtApi, graph: *const OrtEpAssignedSubgraph) -> ort::Result<(String, usize)> {
    let mut name = ptr::null::<c_char>();
    // SAFETY: `graph` is valid by the caller's word, `name` is a local.
    check(unsafe { (api.EpAssignedSubgraph_GetEpName)(graph, &raw mut name) })?;
    let (mut nodes, mut count) = (ptr::null::<*const OrtEpAssignedNode>(), 0_usize);
    // SAFETY: as above; the nodes themselves are not looked at.
    check(unsafe { (api.EpAssignedSubgraph_GetNodes)(graph, &raw mut nodes, &raw mut count) })?;
    // SAFETY: a C string of the session's, alive as long as the subgraph.
    Ok((unsafe { text(name) }, count))
}

fn check(status: OrtStatusPtr) -> ort::Result<()> {
    // SAFETY: a status that a call has just given, handed on once; the wrapper releases it.
    unsafe { ort::Error::result_from_status(status) }
}

/// # Safety
/// `start` must be null, or point to `count` C strings that may be read for the time of the call.
unsafe fn texts(start: *const *const c_char, count: usize) -> Vec<String> {
    // SAFETY: both by the caller's word.
    unsafe { array(start, count).iter().map(|&name| text(name)).collect() }
}

/// # Safety
/// `start` must be null, or point to `count` values that stay as they are for `'a`.
unsafe fn array<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: not null, and the rest by the caller's word.
    unsafe { slice::from_raw_parts(start, count) }
}

/// # Safety
/// `start` must be null, or a C string that may be read for the time of the call.
unsafe fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the rest by the caller's word.
    unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned()
}

//! A reply of 5,000 memories with vectors of 2,560 numbers, and the memory it takes.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking, its helpers too

mod common;

use std::io::Write;
use std::sync::Arc;

use common::{Ending, Reply, Server, run};
use papr_api::{EmbeddingFormat, Tier, TiersRequest};

const ITEMS: usize = 5_000;
const DIMS: usize = 2_560;

/// The most memory this process has had so far, in bytes, as the system counts it.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<usize>().ok()? * 1024)
}

fn write(out: &mut dyn Write) -> std::io::Result<()> {
    let numbers: Vec<String> =
        (0..DIMS).map(|number| format!("{:.4}", (number as f32).sin() / 36.0)).collect();
    let rest = format!(r#"","content":"a text","type":"text","embedding":[{}]}}"#, numbers.join(","));
    out.write_all(br#"{"code":200,"status":"success","tier0":[],"tier1":["#)?;
    for item in 0..ITEMS {
        let comma = if item == 0 { "" } else { "," };
        out.write_all(format!(r#"{comma}{{"id":"m{item}{rest}"#).as_bytes())?;
    }
    out.write_all(br#"],"transitions":[],"next_cursor":"next","has_more":false}"#)
}

#[test]
fn thousands_of_vectors_pass_through_little_memory() {
    let server = Server::new([Reply::ok("").ending(Ending::Stream(Arc::new(write)))]);
    let (client, before) = (server.client(), peak());
    let request = TiersRequest {
        max_tier1: 5_000,
        include_embeddings: true,
        embedding_format: EmbeddingFormat::Float32,
        embed_limit: 1_000,
        ..TiersRequest::default()
    };
    let (mut count, mut last) = (0, String::new());
    let end = run(client.tiers_each(&request, |tier, memory| {
        assert_eq!(tier, Tier::One);
        assert_eq!(memory.embedding.as_ref().map(|vector| vector.values.len()), Some(DIMS), "a whole vector");
        count += 1;
        memory.id.as_str().clone_into(&mut last);
    }))
    .unwrap();
    assert_eq!((count, last.as_str()), (ITEMS, "m4999"), "every item, to the last");
    assert_eq!(end.next_cursor.unwrap().as_str(), "next", "what stands after them is read too");
    assert!(end.skipped.is_empty());
    // Only where the system tells.
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 8 << 20, "about 90 MB came by, and {grown} bytes more were needed at once");
    }
}

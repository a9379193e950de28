//! Lists both tiers while they come, and what it cost: `PAPR_MEMORY_API_KEY=… cargo run -p papr-api --example tiers`.
//! `PAPR_BASE_URL` may name another server.
#![allow(clippy::print_stdout)] // what an example is for

use std::env;
use std::error::Error;
use std::sync::Arc;

use papr_api::{ApiKey, Attempt, Client, DEFAULT_BASE_URL, TiersRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let key = ApiKey::new(&env::var("PAPR_MEMORY_API_KEY").unwrap_or_default())?;
    let base = env::var("PAPR_BASE_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let ledger = |attempt: &Attempt| {
        let Attempt { bytes_up, bytes_down, elapsed, end, .. } = attempt;
        println!("{bytes_up} bytes up, {bytes_down} bytes down in {} ms: {end:?}", elapsed.as_millis());
    };
    let client = Client::builder(key).base_url(&base).observer(Arc::new(ledger)).build()?;
    let request = TiersRequest { max_tier0: 30, max_tier1: 200, ..TiersRequest::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(client.tiers_each(&request, |tier, memory| {
        let text: String = memory.content.unwrap_or_default().chars().take(60).collect();
        println!("{tier:?} {} {text}", memory.id);
    }))?;
    for skipped in &end.skipped {
        println!("left out: item {} of {}, since {}", skipped.index, skipped.list, skipped.why);
    }
    Ok(())
}

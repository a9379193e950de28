//! Checks a key: `PAPR_MEMORY_API_KEY=… cargo run -p papr-api --example who`. `PAPR_BASE_URL` may name another
//! server.
#![allow(clippy::print_stdout)] // what an example is for

use std::env;
use std::error::Error;
use std::process::ExitCode;

use papr_api::{ApiKey, Client, DEFAULT_BASE_URL};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let key = ApiKey::new(&env::var("PAPR_MEMORY_API_KEY").unwrap_or_default())?;
    let base = env::var("PAPR_BASE_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let client = Client::builder(key.clone()).base_url(&base).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(client.check_key()) {
        Ok(info) => {
            println!("{} accepts the key that ends in {}", client.host(), key.last_four().unwrap_or("****"));
            println!(
                "users of its owner: {}",
                info.users.map_or("not told".to_owned(), |users| users.to_string())
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error}\n{}", error.hint());
            Ok(ExitCode::FAILURE)
        }
    }
}

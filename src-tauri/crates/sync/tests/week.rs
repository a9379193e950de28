//! Scripted weeks over real HTTP with the real store: both sides change, three requests in ten fail, the process is
//! killed; judged by the fake server's log of what it accepted. The same scripts as those of the short weeks in
//! memory, and longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot be set up should stop

mod common;

use common::device::OnDisk;
use common::judge::Told;
use common::script::{Setting, week};
use common::week::Week;
use common::{START, client};
use jiff::Timestamp;
use papr_fake::FakePapr;

fn live(number: u64, steps: usize) -> Told {
    let setting = Setting { cursor: number.is_multiple_of(3), ..Setting::default() };
    let papr = FakePapr::start(setting.options()).unwrap();
    let remote = client(&papr, 0);
    let mut disk = OnDisk::new(Timestamp::from_millisecond(START).unwrap());
    Week::new(&papr, &remote, &mut disk).live(&week(number, steps))
}

#[test]
fn scripted_weeks_converge() {
    let long = std::env::var_os("PAPR_LONG").is_some();
    let (weeks, steps) = if long { (10, 1_200) } else { (4, 150) };
    let mut sum = Told::default();
    for number in 1..=weeks {
        println!("week {number}");
        sum.add(&live(number, steps));
    }
    println!("{weeks} weeks, {sum}");
    assert!(sum.failed > 0 && sum.kills > 0 && sum.listed > 0, "weeks in which nothing happens show nothing");
}

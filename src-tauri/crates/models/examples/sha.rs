#![allow(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout)]
use std::time::Instant;
fn cpu() -> f64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6 }
fn main() {
    let f = std::env::args().nth(1).unwrap();
    for _ in 0..5 {
        let (t, c) = (Instant::now(), cpu());
        let m = papr_models::InstalledModel::open(f.as_ref()).unwrap();
        let (t1, c1) = (t.elapsed(), cpu());
        m.verify(&Default::default()).unwrap();
        println!("open {:?} cpu {:.2} ms; verify {:?} cpu {:.1} ms", t1, c1 - c, t.elapsed() - t1, cpu() - c1);
    }
}

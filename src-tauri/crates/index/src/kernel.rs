//! Dot products, in the widest instructions the processor has.
//!
//! Which ones is found out once, when the process asks first. Every variant gives the same integer sums as the
//! portable one; sums of floats differ by rounding alone. `kernel/x86.rs` and `kernel/neon.rs` hold the only
//! unsafe code of this crate.

use std::sync::OnceLock;

use half::f16;

#[cfg(target_arch = "aarch64")]
mod neon;
mod tables;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use self::tables::BLOCK;
pub use self::tables::Tables;

/// One set of instructions.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// What the processor's maker calls the instructions.
    pub name: &'static str,
    scan: fn(&Codes, &[i8], &mut [i32]),
    pair: fn(&[i8], &[i8]) -> i32,
    dot: fn(&[f32], &[f16]) -> f32,
    agree: fn(&Tables, &[u8], &mut [u16]),
    fetch: fn(&[i8]),
}

/// A query as codes, sixteen times finer than those of rows: it costs nothing, since rows are widened anyway.
#[derive(Clone, Debug)]
pub struct Codes {
    wide: Vec<i16>,
}

impl Codes {
    /// The greatest code: with rows of 8192 codes up to 127, no sum leaves 32 bits.
    pub const GREATEST: i16 = 2047;

    /// Takes codes in -[`Codes::GREATEST`]..=[`Codes::GREATEST`].
    ///
    /// # Panics
    /// If one lies outside: sums might overflow.
    pub fn new(codes: Vec<i16>) -> Self {
        let range = -Self::GREATEST..=Self::GREATEST;
        assert!(codes.iter().all(|code| range.contains(code)), "query codes lie within their range");
        Self { wide: codes }
    }

    /// How many codes there are.
    fn width(&self) -> usize {
        self.wide.len()
    }
}

impl Kernel {
    /// The widest this processor has.
    pub fn best() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().next().unwrap_or(PORTABLE))
    }

    /// All this processor has, the widest first; the portable one is always there, and last.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = x86::available();
        #[cfg(target_arch = "aarch64")]
        let wide = neon::available();
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wide = std::iter::empty();
        wide.chain([PORTABLE])
    }

    /// The dot product of `query` with each row of `rows`, one a place of `sums`.
    ///
    /// # Panics
    /// If `rows` is not as many codes as `sums` times the query's length.
    pub fn scan(self, query: &Codes, rows: &[i8], sums: &mut [i32]) {
        assert_eq!(rows.len(), sums.len() * query.width(), "rows have the query's length");
        if query.width() > 0 {
            (self.scan)(query, rows, sums);
        }
    }

    /// The dot product of two rows of codes in -127..=127.
    ///
    /// # Panics
    /// If they differ in length.
    pub fn pair(self, a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "rows of one space");
        (self.pair)(a, b)
    }

    /// The dot product of `a` and `b`.
    ///
    /// # Panics
    /// If they differ in length.
    pub fn dot(self, a: &[f32], b: &[f16]) -> f32 {
        assert_eq!(a.len(), b.len(), "vectors of one space");
        (self.dot)(a, b)
    }

    /// Says that this row will be read soon, where the processor can be told: it begins to fetch it, and goes on.
    pub fn fetch(self, row: &[i8]) {
        (self.fetch)(row);
    }

    /// For each row of signs, one a place of `sums`: how much of the query's magnitudes stands where the row has
    /// the query's sign. The dot product of query and signs is twice that less [`Tables::total`].
    ///
    /// Rows lie in blocks of 32; of a block, line `l` holds in byte `r` the signs of row `r` at the numbers
    /// `8 l..8 l + 8`, the first in the lowest bit, set where the number is not negative.
    ///
    /// # Panics
    /// If `blocks` is not as many bytes as `sums` and the query's length ask for.
    pub fn agree(self, tables: &Tables, blocks: &[u8], sums: &mut [u16]) {
        let count = sums.len() / BLOCK;
        assert!(sums.len().is_multiple_of(BLOCK), "rows lie in blocks");
        assert_eq!(blocks.len(), count * tables.block_bytes(), "rows have the query's length");
        if tables.block_bytes() > 0 {
            (self.agree)(tables, blocks, sums);
        }
    }
}

/// What any processor can do; the compiler makes of it what it can.
const PORTABLE: Kernel = Kernel {
    name: "portable",
    scan: scan_portable,
    pair: pair_portable,
    dot: dot_portable,
    agree: tables::agree_portable,
    fetch: |_| {},
};

fn scan_portable(query: &Codes, rows: &[i8], sums: &mut [i32]) {
    for (row, sum) in rows.chunks_exact(query.width()).zip(sums) {
        *sum = tail(&query.wide, row);
    }
}

/// At most 8192 · 2047 · 127, just within range.
fn tail(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).map(|(&x, &y)| i32::from(x) * i32::from(i16::from(y))).sum()
}

/// At most 8192 · 127², far within range.
fn pair_portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

/// 16 sums side by side, so that the compiler may use the widest registers it may count on.
fn dot_portable(a: &[f32], b: &[f16]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane].to_f32();
        }
    }
    sums.iter().sum::<f32>() + tail_float(a_rest, b_rest)
}

fn tail_float(a: &[f32], b: &[f16]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y.to_f32()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn says_what_it_runs_on() {
        let names: Vec<_> = Kernel::available().map(|kernel| kernel.name).collect();
        assert_eq!(names.last(), Some(&"portable"), "there is always one that runs");
        assert_eq!(Kernel::best().name, names[0], "the widest is used");
        #[cfg(target_arch = "x86_64")]
        assert_eq!(names.contains(&"AVX2"), std::arch::is_x86_feature_detected!("avx2"));
        #[cfg(target_arch = "aarch64")]
        assert_eq!(names[0], "NEON");
    }

    #[test]
    fn the_widest_rows_of_extremes_do_not_overflow() {
        let (query, row) = (Codes::new(vec![Codes::GREATEST; 8192]), vec![127; 8192]);
        for kernel in Kernel::available() {
            let mut sums = [0];
            kernel.scan(&query, &row, &mut sums);
            assert_eq!(sums, [8192 * 2047 * 127], "{}", kernel.name);
        }
    }

    #[test]
    fn the_longest_query_of_extremes_does_not_overflow() {
        let tables = Tables::new(&vec![15; 4368]);
        for kernel in Kernel::available() {
            let mut sums = [0; 32];
            kernel.agree(&tables, &vec![0xFF; 4368 / 8 * 32], &mut sums);
            assert_eq!(sums, [tables.total(); 32], "{}", kernel.name);
        }
    }

    /// Lengths around the widths of registers, and rows around the blocks that are read together.
    fn shape() -> impl Strategy<Value = (usize, usize)> {
        (prop_oneof![1_usize..140, Just(384), Just(2560)], 0_usize..11)
    }

    proptest! {
        #[test]
        fn every_kernel_counts_alike((width, rows) in shape(), seed in any::<u64>()) {
            let mut state = seed;
            // Extremes are as likely as all else: they are what overflows.
            let mut code = |greatest: i16| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                match state >> 61 {
                    0 => greatest,
                    1 => -greatest,
                    _ => i16::try_from((state >> 33) % 255).unwrap() - 127,
                }
            };
            let query: Vec<i16> = (0..width).map(|_| code(Codes::GREATEST)).collect();
            let codes: Vec<i8> = (0..width * rows).map(|_| i8::try_from(code(127)).unwrap()).collect();
            let expected: Vec<i32> = codes
                .chunks(width)
                .map(|row| query.iter().zip(row).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum())
                .collect();
            for kernel in Kernel::available() {
                let mut sums = vec![0; rows];
                kernel.scan(&Codes::new(query.clone()), &codes, &mut sums);
                prop_assert_eq!(&sums, &expected, "{}: integers leave no room for rounding", kernel.name);
                for pair in codes.chunks(width).collect::<Vec<_>>().windows(2) {
                    prop_assert_eq!(kernel.pair(pair[0], pair[1]), pair_portable(pair[0], pair[1]));
                }
            }
        }

        #[test]
        fn every_kernel_looks_up_alike(
            codes in (0_usize..12).prop_flat_map(|steps| prop::collection::vec(-15_i16..=15, 16 * steps)),
            blocks in 0_usize..4,
            seed in any::<u64>(),
        ) {
            let mut state = seed;
            let bytes: Vec<u8> = (0..blocks * 32 * codes.len() / 8)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            let lines = codes.len() / 8;
            let is_set = |row: usize, at: usize| {
                let line = row / 32 * lines + at / 8;
                bytes[line * 32 + row % 32] >> (at % 8) & 1 == 1
            };
            let tables = Tables::new(&codes);
            for kernel in Kernel::available() {
                let mut sums = vec![0; blocks * 32];
                kernel.agree(&tables, &bytes, &mut sums);
                for (row, &sum) in sums.iter().enumerate() {
                    let signed = |(at, &code): (usize, &i16)| i32::from(if is_set(row, at) { code } else { -code });
                    let dot: i32 = codes.iter().enumerate().map(signed).sum();
                    prop_assert_eq!(2 * i32::from(sum) - i32::from(tables.total()), dot, "{}", kernel.name);
                }
            }
        }

        #[test]
        fn every_kernel_adds_alike(
            pairs in prop_oneof![
                prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 1..140),
                prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 384),
            ],
        ) {
            let a: Vec<f32> = pairs.iter().map(|pair| pair.0).collect();
            let b: Vec<f16> = pairs.iter().map(|pair| f16::from_f32(pair.1)).collect();
            let exact: f64 = a.iter().zip(&b).map(|(&x, y)| f64::from(x) * y.to_f64()).sum();
            for kernel in Kernel::available() {
                let error = (f64::from(kernel.dot(&a, &b)) - exact).abs();
                prop_assert!(error < 2e-5 * pairs.len().max(16) as f64 / 16.0, "{}: {error}", kernel.name);
            }
        }
    }
}

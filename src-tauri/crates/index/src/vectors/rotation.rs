//! A rotation that looks random and is the same every time: it spreads what a vector says evenly over its
//! numbers, so that the signs of these numbers alone tell much of it.
//!
//! Random signs and Walsh–Hadamard transforms in turns take n · log n steps where a random matrix takes n²
//! (Ailon and Chazelle, "The Fast Johnson–Lindenstrauss Transform and Approximate Nearest Neighbors", 2009).

use std::f32::consts::FRAC_1_SQRT_2;

/// Rotated vectors are as long as a multiple of this, zeros being appended first.
pub(super) const MULTIPLE: usize = 16;
/// Three mix well: Andoni and others, "Practical and Optimal LSH for Angular Distance" (2015).
const ROUNDS: usize = 3;

/// How many numbers there are after a rotation of `width`.
pub(super) fn rotated_width(width: usize) -> usize {
    width.next_multiple_of(MULTIPLE)
}

/// The vector, rotated. Norms and dot products stay as they were, up to rounding.
pub(super) fn rotated(numbers: &[f32]) -> Vec<f32> {
    let mut turned = numbers.to_vec();
    turned.resize(rotated_width(numbers.len()), 0.0);
    let width = turned.len();
    let power = (width / 2 + 1).next_power_of_two();
    let mut signs = Signs(width as u64);
    for _ in 0..ROUNDS {
        signs.flip(&mut turned);
        transform(&mut turned[..power]);
        if power < width {
            // A power of two at the front and one at the back cover all; then the halves are mixed. Without new
            // signs, the second would undo the first where they overlap.
            signs.flip(&mut turned);
            transform(&mut turned[width - power..]);
            let (front, back) = turned.split_at_mut(width / 2);
            butterflies(front, back, FRAC_1_SQRT_2);
        }
    }
    turned
}

/// Random bits: SplitMix64 (Steele, Lea and Flood, 2014).
struct Signs(u64);

impl Signs {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Changes the sign of about half of the numbers.
    fn flip(&mut self, numbers: &mut [f32]) {
        for some in numbers.chunks_mut(32) {
            let bits = (self.next() >> 32) as u32;
            for (at, number) in (0_u32..).zip(some) {
                *number = f32::from_bits(number.to_bits() ^ ((bits << (31 - at)) & 0x8000_0000));
            }
        }
    }
}

/// The Walsh–Hadamard transform of as many numbers as a power of two, scaled so that norms stay.
fn transform(numbers: &mut [f32]) {
    let scale = 1.0 / (numbers.len() as f32).sqrt();
    // The first two steps in one: neighbours fit no register of their own.
    for four in numbers.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = four.map(|number| number * scale);
        let (ab, a_b, cd, c_d) = (a + b, a - b, c + d, c - d);
        *four = [ab + cd, a_b + c_d, ab - cd, a_b - c_d];
    }
    let mut half = 4;
    while half < numbers.len() {
        for pair in numbers.chunks_exact_mut(2 * half) {
            let (front, back) = pair.split_at_mut(half);
            butterflies(front, back, 1.0);
        }
        half *= 2;
    }
}

/// Puts sums in the place of `front` and differences in that of `back`.
#[inline]
fn butterflies(front: &mut [f32], back: &mut [f32], scale: f32) {
    for (a, b) in front.iter_mut().zip(back) {
        (*a, *b) = ((*a + *b) * scale, (*a - *b) * scale);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn dot_products_stay(
            pairs in (prop_oneof![1_usize..300, Just(384), Just(2560)])
                .prop_flat_map(|width| prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), width)),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (turned, other) = (rotated(&a), rotated(&b));
            let size = (dot(&a, &a) * dot(&b, &b)).sqrt().max(1.0);
            prop_assert!((dot(&turned, &other) - dot(&a, &b)).abs() < 1e-5 * size);
            prop_assert_eq!(turned.len(), rotated_width(a.len()));
        }
    }

    #[test]
    fn what_one_number_says_is_spread_over_all() {
        for width in [128, 384, 1000, 1024, 2560, 4096] {
            for at in [0, width / 3, width - 1] {
                let mut single = vec![0.0; width];
                single[at] = 1.0;
                let turned = rotated(&single);
                let greatest = turned.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
                let even = 1.0 / (turned.len() as f32).sqrt();
                assert!(greatest < 5.5 * even, "{width}, {at}: {greatest} where all alike were {even}");
            }
        }
    }
}

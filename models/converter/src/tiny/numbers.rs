//! The generator of made-up weights.
//!
//! Number `i` of the tensor `name`, from 0 and row-major: SplitMix64's output function (Steele, Lea and Flood,
//! "Fast splittable pseudorandom number generators", 2014) of `seed + (i + 1) * 0x9e3779b97f4a7c15`, where
//! `seed` is the 64-bit FNV-1a hash of the name; its 24 highest bits as `u`; `(u - 2^23) / 2^23`, which a
//! 32-bit number holds exactly and is in [-1, 1). A matrix of `n` inputs has them times `2^(1 - log2(n)/2)`, the
//! half rounded down, and the vocabulary and vectors times 1; a vector, which is a norm's weight, then has an
//! eighth of them plus 1. All but that last sum is exact, and it is rounded once: every machine makes the same
//! bits.

/// The numbers of tensor `name`.
pub(super) fn of(name: &str, shape: &[usize]) -> Vec<f32> {
    let seed = fnv1a(name.as_bytes());
    let count = shape.iter().product::<usize>() as u64;
    let units = (1..=count).map(|index| unit(mixed(seed.wrapping_add(index.wrapping_mul(GOLDEN)))));
    match shape {
        [_] => units.map(|number| 1.0 + number / 8.0).collect(),
        [_, inputs] if !name.starts_with("embed_tokens") => {
            let scale = 2.0_f32 / (1_u32 << (inputs.ilog2() / 2)) as f32;
            units.map(|number| number * scale).collect()
        }
        _ => units.collect(),
    }
}

/// 2⁶⁴ divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In [-1, 1), exactly.
fn unit(bits: u64) -> f32 {
    const HALF: f32 = 8_388_608.0;
    // 24 bits, which a 32-bit number holds.
    let bits = (bits >> 40) as f32;
    (bits - HALF) / HALF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs of SplitMix64 from the seed 1234567, and FNV-1a's test vector for "a".
        let outputs =
            [1_u64, 2, 3].map(|index| mixed(1_234_567_u64.wrapping_add(index.wrapping_mul(GOLDEN))));
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn numbers_are_within_their_bounds() {
        let of_matrix = of("layers.0.mlp.up_proj.weight", &[3, 64]);
        assert!(of_matrix.iter().all(|number| number.abs() <= 0.25));
        assert!(of_matrix.iter().any(|number| number.abs() > 0.2));
        assert!(of("norm.weight", &[64]).iter().all(|number| (number - 1.0).abs() <= 0.125));
    }
}

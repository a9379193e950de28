//! AVX-512 and AVX2. The functions are unsafe to call where the processor lacks the instructions; only
//! [`available`] hands them out, after it has asked the processor.
#![allow(unsafe_code)] // intrinsics; each block says why it is sound
#![allow(clippy::cast_ptr_alignment)] // the loads take any address

use std::arch::x86_64::{
    __m128i, __m256, __m256i, __m512i, _MM_HINT_T0, _mm_add_epi32, _mm_add_ps, _mm_add_ss, _mm_cvtsi128_si32,
    _mm_cvtss_f32, _mm_loadu_si128, _mm_movehl_ps, _mm_prefetch, _mm_shuffle_epi32, _mm_shuffle_ps,
    _mm256_abs_epi8, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_castps256_ps128, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_cvtph_ps,
    _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sign_epi8, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm512_add_epi32,
    _mm512_cvtepi8_epi16, _mm512_loadu_si512, _mm512_madd_epi16, _mm512_reduce_add_epi32,
    _mm512_setzero_si512,
};

use half::f16;

use super::tables::{BLOCK, Tables};
use super::{Codes, Kernel, pair_portable, tail, tail_float};

/// What this processor has, the widest first.
pub(super) fn available() -> impl Iterator<Item = Kernel> {
    use std::arch::is_x86_feature_detected as has;
    let avx2 = has!("avx2") && has!("fma") && has!("f16c");
    let avx512 = avx2 && has!("avx512f") && has!("avx512bw");
    let avx512 = avx512.then_some(Kernel {
        name: "AVX-512",
        // SAFETY: the instructions are there, as was asked above.
        scan: |query, rows, sums| unsafe { scan_avx512(query, rows, sums) },
        // SAFETY: as above.
        pair: |a, b| unsafe { pair_avx512(a, b) },
        // SAFETY: as above. Rescoring touches few rows, so half of the width does.
        dot: |a, b| unsafe { dot_avx2(a, b) },
        // SAFETY: as above.
        agree: |tables, blocks, sums| unsafe { agree_avx2(tables, blocks, sums) },
        fetch: |row| prefetch(&row[..row.len().min(FETCHED)], 0),
    });
    let avx2 = avx2.then_some(Kernel {
        name: "AVX2",
        // SAFETY: the instructions are there, as was asked above.
        scan: |query, rows, sums| unsafe { scan_avx2(query, rows, sums) },
        // SAFETY: as above.
        pair: |a, b| unsafe { pair_avx2(a, b) },
        // SAFETY: as above.
        dot: |a, b| unsafe { dot_avx2(a, b) },
        // SAFETY: as above.
        agree: |tables, blocks, sums| unsafe { agree_avx2(tables, blocks, sums) },
        fetch: |row| prefetch(&row[..row.len().min(FETCHED)], 0),
    });
    avx512.into_iter().chain(avx2)
}

/// How far ahead of the scan memory is asked for, in bytes: about what is read while one line comes.
const AHEAD: usize = 8192;
/// A line of the cache, in bytes.
const LINE: usize = 64;

/// How much of a row is asked for before it is read, in bytes: the processor sees by then how it goes on.
const FETCHED: usize = 1024;

/// Asks for what lies `ahead` bytes behind `bytes`.
#[inline]
fn prefetch<T>(bytes: &[T], ahead: usize) {
    for line in (0..size_of_val(bytes)).step_by(LINE) {
        // SAFETY: a prefetch reads nothing that the program sees, and an address that is not there is passed over.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().cast::<i8>().wrapping_add(ahead + line)) };
    }
}

/// Query codes times row codes, 16 of each, in eight sums.
#[target_feature(enable = "avx2")]
fn products_avx2(query: &[i16; 16], row: &[i8; 16]) -> __m256i {
    // SAFETY: both are arrays of exactly the bytes that are loaded, and loads may be unaligned.
    let (query, row) = unsafe {
        (
            _mm256_loadu_si256(query.as_ptr().cast::<__m256i>()),
            _mm_loadu_si128(row.as_ptr().cast::<__m128i>()),
        )
    };
    _mm256_madd_epi16(query, _mm256_cvtepi8_epi16(row))
}

#[target_feature(enable = "avx2")]
fn scan_avx2(query: &Codes, rows: &[i8], sums: &mut [i32]) {
    let (pairs, rest) = query.wide.as_chunks::<32>();
    for (row, sum) in rows.chunks_exact(query.wide.len()).zip(sums) {
        prefetch(row, AHEAD);
        let (codes, codes_rest) = row.as_chunks::<32>();
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (x, y) in pairs.iter().zip(codes) {
            let ([x_even, x_odd], [y_even, y_odd]) = (halves(x), halves(y));
            even = _mm256_add_epi32(even, products_avx2(x_even, y_even));
            odd = _mm256_add_epi32(odd, products_avx2(x_odd, y_odd));
        }
        *sum = sum_avx2(_mm256_add_epi32(even, odd)) + tail(rest, codes_rest);
    }
}

/// Query codes times row codes, 32 of each, in sixteen sums.
#[target_feature(enable = "avx512f,avx512bw")]
fn products_avx512(query: &[i16; 32], row: &[i8; 32]) -> __m512i {
    // SAFETY: both are arrays of exactly the bytes that are loaded, and loads may be unaligned.
    let (query, row) = unsafe {
        (_mm512_loadu_si512(query.as_ptr().cast()), _mm256_loadu_si256(row.as_ptr().cast::<__m256i>()))
    };
    _mm512_madd_epi16(query, _mm512_cvtepi8_epi16(row))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn scan_avx512(query: &Codes, rows: &[i8], sums: &mut [i32]) {
    let (blocks, rest) = query.wide.as_chunks::<32>();
    for (row, sum) in rows.chunks_exact(query.wide.len()).zip(sums) {
        prefetch(row, AHEAD);
        let (codes, codes_rest) = row.as_chunks::<32>();
        let mut total = _mm512_setzero_si512();
        for (x, y) in blocks.iter().zip(codes) {
            total = _mm512_add_epi32(total, products_avx512(x, y));
        }
        *sum = _mm512_reduce_add_epi32(total) + tail(rest, codes_rest);
    }
}

/// The bytes of both, multiplied without their signs and with the product's: two such products stay within
/// 16 bits, codes being at most 127.
#[target_feature(enable = "avx2")]
fn pair_avx2(a: &[i8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<32>(), b.as_chunks::<32>());
    let (ones, mut total) = (_mm256_set1_epi16(1), _mm256_setzero_si256());
    for (x, y) in a.iter().zip(b) {
        // SAFETY: both are arrays of exactly the bytes that are loaded, and loads may be unaligned.
        let (x, y) = unsafe {
            (
                _mm256_loadu_si256(x.as_ptr().cast::<__m256i>()),
                _mm256_loadu_si256(y.as_ptr().cast::<__m256i>()),
            )
        };
        let products = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
        total = _mm256_add_epi32(total, _mm256_madd_epi16(products, ones));
    }
    sum_avx2(total) + pair_portable(a_rest, b_rest)
}

/// 32 rows at a time, one in each byte: sums of four lookups, at most 240, then widened to 16 bits.
#[target_feature(enable = "avx2")]
fn agree_avx2(tables: &Tables, blocks: &[u8], sums: &mut [u16]) {
    let (half, byte) = (_mm256_set1_epi8(15), _mm256_set1_epi16(0x00FF));
    let sums = sums.as_chunks_mut::<BLOCK>().0;
    for (block, sums) in blocks.chunks_exact(tables.block_bytes()).zip(sums) {
        prefetch(block, AHEAD);
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (lines, step) in block.as_chunks::<64>().0.iter().zip(tables.steps()) {
            let [first, second] = halves(lines).map(|line| load_avx2(line));
            let look_up =
                |table: &[u8; 32], bits| _mm256_shuffle_epi8(load_avx2(table), _mm256_and_si256(bits, half));
            let front =
                _mm256_add_epi8(look_up(&step[0], first), look_up(&step[1], _mm256_srli_epi16::<4>(first)));
            let back =
                _mm256_add_epi8(look_up(&step[2], second), look_up(&step[3], _mm256_srli_epi16::<4>(second)));
            let all = _mm256_add_epi8(front, back);
            even = _mm256_add_epi16(even, _mm256_and_si256(all, byte));
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(all));
        }
        // Rows 0..8 and 16..24, then 8..16 and 24..32.
        let (low, high) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
        let [front, back] = sums.as_chunks_mut::<16>().0 else { continue };
        store_avx2(_mm256_permute2x128_si256::<0x20>(low, high), front);
        store_avx2(_mm256_permute2x128_si256::<0x31>(low, high), back);
    }
}

#[target_feature(enable = "avx2")]
fn load_avx2(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: an array of exactly the bytes that are loaded, and loads may be unaligned.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store_avx2(sums: __m256i, place: &mut [u16; 16]) {
    // SAFETY: an array of exactly the bytes that are stored, and stores may be unaligned.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), sums) }
}

/// The sum of eight sums.
#[target_feature(enable = "avx2")]
fn sum_avx2(total: __m256i) -> i32 {
    let half = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256::<1>(total));
    let quarter = _mm_add_epi32(half, _mm_shuffle_epi32::<0b00_00_11_10>(half));
    _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32::<0b00_00_00_01>(quarter)))
}

/// 32 codes as 16-bit numbers.
#[target_feature(enable = "avx512f,avx512bw")]
fn widened_avx512(codes: &[i8; 32]) -> __m512i {
    // SAFETY: an array of exactly the bytes that are loaded, and loads may be unaligned.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(codes.as_ptr().cast::<__m256i>()) })
}

#[target_feature(enable = "avx512f,avx512bw")]
fn pair_avx512(a: &[i8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<64>(), b.as_chunks::<64>());
    let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for (x, y) in a.iter().zip(b) {
        let ([x_even, x_odd], [y_even, y_odd]) = (halves(x), halves(y));
        even = _mm512_add_epi32(even, _mm512_madd_epi16(widened_avx512(x_even), widened_avx512(y_even)));
        odd = _mm512_add_epi32(odd, _mm512_madd_epi16(widened_avx512(x_odd), widened_avx512(y_odd)));
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd)) + pair_portable(a_rest, b_rest)
}

/// Adds eight products to eight sums.
#[target_feature(enable = "avx2,fma,f16c")]
fn add_products(a: &[f32; 8], b: &[f16; 8], sums: __m256) -> __m256 {
    // SAFETY: both are arrays of exactly the bytes that are loaded, and loads may be unaligned.
    let (a, b) = unsafe { (_mm256_loadu_ps(a.as_ptr()), _mm_loadu_si128(b.as_ptr().cast::<__m128i>())) };
    _mm256_fmadd_ps(a, _mm256_cvtph_ps(b), sums)
}

#[target_feature(enable = "avx2,fma,f16c")]
fn dot_avx2(a: &[f32], b: &[f16]) -> f32 {
    let (a_pairs, a_rest) = a.as_chunks::<16>();
    let (b_pairs, b_rest) = b.as_chunks::<16>();
    let (mut even, mut odd) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    for (x, y) in a_pairs.iter().zip(b_pairs) {
        let ([x_even, x_odd], [y_even, y_odd]) = (halves(x), halves(y));
        even = add_products(x_even, y_even, even);
        odd = add_products(x_odd, y_odd, odd);
    }
    let total = _mm256_add_ps(even, odd);
    let four = _mm_add_ps(_mm256_castps256_ps128(total), _mm256_extractf128_ps::<1>(total));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    let one = _mm_add_ss(two, _mm_shuffle_ps::<1>(two, two));
    _mm_cvtss_f32(one) + tail_float(a_rest, b_rest)
}

/// An array in two parts of equal length.
#[inline]
fn halves<T, const WHOLE: usize, const HALF: usize>(array: &[T; WHOLE]) -> [&[T; HALF]; 2] {
    const { assert!(WHOLE == 2 * HALF) };
    let (parts, _) = array.as_chunks::<HALF>();
    [&parts[0], &parts[1]]
}

//! NEON, which every 64-bit ARM processor has. Rows are scanned with it; the few that are computed in full go
//! the portable way, which the compiler turns into NEON by itself.
#![allow(unsafe_code)] // loads; the block says why they are sound

use std::arch::aarch64::{
    uint8x16_t, vaddq_s32, vaddq_u8, vaddvq_s32, vaddw_high_u8, vaddw_u8, vandq_u8, vdupq_n_s32, vdupq_n_u8,
    vdupq_n_u16, vget_low_s8, vget_low_s16, vget_low_u8, vld1q_s8, vld1q_s16, vld1q_u8, vmlal_high_s16,
    vmlal_s16, vmovl_high_s8, vmovl_s8, vqtbl1q_u8, vshrq_n_u8, vst1q_u16,
};

use super::tables::{BLOCK, Tables};
use super::{Codes, Kernel, dot_portable, pair_portable, tail};

/// What this processor has.
pub(super) fn available() -> impl Iterator<Item = Kernel> {
    std::iter::once(Kernel { name: "NEON", scan, pair, dot: dot_portable, agree, fetch: |_| {} })
}

fn scan(query: &Codes, rows: &[i8], sums: &mut [i32]) {
    const LANES: usize = 16;
    let (blocks, rest) = query.wide.as_chunks::<LANES>();
    for (row, sum) in rows.chunks_exact(query.wide.len()).zip(sums) {
        let (codes, codes_rest) = row.as_chunks::<LANES>();
        let mut total = [vdupq_n_s32(0); 4];
        for (x, y) in blocks.iter().zip(codes) {
            // SAFETY: `x` is 16 numbers of 2 bytes, `y` 16 of one: exactly what is loaded.
            let (low, high, y) =
                unsafe { (vld1q_s16(x.as_ptr()), vld1q_s16(x.as_ptr().add(8)), vld1q_s8(y.as_ptr())) };
            let (y_low, y_high) = (vmovl_s8(vget_low_s8(y)), vmovl_high_s8(y));
            total[0] = vmlal_s16(total[0], vget_low_s16(low), vget_low_s16(y_low));
            total[1] = vmlal_high_s16(total[1], low, y_low);
            total[2] = vmlal_s16(total[2], vget_low_s16(high), vget_low_s16(y_high));
            total[3] = vmlal_high_s16(total[3], high, y_high);
        }
        let total = vaddq_s32(vaddq_s32(total[0], total[1]), vaddq_s32(total[2], total[3]));
        *sum = vaddvq_s32(total) + tail(rest, codes_rest);
    }
}

fn pair(a: &[i8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut total = [vdupq_n_s32(0); 4];
    for (x, y) in a.iter().zip(b) {
        // SAFETY: both are 16 numbers of one byte: exactly what is loaded.
        let (x, y) = unsafe { (vld1q_s8(x.as_ptr()), vld1q_s8(y.as_ptr())) };
        let (x_low, x_high) = (vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x));
        let (y_low, y_high) = (vmovl_s8(vget_low_s8(y)), vmovl_high_s8(y));
        total[0] = vmlal_s16(total[0], vget_low_s16(x_low), vget_low_s16(y_low));
        total[1] = vmlal_high_s16(total[1], x_low, y_low);
        total[2] = vmlal_s16(total[2], vget_low_s16(x_high), vget_low_s16(y_high));
        total[3] = vmlal_high_s16(total[3], x_high, y_high);
    }
    let total = vaddq_s32(vaddq_s32(total[0], total[1]), vaddq_s32(total[2], total[3]));
    vaddvq_s32(total) + pair_portable(a_rest, b_rest)
}

/// 16 rows at a time, one in each byte: sums of four lookups, at most 240, then widened to 16 bits.
fn agree(tables: &Tables, blocks: &[u8], sums: &mut [u16]) {
    const LANES: usize = 16;
    for (block, sums) in blocks.chunks_exact(tables.block_bytes()).zip(sums.as_chunks_mut::<BLOCK>().0) {
        let lines = block.as_chunks::<LANES>().0;
        for (side, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let (mut low, mut high) = (vdupq_n_u16(0), vdupq_n_u16(0));
            for (lines, step) in lines.as_chunks::<4>().0.iter().zip(tables.steps()) {
                let (first, second) = (load(&lines[side]), load(&lines[2 + side]));
                let front =
                    vaddq_u8(look_up(&step[0], lower(first)), look_up(&step[1], vshrq_n_u8::<4>(first)));
                let back =
                    vaddq_u8(look_up(&step[2], lower(second)), look_up(&step[3], vshrq_n_u8::<4>(second)));
                let all = vaddq_u8(front, back);
                low = vaddw_u8(low, vget_low_u8(all));
                high = vaddw_high_u8(high, all);
            }
            let [front, back] = sums.as_chunks_mut::<8>().0 else { continue };
            // SAFETY: both are arrays of exactly the 8 numbers that are stored.
            unsafe {
                vst1q_u16(front.as_mut_ptr(), low);
                vst1q_u16(back.as_mut_ptr(), high);
            }
        }
    }
}

/// The lower half of each byte.
fn lower(bytes: uint8x16_t) -> uint8x16_t {
    vandq_u8(bytes, vdupq_n_u8(15))
}

/// What a table has for each byte, all below 16.
fn look_up(table: &[u8; 32], bytes: uint8x16_t) -> uint8x16_t {
    // SAFETY: the table's first half is exactly what is loaded.
    vqtbl1q_u8(unsafe { vld1q_u8(table.as_ptr()) }, bytes)
}

fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: an array of exactly the bytes that are loaded.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

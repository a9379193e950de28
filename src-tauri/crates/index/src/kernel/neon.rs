//! NEON, which every 64-bit ARM processor has. Rows are scanned with it; the few that are computed in full go
//! the portable way, which the compiler turns into NEON by itself.
#![allow(unsafe_code)] // loads; the block says why they are sound

use std::arch::aarch64::{
    vaddq_s32, vaddvq_s32, vdupq_n_s32, vget_low_s8, vget_low_s16, vld1q_s8, vld1q_s16, vmlal_high_s16,
    vmlal_s16, vmovl_high_s8, vmovl_s8,
};

use super::{Codes, Kernel, dot_portable, pair_portable, tail};

/// What this processor has.
pub(super) fn available() -> impl Iterator<Item = Kernel> {
    std::iter::once(Kernel { name: "NEON", scan, pair, dot: dot_portable })
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

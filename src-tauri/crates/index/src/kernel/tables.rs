//! A query as tables: what each pattern of four signs adds, so that a row of signs is looked up, not computed.
//!
//! The lookups are those of "fast scan": André, Kermarrec, Le Scouarnec, "Cache locality is not enough:
//! high-performance nearest neighbor search with product quantization fast scan" (2015).

/// How many numbers a table covers: as many as a half byte has bits.
const GROUP: usize = 4;
/// How many numbers are added up in 8 bits before the sum is widened: four groups.
const STEP: usize = 16;
/// How many rows lie side by side: one in each byte of a register.
pub(crate) const BLOCK: usize = 32;

/// For each group of four numbers of a query, sixteen sums: of the magnitudes whose sign a row has too.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The sixteen sums of each group, twice: a register looks 16 up in each half.
    groups: Vec<[u8; 32]>,
    total: u16,
}

impl Tables {
    /// The greatest magnitude: four groups of four stay within 8 bits.
    pub const GREATEST: i16 = 15;

    /// Takes codes in -[`Tables::GREATEST`]..=[`Tables::GREATEST`], a multiple of 16.
    ///
    /// # Panics
    /// If one lies outside, if they are of another length, or if their magnitudes add up to more than 65,535.
    pub fn new(codes: &[i16]) -> Self {
        let range = -Self::GREATEST..=Self::GREATEST;
        assert!(codes.iter().all(|code| range.contains(code)), "query codes lie within their range");
        assert!(codes.len().is_multiple_of(STEP), "codes fill registers");
        let total: u32 = codes.iter().map(|code| u32::from(code.unsigned_abs())).sum();
        let total = u16::try_from(total);
        assert!(total.is_ok(), "magnitudes add up within 16 bits");
        let (groups, _) = codes.as_chunks::<GROUP>();
        Self { groups: groups.iter().copied().map(sums).collect(), total: total.unwrap_or(u16::MAX) }
    }

    /// All magnitudes together: the sum of a row that has every sign of the query.
    pub fn total(&self) -> u16 {
        self.total
    }

    /// Bytes of a block of rows.
    pub(crate) fn block_bytes(&self) -> usize {
        self.groups.len() * BLOCK / 2
    }

    /// Tables that are added up in 8 bits: two pairs, one for each line of a block.
    pub(super) fn steps(&self) -> &[[[u8; 32]; STEP / GROUP]] {
        self.groups.as_chunks().0
    }
}

/// What each pattern of a group adds.
fn sums(codes: [i16; GROUP]) -> [u8; 32] {
    let sum = |pattern: usize| -> u8 {
        let agrees = |&(bit, &code): &(usize, &i16)| (pattern >> bit & 1 == 1) == (code >= 0);
        let agreeing = codes.iter().enumerate().filter(agrees);
        agreeing.map(|(_, code)| u8::try_from(code.unsigned_abs()).unwrap_or(u8::MAX)).sum()
    };
    std::array::from_fn(|at| sum(at % 16))
}

/// Sums up row by row; any processor can.
pub(super) fn agree_portable(tables: &Tables, blocks: &[u8], sums: &mut [u16]) {
    for (block, sums) in blocks.chunks_exact(tables.block_bytes()).zip(sums.as_chunks_mut::<BLOCK>().0) {
        sums.fill(0);
        let lines = block.as_chunks::<BLOCK>().0;
        for (line, pair) in lines.iter().zip(tables.groups.as_chunks::<2>().0) {
            for (sum, byte) in sums.iter_mut().zip(line) {
                let (low, high) = (pair[0][usize::from(byte & 15)], pair[1][usize::from(byte >> 4)]);
                *sum += u16::from(low) + u16::from(high);
            }
        }
    }
}

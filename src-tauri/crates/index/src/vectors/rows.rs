//! Rows in chunks, each with the memories it stands for.
//!
//! A row that stands for nobody is dead: its numbers stay until it is used again or its part is built anew.
//! One row stands for all memories whose vectors are the same to the last bit.

use std::sync::Arc;

use half::f16;
use papr_memory::{Dims, MemoryId};

use super::chunk::{Chunk, Coding};
use super::probe::{Finalists, Probe, Spot};
use super::signs::{self, block_bytes};
use crate::kernel;
use crate::selection::Selection;
use crate::words::Slot;

/// A memory that a row stands for, and the slot that selections know it by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) id: MemoryId,
    pub(super) slot: Slot,
}

/// The memories a row stands for.
#[derive(Clone, Debug, Default)]
pub(super) enum Owners {
    #[default]
    Nobody,
    One(Owner),
    Many(Vec<Owner>),
}

impl Owners {
    pub(super) fn as_slice(&self) -> &[Owner] {
        match self {
            Self::Nobody => &[],
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(all) => all,
        }
    }

    /// Adds a memory; of one that is here, the slot is this one from now on.
    fn add(&mut self, owner: Owner) {
        *self = match std::mem::take(self) {
            Self::One(first) if first.id != owner.id => Self::Many(vec![first, owner]),
            Self::Nobody | Self::One(_) => Self::One(owner),
            Self::Many(mut all) => {
                match all.iter_mut().find(|other| other.id == owner.id) {
                    Some(same) => *same = owner,
                    None => all.push(owner),
                }
                Self::Many(all)
            }
        };
    }

    fn remove(&mut self, id: MemoryId) {
        *self = match std::mem::take(self) {
            Self::Nobody => Self::Nobody,
            Self::One(only) if only.id == id => Self::Nobody,
            Self::One(other) => Self::One(other),
            Self::Many(mut all) => {
                all.retain(|other| other.id != id);
                match all.as_slice() {
                    [] => Self::Nobody,
                    [only] => Self::One(*only),
                    _ => Self::Many(all),
                }
            }
        };
    }

    fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }
}

/// Rows of one width. A clone shares all chunks; a write copies the chunk it changes, if it is shared.
///
/// Row `r` stands in chunk `r / per_chunk`. A chunk may have fewer rows: the numbers that are missing are rows
/// that never were.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    dims: Dims,
    per_chunk: usize,
    /// `per_chunk` is 2 to this power.
    shift: u32,
    chunks: Vec<Arc<Chunk>>,
    owners: Vec<Arc<Vec<Owners>>>,
    live: usize,
}

impl Rows {
    pub(super) fn new(dims: Dims) -> Self {
        let per_chunk = Chunk::rows(dims);
        let shift = per_chunk.trailing_zeros();
        Self { dims, per_chunk, shift, chunks: Vec::new(), owners: Vec::new(), live: 0 }
    }

    /// How many numbers a row has.
    pub(super) fn width(&self) -> usize {
        self.dims.get()
    }

    /// How many rows stand for somebody.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    fn at(&self, row: u32) -> (usize, usize) {
        let row = row as usize;
        (row >> self.shift, row & (self.per_chunk - 1))
    }

    fn number(&self, chunk: usize, at: usize) -> u32 {
        u32::try_from(chunk * self.per_chunk + at).unwrap_or(u32::MAX)
    }

    pub(super) fn numbers(&self, row: u32) -> &[f16] {
        let (chunk, at) = self.at(row);
        self.chunks[chunk].numbers(at)
    }

    /// The chunk a row stands in, its place there, and how to read its codes.
    pub(super) fn codes(&self, row: u32) -> (&Arc<Chunk>, usize, Coding) {
        let (chunk, at) = self.at(row);
        (&self.chunks[chunk], at, self.chunks[chunk].coding(at))
    }

    pub(super) fn owners(&self, row: u32) -> &[Owner] {
        let (chunk, at) = self.at(row);
        self.owners.get(chunk).and_then(|owners| owners.get(at)).map_or(&[], Owners::as_slice)
    }

    /// Which rows of a chunk stand for somebody who is selected, in order.
    pub(super) fn selected<'a>(
        &'a self,
        chunk: usize,
        among: &'a Selection,
    ) -> impl Iterator<Item = bool> + 'a {
        let is = |owner: &Owner| among.has(owner.slot);
        self.owners[chunk].iter().map(move |owners| match owners {
            Owners::Nobody => false,
            Owners::One(only) => is(only),
            Owners::Many(all) => all.iter().any(is),
        })
    }

    pub(super) fn add_owner(&mut self, row: u32, owner: Owner) {
        let (chunk, at) = self.at(row);
        let owners = &mut Arc::make_mut(&mut self.owners[chunk])[at];
        self.live += usize::from(owners.is_nobody());
        owners.add(owner);
    }

    /// Takes a memory off its row; whether the row is dead now.
    pub(super) fn remove_owner(&mut self, row: u32, id: MemoryId) -> bool {
        let (chunk, at) = self.at(row);
        let owners = &mut Arc::make_mut(&mut self.owners[chunk])[at];
        let was_live = !owners.is_nobody();
        owners.remove(id);
        let died = was_live && owners.is_nobody();
        self.live -= usize::from(died);
        died
    }

    /// Appends a row that stands for `owner`.
    pub(super) fn push(&mut self, numbers: &[f16], owner: Owner) -> u32 {
        let row = self.append(|chunk| chunk.push(numbers));
        self.add_owner(row, owner);
        row
    }

    /// Uses a dead row again.
    pub(super) fn reuse(&mut self, row: u32, numbers: &[f16], owner: Owner) {
        let (chunk, at) = self.at(row);
        Arc::make_mut(&mut self.chunks[chunk]).set(at, numbers);
        self.add_owner(row, owner);
    }

    fn append(&mut self, push: impl FnOnce(&mut Chunk)) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= self.per_chunk) {
            self.chunks.push(Arc::new(Chunk::with_room(self.dims.get(), self.per_chunk)));
            self.owners.push(Arc::new(Vec::with_capacity(self.per_chunk)));
        }
        let chunk = self.chunks.len() - 1;
        let at = self.chunks[chunk].len();
        push(Arc::make_mut(&mut self.chunks[chunk]));
        Arc::make_mut(&mut self.owners[chunk]).push(Owners::Nobody);
        self.number(chunk, at)
    }

    /// The live rows of `sources` for which `wanted` holds, in new rows; chunks of which nearly all is wanted
    /// are shared, not copied. What is not wanted of a shared chunk is dead here.
    pub(super) fn gather<'a>(
        dims: Dims,
        sources: impl Iterator<Item = &'a Rows>,
        wanted: impl Fn(&[f16]) -> bool,
    ) -> Self {
        let (mut gathered, mut loose) = (Self::new(dims), Self::new(dims));
        for (chunk, owners) in sources.flat_map(|rows| rows.chunks.iter().zip(&rows.owners)) {
            let kept: Vec<bool> =
                (0..chunk.len()).map(|at| !owners[at].is_nobody() && wanted(chunk.numbers(at))).collect();
            let count = kept.iter().filter(|&&kept| kept).count();
            if count * 5 >= gathered.per_chunk * 4 {
                let owners = owners.iter().zip(&kept);
                let owners = owners.map(|(owners, &kept)| if kept { owners.clone() } else { Owners::Nobody });
                gathered.chunks.push(chunk.clone());
                gathered.owners.push(Arc::new(owners.collect()));
                gathered.live += count;
            } else {
                for at in (0..chunk.len()).filter(|&at| kept[at]) {
                    let row = loose.append(|fresh| fresh.push_from(chunk, at));
                    owners[at].as_slice().iter().for_each(|&owner| loose.add_owner(row, owner));
                }
            }
        }
        gathered.chunks.append(&mut loose.chunks);
        gathered.owners.append(&mut loose.owners);
        gathered.live += loose.live;
        gathered
    }

    /// The live rows, in order, with their numbers and owners.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[f16], &[Owner])> {
        self.chunks.iter().zip(&self.owners).enumerate().flat_map(move |(number, (chunk, owners))| {
            let live = owners.iter().enumerate().filter(|(_, owners)| !owners.is_nobody());
            live.map(move |(at, owners)| (self.number(number, at), chunk.numbers(at), owners.as_slice()))
        })
    }

    /// Whether a row here and one of other rows are the same numbers.
    pub(super) fn same(&self, row: u32, other: &Self, other_row: u32) -> bool {
        let ((chunk, at), (other_chunk, other_at)) = (self.at(row), other.at(other_row));
        let shared = Arc::ptr_eq(&self.chunks[chunk], &other.chunks[other_chunk]) && at == other_at;
        shared || self.numbers(row) == other.numbers(other_row)
    }

    /// How many chunks there are.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn chunk(&self, number: usize) -> &Chunk {
        &self.chunks[number]
    }

    /// The numbers of the rows of a full chunk, in order.
    pub(super) fn numbers_of(&self, chunk: usize) -> impl Iterator<Item = u32> {
        let first = self.number(chunk, 0);
        first..first.saturating_add(u32::try_from(self.per_chunk).unwrap_or(u32::MAX))
    }

    /// How many rows a full chunk has.
    pub(super) fn per_chunk(&self) -> usize {
        self.per_chunk
    }

    /// Bytes of a full chunk that a scan reads, whatever it finds.
    pub(super) fn scanned_bytes(&self) -> usize {
        let signs = block_bytes(self.width()) * self.per_chunk / kernel::BLOCK;
        if self.width() < signs::LEAST_WIDTH { self.per_chunk * self.width() } else { signs }
    }

    /// The least and greatest the cosine of a row to the probe can be.
    pub(super) fn bounds(&self, probe: &Probe<'_>, row: u32) -> (f32, f32) {
        let (chunk, at, coding) = self.codes(row);
        let mut sum = [0];
        probe.kernel.scan(&probe.codes, chunk.codes(at), &mut sum);
        probe.bounds(sum[0], coding)
    }

    /// Says that the bounds of a row will be asked for soon.
    pub(super) fn fetch(&self, probe: &Probe<'_>, row: u32) {
        let (chunk, at) = self.at(row);
        probe.kernel.fetch(self.chunks[chunk].codes(at));
    }

    /// Offers one row.
    pub(super) fn offer(&self, probe: &Probe<'_>, spot: Spot, finalists: &mut Finalists) {
        finalists.offer(self.bounds(probe, spot.row), spot);
    }

    /// The cosine of a row to the probe, up to rounding.
    pub(super) fn cosine(&self, probe: &Probe<'_>, row: u32) -> f32 {
        probe.kernel.dot(probe.numbers, self.numbers(row))
    }

    /// Bytes held for 16-bit numbers, for codes, and for who owns what.
    pub(super) fn bytes(&self) -> [usize; 3] {
        let chunks = self.chunks.iter().map(|chunk| chunk.bytes());
        let (numbers, codes) = chunks.fold((0, 0), |sum, bytes| (sum.0 + bytes.0, sum.1 + bytes.1));
        let many = |owners: &Owners| match owners {
            Owners::Many(all) => all.capacity() * size_of::<Owner>(),
            _ => 0,
        };
        let owners = |owners: &Arc<Vec<Owners>>| {
            owners.capacity() * size_of::<Owners>() + owners.iter().map(many).sum::<usize>()
        };
        [numbers, codes, self.owners.iter().map(owners).sum()]
    }
}

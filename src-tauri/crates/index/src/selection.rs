//! A selection: who passes a filter, a bit for each slot, found out before anything is searched.

use std::collections::BTreeMap;

use crate::words::Slot;

/// The memories that pass a filter, as it was when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    bits: Vec<u64>,
    len: usize,
}

impl Selection {
    /// Of these bits, 64 slots each.
    pub(crate) fn of(bits: Vec<u64>) -> Self {
        let len = bits.iter().map(|bits| bits.count_ones() as usize).sum();
        Self { bits, len }
    }

    /// How many pass.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none passes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the memory at this slot passes.
    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        self.bits.get(slot as usize / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
    }

    /// The slots of those that pass, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.bits.iter().zip(0..).flat_map(|(&bits, word)| slots_of(bits, word * 64))
    }
}

/// The slots of the bits that are set, `first` being the slot of the lowest.
pub(crate) fn slots_of(mut bits: u64, first: Slot) -> impl Iterator<Item = Slot> {
    std::iter::from_fn(move || {
        let slot = (bits != 0).then(|| first + bits.trailing_zeros())?;
        bits &= bits - 1;
        Some(slot)
    })
}

/// Of slots in any order.
impl FromIterator<Slot> for Selection {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut bits = Vec::new();
        for slot in slots {
            let word = slot as usize / 64;
            if word >= bits.len() {
                bits.resize(word + 1, 0);
            }
            bits[word] |= 1 << (slot % 64);
        }
        Self::of(bits)
    }
}

/// Slots that come and go, as those of one topic do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    /// 64 slots each, by the number of the first divided by 64; none is empty.
    words: BTreeMap<Slot, u64>,
}

impl Slots {
    pub(crate) fn insert(&mut self, slot: Slot) {
        *self.words.entry(slot / 64).or_default() |= 1 << (slot % 64);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(bits) = self.words.get_mut(&(slot / 64)) {
            *bits &= !(1 << (slot % 64));
            if *bits == 0 {
                self.words.remove(&(slot / 64));
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// A bit a slot, `words` times 64 of them.
    pub(crate) fn bits(&self, words: usize) -> Vec<u64> {
        let mut all = vec![0; words];
        for (&word, &bits) in &self.words {
            if let Some(place) = all.get_mut(word as usize) {
                *place = bits;
            }
        }
        all
    }
}

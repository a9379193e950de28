//! Fixed lengths for devices that want them, and the few sessions kept alive for them.

/// The least length worth a session of its own.
const SHORTEST: usize = 32;

/// The lengths a text may be filled up to: doubling from 32, the last one `max_tokens`.
pub(crate) fn lengths(max_tokens: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = std::iter::successors(Some(SHORTEST), |length| length.checked_mul(2))
        .take_while(|&length| length < max_tokens)
        .collect();
    lengths.push(max_tokens);
    lengths
}

/// The least of `lengths`, which rise, that holds `tokens`; the longest if none does.
pub(crate) fn holding(lengths: &[usize], tokens: usize) -> usize {
    let place = lengths.partition_point(|&length| length < tokens);
    lengths.get(place).or(lengths.last()).copied().unwrap_or(tokens)
}

/// A few values by their keys; the one not used for the longest time makes room for a new one.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    /// The one used last stands last.
    entries: Vec<(K, V)>,
    capacity: usize,
}

impl<K: PartialEq, V> Recent<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), capacity }
    }

    /// The value of `key`, made if need be. Room is made before it is made: there are never more than the
    /// capacity, not even for a moment.
    pub(crate) fn get_or_make<E>(
        &mut self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<&mut V, E> {
        let held = self.entries.iter().position(|(held, _)| *held == key);
        let entry = if let Some(place) = held {
            self.entries.remove(place)
        } else {
            let surplus = (self.entries.len() + 1).saturating_sub(self.capacity.max(1));
            self.entries.drain(..surplus);
            (key, make()?)
        };
        self.entries.push(entry);
        let last = self.entries.len() - 1;
        Ok(&mut self.entries[last].1)
    }

    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_double_up_to_the_longest() {
        assert_eq!(lengths(256), [32, 64, 128, 256]);
        assert_eq!(lengths(512), [32, 64, 128, 256, 512]);
        assert_eq!(lengths(300), [32, 64, 128, 256, 300]);
        assert_eq!(lengths(32), [32]);
        assert_eq!(lengths(8), [8]);
        assert_eq!(holding(&lengths(300), 33), 64);
        assert_eq!(holding(&lengths(300), 299), 300);
    }

    proptest! {
        #[test]
        fn a_text_takes_the_least_that_holds_it(max in 3_usize..9000, share in 0.0_f64..=1.0) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let tokens = ((max as f64 * share) as usize).clamp(1, max);
            let lengths = lengths(max);
            prop_assert!(lengths.windows(2).all(|pair| pair[0] < pair[1]) && lengths.last() == Some(&max));
            let chosen = holding(&lengths, tokens);
            prop_assert!(chosen >= tokens && lengths.contains(&chosen));
            prop_assert!(lengths.iter().all(|&length| length < tokens || length >= chosen));
        }
    }

    /// Counts how many of it are alive.
    struct Alive<'a>(&'a Cell<usize>);

    impl<'a> Alive<'a> {
        fn new(count: &'a Cell<usize>) -> Self {
            count.set(count.get() + 1);
            Self(count)
        }
    }

    impl Drop for Alive<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    #[test]
    fn the_one_not_used_for_longest_goes_first() {
        let (alive, made) = (Cell::new(0), Cell::new(0));
        let mut recent = Recent::new(2);
        for key in [32, 64, 32, 128, 32, 64] {
            recent
                .get_or_make(key, || {
                    made.set(made.get() + 1);
                    assert!(alive.get() < 2, "room is made first");
                    Ok::<_, Infallible>(Alive::new(&alive))
                })
                .unwrap_or_else(|never| match never {});
        }
        assert_eq!(made.get(), 4, "32 was used again before 128 came, so 64 went");
        assert_eq!((alive.get(), recent.values().len()), (2, 2));
    }

    #[test]
    fn what_cannot_be_made_is_not_kept() {
        let mut recent: Recent<u8, u8> = Recent::new(2);
        assert_eq!(recent.get_or_make(1, || Err("no")), Err("no"));
        assert_eq!(recent.values().len(), 0);
        assert_eq!(recent.get_or_make(1, || Ok::<_, ()>(5)), Ok(&mut 5));
    }
}

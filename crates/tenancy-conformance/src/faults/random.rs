//! Random numbers that a seed brings back, on every machine and with every version of everything.

/// `SplitMix64`.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for each of these, which does not depend on how far another one got.
    pub(super) fn of(seed: u64, parts: [u64; 3]) -> Self {
        let mut random = Self(seed);
        for part in parts {
            random = Self(random.next() ^ part);
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// In so many of 100 cases.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them, as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(usize, T)]) -> Option<T> {
        let sum: usize = choices.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(sum.max(1));
        choices.iter().find_map(|(weight, choice)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found.then_some(*choice)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_brings_the_same_numbers_back() {
        // The algorithm's published test vector.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
        let numbers = |parts| {
            let mut random = Random::of(7, parts);
            [random.next(), random.next()]
        };
        assert_eq!(numbers([1, 2, 3]), numbers([1, 2, 3]));
        assert_ne!(numbers([1, 2, 3]), numbers([1, 3, 2]));
    }

    #[test]
    fn weights_hold_and_nothing_is_drawn_from_nothing() {
        let mut random = Random(1);
        let choices = [(0, 'a'), (3, 'b'), (1, 'c')];
        let drawn: Vec<_> = (0..4000)
            .filter_map(|_| random.weighted(&choices))
            .collect();
        let often = |wanted| drawn.iter().filter(|drawn| **drawn == wanted).count();
        assert_eq!((drawn.len(), often('a')), (4000, 0));
        assert!((2800..3200).contains(&often('b')), "{}", often('b'));
        assert_eq!(random.weighted::<char>(&[]), None);
    }
}

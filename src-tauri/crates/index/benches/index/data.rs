//! Numbers, vectors and texts that look random and are the same every time.

use papr_memory::{Dims, MemoryId, Vector};

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: the sum of twelve uniform numbers, less six.
    #[allow(clippy::cast_possible_truncation)] // of a number around 0
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.share()).sum::<f64>() as f32 - 6.0
    }

    /// A text of `count` words, rarer ones rarer, as in language (Zipf).
    pub(crate) fn text(&mut self, count: usize) -> String {
        // Letters alone: letters and digits together would be an identifier, and looked for as such.
        let letters = |number: String| number.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        let mut word = || -> String { letters(format!("{:.0}", 30_000_f64.powf(self.share()))) };
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn id(&mut self) -> MemoryId {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        MemoryId::from_bytes(std::array::from_fn(|at| if at < 8 { high[at] } else { low[at - 8] }))
    }
}

/// Vectors around topics, as texts are: a hundred or so a topic, at cosines around 0.5 to each other.
pub(crate) struct Topics {
    dims: Dims,
    centres: Vec<Vec<f32>>,
    numbers: Numbers,
}

impl Topics {
    pub(crate) fn new(dims: u16, rows: usize) -> Self {
        let (dims, mut numbers) = (Dims::new(dims).unwrap(), Numbers(7));
        let mut centre = || (0..dims.get()).map(|_| numbers.normal()).collect();
        let centres = (0..(rows / 100).max(10)).map(|_| centre()).collect();
        Self { dims, centres, numbers }
    }

    pub(crate) fn vector(&mut self) -> Vector {
        let topic = usize::try_from(self.numbers.next() % self.centres.len() as u64).unwrap();
        let values: Vec<f32> =
            self.centres[topic].iter().map(|centre| centre + self.numbers.normal()).collect();
        let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        Vector::new(values.iter().map(|value| value / norm).collect(), self.dims).unwrap()
    }

    pub(crate) fn memories(&mut self, rows: usize) -> Vec<(MemoryId, Vector)> {
        (0..rows).map(|_| (self.numbers.id(), self.vector())).collect()
    }
}

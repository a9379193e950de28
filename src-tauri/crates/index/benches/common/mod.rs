//! Vectors and texts that are the same every time, for all benches.
//!
//! Up to 10,000 vectors of 384 numbers are MiniLM's of real texts, where `cargo bench -p papr-engine --bench
//! vectors` has written them. All others are synthetic, and lie among the real ones: each stands between two of
//! them, at most half of the way from the first to the second, and a little off the line in a random direction
//! (`OFF`). So they come in the same clusters, with the same few directions that tell most, and no two are
//! alike. For 2,560 numbers each is the signed sum of four of the 384, chosen once at random (a sparse random
//! projection, which keeps angles), before the random direction is added: as clustered as texts are, of fewer
//! dimensions than a large model's vectors may have.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each bench uses its part; one without data stops

use std::fs;
use std::path::{Path, PathBuf};

use papr_memory::{Dims, MemoryId, Vector};

/// Numbers of the real vectors.
const REAL_WIDTH: usize = 384;
/// The norm of what is added off the line between two real vectors.
const OFF: f32 = 0.3;
/// How many of 384 numbers make one of more.
const SUMMANDS: usize = 4;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// In 0..1.
    pub fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// About normal: the sum of four numbers of 16 bits, with a deviation of 1.
    pub fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: f32 = (0..4).map(|part| ((bits >> (16 * part)) & 0xFFFF) as f32).sum();
        (sum / 65_536.0 - 2.0) * 3.0_f32.sqrt()
    }

    /// A text of `count` words, rarer ones rarer, as in language (Zipf).
    pub fn text(&mut self, count: usize) -> String {
        // Letters alone: letters and digits together would be an identifier, and looked for as such.
        let letters = |number: String| number.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        let mut word = || -> String { letters(format!("{:.0}", 30_000_f32.powf(self.share()))) };
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    pub fn id(&mut self) -> MemoryId {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        MemoryId::from_bytes(std::array::from_fn(|at| if at < 8 { high[at] } else { low[at - 8] }))
    }
}

/// Rows of one width, one after the other.
pub struct Set {
    pub width: usize,
    /// What they are, for people.
    pub label: &'static str,
    pub rows: Vec<f32>,
    pub queries: Vec<f32>,
}

impl Set {
    /// `rows` vectors of `width` numbers, and what to look for among them.
    pub fn new(rows: usize, width: usize) -> Self {
        let real = Real::load();
        if let Some(real) = &real
            && width == REAL_WIDTH
            && rows <= real.texts.len() / REAL_WIDTH
        {
            let texts = real.texts[..rows * width].to_vec();
            return Self { width, label: "real texts", rows: texts, queries: real.questions.clone() };
        }
        let label = if real.is_some() { "synthetic, among real texts" } else { "synthetic" };
        let real = real.unwrap_or_else(Real::invented);
        let mut blend = Blend { numbers: Numbers(7), width, mixing: mixing(width) };
        let (texts, questions) = (real.texts.as_chunks::<REAL_WIDTH>().0, real.questions.as_chunks().0);
        let rows = (0..rows).flat_map(|_| blend.between(texts)).collect();
        let queries = questions.iter().flat_map(|question| blend.near(question)).collect();
        Self { width, label, rows, queries }
    }

    /// From files of 32-bit floats.
    pub fn read(rows: &Path, queries: &Path, width: usize) -> Self {
        Self { width, label: "from files", rows: floats(rows).unwrap(), queries: floats(queries).unwrap() }
    }

    pub fn write(&self, rows: &Path, queries: &Path) {
        for (path, numbers) in [(rows, &self.rows), (queries, &self.queries)] {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            fs::write(path, bytes).unwrap();
        }
    }

    pub fn dims(&self) -> Dims {
        Dims::new(u16::try_from(self.width).unwrap()).unwrap()
    }

    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    pub fn memories(&self) -> Vec<(MemoryId, Vector)> {
        let mut numbers = Numbers(11);
        self.vectors(&self.rows).map(|vector| (numbers.id(), vector)).collect()
    }

    pub fn queries(&self) -> Vec<Vector> {
        self.vectors(&self.queries).collect()
    }

    fn vectors<'a>(&self, numbers: &'a [f32]) -> impl Iterator<Item = Vector> + use<'a> {
        let dims = self.dims();
        numbers.chunks_exact(self.width).map(move |row| Vector::new(row.to_vec(), dims).unwrap())
    }
}

/// MiniLM's vectors of the texts and questions of the engine's bench.
struct Real {
    texts: Vec<f32>,
    questions: Vec<f32>,
}

impl Real {
    fn load() -> Option<Self> {
        let file = |name| floats(&target().join("vectors").join(name));
        let real = Self { texts: file("texts-384.f32")?, questions: file("questions-384.f32")? };
        Some(real).filter(|real| !real.texts.is_empty() && !real.questions.is_empty())
    }

    /// Where there are none: topics at random, and texts around them.
    fn invented() -> Self {
        let mut numbers = Numbers(5);
        let topics: Vec<Vec<f32>> =
            (0..100).map(|_| (0..REAL_WIDTH).map(|_| numbers.normal()).collect()).collect();
        let mut around = |count: usize| -> Vec<f32> {
            let mut text = |number: usize| -> Vec<f32> {
                let topic = topics[number % topics.len()].iter();
                unit(topic.map(|centre| centre + numbers.normal()).collect())
            };
            (0..count).flat_map(&mut text).collect()
        };
        Self { texts: around(10_000), questions: around(400) }
    }
}

struct Blend {
    numbers: Numbers,
    width: usize,
    mixing: Vec<[(usize, f32); SUMMANDS]>,
}

impl Blend {
    fn between(&mut self, texts: &[[f32; REAL_WIDTH]]) -> Vec<f32> {
        let [from, to] = [(); 2].map(|()| &texts[self.numbers.below(texts.len())]);
        let way = self.numbers.share() / 2.0;
        let point: Vec<f32> = from.iter().zip(to).map(|(a, b)| a + (b - a) * way).collect();
        self.off(&point)
    }

    fn near(&mut self, question: &[f32; REAL_WIDTH]) -> Vec<f32> {
        self.off(question)
    }

    fn off(&mut self, point: &[f32]) -> Vec<f32> {
        let mixed = match self.width {
            REAL_WIDTH => point.to_vec(),
            _ => {
                self.mixing.iter().map(|some| some.iter().map(|&(at, sign)| point[at] * sign).sum()).collect()
            }
        };
        let step = OFF / (self.width as f32).sqrt();
        unit(unit(mixed).iter().map(|number| number + self.numbers.normal() * step).collect())
    }
}

fn mixing(width: usize) -> Vec<[(usize, f32); SUMMANDS]> {
    let mut numbers = Numbers(3);
    let mut summand = || (numbers.below(REAL_WIDTH), if numbers.next() >> 63 == 0 { 1.0 } else { -1.0 });
    (0..width).map(|_| [(); SUMMANDS].map(|()| summand())).collect()
}

fn unit(mut numbers: Vec<f32>) -> Vec<f32> {
    let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    for number in &mut numbers {
        *number /= norm;
    }
    numbers
}

fn floats(path: &Path) -> Option<Vec<f32>> {
    let bytes = fs::read(path).ok()?;
    Some(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
}

/// Where compiled things and fetched vectors lie.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target")
}

//! What a graph gives, as numbers: half, single and double precision, with the gaps that a device leaves.

use half::f16;

/// Numbers of a shape, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<i64>,
    pub(crate) numbers: Vec<f32>,
}

/// How a number is kept in memory, in the byte order of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Half,
    Single,
    Double,
}

impl Element {
    fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Single => 4,
            Self::Double => 8,
        }
    }

    /// The number at the beginning of `bytes`. One that single precision cannot hold becomes infinite, which the
    /// vector's constructor refuses.
    fn read(self, bytes: &[u8]) -> Option<f32> {
        #[allow(clippy::cast_possible_truncation)] // rounding to the nearest is what is wanted
        Some(match self {
            Self::Half => f16::from_ne_bytes(*bytes.first_chunk()?).to_f32(),
            Self::Single => f32::from_ne_bytes(*bytes.first_chunk()?),
            Self::Double => f64::from_ne_bytes(*bytes.first_chunk()?) as f32,
        })
    }
}

/// The numbers of `shape` in `bytes`, where a step along axis `i` is `strides[i]` numbers.
///
/// A device may leave gaps between rows, so nothing is taken for dense. Says what is wrong where shape and strides
/// do not fit each other or lead out of the bytes.
pub(crate) fn read(bytes: &[u8], element: Element, shape: &[i64], strides: &[i64]) -> Result<Tensor, String> {
    let unfit = || format!("the graph gave {} bytes of shape {shape:?}, strides {strides:?}", bytes.len());
    let whole = |numbers: &[i64]| -> Option<Vec<usize>> {
        numbers.iter().map(|&number| usize::try_from(number).ok()).collect()
    };
    let (sizes, steps) = whole(shape).zip(whole(strides)).ok_or_else(unfit)?;
    let count = sizes.iter().try_fold(1_usize, |count, &size| count.checked_mul(size)).ok_or_else(unfit)?;
    // Steps may skip numbers, never repeat them: there are at most as many as there is room for.
    if sizes.len() != steps.len() || count > bytes.len() / element.bytes() {
        return Err(unfit());
    }
    let number = |index: usize| {
        let at = offset(index, &sizes, &steps)?.checked_mul(element.bytes())?;
        element.read(bytes.get(at..)?)
    };
    let numbers = (0..count).map(|index| number(index).ok_or_else(unfit)).collect::<Result<_, _>>()?;
    Ok(Tensor { shape: shape.to_vec(), numbers })
}

/// Where number `index` of a tensor stands, counted in numbers.
fn offset(mut index: usize, sizes: &[usize], steps: &[usize]) -> Option<usize> {
    let mut offset = 0_usize;
    for (&size, &step) in sizes.iter().zip(steps).rev() {
        offset = offset.checked_add((index % size).checked_mul(step)?)?;
        index /= size;
    }
    Some(offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn singles(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn each_precision() {
        let half: Vec<u8> =
            [1.0, -0.5, 65504.0].iter().flat_map(|&number| f16::from_f32(number).to_ne_bytes()).collect();
        let tensor = read(&half, Element::Half, &[1, 3], &[3, 1]).unwrap();
        assert_eq!(tensor, Tensor { shape: vec![1, 3], numbers: vec![1.0, -0.5, 65504.0] });
        let single = read(&singles(&[1.0, 0.1]), Element::Single, &[2], &[1]).unwrap();
        assert_eq!(single.numbers, [1.0, 0.1]);
        let double: Vec<u8> = [0.25_f64, 1e300].iter().flat_map(|number| number.to_ne_bytes()).collect();
        let double = read(&double, Element::Double, &[2], &[1]).unwrap();
        assert_eq!(double.numbers, [0.25, f32::INFINITY], "told, not hidden");
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let bytes: Vec<u8> = [f16::NAN, f16::INFINITY, f16::from_f32(0.0)]
            .iter()
            .flat_map(|half| half.to_ne_bytes())
            .collect();
        let numbers = read(&bytes, Element::Half, &[3], &[1]).unwrap().numbers;
        assert!(numbers[0].is_nan() && numbers[1].is_infinite() && numbers[2] == 0.0);
    }

    #[test]
    fn gaps_are_passed_over() {
        // Two rows of three, each with room for four.
        let bytes = singles(&[1.0, 2.0, 3.0, -9.0, 4.0, 5.0, 6.0, -9.0]);
        let tensor = read(&bytes, Element::Single, &[2, 3], &[4, 1]).unwrap();
        assert_eq!(tensor.numbers, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let turned = read(&singles(&[1.0, 4.0, 2.0, 5.0]), Element::Single, &[2, 2], &[1, 2]).unwrap();
        assert_eq!(turned.numbers, [1.0, 2.0, 4.0, 5.0]);
    }

    #[test]
    fn nothing_is_read_beyond_the_bytes() {
        let bytes = singles(&[1.0; 8]);
        for (shape, strides) in [
            (&[2, 5][..], &[5, 1][..]),
            (&[2, 4], &[5, 1]),
            (&[2, 4], &[4]),
            (&[-1, 4], &[4, 1]),
            (&[8], &[-1]),
            (&[1 << 40, 1 << 40], &[1, 1]),
            (&[2], &[i64::MAX]),
        ] {
            let error = read(&bytes, Element::Single, shape, strides).unwrap_err();
            assert!(error.contains("32 bytes"), "{error}");
        }
        assert_eq!(read(&bytes, Element::Single, &[0, 4], &[4, 1]).unwrap().numbers, [0.0; 0]);
    }

    proptest! {
        #[test]
        fn dense_numbers_come_as_they_are(rows in 1_usize..5, columns in 1_usize..9, first in -100.0_f32..100.0) {
            let numbers: Vec<f32> = (0..rows * columns).map(|place| first + place as f32).collect();
            let (rows, columns) = (i64::try_from(rows).unwrap(), i64::try_from(columns).unwrap());
            let tensor = read(&singles(&numbers), Element::Single, &[rows, columns], &[columns, 1]).unwrap();
            prop_assert_eq!(tensor.numbers, numbers);
        }
    }
}

//! All registers as plain numbers: what several strings come to together, and the estimate.

use super::{
    Corrupt, Encoding, HEADER_BYTES, RANK_MAX, REGISTERS_COUNT, Run, dense, encoding, runs,
};

/// A register holds six bits; what a damaged string has above the largest rank does not count.
const HISTOGRAM_LEN: usize = 64;
/// The constant of the estimator for endlessly many registers: 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// All registers.
#[derive(Debug)]
pub struct Registers(Box<[u8; REGISTERS_COUNT]>);

impl Default for Registers {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS_COUNT]))
    }
}

impl Registers {
    /// Every register, in order.
    pub fn all(&self) -> &[u8] {
        &*self.0
    }

    /// Takes the higher of each of its own registers and of each in a string.
    ///
    /// # Errors
    /// The runs are corrupt, or there are no registers at all.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        let (known, body) = parts(bytes)?;
        if known == Encoding::Dense {
            for (own, others) in self.0.chunks_exact_mut(4).zip(dense::groups(body)) {
                for (own, other) in own.iter_mut().zip(others) {
                    *own = other.max(*own);
                }
            }
            return Ok(());
        }
        let mut at = 0;
        for run in runs(body) {
            let end = at + run.len();
            if let Run::Value { value, .. } = run {
                let own = self.0.get_mut(at..end).ok_or(Corrupt)?;
                own.iter_mut().for_each(|own| *own = value.max(*own));
            }
            at = end;
        }
        whole(at)
    }

    /// About how many different elements were added.
    pub fn estimate(&self) -> u64 {
        let mut histogram = [0; HISTOGRAM_LEN];
        for &value in self.all() {
            histogram[usize::from(value)] += 1;
        }
        estimate(&histogram)
    }
}

fn parts(bytes: &[u8]) -> Result<(Encoding, &[u8]), Corrupt> {
    let known = encoding(bytes).ok_or(Corrupt)?;
    Ok((known, &bytes[HEADER_BYTES..]))
}

const fn whole(registers_count: usize) -> Result<(), Corrupt> {
    if registers_count == REGISTERS_COUNT {
        Ok(())
    } else {
        Err(Corrupt)
    }
}

/// About how many different elements were added to one string.
///
/// # Errors
/// The runs are corrupt, or there are no registers at all.
pub fn estimate_of(bytes: &[u8]) -> Result<u64, Corrupt> {
    let (known, body) = parts(bytes)?;
    let mut histogram = [0; HISTOGRAM_LEN];
    if known == Encoding::Dense {
        for group in dense::groups(body) {
            for value in group {
                histogram[usize::from(value)] += 1;
            }
        }
    } else {
        let mut count = 0;
        for run in runs(body) {
            let (value, len) = match run {
                Run::Zeros { len, .. } => (0, len),
                Run::Value { value, len } => (value, len),
            };
            histogram[usize::from(value)] += len;
            count += len;
        }
        whole(count)?;
    }
    Ok(estimate(&histogram))
}

/// Ertl's improved estimator (arXiv:1702.01284, algorithm 6). Sums, products and square roots
/// only, which every machine rounds alike.
fn estimate(histogram: &[usize; HISTOGRAM_LEN]) -> u64 {
    let all = REGISTERS_COUNT as f64;
    let full = histogram[RANK_MAX] as f64;
    let mut sum = all * tau((all - full) / all);
    for &count in histogram[1..RANK_MAX].iter().rev() {
        sum = (sum + count as f64) * 0.5;
    }
    sum += all * sigma(histogram[0] as f64 / all);
    (ALPHA * all * all / sum).round() as u64
}

/// The share of the registers that are not at the largest rank.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut x, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        weight *= 0.5;
        let before = sum;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// The share of the registers that are zero.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut weight, mut sum) = (share, 1.0, share);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

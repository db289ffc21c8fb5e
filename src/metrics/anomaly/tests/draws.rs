//! Series of known distributions, by seeds.

/// Draws that follow from a seed (SplitMix64).
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Evenly between 0 and 1, neither of them.
    pub(super) fn even(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(super) fn chance(&mut self, part: f64) -> bool {
        self.even() < part
    }

    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.even().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.even()).cos()
    }

    fn exponential(&mut self) -> f64 {
        -self.even().ln()
    }
}

/// A distribution of milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Distribution {
    /// Mean and deviation.
    Normal(f64, f64),
    /// Median, and the deviation of the logarithm.
    LogNormal(f64, f64),
    /// Mean.
    Exponential(f64),
    /// Least value and exponent; under 2 there is no variance, under 1 no mean.
    Pareto(f64, f64),
    /// One value.
    Constant(f64),
    /// Two values, and the part of the second.
    TwoValued(f64, f64, f64),
    /// Multiples of the first number, evenly up to so many times.
    Steps(f64, f64),
    /// Most around the first, some around the second, and the part of those.
    Mixture(f64, f64, f64),
}

impl Distribution {
    pub(super) fn draw(self, draws: &mut Draws) -> f64 {
        match self {
            Self::Normal(mean, deviation) => mean + deviation * draws.normal(),
            Self::LogNormal(median, sigma) => median * (sigma * draws.normal()).exp(),
            Self::Exponential(mean) => mean * draws.exponential(),
            Self::Pareto(least, exponent) => least * draws.even().powf(-1.0 / exponent),
            Self::Constant(value) => value,
            Self::TwoValued(one, other, part) => {
                if draws.chance(part) {
                    other
                } else {
                    one
                }
            }
            Self::Steps(step, most) => step * (1.0 + (draws.even() * most).floor()),
            Self::Mixture(one, other, part) => {
                let median = if draws.chance(part) { other } else { one };
                Self::LogNormal(median, 0.2).draw(draws)
            }
        }
    }

    /// Where about half of the values are above.
    pub(super) fn middle(self) -> f64 {
        match self {
            Self::Normal(middle, _)
            | Self::LogNormal(middle, _)
            | Self::Constant(middle)
            | Self::TwoValued(middle, ..)
            | Self::Mixture(middle, ..) => middle,
            Self::Exponential(mean) => mean * std::f64::consts::LN_2,
            Self::Pareto(least, exponent) => least * 2_f64.powf(1.0 / exponent),
            Self::Steps(step, most) => step * most / 2.0,
        }
    }

    pub(super) fn series(self, draws: &mut Draws, points: usize) -> Vec<u64> {
        let values = std::iter::repeat_with(|| millis(self.draw(draws)));
        values.take(points).collect()
    }
}

/// As milliseconds are measured: whole ones, and none below zero.
pub(super) fn millis(value: f64) -> u64 {
    value.round().clamp(0.0, 1e18) as u64
}

//! The quantile function of the standard normal distribution.

/// Returns the value below which a standard normal variable lies with probability `p`, where 0 < p < 1. The relative error is
/// below 1e-15.
///
/// Algorithm AS 241, PPND16: M. J. Wichura, "The Percentage Points of the Normal Distribution", Applied Statistics 37
/// (1988), 477-484.
#[inline]
pub fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= CENTRAL { central(q) } else { tail(p, q) }
}

/// Returns [`quantile`] of each element. The loops run over all elements at once, so that the compiler can vectorise them.
pub fn quantiles<const N: usize>(p: &[f64; N]) -> [f64; N] {
    let mut values = [0.0; N];
    for (value, p) in values.iter_mut().zip(p) {
        *value = central(p - 0.5);
    }
    for (value, p) in values.iter_mut().zip(p) {
        let q = p - 0.5;
        if q.abs() > CENTRAL {
            *value = tail(*p, q);
        }
    }
    values
}

/// The distance of `p` from 1/2 up to which the central formula holds.
const CENTRAL: f64 = 0.425;

#[inline]
fn central(q: f64) -> f64 {
    let r = 0.180_625 - q * q;
    let numerator = polynomial(
        r,
        [
            3.387_132_872_796_366_6,
            1.331_416_678_917_843_8e2,
            1.971_590_950_306_551_3e3,
            1.373_169_376_550_946e4,
            4.592_195_393_154_987e4,
            6.726_577_092_700_87e4,
            3.343_057_558_358_813e4,
            2.509_080_928_730_122_7e3,
        ],
    );
    let denominator = polynomial(
        r,
        [
            1.0,
            4.231_333_070_160_091e1,
            6.871_870_074_920_579e2,
            5.394_196_021_424_751e3,
            2.121_379_430_158_659_7e4,
            3.930_789_580_009_271e4,
            2.872_908_573_572_194_3e4,
            5.226_495_278_852_854e3,
        ],
    );
    q * numerator / denominator
}

#[cold]
#[inline(never)]
fn tail(p: f64, q: f64) -> f64 {
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let value = if r <= 5.0 {
        let r = r - 1.6;
        polynomial(
            r,
            [
                1.423_437_110_749_683_5,
                4.630_337_846_156_546,
                5.769_497_221_460_691,
                3.647_848_324_763_204_5,
                1.270_458_252_452_368_4,
                2.417_807_251_774_506e-1,
                2.272_384_498_926_918_4e-2,
                7.745_450_142_783_414e-4,
            ],
        ) / polynomial(
            r,
            [
                1.0,
                2.053_191_626_637_759,
                1.676_384_830_183_803_8,
                6.897_673_349_851e-1,
                1.481_039_764_274_800_8e-1,
                1.519_866_656_361_645_7e-2,
                5.475_938_084_995_345e-4,
                1.050_750_071_644_416_9e-9,
            ],
        )
    } else {
        let r = r - 5.0;
        polynomial(
            r,
            [
                6.657_904_643_501_103,
                5.463_784_911_164_114,
                1.784_826_539_917_291_3,
                2.965_605_718_285_048_7e-1,
                2.653_218_952_657_612_4e-2,
                1.242_660_947_388_078_4e-3,
                2.711_555_568_743_487_6e-5,
                2.010_334_399_292_288_1e-7,
            ],
        ) / polynomial(
            r,
            [
                1.0,
                5.998_322_065_558_88e-1,
                1.369_298_809_227_358e-1,
                1.487_536_129_085_061_5e-2,
                7.868_691_311_456_133e-4,
                1.846_318_317_510_054_8e-5,
                1.421_511_758_316_446e-7,
                2.044_263_103_389_939_8e-15,
            ],
        )
    };
    if q < 0.0 { -value } else { value }
}

#[inline]
fn polynomial(x: f64, c: [f64; 8]) -> f64 {
    c.iter().rev().fold(0.0, |sum, &c| sum * x + c)
}

#[cfg(test)]
mod tests {
    use super::{quantile, quantiles};

    #[test]
    fn known_percentage_points() {
        // Tables of the normal distribution; one value for each of the three branches and the symmetry.
        for (p, z) in [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_081_7),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((quantile(p) - z).abs() < 1e-12, "{p}: {}", quantile(p));
        }
        assert_eq!(quantile(0.1), -quantile(0.9));
    }

    #[test]
    fn a_row_has_the_same_values() {
        let p: [f64; 1_000] = std::array::from_fn(|i| (i as f64 + 0.5) / 1_000.0);
        assert_eq!(quantiles(&p), p.map(quantile));
    }
}

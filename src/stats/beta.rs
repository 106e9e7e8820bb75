//! The incomplete beta function, and the tail of the F distribution that follows from it.

use super::normal;

/// The most terms of the continued fraction. It needs far fewer for the degrees of freedom of samples.
const MOST_TERMS: u32 = 500;
const TINY: f64 = 1e-300;

/// Returns the probability that F with these degrees of freedom exceeds `f`. The degrees of freedom need not be whole; infinite
/// ones in the denominator give the chi-squared distribution over its degrees of freedom.
///
/// Source: Abramowitz and Stegun 26.6.2.
pub fn f_tail(f: f64, numerator: f64, denominator: f64) -> f64 {
    if f <= 0.0 {
        return 1.0;
    }
    // Beyond a million, F differs from its limit by less than what is printed.
    let denominator = denominator.min(1e6);
    let x = denominator / (denominator + numerator * f);
    incomplete(denominator / 2.0, numerator / 2.0, x)
}

/// Returns the regularised incomplete beta function `I_x(a, b)`, by its continued fraction (Lentz's algorithm).
///
/// Source: Press and others, Numerical Recipes (2007), section 6.4; DLMF 8.17.22.
pub fn incomplete(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges quickly below the mean of the distribution only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete(b, a, 1.0 - x);
    }
    let front = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..MOST_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    (front.exp() * fraction / a).clamp(0.0, 1.0)
}

/// Returns the natural logarithm of the gamma function for `x` above 0, to 12 digits: Stirling's series above 10, and the
/// recurrence below.
///
/// Source: Abramowitz and Stegun 6.1.41 and 6.1.15.
fn ln_gamma(x: f64) -> f64 {
    if x < 10.0 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

/// Returns the 97.5% point of Student's t with `freedom` degrees of freedom, which need not be whole.
pub fn student_975(freedom: f64) -> f64 {
    if freedom > 1e6 {
        return normal::quantile(0.975);
    }
    // t squared is F with one degree of freedom in the numerator.
    let (mut low, mut high) = (1.0, 1e3);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if f_tail(middle * middle, 1.0, freedom) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of Abramowitz and Stegun, table 26.9 (upper 5% and 1%), and of chi-squared, table 26.8.
    #[test]
    fn tails_are_those_of_the_tables() {
        for (f, numerator, denominator, tail) in [
            (4.9646, 1.0, 10.0, 0.05),
            (3.3258, 5.0, 10.0, 0.05),
            (2.3479, 10.0, 20.0, 0.05),
            (3.3682, 10.0, 20.0, 0.01),
            (18.307 / 10.0, 10.0, f64::INFINITY, 0.05),
        ] {
            let found = f_tail(f, numerator, denominator);
            assert!((found - tail).abs() < 2e-5, "{f} {numerator} {denominator}: {found}");
        }
        // With two degrees of freedom in the numerator there is a closed form, also for those that are not whole.
        for (f, denominator) in [(0.3, 7.5_f64), (2.0, 20.0), (9.0, 3.2)] {
            let closed = (1.0 + 2.0 * f / denominator).powf(-denominator / 2.0);
            assert!((f_tail(f, 2.0, denominator) - closed).abs() < 1e-12);
        }
        assert_eq!((f_tail(0.0, 3.0, 9.0), incomplete(2.0, 3.0, 1.0)), (1.0, 1.0));
    }

    #[test]
    fn closed_forms_are_met() {
        // I_x(1, b) = 1 - (1 - x)^b, and I_x(a, 1) = x^a.
        for x in [0.05, 0.3, 0.77] {
            assert!((incomplete(1.0, 4.5, x) - (1.0 - (1.0_f64 - x).powf(4.5))).abs() < 1e-12);
            assert!((incomplete(3.5, 1.0, x) - x.powf(3.5)).abs() < 1e-12);
        }
        // Gamma(1/2) is the root of pi.
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-11);
    }

    #[test]
    fn student_agrees_with_the_table_of_whole_degrees() {
        for freedom in [1, 2, 5, 20, 120] {
            let (found, table) = (
                student_975(f64::from(freedom)),
                super::super::interval::student_975(freedom as usize),
            );
            assert!((found - table).abs() < 2e-4, "{freedom}: {found} {table}");
        }
        assert!(student_975(2.5) > student_975(3.0) && student_975(2.5) < student_975(2.0));
    }
}

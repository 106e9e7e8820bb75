//! The built-in trace: a synthetic week of a web shop, in requests per minute from Monday 00:00 to Sunday 24:00.
//!
//! Visits begin at random at a rate that follows the hour, the day of the week and a flash sale on Friday evening. A visit
//! makes three requests on average, some of them in later minutes, so the counts vary more than those of a Poisson process.
//! All arithmetic is in integers, so the same seed gives the same bytes on every machine.

use crate::rng::{Draws, Purpose};

/// The number of minutes in a week.
pub const WEEK: usize = 7 * 1440;

/// The requests per minute at the start of each hour of an average day, in thousandths. There are very few at night, more at
/// noon, and most in the evening.
const HOURS: [u64; 24] = [
    6_000, 1_500, 700, 400, 400, 900, 8_000, 36_000, 80_000, 112_000, 128_000, 138_000, 156_000, 146_000, 128_000,
    128_000, 140_000, 162_000, 196_000, 236_000, 252_000, 216_000, 120_000, 38_000,
];
/// The traffic of each day from Monday on, in percent of the average.
const DAYS: [u64; 7] = [98, 92, 94, 99, 104, 122, 130];
/// The minute in which the sale opens: Friday at 18:00.
const SALE_START: u64 = 4 * 1440 + 18 * 60;
/// The minutes of the rise, of the sale itself, and of the fall.
const SALE: [u64; 3] = [3, 50, 25];
/// The traffic during the sale, in percent of the traffic without a sale.
const SALE_PERCENT: u64 = 800;

/// Returns the requests in each minute of the week with this seed.
pub fn web_shop(seed: u64) -> Vec<u32> {
    let stream = Draws::new(seed, 0).stream(Purpose::Count, 0);
    let mut counts = vec![0u32; WEEK];
    for minute in 0..WEEK {
        // A visit has three requests on average: after each, another one follows with probability 2/3.
        let visits_milli = request_rate(minute as u64) / 3;
        // Many trials with a small probability each give nearly a Poisson distribution.
        let trials = 64 + visits_milli / 50;
        let mut draws = (0u64..).map({
            let minute_stream = Draws::new(stream.bits(minute as u64), 0).stream(Purpose::Count, 1);
            move |k| minute_stream.bits(k)
        });
        let mut chance = |numerator: u64, denominator: u64| {
            let bits = draws.next().unwrap_or_default();
            u128::from(bits) * u128::from(denominator) < u128::from(numerator) << 64
        };
        for _ in 0..trials {
            if !chance(visits_milli, 1000 * trials) {
                continue;
            }
            let mut at = minute;
            while at < WEEK {
                counts[at] += 1;
                if !chance(2, 3) {
                    break;
                }
                // With probability 1/3 the visitor reads for another minute.
                while chance(1, 3) {
                    at += 1;
                }
            }
        }
    }
    counts
}

/// Returns the expected requests in a minute, in thousandths.
fn request_rate(minute: u64) -> u64 {
    let (day, hour, within) = (minute / 1440, minute / 60 % 24, minute % 60);
    let between = |from: u64, to: u64| (from * (60 - within) + to * within) / 60;
    let usual = between(HOURS[hour as usize], HOURS[(hour as usize + 1) % 24]) * DAYS[day as usize] / 100;
    usual * sale_percent(minute) / 100
}

fn sale_percent(minute: u64) -> u64 {
    let extra = SALE_PERCENT - 100;
    let [rise, plateau, fall] = SALE;
    let Some(since) = minute.checked_sub(SALE_START) else {
        return 100;
    };
    match since {
        s if s < rise => 100 + extra * (s + 1) / (rise + 1),
        s if s < rise + plateau => SALE_PERCENT,
        s if s < rise + plateau + fall => SALE_PERCENT - extra * (s - rise - plateau + 1) / (fall + 1),
        _ => 100,
    }
}

/// Returns the trace as a CSV file.
pub fn web_shop_csv(seed: u64) -> String {
    let mut text = String::from("t_s,requests\n");
    for (minute, count) in web_shop(seed).into_iter().enumerate() {
        text.push_str(&format!("{},{count}\n", 60 * minute));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_what_seed_1_generates() {
        let shipped = include_str!("../../traces/web-shop-week.csv");
        assert!(
            shipped == web_shop_csv(1),
            "run: coldcast trace generate web-shop --seed 1 --out traces/web-shop-week.csv"
        );
        assert!(shipped.len() < 200_000);
    }

    #[test]
    fn the_week_has_the_features_it_is_for() {
        let counts = web_shop(1);
        let total: u32 = counts.iter().sum();
        assert!((1_100_000..1_300_000).contains(&total), "{total}");
        let mean = |from: usize, to: usize| counts[from..to].iter().sum::<u32>() as f64 / (to - from) as f64;
        let hour = |day: usize, hour: usize| mean(day * 1440 + hour * 60, day * 1440 + hour * 60 + 60);
        // Nights are silent enough to scale to zero.
        let night = &counts[1440 + 120..1440 + 300];
        assert!(hour(1, 3) < 1.0 && night.iter().filter(|&&c| c == 0).count() > 90);
        // Evenings are the busiest, weekends busier, the sale some eight times a usual Friday.
        assert!(hour(1, 20) > 1.5 * hour(1, 10));
        assert!(hour(6, 20) > 1.2 * hour(1, 20));
        let sale = mean(SALE_START as usize + 5, SALE_START as usize + 50) / hour(3, 18);
        assert!((7.0..10.0).contains(&sale), "{sale}");
        // Over-dispersed: within one hour the variance of the counts per minute exceeds their mean.
        let noon = &counts[12 * 60..13 * 60];
        let m = mean(720, 780);
        let variance = noon.iter().map(|&c| (f64::from(c) - m).powi(2)).sum::<f64>() / 59.0;
        assert!(variance / m > 1.5, "{}", variance / m);
    }

    #[test]
    fn another_seed_is_another_week() {
        assert_eq!(web_shop(2), web_shop(2));
        assert_ne!(web_shop(1), web_shop(2));
    }
}

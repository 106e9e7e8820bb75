//! Gates: promises that a run is held against, for use in scripts.

use super::{FailOn, Record, StudyFlags};
use crate::cli::exit::{Failure, Outcome};
use crate::scenario::Variant;
use crate::study::{Metric, Study, split};

/// A gate that nothing can be held against would always be open.
pub(super) fn check(variants: &[Variant], flags: &StudyFlags) -> Outcome {
    let fails = |gate: &str, missing: &str| {
        Err(Failure::Input(anyhow::anyhow!(
            "{gate} has nothing to check: {missing}"
        )))
    };
    if flags.record.contains(&Record::Functions) && !variants.iter().all(split::possible) {
        return Err(Failure::Input(anyhow::anyhow!(
            "--record functions is about functions that share nothing: traffic that comes by function (azure-day, azure-2019) on a platform \
             without limits for all of them together (scale-per-request, azure-flex, fixed, lambda with account-limits = false)"
        )));
    }
    for variant in variants {
        if flags.fail_on == Some(FailOn::Slo) && variant.services.iter().all(|service| service.slo.is_none()) {
            return fails("--fail-on slo", "the scenario has no [slo]");
        }
        if flags.max_monthly_usd.is_some() && variant.pricing.is_none() {
            return fails(
                "--max-monthly-usd",
                "the scenario has no [prices], or none for its platform",
            );
        }
    }
    Ok(())
}

/// Fails when a variant breaks a promise.
pub(super) fn hold(study: &Study, flags: &StudyFlags) -> Outcome {
    let mut failed = Vec::new();
    for variant in &study.variants {
        let services = &variant.rows[1..];
        // Where there are several services, the promise is each one's own.
        let promises = if services.is_empty() {
            &variant.rows[..1]
        } else {
            services
        };
        for row in promises.iter().filter(|row| row.slo_met == Some(false)) {
            if flags.fail_on == Some(FailOn::Slo) {
                let of = if services.is_empty() {
                    String::new()
                } else {
                    format!(" for {}", row.service)
                };
                failed.push(format!("{} misses its SLO{of}", row.variant));
            }
        }
        let unjudged = promises
            .iter()
            .filter(|row| row.slo_objective.is_some() && row.slo_met.is_none());
        for row in unjudged.filter(|_| flags.fail_on == Some(FailOn::Slo)) {
            let of = match services.is_empty() {
                true => String::new(),
                false => format!(" of {}", row.service),
            };
            failed.push(match row.float(Metric::SloViolationRatio) {
                None => format!("no request of {}{of} was counted, so that its SLO cannot be judged", row.variant),
                Some(_) => format!(
                    "it is undecided whether {} keeps its SLO{of}: the objective lies inside the interval (--precision adds replications)",
                    row.variant
                ),
            });
        }
        let cost = variant.all().float(Metric::MonthlyCost);
        if let (Some(limit), Some(cost)) = (flags.max_monthly_usd, cost)
            && cost > limit
        {
            failed.push(format!(
                "{} costs {cost:.2} dollars a month, above {limit:.2}",
                variant.name()
            ));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::Gate(failed.join("; ")))
    }
}

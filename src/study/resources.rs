//! The resources of a variant in the mean over replications: pods, what they ask for and what they use.

use super::sample::Sample;
use crate::scenario::Variant;

/// Instances of each service, in the mean over time and replications.
pub(super) fn mean_pods(samples: &[Vec<Sample>]) -> Vec<f64> {
    let mean = |samples: &Vec<Sample>| {
        let each = samples.iter().map(|sample| {
            let area = sample.stats.area;
            (area.starting + area.busy + area.idle) as f64 / 1e9 / sample.window_s
        });
        each.sum::<f64>() / samples.len().max(1) as f64
    };
    samples.iter().map(mean).collect()
}

/// The requests of the pods of each service, mean over time and replications.
pub(super) fn pod_requests(variant: &Variant, samples: &[Vec<Sample>]) -> Vec<[f64; 2]> {
    let pods = mean_pods(samples).into_iter().zip(&variant.services);
    pods.map(|(pods, service)| {
        let (cpu, memory) = service.requests;
        [pods * cpu as f64, pods * memory as f64]
    })
    .collect()
}

/// CPU that requests used, in vCPU, in the mean over replications.
pub(super) fn cpu_used(samples: &[Sample]) -> Option<f64> {
    let each = samples
        .iter()
        .map(|sample| Some(sample.cpu_used_of?.0 / 1e12 / sample.window_s));
    let each: Vec<f64> = each.collect::<Option<_>>()?;
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

/// Memory that pods used, in MiB, in the mean over replications.
pub(super) fn memory_used(variant: &Variant, samples: &[Vec<Sample>]) -> Option<f64> {
    if !variant.has_nodes() {
        return None;
    }
    let mut bytes = 0.0;
    for (service, samples) in variant.services.iter().zip(samples) {
        let line = service.memory?;
        for sample in samples {
            let area = sample.stats.area;
            let mean = |area: i128| area as f64 / 1e9 / sample.window_s / samples.len() as f64;
            bytes += (line.at_one - line.growth) * mean(area.busy + area.idle) + line.growth * mean(area.in_flight);
        }
    }
    Some(bytes / 1_048_576.0)
}

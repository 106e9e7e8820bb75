//! Vectors of the kube-scheduler's scoring rules.

use coldcast::sim::cluster::scheduler::{
    Point, Share, balanced, image_locality, least_allocated, most_allocated, piecewise, requested_to_capacity,
};
use serde_json::Value;

pub fn check(kind: &str, inputs: &Value, expected: &Value) -> Option<Result<(), String>> {
    let found = match kind {
        "least_allocated" => by_node(inputs, least_allocated),
        "most_allocated" => by_node(inputs, most_allocated),
        "requested_to_capacity_ratio" => {
            let shape = shape(inputs);
            by_node(inputs, |shares| requested_to_capacity(shares, &shape))
        }
        "piecewise_shape" => {
            let shape = shape(inputs);
            let at = list(&inputs["utilization_pct"]).iter().map(whole);
            at.map(|utilisation| piecewise(&shape, utilisation)).collect()
        }
        "balanced_allocation_pre_1_36" => by_node(inputs, balanced),
        "image_locality" => by_images(inputs),
        _ => return None,
    };
    let expected: Vec<i64> = list(&expected["scores"]).iter().map(whole).collect();
    Some(if found == expected {
        Ok(())
    } else {
        Err(format!("scores are {found:?} and not {expected:?}"))
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn shape(inputs: &Value) -> Vec<Point> {
    let points = list(&inputs["shape"]).iter().map(|point| Point {
        utilisation: whole(&point["utilization_pct"]),
        score: whole(&point["score"]),
    });
    points.collect()
}

/// The score of each node, with the pod counted in. CPU and memory count always; extended resources where the pod asks for
/// them.
fn by_node(inputs: &Value, score: impl Fn(&[Share]) -> i64) -> Vec<i64> {
    let pod = &inputs["pod_requests"];
    let amount = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
    let scores = list(&inputs["nodes"]).iter().map(|node| {
        let resources = list(&inputs["resources"]).iter().filter_map(|resource| {
            let name = resource["name"].as_str().expect("a name");
            let asked = amount(pod, name);
            if asked == 0 && !["cpu_m", "memory"].contains(&name) {
                return None;
            }
            Some(Share {
                allocatable: amount(&node["allocatable"], name),
                requested: amount(&node["requested"], name) + asked,
                weight: resource["weight"].as_u64().unwrap_or(1),
            })
        });
        score(&resources.collect::<Vec<_>>())
    });
    scores.collect()
}

fn by_images(inputs: &Value) -> Vec<i64> {
    let wanted: Vec<&str> = list(&inputs["pod_container_images"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let nodes = list(&inputs["nodes_images_mib"]);
    let having = |image: &str| nodes.iter().filter(|node| !node[image].is_null()).count();
    let scores = nodes.iter().map(|node| {
        let present = wanted.iter().filter_map(|image| {
            let mib = node[*image].as_f64()?;
            Some(((mib * 1_048_576.0) as u64, having(image)))
        });
        image_locality(present, nodes.len(), wanted.len())
    });
    scores.collect()
}

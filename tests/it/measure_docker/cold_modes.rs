//! The other cold modes, and CPU limits that hold only once the app is ready.

use bollard::query_parameters::ListImagesOptionsBuilder;
use coldcast::model::profile::{ColdMode, ColdSample, CpuMode, FrameworkProfile, MeasuredConfig};

use crate::common::odd::{assert_adds_up, assert_says, coldcast};
use crate::measure_docker::bench::{Bench, bench};
use crate::measure_docker::registry::Registry;

fn run(profile: &FrameworkProfile, cold: ColdMode, cpu: CpuMode) -> &MeasuredConfig {
    let mut runs = profile
        .runs
        .iter()
        .filter(|run| (run.cold_mode, run.cpu_mode) == (cold, cpu));
    let run = runs.next().unwrap();
    assert!(runs.next().is_none());
    for sample in &run.cold {
        assert_adds_up(sample);
    }
    run
}

fn median(run: &MeasuredConfig, of: impl Fn(&ColdSample) -> f64) -> f64 {
    let mut values: Vec<f64> = run.cold.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Bench {
    /// Names of local images that contain a text.
    fn names_with(&self, text: &str) -> Vec<String> {
        let options = ListImagesOptionsBuilder::default().all(true).build();
        let images = self.runtime.block_on(self.docker.list_images(Some(options))).unwrap();
        let names = images
            .into_iter()
            .flat_map(|image| [image.repo_tags, image.repo_digests].concat());
        names.filter(|name| name.contains(text)).collect()
    }

    fn image_id(&self) -> String {
        let image = self.runtime.block_on(self.docker.inspect_image(&self.tag()));
        image.unwrap().id.unwrap()
    }
}

#[test]
fn a_boost_lasts_until_the_app_is_ready() {
    // The server burns 0.4 s of CPU before it listens, and 0.3 s in its first request of the workload.
    let Some(bench) = bench("busy") else { return };
    let output = bench.measure(&["--samples", "3", "--cpu", "0.25", "--cpu-mode", "flat,boosted-init"]);
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("odd-busy");
    assert_eq!(profile.provenance.cpu_mode, "boosted-init, flat");
    let flat = run(&profile, ColdMode::ProcessCold, CpuMode::Flat);
    let boosted = run(&profile, ColdMode::ProcessCold, CpuMode::BoostedInit);
    assert_eq!((flat.counted().count(), boosted.counted().count()), (3, 3));
    let boot = |run| median(run, |sample| sample.boot_ms);
    assert!(
        boot(flat) > 1000.0 && boot(boosted) < 0.6 * boot(flat),
        "{} {}",
        boot(flat),
        boot(boosted)
    );
    for sample in &flat.cold {
        assert_eq!((sample.first_request_ms, sample.limit_update_ms), (None, None));
    }
    for sample in &boosted.cold {
        // At a quarter of a CPU, with one full period to burn at once.
        assert!(sample.first_request_ms.unwrap() > 700.0, "{sample:?}");
        assert!((0.1..5000.0).contains(&sample.limit_update_ms.unwrap()), "{sample:?}");
    }
    bench.assert_clean();
}

#[test]
fn a_disk_cold_start_reads_from_the_disk() {
    let Some(bench) = bench("plain") else { return };
    let output = bench.measure(&["--samples", "3", "--cold-mode", "process-cold,disk-cold"]);
    let info = bench.runtime.block_on(bench.docker.info()).unwrap();
    let visible = info
        .docker_root_dir
        .as_ref()
        .is_some_and(|folder| std::fs::read_dir(folder).is_ok());
    let possible = visible && info.driver.as_deref() == Some("overlay2");
    if !possible {
        assert_says(&output, 3, &["disk-cold starts are not possible here", "hint:"]);
        return bench.assert_clean();
    }
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("odd-plain");
    let disk = run(&profile, ColdMode::DiskCold, CpuMode::Flat);
    assert_eq!(
        (disk.counted().count(), disk.failures.len()),
        (3, 0),
        "{:?}",
        disk.failures
    );
    assert_eq!(run(&profile, ColdMode::ProcessCold, CpuMode::Flat).counted().count(), 3);
    let read: Vec<f64> = profile
        .provenance
        .notes
        .iter()
        .filter_map(|note| {
            note.split_once("disk-cold: the first process read ")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    // CPython and its library are larger.
    assert!(matches!(read[..], [megabytes] if megabytes > 3.0), "{read:?}");
    bench.assert_clean();
}

#[test]
fn a_node_cold_start_pulls_every_layer_and_leaves_nothing() {
    let Some(bench) = bench("plain") else { return };
    let Some(registry) = Registry::start() else { return };
    let address = registry.address.to_string();
    let arguments = [
        "--samples",
        "3",
        "--cold-mode",
        "process-cold,node-cold",
        "--registry",
        &address,
    ];
    // The image is built first, so that the run does not build it.
    assert_says(&bench.measure(&["--samples", "1"]), 0, &["wrote"]);
    let id = bench.image_id();
    assert_says(&bench.measure(&arguments), 0, &["wrote"]);
    let profile = bench.profile("odd-plain");
    let image = &profile.image;
    // Two pulls of a quick run and one for each start, those of noisy blocks included.
    let node = run(&profile, ColdMode::NodeCold, CpuMode::Flat);
    assert_eq!(image.pulls.len(), 2 + node.cold.len());
    for pull in &image.pulls {
        assert_eq!(pull.layers.len(), image.layers as usize);
        let largest = pull.layers.iter().max_by_key(|layer| layer.compressed_bytes).unwrap();
        let (download, unpack) = (largest.download_ms.unwrap(), largest.unpack_ms.unwrap());
        assert!(
            download > 0.0 && unpack > 0.0 && download + unpack < pull.total_ms,
            "{pull:?}"
        );
        let unpacking: f64 = pull.layers.iter().filter_map(|layer| layer.unpack_ms).sum();
        assert!(
            unpacking < pull.total_ms,
            "layers are unpacked one after the other: {pull:?}"
        );
    }
    let bytes = image.pulls[0].layers.iter().map(|layer| layer.compressed_bytes).sum();
    assert_eq!(
        (image.compressed_bytes, image.compressed_estimated),
        (Some(bytes), false)
    );

    assert_eq!(
        (node.counted().count(), node.failures.len()),
        (3, 0),
        "{:?}",
        node.failures
    );
    for (sample, pull) in node.cold.iter().zip(&image.pulls[2..]) {
        assert_eq!(sample.pull_ms, Some(pull.total_ms));
    }
    let process = run(&profile, ColdMode::ProcessCold, CpuMode::Flat);
    assert!(process.cold.iter().all(|sample| sample.pull_ms.is_none()));

    assert_eq!(bench.image_id(), id);
    assert_eq!(bench.names_with(&address), Vec::<String>::new());
    let tags = registry.get("/v2/coldcast-run/tags/list");
    assert!(tags.contains("\"tags\":null"), "{tags}");
    bench.assert_clean();
}

#[test]
fn node_cold_says_what_it_needs() {
    let models = tempfile::tempdir().unwrap();
    let measure = |more: &[&str]| {
        let mut command = coldcast();
        command.args([
            "measure", "docker", "--image", "x", "--port", "80", "--name", "x", "--models",
        ]);
        command.arg(models.path()).args(more).output().unwrap()
    };
    assert_says(
        &measure(&["--cold-mode", "node-cold"]),
        2,
        &["--registry 127.0.0.1:PORT"],
    );
    let far = ["--registry", "example.org:5000"];
    assert_says(&measure(&far), 2, &["registry on this machine"]);
    assert_says(
        &measure(&["--cold-mode", "ice-cold"]),
        2,
        &["process-cold, disk-cold, node-cold"],
    );
}

#[test]
fn a_registry_that_does_not_answer_is_named_before_anything_is_built() {
    let Some(bench) = bench("plain") else { return };
    let output = bench.measure(&["--samples", "1", "--registry", "127.0.0.1:1"]);
    assert_says(
        &output,
        3,
        &["the registry at 127.0.0.1:1", "refused", "hint:", "docker-registry"],
    );
    assert_eq!(bench.names_with(&bench.tag()), Vec::<String>::new());
    bench.assert_clean();
}

//! A bench for one odd server: its folder, its image, and the remains of its runs.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard};

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, RemoveImageOptions,
};
use coldcast::model::profile::FrameworkProfile;

use crate::common::odd::{APP, coldcast, framework_toml, name_of};
use crate::common::skip;
use crate::measure_docker::app::BASE;

/// The label of everything that a run makes.
const RUN_LABEL: &str = "coldcast.run";

/// The engine, held by one test at a time.
pub struct Bench {
    pub runtime: tokio::runtime::Runtime,
    pub docker: Docker,
    folder: tempfile::TempDir,
    networks_before: Vec<String>,
    fault: &'static str,
    _turn: MutexGuard<'static, ()>,
}

/// Prepares the server with this fault; `None` if it cannot run here.
pub fn bench(fault: &'static str) -> Option<Bench> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let connected = async { Docker::connect_with_defaults()?.negotiate_version().await };
    let docker = match runtime.block_on(connected) {
        Ok(docker) => docker,
        Err(error) => return skip(&format!("no Docker engine ({error})")),
    };
    let filters = [("label".to_string(), vec![format!("coldcast.base-for={BASE}")])].into();
    let labelled = ListImagesOptionsBuilder::default().filters(&filters).build();
    let stand_in = runtime
        .block_on(docker.list_images(Some(labelled)))
        .is_ok_and(|images| !images.is_empty());
    if !stand_in && runtime.block_on(docker.inspect_image(BASE)).is_err() {
        return skip(&format!(
            "no base image ({BASE}, or a stand-in made by .ci/base-images)"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    write_framework(folder.path(), fault);
    let mut bench = Bench {
        runtime,
        docker,
        folder,
        networks_before: Vec::new(),
        fault,
        _turn: turn,
    };
    bench.networks_before = bench.networks();
    Some(bench)
}

/// Writes the odd server with this fault as a framework below `models`.
pub fn write_framework(models: &Path, fault: &str) {
    let framework = models.join(name_of(fault));
    std::fs::create_dir(&framework).unwrap();
    let write = |file: &str, text: &str| std::fs::write(framework.join(file), text).unwrap();
    write("app.py", APP);
    write(
        "Dockerfile",
        &format!(
            "ARG PYTHON_BASE={BASE}\nFROM ${{PYTHON_BASE}}\nCOPY app.py /\nUSER 65532:65532\n\
             ENTRYPOINT [\"python3\", \"/app.py\", \"{fault}\"]\n"
        ),
    );
    write(
        "framework.toml",
        &framework_toml(fault, &format!("PYTHON_BASE = \"{BASE}\""), ""),
    );
}

impl Bench {
    pub fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    pub fn models(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = coldcast();
        command.args(["measure", "docker"]).args(arguments);
        command
            .args(["--quick", "--models"])
            .arg(self.folder.path())
            .arg("--out")
            .arg(self.out());
        command
    }

    /// Measures the odd server.
    pub fn measure(&self, arguments: &[&str]) -> Output {
        self.command(&[&[name_of(self.fault).as_str()], arguments].concat())
            .output()
            .unwrap()
    }

    pub fn profile(&self, name: &str) -> FrameworkProfile {
        serde_json::from_slice(&std::fs::read(self.out().join(name).join("profile.json")).unwrap()).unwrap()
    }

    pub fn tag(&self) -> String {
        format!("coldcast/{}:1", name_of(self.fault))
    }

    pub fn containers(&self) -> Vec<String> {
        let filters = [
            ("ancestor".to_string(), vec![self.tag()]),
            ("label".to_string(), vec![RUN_LABEL.to_string()]),
        ]
        .into();
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let found = self.runtime.block_on(self.docker.list_containers(Some(options)));
        // The engine refuses the filter until the image exists.
        found
            .unwrap_or_default()
            .into_iter()
            .filter_map(|container| container.id)
            .collect()
    }

    /// The raw file of a run. A profile is written only if there are samples.
    pub fn raw(&self) -> String {
        std::fs::read_to_string(self.out().join(format!("raw/{}.jsonl", name_of(self.fault)))).unwrap()
    }

    fn networks(&self) -> Vec<String> {
        let filters = [("label".to_string(), vec![RUN_LABEL.to_string()])].into();
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = self.runtime.block_on(self.docker.list_networks(Some(options))).unwrap();
        found.into_iter().filter_map(|network| network.id).collect()
    }

    /// Asserts that nothing with the label of a run is left.
    pub fn assert_clean(&self) {
        assert_eq!(self.containers(), Vec::<String>::new());
        let new: Vec<_> = self
            .networks()
            .into_iter()
            .filter(|id| !self.networks_before.contains(id))
            .collect();
        assert_eq!(new, Vec::<String>::new());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self
            .runtime
            .block_on(self.docker.remove_image(&self.tag(), None::<RemoveImageOptions>, None));
    }
}

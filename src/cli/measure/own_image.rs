//! The flags of `measure docker` for an image of the user.

use std::path::PathBuf;

use clap::Args;

use crate::measure::options::{self, quoted};
use crate::measure::{Capability, ContainerOptions, EnvVar, Headers, MeasureError, OwnImage, OwnRoute, Subject, Tmpfs};

/// The flags of an image of the user. All others need `--image`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Your own image")]
pub struct OwnImageArgs {
    /// Measure this local image in place of a framework
    #[arg(long, value_name = "IMAGE", requires = "port", requires = "name")]
    pub image: Option<String>,
    /// Name of the profile of the image
    #[arg(long, value_name = "NAME", requires = "image", value_parser = name)]
    name: Option<String>,
    /// Port on which the image listens
    #[arg(long, value_name = "PORT", requires = "image", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Path on which the image answers with a status from 200 to 299 once it is ready
    #[arg(long, value_name = "PATH", requires = "image", default_value = "/healthz", value_parser = path)]
    path: String,
    /// Port of that path, if it is not --port
    #[arg(long, value_name = "PORT", requires = "image", value_parser = clap::value_parser!(u16).range(1..))]
    health_port: Option<u16>,
    /// Route whose work is measured as well; if `n` in braces stands for sizes, the cost of a unit of its work; repeatable
    #[arg(long, value_name = "NAME=/PATH[?n={n}:10,20,40]", requires = "image")]
    route: Vec<OwnRoute>,
    /// Header of every request, such as 'Host: shop.example'; repeatable. Values are never stored, only a short digest
    #[arg(long, value_name = "NAME: VALUE", requires = "image")]
    header: Vec<String>,
    /// Environment variable for the image; NAME alone passes on its current value; repeatable. Values are never stored,
    /// only a short digest
    #[arg(long, value_name = "NAME=VALUE", requires = "image")]
    env: Vec<String>,
    /// File with an environment variable on each line, as for `docker run`
    #[arg(long, value_name = "FILE", requires = "image")]
    env_file: Option<PathBuf>,
    /// Folder in memory that the image can write to, with a size (64Mi by default); repeatable
    #[arg(long, value_name = "FOLDER[:SIZE]", requires = "image")]
    tmpfs: Vec<Tmpfs>,
    /// Let the image write to its root file system, which is read-only otherwise
    #[arg(long, requires = "image")]
    writable: bool,
    /// Capabilities that the image needs; it has none otherwise
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "image")]
    cap_add: Vec<Capability>,
    /// User that runs the image, in place of its own
    #[arg(long, value_name = "USER[:GROUP]", requires = "image", value_parser = options::user)]
    user: Option<String>,
    /// Network of the engine to which the image is connected as well, such as that of its database; it has no network to
    /// the outside otherwise
    #[arg(long, value_name = "NETWORK", requires = "image", value_parser = options::network)]
    network: Option<String>,
}

impl OwnImageArgs {
    /// The image; `None` if frameworks are to be measured.
    ///
    /// # Errors
    /// If a header is malformed.
    pub fn subject(&self) -> Result<Option<Subject>, MeasureError> {
        let (Some(image), Some(port), Some(name)) = (&self.image, self.port, &self.name) else {
            return Ok(None);
        };
        let mut own = OwnImage::new(name, image, port, &self.path);
        own.health_port = self.health_port.filter(|health| *health != port);
        own.routes = self.route.clone();
        if let Some(route) = own.routes.iter().enumerate().find_map(|(k, route)| {
            own.routes[..k]
                .iter()
                .any(|other| other.name == route.name)
                .then_some(route)
        }) {
            let name = &route.name;
            return Err(MeasureError::BadRequest(format!(
                "--route: two routes have the name `{name}`"
            )));
        }
        own.headers = Headers::read(&self.header).map_err(MeasureError::BadRequest)?;
        Ok(Some(Subject::Image(own)))
    }

    /// The settings of its container.
    ///
    /// # Errors
    /// If a variable is malformed or a file cannot be read.
    pub fn options(&self) -> Result<ContainerOptions, MeasureError> {
        let mut env = match &self.env_file {
            Some(path) => options::env_file(path)?,
            None => Vec::new(),
        };
        for text in &self.env {
            let variable = EnvVar::read(text).map_err(MeasureError::BadRequest)?;
            env.retain(|other| other.name() != variable.name());
            env.push(variable);
        }
        let mut cap_add = self.cap_add.clone();
        cap_add.sort();
        cap_add.dedup();
        Ok(ContainerOptions {
            env,
            tmpfs: self.tmpfs.clone(),
            writable: self.writable,
            cap_add,
            user: self.user.clone(),
            network: self.network.clone(),
        })
    }
}

/// The words of the command line that name an image. A path may have characters that mean something to a shell.
pub fn words(own: &OwnImage) -> String {
    let OwnImage {
        name,
        image,
        port,
        path,
        ..
    } = own;
    let mut words = format!(
        "--image {} --port {port} --path {} --name {name}",
        quoted(image),
        quoted(path)
    );
    if let Some(health) = own.health_port {
        words += &format!(" --health-port {health}");
    }
    for route in &own.routes {
        words += &format!(" --route {}", quoted(&route.to_string()));
    }
    for name in own.headers.names() {
        words += &format!(" --header {name}");
    }
    words
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_string())
    } else {
        Err("a path starts with / and has no spaces".into())
    }
}

pub fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if text.chars().all(fits) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(text.to_string())
    } else {
        Err("use letters, digits, `-`, `_` and `.`, and start with a letter or digit".into())
    }
}

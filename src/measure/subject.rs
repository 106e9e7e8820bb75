//! The subjects of a measurement: frameworks of the models folder, and a user's own images.

use std::path::{Path, PathBuf};

use crate::measure::contract::Identity;
use crate::measure::error::MeasureError;
use crate::measure::options::Headers;
use crate::measure::probe::Expect;
use crate::measure::warm::routes::{OwnRoute, Routes};
use crate::model::framework::Framework;

/// A framework or an image to measure.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A framework. Its image is built from its folder.
    Framework {
        /// The content of its `framework.toml`.
        framework: Box<Framework>,
        /// The folder.
        folder: PathBuf,
    },
    /// An image on this machine. It need not meet the HTTP contract.
    Image(OwnImage),
}

/// An image of the user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OwnImage {
    /// The name of the profile.
    pub name: String,
    /// The reference of the image.
    pub image: String,
    /// The port on which it listens.
    pub port: u16,
    /// The path that answers with a status from 200 to 299 once the server is ready.
    pub path: String,
    /// The port of that path, if it is another one.
    pub health_port: Option<u16>,
    /// The headers that each request carries in addition.
    pub headers: Headers,
    /// The further routes.
    pub routes: Vec<OwnRoute>,
}

impl OwnImage {
    /// An image without settings of its own.
    pub fn new(name: impl Into<String>, image: impl Into<String>, port: u16, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            port,
            path: path.into(),
            health_port: None,
            headers: Headers::default(),
            routes: Vec::new(),
        }
    }

    /// The port of the routes that are measured: that of the image, unless only its health route is known, and has another one.
    fn work_port(&self) -> u16 {
        match self.health_port {
            Some(health) if self.routes.is_empty() => health,
            _ => self.port,
        }
    }

    /// The routes that are measured. If the health route has a port of its own, the first other one takes its place.
    fn routes(&self) -> Routes {
        let first = self.routes.first().filter(|_| self.health_port.is_some());
        Routes::Own {
            ready: first.map_or_else(|| self.path.clone(), OwnRoute::smallest),
            further: self.routes.clone(),
            headers: self.headers.clone(),
        }
    }
}

impl Subject {
    /// The name of the profile.
    pub fn name(&self) -> &str {
        match self {
            Self::Framework { framework, .. } => &framework.name,
            Self::Image(own) => &own.name,
        }
    }

    /// The port of its health route.
    pub fn port(&self) -> u16 {
        match self {
            Self::Framework { framework, .. } => framework.image.port,
            Self::Image(own) => own.health_port.unwrap_or(own.port),
        }
    }

    /// The port of its other routes.
    pub fn work_port(&self) -> u16 {
        match self {
            Self::Framework { .. } => self.port(),
            Self::Image(own) => own.work_port(),
        }
    }

    /// The headers that each request carries in addition.
    pub fn headers(&self) -> Headers {
        match self {
            Self::Framework { .. } => Headers::default(),
            Self::Image(own) => own.headers.clone(),
        }
    }

    /// The path of its health route.
    pub fn path(&self) -> &str {
        match self {
            Self::Framework { .. } => "/healthz",
            Self::Image(own) => &own.path,
        }
    }

    /// The rule for a correct answer.
    pub fn expect(&self) -> Expect {
        match self {
            Self::Framework { .. } => Expect::Contract,
            Self::Image(_) => Expect::AnySuccess,
        }
    }

    /// The framework and release that `/json` must name. A variant names the folder from which it is built.
    pub fn identity(&self) -> Option<Identity> {
        let Self::Framework { framework, folder } = self else {
            return None;
        };
        let sources = folder
            .canonicalize()
            .ok()
            .map(|folder| framework.image.sources(&folder));
        let sources = sources.and_then(|sources| sources.canonicalize().ok());
        let name = sources.as_deref().and_then(Path::file_name);
        Some(Identity {
            framework: name.map_or_else(|| framework.name.clone(), |name| name.to_string_lossy().into_owned()),
            version: framework.version.clone(),
        })
    }

    /// Its routes.
    pub fn routes(&self) -> Routes {
        match self {
            Self::Framework { .. } => Routes::Contract,
            Self::Image(own) => own.routes(),
        }
    }
}

/// The frameworks with these names in the folder `models`, or all of them if no name is given.
///
/// # Errors
/// If there is no such folder, a framework is unknown, or its `framework.toml` is invalid.
pub fn frameworks(models: &Path, names: &[String]) -> Result<Vec<Subject>, MeasureError> {
    if !models.is_dir() {
        return Err(MeasureError::BadRequest(format!(
            "there is no folder {}; run this in a clone of coldcast, or name the folder of the frameworks with --models",
            models.display()
        )));
    }
    let known = known(models)?;
    let names = if names.is_empty() { &known } else { names };
    if names.is_empty() {
        return Err(MeasureError::BadRequest(format!(
            "no framework.toml below {}",
            models.display()
        )));
    }
    let mut subjects: Vec<Subject> = Vec::new();
    for name in names {
        if !known.contains(name) {
            return Err(MeasureError::UnknownFramework {
                name: name.clone(),
                models: models.to_path_buf(),
                known,
            });
        }
        if subjects.iter().all(|subject| subject.name() != name) {
            subjects.push(framework(&models.join(name))?);
        }
    }
    Ok(subjects)
}

fn known(models: &Path) -> Result<Vec<String>, MeasureError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(models).map_err(MeasureError::io(models))? {
        let entry = entry.map_err(MeasureError::io(models))?;
        if entry.path().join("framework.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn framework(folder: &Path) -> Result<Subject, MeasureError> {
    let path = folder.join("framework.toml");
    let text = std::fs::read_to_string(&path).map_err(MeasureError::io(&path))?;
    let framework: Framework = toml::from_str(&text).map_err(|error| MeasureError::BadFramework {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    if !folder.ends_with(&framework.name) {
        return Err(MeasureError::BadFramework {
            path,
            reason: format!("name `{}` differs from the name of the folder", framework.name),
        });
    }
    Ok(Subject::Framework {
        framework: Box::new(framework),
        folder: folder.to_path_buf(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_a_suggestion() {
        let models = tempfile::tempdir().unwrap();
        std::fs::create_dir(models.path().join("express")).unwrap();
        std::fs::write(models.path().join("express/framework.toml"), "schema = 1").unwrap();
        let error = frameworks(models.path(), &["expres".into()]).unwrap_err();
        assert_eq!(error.hints(), ["did you mean `express`?"]);
        assert!(error.is_input());
        let absent = frameworks(&models.path().join("none"), &[]).unwrap_err();
        assert!(absent.is_input() && absent.to_string().contains("--models"), "{absent}");
        assert!(matches!(
            frameworks(models.path(), &[]),
            Err(MeasureError::BadFramework { .. })
        ));
    }
}

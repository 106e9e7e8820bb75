//! What is measured: a framework of the models folder, or a user's own image.

use std::path::{Path, PathBuf};

use super::contract::Identity;
use super::error::MeasureError;
use super::probe::Expect;
use super::routes::Routes;
use crate::model::framework::Framework;

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A framework, whose image is built from its folder.
    Framework {
        /// What its `framework.toml` says.
        framework: Box<Framework>,
        /// Its folder.
        folder: PathBuf,
    },
    /// An image that is on this machine or can be pulled by hand before; it need not know the HTTP contract.
    Image {
        /// Name of the profile.
        name: String,
        /// Image reference.
        image: String,
        /// Port on which it listens.
        port: u16,
        /// Path that answers with a status from 200 to 299 once it is ready.
        path: String,
    },
}

impl Subject {
    /// Name of the profile.
    pub fn name(&self) -> &str {
        match self {
            Self::Framework { framework, .. } => &framework.name,
            Self::Image { name, .. } => name,
        }
    }

    /// Port on which it listens.
    pub fn port(&self) -> u16 {
        match self {
            Self::Framework { framework, .. } => framework.image.port,
            Self::Image { port, .. } => *port,
        }
    }

    /// Path of its health route.
    pub fn path(&self) -> &str {
        match self {
            Self::Framework { .. } => "/healthz",
            Self::Image { path, .. } => path,
        }
    }

    /// What a right answer is.
    pub fn expect(&self) -> Expect {
        match self {
            Self::Framework { .. } => Expect::Contract,
            Self::Image { .. } => Expect::AnySuccess,
        }
    }

    /// What a framework says about itself on `/json`: a variant tells the name of the folder it is built from.
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

    /// The routes it has.
    pub fn routes(&self) -> Routes {
        match self {
            Self::Framework { .. } => Routes::Contract,
            Self::Image { path, .. } => Routes::Only(path.clone()),
        }
    }
}

/// The frameworks named, or all of the folder if none is named.
pub fn frameworks(models: &Path, names: &[String]) -> Result<Vec<Subject>, MeasureError> {
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
            reason: format!("name `{}` differs from the folder's", framework.name),
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
        assert!(matches!(
            frameworks(models.path(), &[]),
            Err(MeasureError::BadFramework { .. })
        ));
    }
}

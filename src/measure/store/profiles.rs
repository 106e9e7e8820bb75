//! The files of profiles.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Header, compact};
use crate::measure::error::MeasureError;
use crate::model::profile::{FrameworkProfile, parse};

/// The profile that the same command has made of the same image; `None` if there is none.
pub fn finished(out: &Path, name: &str, header: &Header) -> Option<FrameworkProfile> {
    let text = fs::read_to_string(out.join(name).join("profile.json")).ok()?;
    let profile = parse(&text).ok()?;
    let provenance = &profile.provenance;
    let same = provenance.command == header.command && provenance.image_id == header.image_id;
    let same = same && profile.options == header.options;
    same.then_some(profile)
}

/// Writes `<out>/<name>/profile.json` whole or not at all, and returns its path.
pub fn write_profile(out: &Path, profile: &FrameworkProfile) -> Result<PathBuf, MeasureError> {
    write_json(&out.join(&profile.name), "profile.json", profile)
}

/// Writes a file whole or not at all, and returns its path.
pub fn write_json(folder: &Path, name: &str, content: &impl Serialize) -> Result<PathBuf, MeasureError> {
    fs::create_dir_all(folder).map_err(MeasureError::io(folder))?;
    let path = folder.join(name);
    let bytes = compact::to_vec(content)
        .map_err(std::io::Error::other)
        .map_err(MeasureError::io(&path))?;
    let whole = || -> std::io::Result<()> {
        // Readable as any file of this user, not private as other temporary files.
        let mode = Permissions::from_mode(0o666);
        let mut file = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&path)?;
        Ok(())
    };
    whole().map_err(MeasureError::io(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog;

    #[test]
    fn a_profile_is_replaced_whole_and_has_the_rights_of_any_file() {
        let out = tempfile::tempdir().unwrap();
        let profile = parse(catalog::profile("gin").unwrap()).unwrap();
        let path = write_profile(out.path(), &profile).unwrap();
        assert_eq!(path, out.path().join("gin/profile.json"));
        let mut longer = profile.clone();
        longer.provenance.notes.push("longer".into());
        write_profile(out.path(), &longer).unwrap();
        write_profile(out.path(), &profile).unwrap();
        assert_eq!(parse(&fs::read_to_string(&path).unwrap()).unwrap(), profile);
        assert_eq!(
            fs::read_dir(out.path().join("gin")).unwrap().count(),
            1,
            "nothing temporary is left"
        );
        let other = out.path().join("other");
        fs::write(&other, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }

    #[test]
    fn a_finished_profile_belongs_to_its_command_and_image() {
        let out = tempfile::tempdir().unwrap();
        let profile = parse(catalog::profile("gin").unwrap()).unwrap();
        write_profile(out.path(), &profile).unwrap();
        let provenance = &profile.provenance;
        let header = Header::new(&provenance.command, &provenance.image_id, "", "");
        assert_eq!(finished(out.path(), "gin", &header), Some(profile.clone()));
        let other = Header::new("another command", &provenance.image_id, "", "");
        assert_eq!(finished(out.path(), "gin", &other), None);
        assert_eq!(finished(out.path(), "echo", &header), None);
    }
}

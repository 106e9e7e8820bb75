//! The places where instances run. A new place is one file below `targets/`, which implements
//! [`Target`](super::target::Target), with its `mod` and one line in the list below.

use crate::measure::Measurement;
use crate::measure::error::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::run::{Finished, run_on};

pub mod docker;
#[cfg(test)]
pub mod fake;
pub mod process;

/// Declares [`Backend`], which has a variant for each place. The type in a line has a function
/// `connect(run, measurement)`.
macro_rules! places {
    ($($(#[$doc:meta])+ $variant:ident: $module:ident::$target:ident,)+) => {
        /// A place where instances run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Backend {
            $($(#[$doc])+ $variant,)+
        }

        impl Backend {
            /// All places.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name, as in `coldcast measure <name>` and in profiles.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($module),)+
                }
            }

            /// Connects to the place and measures there.
            pub(in crate::measure) async fn run(
                self,
                id: &str,
                measurement: &Measurement,
                progress: &mut Progress,
            ) -> Result<Finished, MeasureError> {
                match self {
                    $(Self::$variant => {
                        let target = $module::$target::connect(id, measurement).await?;
                        run_on(&target, id, measurement, progress).await
                    })+
                }
            }
        }
    };
}

places! {
    /// In containers on a Docker engine of this machine.
    Docker: docker::Containers,
    /// The frameworks run as processes of this machine.
    Process: process::Processes,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row "a place to measure on" of the extension table: one file, and one line in the list above.
    #[test]
    fn each_file_of_a_place_has_its_line() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/measure/targets");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .filter(|name| name != "fake")
            .collect();
        files.sort();
        let mut listed: Vec<&str> = Backend::ALL.iter().map(|backend| backend.name()).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }
}

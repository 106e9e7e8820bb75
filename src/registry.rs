//! Registries of interchangeable parts. A row such as `"poisson" => Poisson(poisson::PoissonSpec)` makes the serde variant
//! (an externally tagged table, so that a typo keeps its line), the list of names for help and "did you mean", and the
//! way to the part's own code. Adding a part is one file and one row. A program that uses the library can add a part without a
//! row: see [`Own`].

use std::fmt;
use std::sync::Arc;

/// A part that a program outside the crate brings along, such as a platform of its own. It stands beside the rows of its
/// registry, in its variant `Own`. No file can name it.
pub struct Own<T: ?Sized> {
    /// The name in reports.
    name: &'static str,
    part: Arc<T>,
}

impl<T: ?Sized> Own<T> {
    pub(crate) fn new(name: &'static str, part: Arc<T>) -> Self {
        Self { name, part }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn part(&self) -> &T {
        &self.part
    }
}

impl<T: ?Sized> Clone for Own<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            part: self.part.clone(),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Own<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Own").field(&self.name).finish()
    }
}

/// Two are equal if they are one and the same part.
impl<T: ?Sized> PartialEq for Own<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.part, &other.part)
    }
}

/// Makes an enum of specs, types that all implement the trait named after the colon.
macro_rules! registry {
    ($(#[$attribute:meta])* pub enum $name:ident: $part:path {
        $($(#[$doc:meta])* $key:literal => $variant:ident($spec:ty),)+
    }) => {
        $(#[$attribute])*
        // There are a handful of them, and none is moved often.
        #[allow(clippy::large_enum_variant)]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $key)] $variant($spec),)+
            /// A part that the calling program brings along. No file can name it.
            #[serde(skip)]
            Own($crate::registry::Own<dyn $part + Send + Sync>),
        }

        impl $name {
            /// The names of all rows as files write them.
            pub const NAMES: &'static [&'static str] = &[$($key),+];

            /// The name of this row.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $key,)+
                    Self::Own(own) => own.name(),
                }
            }

            /// The code behind this row.
            pub fn part(&self) -> &dyn $part {
                match self {
                    $(Self::$variant(spec) => spec,)+
                    Self::Own(own) => own.part(),
                }
            }

            /// A part of the calling program's own, which reports name `name`.
            pub fn own(name: &'static str, part: impl $part + Send + Sync + 'static) -> Self {
                Self::Own($crate::registry::Own::new(name, ::std::sync::Arc::new(part)))
            }
        }
    };
}
pub(crate) use registry;

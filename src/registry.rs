//! Registries of interchangeable parts. A row such as `"poisson" => Poisson(poisson::PoissonSpec)` makes the serde variant
//! (an externally tagged table, so that a typo keeps its line), the list of names for help and "did you mean", and the
//! way to the part's own code. Adding a part is one file and one row.

/// Makes an enum of specs, types that all implement the trait named after the colon.
macro_rules! registry {
    ($(#[$attribute:meta])* pub enum $name:ident: $part:path {
        $($(#[$doc:meta])* $key:literal => $variant:ident($spec:ty),)+
    }) => {
        $(#[$attribute])*
        // There are a handful of them, and none is moved often.
        #[allow(clippy::large_enum_variant)]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $key)] $variant($spec),)+
        }

        impl $name {
            /// The names of all rows as files write them.
            pub const NAMES: &'static [&'static str] = &[$($key),+];

            /// The name of this row.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $key,)+ }
            }

            /// The code behind this row.
            pub fn part(&self) -> &dyn $part {
                match self { $(Self::$variant(spec) => spec,)+ }
            }
        }
    };
}
pub(crate) use registry;

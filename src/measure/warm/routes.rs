//! The requests to a warm instance. Routes and bodies are those of the HTTP contract in `models/frameworks/README.md`, or those
//! that a user names for an image of their own.

use std::fmt;
use std::str::FromStr;

use crate::measure::contract::measured_orders;
use crate::measure::http::Request;
use crate::measure::options::Headers;

/// The route of the contract whose handler burns 5 ms of CPU time.
pub const BURN_5MS: &str = "/cpu?ms=5";
/// The place of the number of units in the path of an [`OwnRoute`].
const UNITS: &str = "{n}";
/// The smallest number of sizes of an [`OwnRoute`]: two give a slope, and the third shows if the route is linear.
const FEWEST_SIZES: usize = 3;
/// The sizes of the kinds of work of the contract. The largest costs a Go program some ten times its overhead, and a Django
/// program some 10 ms; the smallest keeps the intercept within sight.
const ITEMS: [u32; 4] = [10, 50, 150, 400];
const ORDERS: [u32; 4] = [5, 25, 75, 200];
const ROWS: [u32; 4] = [20, 100, 300, 800];
const LINES: [u32; 4] = [200, 500, 1200, 3000];

/// The routes of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routes {
    /// The routes of the HTTP contract.
    Contract,
    /// Routes of the user.
    Own {
        /// The path that answers once the server is ready.
        ready: String,
        /// The further routes.
        further: Vec<OwnRoute>,
        /// The headers that each request carries in addition.
        headers: Headers,
    },
}

/// A route of a user's own image, such as `search=/search?rows={n}:10,100,400`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRoute {
    /// The name in the profile.
    pub name: String,
    /// The path with its query. `{n}` stands for the number of units, if there are sizes.
    pub path: String,
    /// The numbers of units, ascending; empty for a route that does not depend on a number.
    pub sizes: Vec<u32>,
}

/// A kind of work with its requests by ascending number of units.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The name in the profile.
    pub name: String,
    /// The numbers of units, each with its request.
    pub sizes: Vec<(u32, Request)>,
}

impl Routes {
    /// The name of the main route in the profile.
    pub fn main_name(&self) -> &'static str {
        match self {
            Self::Contract => "json",
            Self::Own { .. } => "healthz",
        }
    }

    /// The main route: that of the warm-up curve, of the saturation rate and of the open loops.
    pub fn main(&self) -> Request {
        match self {
            Self::Contract => Request::get("/json"),
            Self::Own { ready, headers, .. } => headers.on(&Request::get(ready)),
        }
    }

    /// The name and the request of each route that does not depend on a number of units.
    pub fn all(&self) -> Vec<(String, Request)> {
        match self {
            Self::Contract => vec![
                ("healthz".into(), Request::get("/healthz")),
                ("json".into(), Request::get("/json")),
                ("items".into(), Request::get("/items/42")),
                (
                    "echo".into(),
                    Request::post_json("/echo", r#"{"name":"pencil","quantity":3,"tags":["new","eco"]}"#),
                ),
            ],
            Self::Own {
                ready,
                further,
                headers,
            } => {
                let get = |path: &str| headers.on(&Request::get(path));
                let further = further.iter().filter(|route| route.sizes.is_empty());
                let further = further.map(|route| (route.name.clone(), get(&route.path)));
                std::iter::once(("healthz".into(), get(ready))).chain(further).collect()
            }
        }
    }

    /// The kinds of work in sizes.
    pub fn kinds(&self) -> Vec<Kind> {
        let kind = |name: &str, sizes: &[u32], request: &dyn Fn(u32) -> Request| Kind {
            name: name.into(),
            sizes: sizes.iter().map(|&units| (units, request(units))).collect(),
        };
        match self {
            Self::Contract => vec![
                kind("items", &ITEMS, &|n| Request::get(&format!("/items/42?count={n}"))),
                kind("validate", &ORDERS, &|n| {
                    Request::post_json("/validate", &measured_orders(n))
                }),
                kind("template", &ROWS, &|n| Request::get(&format!("/template?count={n}"))),
                kind("compute", &LINES, &|n| Request::get(&format!("/compute?count={n}"))),
            ],
            Self::Own { further, headers, .. } => {
                let sized = further.iter().filter(|route| !route.sizes.is_empty());
                let at = |route: &OwnRoute, n: u32| headers.on(&Request::get(&route.at(n)));
                sized
                    .map(|route| kind(&route.name, &route.sizes, &|n| at(route, n)))
                    .collect()
            }
        }
    }
}

impl OwnRoute {
    /// The path with this number of units.
    fn at(&self, units: u32) -> String {
        self.path.replace(UNITS, &units.to_string())
    }

    /// The path with the smallest number of units.
    pub fn smallest(&self) -> String {
        self.sizes
            .first()
            .map_or_else(|| self.path.clone(), |&units| self.at(units))
    }
}

impl fmt::Display for OwnRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.path)?;
        let sizes: Vec<String> = self.sizes.iter().map(ToString::to_string).collect();
        match sizes.is_empty() {
            true => Ok(()),
            false => write!(f, ":{}", sizes.join(",")),
        }
    }
}

impl FromStr for OwnRoute {
    type Err = String;

    /// Parses `NAME=/PATH`, or `NAME=/PATH?n={n}:10,20,40`.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write NAME=/PATH, or NAME=/PATH?n={n}:10,20,40 for a route whose work grows with a number";
        let (name, rest) = text.split_once('=').ok_or(format!("`{text}` has no name: {form}"))?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
            return Err(format!(
                "the name `{name}` must have lower-case letters, digits and `-` only, and begin with a letter"
            ));
        }
        if name == "healthz" {
            return Err("the name `healthz` is that of the route of --path".into());
        }
        let (path, sizes) = match rest.contains(UNITS) {
            false => (rest, Vec::new()),
            true => {
                let (path, list) = rest
                    .rsplit_once(':')
                    .filter(|(path, _)| path.contains(UNITS))
                    .ok_or(format!("`{rest}` has {UNITS} and no sizes: {form}"))?;
                (path, sizes(list)?)
            }
        };
        if !path.starts_with('/') || !path.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!(
                "the path `{path}` must begin with `/` and have no spaces or special characters: {form}"
            ));
        }
        Ok(Self {
            name: name.into(),
            path: path.into(),
            sizes,
        })
    }
}

/// The numbers of a list such as `10,20,40`, ascending and each once.
fn sizes(list: &str) -> Result<Vec<u32>, String> {
    let number = |text: &str| {
        let number = text.trim().parse().ok().filter(|&n: &u32| n > 0);
        number.ok_or(format!(
            "`{text}` in the sizes `{list}` is not a whole number of at least 1"
        ))
    };
    let mut sizes = list.split(',').map(number).collect::<Result<Vec<u32>, String>>()?;
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < FEWEST_SIZES {
        return Err(format!(
            "the sizes `{list}` must be at least {FEWEST_SIZES} different numbers: two give a slope, and the third shows if the \
             route is linear"
        ));
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_routes_are_read() {
        let route: OwnRoute = "search=/search:all?rows={n}&x=1:40,10,20,10".parse().unwrap();
        assert_eq!(
            (route.name.as_str(), route.path.as_str()),
            ("search", "/search:all?rows={n}&x=1")
        );
        assert_eq!(route.sizes, [10, 20, 40]);
        let fixed: OwnRoute = "home=/a:1,2,3".parse().unwrap();
        assert_eq!((fixed.path.as_str(), fixed.sizes.len()), ("/a:1,2,3", 0));
        for (wrong, why) in [
            ("/search", "has no name"),
            ("Search=/a", "lower-case"),
            ("=/a", "lower-case"),
            ("a=b", "must begin with `/`"),
            ("a=/b c", "must begin with `/`"),
            ("a=/b\r\nX: y", "must begin with `/`"),
            ("a=/b?n={n}", "no sizes"),
            ("a=/b?t=1:2&n={n}", "no sizes"),
            ("a=/b?n={n}:10,20", "at least 3"),
            ("a=/b?n={n}:10,20,20", "at least 3"),
            ("a=/b?n={n}:0,10,20", "`0`"),
            ("a=/b?n={n}:10,x,20", "`x`"),
            ("healthz=/b", "--path"),
        ] {
            let error = wrong.parse::<OwnRoute>().unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn own_routes_are_asked_with_each_size() {
        let routes = Routes::Own {
            ready: "/up".into(),
            further: vec!["a=/a".parse().unwrap(), "b=/b?n={n}:3,1,2".parse().unwrap()],
            headers: Headers::default(),
        };
        let plain: Vec<String> = routes.all().into_iter().map(|(name, _)| name).collect();
        assert_eq!(plain, ["healthz", "a"]);
        let kinds = routes.kinds();
        assert_eq!((kinds.len(), kinds[0].name.as_str()), (1, "b"));
        let units: Vec<u32> = kinds[0].sizes.iter().map(|(units, _)| *units).collect();
        assert_eq!(units, [1, 2, 3]);
        assert_eq!(
            format!("{:?}", kinds[0].sizes[1].1),
            format!("{:?}", Request::get("/b?n=2"))
        );
    }

    #[test]
    fn the_contract_has_four_kinds_of_four_sizes() {
        let kinds = Routes::Contract.kinds();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(names, ["items", "validate", "template", "compute"]);
        assert!(kinds.iter().all(|kind| kind.sizes.len() == 4));
    }
}

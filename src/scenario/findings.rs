//! The findings of a step of planning: problems, assumptions, and the files that were read. Findings of several steps are
//! merged into those of the whole plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::assumption::{Assumption, Topic};

/// A value, and the findings on the way to it.
pub type Found<T> = (T, Findings);

/// The findings of one step or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Semantic problems, in the order in which they were found.
    problems: Vec<String>,
    /// Choices that the answer depends on.
    assumptions: BTreeSet<Assumption>,
    /// SHA-256 of each profile file that was read, by framework.
    profile_sha256: BTreeMap<String, String>,
    /// Machines on which profiles were measured, with the frameworks of each.
    machines: BTreeMap<String, BTreeSet<String>>,
}

impl Findings {
    /// Adds a problem.
    pub fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    /// Adds several problems.
    pub fn problems(&mut self, texts: impl IntoIterator<Item = String>) {
        self.problems.extend(texts);
    }

    /// Adds the problems of a table such as `[cluster.karpenter]`.
    pub fn problems_of(&mut self, table: &str, texts: impl IntoIterator<Item = String>) {
        self.problems(texts.into_iter().map(|text| format!("[{table}]: {text}")));
    }

    /// Adds an assumption.
    pub fn assume(&mut self, assumption: Assumption) {
        self.assumptions.insert(assumption);
    }

    /// Adds several assumptions.
    pub fn assume_all(&mut self, assumptions: impl IntoIterator<Item = Assumption>) {
        self.assumptions.extend(assumptions);
    }

    /// Notes that a profile file was read, and the hash of its text.
    pub fn read_profile(&mut self, framework: String, sha256: String) {
        self.profile_sha256.insert(framework, sha256);
    }

    /// Notes the machine on which a framework was measured.
    pub fn measured_on(&mut self, machine: String, framework: &str) {
        self.machines.entry(machine).or_default().insert(framework.to_string());
    }

    /// Adds the findings of another step after those of this one.
    pub fn merge(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.assumptions.extend(other.assumptions);
        self.profile_sha256.extend(other.profile_sha256);
        for (machine, frameworks) in other.machines {
            self.machines.entry(machine).or_default().extend(frameworks);
        }
    }

    /// Adds the findings of another step and returns its value.
    pub fn take<T>(&mut self, (value, findings): Found<T>) -> T {
        self.merge(findings);
        value
    }

    /// Returns the value of a result, or adds the problem.
    pub fn ok<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    /// The assumption that frameworks were measured on different machines; `None` if there is one machine at most.
    fn several_machines(&self) -> Option<Assumption> {
        if self.machines.len() < 2 {
            return None;
        }
        let each = self.machines.iter().map(|(machine, frameworks)| {
            let names: Vec<&str> = frameworks.iter().map(String::as_str).collect();
            format!("{} on {machine}", names.join(", "))
        });
        let each: Vec<String> = each.collect();
        Some(Topic::Profile.factor(format!(
            "the profiles come from {} different machines that are not linked by panels, so that differences between frameworks are \
             in part differences between machines: {}",
            self.machines.len(),
            each.join("; ")
        )))
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// All problems, each once, if there are any.
    pub fn finish(mut self) -> Result<Assumed, Vec<String>> {
        if !self.problems.is_empty() {
            // The same sentence about every candidate is one problem.
            let mut said = BTreeSet::new();
            self.problems.retain(|problem| said.insert(problem.clone()));
            return Err(self.problems);
        }
        self.assumptions.extend(self.several_machines());
        Ok(Assumed {
            assumptions: self.assumptions.into_iter().collect(),
            profile_sha256: self.profile_sha256,
        })
    }
}

/// The findings of a plan without problems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assumed {
    /// Choices that the answer depends on, the one that can move it most first.
    pub assumptions: Vec<Assumption>,
    /// SHA-256 of each profile file that was read, by framework.
    pub profile_sha256: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_add_up() {
        let step = |problem: &str, machine: &str, framework: &str| {
            let mut findings = Findings::default();
            findings.problems((!problem.is_empty()).then(|| problem.to_string()));
            findings.measured_on(machine.to_string(), framework);
            findings.assume(Topic::Work.small("shared"));
            (framework.len(), findings)
        };
        let mut all = Findings::default();
        assert_eq!(all.take(step("", "a", "gin")), 3);
        assert_eq!(all.take(step("", "b", "axum")), 4);
        let assumed = all.clone().finish().unwrap();
        let texts: Vec<&str> = assumed.assumptions.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].ends_with("gin on a; axum on b"), "{texts:?}");
        all.take(step("wrong", "a", "gin"));
        all.take(step("wrong", "a", "gin"));
        assert_eq!(all.finish().unwrap_err(), ["wrong"]);
    }
}

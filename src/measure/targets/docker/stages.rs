//! The stages of a build, read from the output of the engine.
//!
//! The last image of each stage but the last one has no name, and stays on the engine as `<none>` after the build. It is the
//! cache of the next build, so it gets a name: `coldcast/<framework>-build-<stage>:<version>`. An image that loses such a name
//! to a newer one is removed, if nothing else uses it.

use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};

use super::build::image_id;
use super::engine::Engine;

/// The images of the stages so far.
#[derive(Debug, Default)]
pub struct Stages {
    /// The last image of each stage that is complete and has a step of its own.
    ended: Vec<String>,
    /// The last image of the stage under way.
    last: Option<String>,
    /// The number of steps of the stage under way.
    steps: u32,
}

impl Stages {
    /// Reads a line of output. Returns the step that it begins, such as `Step 3/9 : RUN npm ci`.
    pub fn read<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let line = line.trim();
        if let Some(id) = line.strip_prefix("---> ").filter(|id| is_id(id)) {
            self.last = Some(id.to_string());
            return None;
        }
        let (number, instruction) = line.strip_prefix("Step ")?.split_once(" : ")?;
        if !number.contains('/') {
            return None;
        }
        if instruction
            .get(..5)
            .is_some_and(|word| word.eq_ignore_ascii_case("FROM "))
        {
            let ended = self.last.take().filter(|_| self.steps > 1);
            self.ended.extend(ended);
            self.steps = 0;
        }
        self.steps += 1;
        Some(line)
    }

    /// Names the images of the stages. An image that cannot be named stays as it is.
    pub async fn name(&self, engine: &Engine, framework: &str, version: &str) {
        for (number, id) in self.ended.iter().enumerate() {
            let repository = format!("coldcast/{framework}-build-{}", number + 1);
            let reference = format!("{repository}:{version}");
            let before = image_id(engine, &reference).await.ok().flatten();
            let now = image_id(engine, id).await.ok().flatten();
            if now.is_none() || before == now {
                continue;
            }
            let tag = TagImageOptionsBuilder::default().repo(&repository).tag(version).build();
            let named = engine.docker.tag_image(id, Some(tag)).await.is_ok();
            if let Some(before) = before.filter(|_| named) {
                remove_unnamed(engine, &before).await;
            }
        }
    }
}

/// Removes an image that has no name any more. One that has another name, or that something uses, stays.
pub async fn remove_unnamed(engine: &Engine, id: &str) {
    let names = engine
        .docker
        .inspect_image(id)
        .await
        .ok()
        .and_then(|image| image.repo_tags);
    if names.is_some_and(|names| names.is_empty()) {
        let options = RemoveImageOptionsBuilder::default().force(false).build();
        let _ = engine.docker.remove_image(id, Some(options), None).await;
    }
}

/// Returns true for the short id of an image.
fn is_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_image_of_each_stage_but_the_last_is_found() {
        let output = "Step 1/6 : ARG BASE=debian\nStep 2/6 : FROM ${BASE} AS build\n ---> 0c9a0aeef949\nStep 3/6 : RUN make\n \
                      ---> Running in 111111111111\nremoved\n ---> 5c702dc7ee4a\nStep 4/6 : FROM scratch\n ---> \nStep 5/6 : COPY \
                      --from=build /a /a\n ---> 22e913b934d0\nStep 6/6 : CMD [\"/a\"]\n ---> Using cache\n ---> ff2d5db4bace\n\
                      Successfully built ff2d5db4bace\n";
        let mut stages = Stages::default();
        let steps: Vec<&str> = output.lines().filter_map(|line| stages.read(line)).collect();
        assert_eq!(steps.len(), 6);
        assert_eq!(steps[2], "Step 3/6 : RUN make");
        assert_eq!(stages.ended, ["5c702dc7ee4a"]);
    }

    #[test]
    fn a_stage_that_only_names_its_base_is_not_ours() {
        let mut stages = Stages::default();
        for line in [
            "Step 1/3 : FROM debian AS base",
            " ---> 0c9a0aeef949",
            "Step 2/3 : FROM debian",
            " ---> 0c9a0aeef949",
        ] {
            stages.read(line);
        }
        assert!(stages.ended.is_empty());
        assert_eq!(stages.read("Step back"), None);
    }
}

//! "Did you mean": the known names nearest to one that was typed.

/// At most three of `known`, most alike first; none if nothing is alike.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut alike: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|&(score, _)| score > 0.8)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.into_iter().take(3).map(|(_, name)| name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name_and_nonsense_finds_nothing() {
        let known = ["lambda.requests", "lambda.duration.x86", "elb.alb.hour"];
        assert_eq!(nearest("lambda.request", known)[0], "lambda.requests");
        assert_eq!(nearest("quux", known), Vec::<String>::new());
    }
}

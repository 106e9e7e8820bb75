//! Suggestions for misspelt names: the known names that are most like the one that was typed.

/// The smallest Jaro-Winkler similarity, between 0 and 1, at which a name is suggested.
const SIMILAR: f64 = 0.8;

/// Returns at most three of `known`, the most similar first; none if no name is similar.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut similar: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|&(similarity, _)| similarity > SIMILAR)
        .collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0));
    similar.into_iter().take(3).map(|(_, name)| name.to_string()).collect()
}

/// Returns the end of an error message about the unknown name `typed`: "; did you mean `x`?" with the most similar of the
/// `known` names, or nothing if none is similar.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(typed, known).first() {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["lambda.requests", "lambda.duration.x86", "elb.alb.hour"];

    #[test]
    fn a_typing_error_finds_the_name_and_nonsense_finds_nothing() {
        assert_eq!(nearest("lambda.request", KNOWN)[0], "lambda.requests");
        assert_eq!(nearest("quux", KNOWN), Vec::<String>::new());
    }

    #[test]
    fn a_message_ends_with_the_most_similar_name_only() {
        assert_eq!(
            did_you_mean("lambda.request", KNOWN),
            "; did you mean `lambda.requests`?"
        );
        assert_eq!(did_you_mean("quux", KNOWN), "");
    }
}

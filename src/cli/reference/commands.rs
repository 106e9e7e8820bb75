//! All verbs and flags, from the definitions that read them.

use clap::{Arg, Command, CommandFactory};

use crate::cli::Cli;

/// A section for each command.
pub(super) fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from("## Flags of every command\n\n");
    text.push_str(&flags(root.get_arguments().filter(|arg| arg.is_global_set())));
    for command in root.get_subcommands() {
        section(command, "coldcast", &mut text);
    }
    text.trim_end().to_string() + "\n"
}

fn section(command: &Command, parent: &str, text: &mut String) {
    if command.get_name() == "help" || command.is_hide_set() {
        return;
    }
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("\n## {name}\n\n{}\n", sentence(&about)));
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    if !own.is_empty() {
        text.push_str(&format!("\n{}", flags(own.into_iter())));
    }
    if let Some(example) = command.get_after_help() {
        let example = example.to_string();
        let line = example.lines().nth(1).unwrap_or_default().trim();
        text.push_str(&format!("\nExample: `{line}`\n"));
    }
    for child in command.get_subcommands() {
        section(child, &name, text);
    }
}

fn flags<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = String::from("| flag | default | meaning |\n|---|---|---|\n");
    for arg in arguments {
        let values: Vec<String> = arg
            .get_value_names()
            .unwrap_or_default()
            .iter()
            .map(|name| format!("<{name}>"))
            .collect();
        let takes = arg.get_action().takes_values();
        let shown = match arg.get_long() {
            Some(long) if takes => format!("--{long} {}", values.join(" ")),
            Some(long) => format!("--{long}"),
            None if arg.get_num_args().is_some_and(|number| number.max_values() > 1) => {
                format!("{}...", values.join(" "))
            }
            None => values.join(" "),
        };
        let defaults: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (help, otherwise) = help
            .trim_end_matches(']')
            .split_once(" [default: ")
            .unwrap_or((&help, ""));
        let default = match defaults.is_empty() || !takes {
            true => otherwise.to_string(),
            false => defaults.join(", "),
        };
        let mut meaning = sentence(help);
        let choices: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if takes && !choices.is_empty() {
            meaning.push_str(&format!(" One of {}.", choices.join(", ")));
        }
        text.push_str(&format!(
            "| `{shown}` | {default} | {} |\n",
            meaning.replace('|', "\\|").replace('\n', " ")
        ));
    }
    text
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) {
        text.to_string()
    } else {
        format!("{text}.")
    }
}

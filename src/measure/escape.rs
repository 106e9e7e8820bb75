//! Foreign text, such as log lines and bodies of answers, made safe for a terminal and for a file.

/// The largest number of characters of a line that is shown.
pub const LINE: usize = 300;

/// The text on one line, with control characters and characters that reorder text written as escapes such as `\x1b`. A text
/// with more than `most` characters ends with `…`.
pub fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (number, letter) in text.chars().enumerate() {
        if number == most {
            out.push('…');
            break;
        }
        match letter {
            '\t' => out.push(' '),
            _ if is_hidden(letter) => {
                let code = u32::from(letter);
                out += &if code < 0x100 {
                    format!("\\x{code:02x}")
                } else {
                    format!("\\u{{{code:x}}}")
                };
            }
            _ => out.push(letter),
        }
    }
    out
}

/// Returns true for characters that do something to a terminal or to the order of a text in place of being shown.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The first line of a body that has text, without tags of HTML, at most 120 characters of it; `None` if there is none.
pub fn first_line(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(8 << 10)]).into_owned();
    let text = if text.trim_start().starts_with('<') {
        without_tags(&text)
    } else {
        text
    };
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line(first, 120))
}

/// The text between the tags, each piece on a line. Styles and scripts are left out.
fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out += &rest[..open];
        out.push('\n');
        let tag = &rest[open..];
        let skipped = ["style", "script"].into_iter().find_map(|name| {
            let begins = tag[1..].get(..name.len())?.eq_ignore_ascii_case(name);
            begins.then(|| tag.find(&format!("</{name}"))).flatten()
        });
        let tag = &tag[skipped.unwrap_or(0)..];
        rest = tag.find('>').map_or("", |close| &tag[close + 1..]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(line("a\x1b[31mred\x07\tb\r", 99), "a\\x1b[31mred\\x07 b\\x0d");
        assert_eq!(line("safe\u{202e}evil\u{9b}2J", 99), "safe\\u{202e}evil\\x9b2J");
        assert_eq!(line("Grüße", 99), "Grüße");
        assert_eq!(line("abcdef", 3), "abc…");
        assert_eq!(line("abc", 3), "abc");
    }

    #[test]
    fn the_first_line_of_a_page_is_its_title() {
        let page =
            "<!doctype html>\n<html><head><style>h1 { color: red }</style>\n<title>DisallowedHost at /</title></head>";
        assert_eq!(first_line(page.as_bytes()).as_deref(), Some("DisallowedHost at /"));
        assert_eq!(first_line(b"\n  bad\x1b host \nmore").as_deref(), Some("bad\\x1b host"));
        assert_eq!(first_line(b" \r\n<unclosed"), None);
        assert_eq!(first_line(b""), None);
    }
}

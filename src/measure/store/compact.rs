//! A formatter for JSON that people can read and that stays small: objects are indented, a list of numbers takes one line, and
//! an object inside a list inside a list takes one line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// Serialises `value`, with a final newline.
pub fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes,
        Compact::default(),
    ))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Default)]
struct Compact {
    /// The number of open objects and lists.
    indent: usize,
    /// The number of open lists.
    lists: usize,
    /// The number of open objects that take one line.
    inline: usize,
    /// True after the beginning of a list element whose kind is not known yet.
    element: bool,
    /// True if the list just written has elements on lines of their own.
    broken: bool,
    /// True if the object just opened has fields.
    filled: bool,
}

impl Compact {
    fn line<W: ?Sized + Write>(&self, w: &mut W) -> io::Result<()> {
        w.write_all(b"\n")?;
        (0..self.indent).try_for_each(|_| w.write_all(b"  "))
    }

    /// Begins an element on a line of its own.
    fn start_element<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        if self.element && self.inline == 0 {
            self.line(w)?;
            self.broken = true;
        }
        self.element = false;
        Ok(())
    }
}

impl Formatter for Compact {
    fn begin_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.element = false;
        self.broken = false;
        self.indent += 1;
        self.lists += 1;
        w.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.indent -= 1;
        self.lists -= 1;
        self.element = false;
        if std::mem::take(&mut self.broken) {
            self.line(w)?;
        }
        w.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if !first {
            w.write_all(b",")?;
        }
        self.element = true;
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.element = false;
        Ok(())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.start_element(w)?;
        w.write_all(b"\"")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.start_element(w)?;
        self.indent += 1;
        self.filled = false;
        if self.inline > 0 || self.lists >= 2 {
            self.inline += 1;
        }
        w.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.filled = true;
        match (self.inline > 0, first) {
            (true, true) => Ok(()),
            (true, false) => w.write_all(b","),
            (false, first) => {
                if !first {
                    w.write_all(b",")?;
                }
                self.line(w)
            }
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(if self.inline > 0 { b":" } else { b": " })
    }

    fn end_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.indent -= 1;
        if self.inline > 0 {
            self.inline -= 1;
        } else if self.filled {
            self.line(w)?;
        }
        self.filled = true;
        // A list that contains this object has it on a line of its own.
        self.broken = self.lists > 0 && self.inline == 0;
        w.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_a_line_and_samples_take_one_each() {
        let value = serde_json::json!({
            "a": [1.5, 2], "b": [], "c": {}, "notes": ["x", "y"],
            "runs": [{ "cold": [{ "p": 1, "q": null }, { "p": 2, "q": 3 }], "pairs": [[1, 2.5]], "warm": null, "z": { "k": [1] } }],
        });
        let text = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let expected = r#"{
  "a": [1.5,2],
  "b": [],
  "c": {},
  "notes": [
    "x",
    "y"
  ],
  "runs": [
    {
      "cold": [
        {"p":1,"q":null},
        {"p":2,"q":3}
      ],
      "pairs": [[1,2.5]],
      "warm": null,
      "z": {
        "k": [1]
      }
    }
  ]
}
"#;
        assert_eq!(text, expected);
    }
}

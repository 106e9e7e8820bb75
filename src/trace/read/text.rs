//! The text of a file in one of the encodings that exports come in: UTF-8 with or without a byte order mark, and UTF-16 as Windows
//! tools write it. Bytes that are no text become the replacement character, so that one bad message does not lose a file.

/// The text of `bytes`.
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    // A file that went through a second conversion has a mark in its middle as well.
    text.filter(|c| *c != '\u{feff}').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_of_exports_give_the_same_text() {
        let text = "REPORT ü\r\n";
        let utf16 = |mark: [u8; 2], of: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain(text.encode_utf16().flat_map(of)).collect()
        };
        let with_mark = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
        assert_eq!(decode(text.as_bytes()), text);
        assert_eq!(decode(&with_mark), text);
        assert_eq!(decode(&utf16([0xff, 0xfe], u16::to_le_bytes)), text);
        assert_eq!(decode(&utf16([0xfe, 0xff], u16::to_be_bytes)), text);
        assert_eq!(decode(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(decode(b"\xff\xfea\0b"), "a", "half a unit at the end");
    }
}

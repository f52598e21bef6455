//! Breaks long sentences for a terminal.

/// Breaks a text between words into lines of at most `width` characters; a longer word gets a line
/// of its own.
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        let own = word.chars().count();
        if length > 0 && length + 1 + own > width {
            lines.push(word.to_owned());
            length = own;
            continue;
        }
        if length > 0 {
            last.push(' ');
            length += 1;
        }
        last.push_str(word);
        length += own;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn characters_count_not_bytes() {
        assert_eq!(folded("äöü äöü äöü", 7), ["äöü äöü", "äöü"]);
        assert_eq!(folded("a toolongword b", 4), ["a", "toolongword", "b"]);
        assert_eq!(folded("", 4), [""]);
    }
}

//! Tells the code of a Rust file from its comments and its strings, line by line.
//!
//! A full parser is not needed: the checks look for words, and must only not be fooled by words in
//! strings and comments.

/// One line, split by what its bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Code, with the content of strings and characters left out.
    pub(crate) code: String,
    /// The text of comments.
    pub(crate) comment: String,
}

/// What the scanner is inside of.
enum Inside {
    Code,
    LineComment,
    BlockComment {
        depth: usize,
    },
    /// `hashes` is `None` where backslashes escape.
    Text {
        hashes: Option<usize>,
    },
}

/// Splits a file into lines of code and comments.
pub(crate) fn scan(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut inside = Inside::Code;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let line = lines.last_mut().expect("there is always a last line");
        if next == '\n' {
            if matches!(inside, Inside::LineComment) {
                inside = Inside::Code;
            }
            lines.push(Line::default());
            rest = &rest[1..];
            continue;
        }
        let used;
        (inside, used) = match inside {
            Inside::Code => step_code(rest, next, line),
            Inside::LineComment => {
                line.comment.push(next);
                (Inside::LineComment, next.len_utf8())
            }
            Inside::BlockComment { depth } => step_block_comment(rest, next, depth, line),
            Inside::Text { hashes } => step_text(rest, next, hashes, line),
        };
        rest = &rest[used..];
    }
    lines
}

fn step_code(rest: &str, next: char, line: &mut Line) -> (Inside, usize) {
    if rest.starts_with("//") {
        return (Inside::LineComment, 2);
    }
    if rest.starts_with("/*") {
        return (Inside::BlockComment { depth: 1 }, 2);
    }
    let in_word = line
        .code
        .ends_with(|last: char| last.is_alphanumeric() || last == '_');
    if !in_word && let Some((used, hashes)) = raw_text_start(rest) {
        line.code.push('"');
        return (
            Inside::Text {
                hashes: Some(hashes),
            },
            used,
        );
    }
    line.code.push(next);
    match next {
        '"' => (Inside::Text { hashes: None }, 1),
        '\'' => (Inside::Code, character_length(rest)),
        _ => (Inside::Code, next.len_utf8()),
    }
}

/// The length and the number of `#` of the beginning of a raw string.
fn raw_text_start(rest: &str) -> Option<(usize, usize)> {
    let after_prefix = ["r", "br", "cr"].iter().find_map(|prefix| {
        rest.strip_prefix(prefix)
            .filter(|rest| rest.starts_with(['"', '#']))
    })?;
    let after_hashes = after_prefix.trim_start_matches('#');
    let hashes = after_prefix.len() - after_hashes.len();
    after_hashes
        .starts_with('"')
        .then(|| (rest.len() - after_hashes.len() + 1, hashes))
}

/// How much of `rest`, which begins with a single quote, is a character; a lifetime's quote is
/// code of length one.
fn character_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some(_)) => {
            // The escaped character itself is never the end: `'\''`.
            let end = characters.find(|&(_, character)| character == '\'');
            end.map_or(1, |(at, _)| at + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn step_block_comment(rest: &str, next: char, depth: usize, line: &mut Line) -> (Inside, usize) {
    if rest.starts_with("/*") {
        (Inside::BlockComment { depth: depth + 1 }, 2)
    } else if !rest.starts_with("*/") {
        line.comment.push(next);
        (Inside::BlockComment { depth }, next.len_utf8())
    } else if depth == 1 {
        (Inside::Code, 2)
    } else {
        (Inside::BlockComment { depth: depth - 1 }, 2)
    }
}

fn step_text(rest: &str, next: char, hashes: Option<usize>, line: &mut Line) -> (Inside, usize) {
    let stay = Inside::Text { hashes };
    match (hashes, next) {
        // An escaped line end is left for the loop, which counts lines.
        (None, '\\') if !rest.starts_with("\\\n") => {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            (stay, 1 + escaped)
        }
        (None, '"') => {
            line.code.push('"');
            (Inside::Code, 1)
        }
        (Some(count), '"')
            if rest[1..].bytes().take_while(|&byte| byte == b'#').count() >= count =>
        {
            line.code.push('"');
            (Inside::Code, 1 + count)
        }
        _ => (stay, next.len_utf8()),
    }
}

/// How many lines come before the tests at the end of a file: `#[cfg(test)] mod … {`.
pub(crate) fn lines_before_tests(lines: &[Line]) -> usize {
    let mut marker = None;
    for (index, line) in lines.iter().enumerate() {
        let code = line.code.trim_end();
        if code == "#[cfg(test)]" {
            marker = Some(index);
        } else if code.starts_with("mod ") && code.ends_with('{') {
            if let Some(start) = marker {
                return start;
            }
        } else if !code.is_empty() && !code.starts_with("#[") {
            marker = None;
        }
    }
    lines.len()
}

/// The words of code: identifiers and keywords.
pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        scan(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        for (text, want) in [
            ("a // b", "a "),
            ("a /* b /* c */ d */ e", "a  e"),
            (r#"a("b \" c", d)"#, r#"a("", d)"#),
            (r##"a(r#"b " c"#, d)"##, r#"a("", d)"#),
            (r#"a(br"\", d)"#, r#"a("", d)"#),
            (r"a('\'', 'b', '\u{41}', '/', b'/')", "a(', ', ', ', b')"),
            ("fn a<'b>(c: &'b str)", "fn a<'b>(c: &'b str)"),
            (r#"for"#, "for"),
            (r##"r#type "#""##, r#"r#type """#),
        ] {
            assert_eq!(code(text), [want], "{text}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        assert_eq!(
            code("a(\"b\nc\\\nd\")\n/* e\nf */ g"),
            ["a(\"", "", "\")", "", " g"]
        );
        let comments: Vec<_> = scan("a // b\n/* c\nd */")
            .into_iter()
            .map(|line| line.comment)
            .collect();
        assert_eq!(comments, [" b", " c", "d "]);
    }

    #[test]
    fn tests_at_the_end_are_found() {
        let with_tests = scan("fn a() {}\n\n#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n}\n");
        assert_eq!(lines_before_tests(&with_tests), 2);
        let elsewhere = scan("fn a() {}\n#[cfg(test)]\nmod tests;\nmod b {\n}");
        assert_eq!(lines_before_tests(&elsewhere), 5);
        let helper = scan("#[cfg(test)]\nfn a() {}\nmod b {\n}");
        assert_eq!(lines_before_tests(&helper), 4);
    }
}

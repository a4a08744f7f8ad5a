//! Glob patterns: KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules call it.
//!
//! `*` is any bytes, `?` any one, `[a-c]` one of a class, `[^a]` one not of it, and a backslash takes
//! the next byte literally. Always holds: the work is at most text times pattern, because only the
//! last `*` is ever tried again (the stars before it have taken as little as they could, and what
//! matches after more would match after less).

/// Patterns with more stars than this match nothing, as in Redis since 7.0.12.
const STARS_MAX: usize = 1000;

/// Whether lower and upper case letters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// They differ.
    Sensitive,
    /// They are the same.
    Ignored,
}

/// Whether all of `text` matches the pattern.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_with(pattern, text, Case::Sensitive)
}

/// The same, with or without regard to case.
pub fn matches_with(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut text_at) = (0, 0);
    let mut stars_count = 0;
    // Where to go on after the last star, and how much of the text it leaves to the rest.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += pattern[at..]
                .iter()
                .take_while(|&&byte| byte == b'*')
                .count();
            if at == pattern.len() {
                return true;
            }
            stars_count += 1;
            if stars_count > STARS_MAX {
                return false;
            }
            retry = Some((at, text_at));
            continue;
        }
        let Some(&byte) = text.get(text_at) else {
            return at == pattern.len();
        };
        if let Some(end) = match_one(pattern, at, byte, case) {
            (at, text_at) = (end, text_at + 1);
            continue;
        }
        let Some((after_star, taken)) = retry else {
            return false;
        };
        retry = Some((after_star, taken + 1));
        (at, text_at) = (after_star, taken + 1);
    }
}

/// Matches one byte against the pattern's item at `at`; returns where the next item begins.
fn match_one(pattern: &[u8], at: usize, byte: u8, case: Case) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => {
            let (is_in_class, end) = match_class(pattern, at + 1, byte, case);
            is_in_class.then_some(end)
        }
        // A backslash at the very end stands for itself.
        b'\\' if at + 1 < pattern.len() => {
            (fold(pattern[at + 1], case) == fold(byte, case)).then_some(at + 2)
        }
        literal => (fold(literal, case) == fold(byte, case)).then_some(at + 1),
    }
}

/// Looks a byte up in the class that begins at `at`; returns where the pattern goes on. A class that
/// is never closed ends with the pattern.
fn match_class(pattern: &[u8], at: usize, byte: u8, case: Case) -> (bool, usize) {
    let is_negated = pattern.get(at) == Some(&b'^');
    let mut at = at + usize::from(is_negated);
    let wanted = fold(byte, case);
    let mut is_listed = false;
    loop {
        match pattern.get(at..).unwrap_or_default() {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', literal, ..] => {
                is_listed |= fold(*literal, case) == wanted;
                at += 2;
            }
            [first, b'-', last, ..] => {
                let (first, last) = (fold(*first, case), fold(*last, case));
                is_listed |= (first.min(last)..=first.max(last)).contains(&wanted);
                at += 3;
            }
            [literal, ..] => {
                is_listed |= fold(*literal, case) == wanted;
                at += 1;
            }
        }
    }
    (is_listed != is_negated, at)
}

const fn fold(byte: u8, case: Case) -> u8 {
    match case {
        Case::Sensitive => byte,
        Case::Ignored => byte.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("**", "", true),
            ("a*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hbllo", true),
            ("h[a-b]llo", "hcllo", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
            ("[a", "a", true),
            ("[a-", "-", true),
            ("[^a-", "b", true),
            ("*foo*", "xfoox", true),
            ("f*o*o", "fabcoxo", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*?", "a", false),
            ("a*?*", "ab", true),
            ("[]", "a", false),
            ("[^]", "a", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                want,
                "{pattern} {text}"
            );
        }
        assert!(matches_with(b"FOO[A-C]*", b"fooB", Case::Ignored));
        assert!(!matches_with(b"FOO*", b"fooB", Case::Sensitive));
    }

    #[test]
    fn too_many_stars_match_nothing() {
        let text = vec![b'a'; 2_000];
        assert!(matches(&b"*?".repeat(1_000), &text));
        assert!(!matches(&b"*?".repeat(1_001), &text));
        assert!(matches(&b"*".repeat(5_000), &text));
    }

    #[test]
    fn many_stars_cost_no_more_than_text_times_pattern() {
        let text = vec![b'a'; 20_000];
        let mut pattern = b"a*".repeat(900);
        pattern.push(b'b');
        assert!(!matches(&pattern, &text));
    }
}

//! Lua's patterns, matched with bounds: Lua's own matcher recurses on the C stack as deep as a
//! subject is long, and nothing interrupts it.

use super::native::{Problem, Steps, text};

const CAPTURES_MAX: usize = 32;
/// How deep matches may be nested: by captures and by items that try again.
const DEPTH_MAX: usize = 200;
const ESCAPE: u8 = b'%';

/// A captured part of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capture {
    Open(usize),
    Closed(usize, usize),
    Position(usize),
}

/// What a capture gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Captured<'s> {
    Text(&'s [u8]),
    /// Counted from 1.
    Position(usize),
}

/// One pattern on one subject.
pub(super) struct Matcher<'s, 'l, 'b> {
    subject: &'s [u8],
    pattern: &'s [u8],
    captures: Vec<Capture>,
    depth: usize,
    steps: &'b mut Steps<'l>,
}

type Found = Result<Option<usize>, Problem>;

impl<'s, 'l, 'b> Matcher<'s, 'l, 'b> {
    pub(super) fn new(subject: &'s [u8], pattern: &'s [u8], steps: &'b mut Steps<'l>) -> Self {
        Self {
            subject,
            pattern,
            captures: Vec::new(),
            depth: 0,
            steps,
        }
    }

    /// Finds the first match at or after `from`: where it begins and ends.
    pub(super) fn find(
        &mut self,
        from: usize,
        anchored: bool,
    ) -> Result<Option<(usize, usize)>, Problem> {
        for start in from..=self.subject.len() {
            self.captures.clear();
            self.depth = 0;
            if let Some(end) = self.run(start, 0)? {
                return Ok(Some((start, end)));
            }
            if anchored {
                break;
            }
        }
        Ok(None)
    }

    /// The captures of the last match; the whole match where the pattern has none.
    pub(super) fn captured(&self, whole: (usize, usize)) -> Result<Vec<Captured<'s>>, Problem> {
        if self.captures.is_empty() {
            return Ok(vec![Captured::Text(self.part(whole.0, whole.1))]);
        }
        let parts = self.captures.iter();
        parts
            .map(|capture| match *capture {
                Capture::Open(_) => text("unfinished capture"),
                Capture::Closed(from, to) => Ok(Captured::Text(self.part(from, to))),
                Capture::Position(at) => Ok(Captured::Position(at + 1)),
            })
            .collect()
    }

    /// Whether the pattern captures anything.
    pub(super) fn has_captures(&self) -> bool {
        !self.captures.is_empty()
    }

    fn part(&self, from: usize, to: usize) -> &'s [u8] {
        self.subject.get(from..to).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.pattern.get(at).copied()
    }

    /// Matches the pattern from `item` on against the subject at `at`.
    fn run(&mut self, at: usize, item: usize) -> Found {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return text("pattern too complex");
        }
        let result = self.run_items(at, item);
        self.depth -= 1;
        result
    }

    fn run_items(&mut self, mut at: usize, mut item: usize) -> Found {
        loop {
            self.steps.take()?;
            let Some(byte) = self.byte(item) else {
                return Ok(Some(at));
            };
            match (byte, self.byte(item + 1)) {
                (b'(', Some(b')')) => return self.open(Capture::Position(at), at, item + 2),
                (b'(', _) => return self.open(Capture::Open(at), at, item + 1),
                (b')', _) => return self.close(at, item + 1),
                (b'$', None) => return Ok((at == self.subject.len()).then_some(at)),
                (ESCAPE, Some(b'b')) => match self.balanced(at, item + 2)? {
                    Some(end) => (at, item) = (end, item + 4),
                    None => return Ok(None),
                },
                (ESCAPE, Some(b'f')) => match self.frontier(at, item + 2)? {
                    Some(next) => item = next,
                    None => return Ok(None),
                },
                (ESCAPE, Some(digit @ b'0'..=b'9')) => match self.back(at, digit)? {
                    Some(end) => (at, item) = (end, item + 2),
                    None => return Ok(None),
                },
                _ => match self.single(at, item)? {
                    Next::Go(next_at, next_item) => (at, item) = (next_at, next_item),
                    Next::End(result) => return Ok(result),
                },
            }
        }
    }

    /// One class with what follows it: `*`, `+`, `-`, `?` or nothing.
    fn single(&mut self, at: usize, item: usize) -> Result<Next, Problem> {
        let end = self.class_end(item)?;
        let fits = self.fits(at, item, end);
        Ok(match self.byte(end) {
            Some(b'?') => {
                if fits && let Some(found) = self.run(at + 1, end + 1)? {
                    return Ok(Next::End(Some(found)));
                }
                Next::Go(at, end + 1)
            }
            Some(b'*') => Next::End(self.longest(at, item, end)?),
            Some(b'+') => Next::End(if fits {
                self.longest(at + 1, item, end)?
            } else {
                None
            }),
            Some(b'-') => Next::End(self.shortest(at, item, end)?),
            _ if fits => Next::Go(at + 1, end),
            _ => Next::End(None),
        })
    }

    fn longest(&mut self, at: usize, item: usize, end: usize) -> Found {
        let mut count = 0;
        while self.fits(at + count, item, end) {
            self.steps.take()?;
            count += 1;
        }
        loop {
            if let Some(found) = self.run(at + count, end + 1)? {
                return Ok(Some(found));
            }
            if count == 0 {
                return Ok(None);
            }
            count -= 1;
        }
    }

    fn shortest(&mut self, mut at: usize, item: usize, end: usize) -> Found {
        loop {
            if let Some(found) = self.run(at, end + 1)? {
                return Ok(Some(found));
            }
            if !self.fits(at, item, end) {
                return Ok(None);
            }
            at += 1;
        }
    }

    fn open(&mut self, capture: Capture, at: usize, item: usize) -> Found {
        if self.captures.len() >= CAPTURES_MAX {
            return text("too many captures");
        }
        let before = self.captures.len();
        self.captures.push(capture);
        let found = self.run(at, item)?;
        if found.is_none() {
            self.captures.truncate(before);
        }
        Ok(found)
    }

    fn close(&mut self, at: usize, item: usize) -> Found {
        let open = self
            .captures
            .iter()
            .rposition(|capture| matches!(capture, Capture::Open(_)));
        let Some(Capture::Open(from)) = open.and_then(|index| self.captures.get(index).copied())
        else {
            return text("invalid pattern capture");
        };
        self.set(open, Capture::Closed(from, at));
        let found = self.run(at, item)?;
        if found.is_none() {
            self.set(open, Capture::Open(from));
        }
        Ok(found)
    }

    fn set(&mut self, index: Option<usize>, capture: Capture) {
        if let Some(place) = index.and_then(|index| self.captures.get_mut(index)) {
            *place = capture;
        }
    }

    /// `%b()`: from an opening byte to the one that closes it.
    fn balanced(&mut self, at: usize, item: usize) -> Found {
        let (Some(open), Some(close)) = (self.byte(item), self.byte(item + 1)) else {
            return text("unbalanced pattern");
        };
        if self.subject.get(at) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1;
        for (index, &byte) in self.subject.iter().enumerate().skip(at + 1) {
            self.steps.take()?;
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(index + 1));
                }
            } else if byte == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: where the set begins to fit.
    fn frontier(&mut self, at: usize, item: usize) -> Found {
        if self.byte(item) != Some(b'[') {
            return text("missing '[' after '%f' in pattern");
        }
        let end = self.class_end(item)?;
        let before = at.checked_sub(1).and_then(|at| self.subject.get(at));
        let here = self.subject.get(at).copied().unwrap_or(0);
        let begins =
            !self.in_set(before.copied().unwrap_or(0), item, end) && self.in_set(here, item, end);
        Ok(begins.then_some(end))
    }

    /// `%1`: the same as a capture before.
    fn back(&self, at: usize, digit: u8) -> Found {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let capture = index.and_then(|index| self.captures.get(index));
        let Some(&Capture::Closed(from, to)) = capture else {
            return text("invalid capture index");
        };
        let same = self.part(from, to);
        let rest = self.subject.get(at..).unwrap_or_default();
        Ok(rest.starts_with(same).then(|| at + same.len()))
    }

    /// Where a class that begins at `item` ends.
    fn class_end(&self, item: usize) -> Found2 {
        match self.byte(item) {
            Some(ESCAPE) if self.byte(item + 1).is_none() => {
                text("malformed pattern (ends with '%')")
            }
            Some(ESCAPE) => Ok(item + 2),
            Some(b'[') => {
                let mut at = item + 1 + usize::from(self.byte(item + 1) == Some(b'^'));
                // A bracket that stands first belongs to the set.
                loop {
                    match self.byte(at) {
                        None => return text("malformed pattern (missing ']')"),
                        Some(ESCAPE) => at += 1,
                        Some(_) => {}
                    }
                    at += 1;
                    if self.byte(at) == Some(b']') {
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(item + 1),
        }
    }

    fn fits(&self, at: usize, item: usize, end: usize) -> bool {
        let Some(&byte) = self.subject.get(at) else {
            return false;
        };
        match self.byte(item) {
            Some(b'.') => true,
            Some(ESCAPE) => self
                .byte(item + 1)
                .is_some_and(|class| in_class(byte, class)),
            Some(b'[') => self.in_set(byte, item, end),
            Some(literal) => literal == byte,
            None => false,
        }
    }

    /// Whether a byte is in the set `[…]` between `item` and `end`.
    fn in_set(&self, byte: u8, item: usize, end: usize) -> bool {
        let is_complement = self.byte(item + 1) == Some(b'^');
        let mut at = item + 1 + usize::from(is_complement);
        let last = end.saturating_sub(1);
        while at < last {
            let Some(first) = self.byte(at) else { break };
            if first == ESCAPE {
                if self.byte(at + 1).is_some_and(|class| in_class(byte, class)) {
                    return !is_complement;
                }
                at += 2;
            } else if self.byte(at + 1) == Some(b'-') && at + 2 < last {
                let to = self.byte(at + 2).unwrap_or(first);
                if (first..=to).contains(&byte) {
                    return !is_complement;
                }
                at += 3;
            } else {
                if first == byte {
                    return !is_complement;
                }
                at += 1;
            }
        }
        is_complement
    }
}

type Found2 = Result<usize, Problem>;

enum Next {
    Go(usize, usize),
    End(Option<usize>),
}

fn in_class(byte: u8, class: u8) -> bool {
    let fits = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    fits != class.is_ascii_uppercase()
}

//! JSON text to Lua values.

use mlua::{Lua, Value};

use super::{Invalid, Switches};
use crate::scripting::native::{Problem, Steps, text};

pub(super) fn read(lua: &Lua, json: &[u8], switches: &Switches) -> Result<Value, Problem> {
    if let [0, ..] | [_, 0, ..] = json {
        return text("JSON parser does not support UTF-16 or UTF-32");
    }
    let mut reader = Reader {
        lua,
        json,
        at: 0,
        start_of_last: 0,
        switches,
        steps: Steps::new(lua),
    };
    let value = reader.value(0)?;
    match reader.token()? {
        Token::End => Ok(value),
        _ => reader.expected("the end"),
    }
}

/// What stands in the text, and where it began.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    End,
    Invalid(&'static str),
}

impl Token {
    /// Its name in errors.
    const fn name(&self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::String(_) => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::End => "T_END",
            Self::Invalid(what) => what,
        }
    }
}

struct Reader<'a> {
    lua: &'a Lua,
    json: &'a [u8],
    at: usize,
    /// Where the last token began.
    start_of_last: usize,
    switches: &'a Switches,
    steps: Steps<'a>,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.json.get(self.at..).unwrap_or_default()
    }

    /// Says what should have stood at the last token's place.
    fn expected<R>(&mut self, what: &str) -> Result<R, Problem> {
        // The token is read again, from where it began, to name it.
        let at = self.at;
        self.at = self.start_of_last;
        let found = self.token()?;
        let message = format!(
            "Expected {what} but found {} at character {}",
            found.name(),
            self.start_of_last + 1
        );
        self.at = at;
        text(message)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        let token = self.token()?;
        self.value_of(token, depth)
    }

    fn value_of(&mut self, token: Token, depth: usize) -> Result<Value, Problem> {
        self.steps.take()?;
        Ok(match token {
            Token::String(string) => Value::String(self.lua.create_string(&string)?),
            Token::Number(number) => Value::Number(number),
            Token::Boolean(value) => Value::Boolean(value),
            Token::Null => Value::NULL,
            Token::ObjectBegin => self.object(depth + 1)?,
            Token::ArrayBegin => self.array(depth + 1)?,
            _ => return self.expected("value"),
        })
    }

    fn check_depth(&self, depth: usize) -> Result<(), Problem> {
        if depth <= self.switches.decode_depth_max {
            return Ok(());
        }
        text(format!(
            "Found too many nested data structures ({depth}) at character {}",
            self.at
        ))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Problem> {
        self.check_depth(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.token()?;
        if token == Token::ObjectEnd {
            return Ok(Value::Table(table));
        }
        loop {
            let Token::String(name) = token else {
                return self.expected("object key string");
            };
            if self.token()? != Token::Colon {
                return self.expected("colon");
            }
            let value = self.value(depth)?;
            table.raw_set(self.lua.create_string(&name)?, value)?;
            match self.token()? {
                Token::ObjectEnd => return Ok(Value::Table(table)),
                Token::Comma => token = self.token()?,
                _ => return self.expected("comma or object end"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Problem> {
        self.check_depth(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.token()?;
        if token == Token::ArrayEnd {
            return Ok(Value::Table(table));
        }
        for index in 1.. {
            let value = self.value_of(token, depth)?;
            table.raw_set(index, value)?;
            match self.token()? {
                Token::ArrayEnd => break,
                Token::Comma => token = self.token()?,
                _ => return self.expected("comma or array end"),
            }
        }
        Ok(Value::Table(table))
    }

    // ---- tokens --------------------------------------------------------------------------------

    fn token(&mut self) -> Result<Token, Problem> {
        let blank = self
            .rest()
            .iter()
            .take_while(|byte| b" \t\r\n".contains(byte));
        self.at += blank.count();
        self.start_of_last = self.at;
        let Some(&byte) = self.rest().first() else {
            return Ok(Token::End);
        };
        self.at += 1;
        Ok(match byte {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => self.string()?,
            _ => {
                self.at -= 1;
                self.word()
            }
        })
    }

    fn word(&mut self) -> Token {
        for (word, token) in [
            ("true", Token::Boolean(true)),
            ("false", Token::Boolean(false)),
            ("null", Token::Null),
        ] {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        self.number()
    }

    fn number(&mut self) -> Token {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let count = self.rest().iter().take_while(is_part).count();
        let word = self.rest().get(..count).unwrap_or_default();
        let word = std::str::from_utf8(word).unwrap_or_default();
        let digits = word.strip_prefix('-').unwrap_or(word);
        let is_named = digits.starts_with(['i', 'I', 'n', 'N']);
        let hexadecimal = digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(|number| {
                if word.starts_with('-') {
                    -(number as f64)
                } else {
                    number as f64
                }
            });
        let is_plain = digits.starts_with(|first: char| first.is_ascii_digit());
        let number = match hexadecimal {
            Some(number) => Some(number),
            None if is_plain || is_named => word.parse::<f64>().ok(),
            None => None,
        };
        // Numbers that JSON does not have: named ones, hexadecimal ones, a zero before digits.
        let is_extended = is_named
            || hexadecimal.is_some()
            || digits.len() > 1
                && digits.starts_with('0')
                && !digits.starts_with("0.")
                && !digits.starts_with("0e")
                && !digits.starts_with("0E");
        match number {
            Some(_) if is_extended && self.switches.decode_invalid == Invalid::Refused => {
                Token::Invalid("invalid number")
            }
            Some(number) => {
                self.at += count;
                Token::Number(number)
            }
            None if is_plain => Token::Invalid("invalid number"),
            None => Token::Invalid("invalid token"),
        }
    }

    fn string(&mut self) -> Result<Token, Problem> {
        let mut string = Vec::new();
        loop {
            self.steps.take()?;
            let plain = self
                .rest()
                .iter()
                .take_while(|&&byte| byte != b'"' && byte != b'\\');
            let count = plain.count();
            string.extend_from_slice(self.rest().get(..count).unwrap_or_default());
            self.at += count + 1;
            match self.json.get(self.at - 1) {
                Some(b'"') => return Ok(Token::String(string)),
                Some(_) => {}
                None => return Ok(Token::Invalid("unexpected end of string")),
            }
            if !self.escape(&mut string) {
                return Ok(Token::Invalid("invalid escape code"));
            }
        }
    }

    /// What follows a backslash; false if nothing may.
    fn escape(&mut self, string: &mut Vec<u8>) -> bool {
        let Some(&code) = self.rest().first() else {
            return false;
        };
        self.at += 1;
        string.push(match code {
            b'"' | b'\\' | b'/' => code,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(string),
            _ => return false,
        });
        true
    }

    fn unicode(&mut self, string: &mut Vec<u8>) -> bool {
        let Some(mut code) = self.four_digits(0) else {
            return false;
        };
        self.at += 4;
        if (0xd800..0xdc00).contains(&code) {
            let is_pair = self.rest().starts_with(b"\\u");
            let low = self
                .four_digits(2)
                .filter(|low| is_pair && (0xdc00..0xe000).contains(low));
            let Some(low) = low else {
                return false;
            };
            self.at += 6;
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        match char::from_u32(code) {
            Some(character) => {
                string.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                true
            }
            None => false,
        }
    }

    fn four_digits(&self, skip: usize) -> Option<u32> {
        let digits = self.rest().get(skip..skip + 4)?;
        let digits = std::str::from_utf8(digits).ok()?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    }
}

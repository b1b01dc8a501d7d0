//! JSON text, read piece by piece. A tree of it would take several times the memory, keep one of two
//! fields of the same name without a word, and lose digits.

use super::refusal::{Checked, Refusal, cut, refused};

/// How deep arrays and objects may be nested, read or written.
pub const DEPTH_MAX: usize = 64;

#[derive(Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Which end of an array or object belongs to its beginning.
fn closing(bracket: u8) -> u8 {
    if bracket == b'[' { b']' } else { b'}' }
}

/// `text` without the digits at its beginning; None: there are none.
fn after_digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let whole = match unsigned.strip_prefix('0') {
        Some(rest) => Some(rest),
        None => after_digits(unsigned),
    };
    let fraction = whole.and_then(|rest| match rest.strip_prefix('.') {
        Some(digits) => after_digits(digits),
        None => Some(rest),
    });
    let end = fraction.and_then(|rest| match rest.strip_prefix(['e', 'E']) {
        Some(power) => after_digits(power.strip_prefix(['+', '-']).unwrap_or(power)),
        None => Some(rest),
    });
    end == Some("")
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a [u8]) -> Checked<Self> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Reader {
                text,
                at: 0,
                depth: 0,
            }),
            Err(error) => refused(format!("not UTF-8 at byte {}", error.valid_up_to())),
        }
    }

    /// The byte that comes next, after white space.
    pub fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(blank).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Takes `null`, `true` or `false`, if it is next.
    pub fn word(&mut self, word: &str) -> bool {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let there = rest.starts_with(word);
        if there {
            self.at += word.len();
        }
        there
    }

    /// What is next, for a message.
    pub fn found(&mut self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(b'"') => "a string".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b'{') => "an object".to_owned(),
            Some(b'-' | b'0'..=b'9') => match self.number() {
                Ok(text) => cut(text),
                Err(_) => "a bad number".to_owned(),
            },
            Some(_) => {
                let rest = self.text.get(self.at..).unwrap_or_default();
                let word = rest.split(|c: char| !c.is_alphanumeric()).next();
                match word.filter(|word| !word.is_empty()) {
                    Some(word) => cut(word),
                    None => format!("'{}'", rest.chars().next().unwrap_or(' ')),
                }
            }
        }
    }

    /// Something else was due.
    pub fn expected<T>(&mut self, what: &str) -> Checked<T> {
        let found = self.found();
        refused(format!("expected {what}, found {found}"))
    }

    fn syntax<T>(&mut self, what: &str) -> Checked<T> {
        let at = self.at;
        let found = self.found();
        refused(format!(
            "not JSON at byte {at}: expected {what}, found {found}"
        ))
    }

    /// Begins an array or object, which `next` goes through.
    pub fn open(&mut self, bracket: u8, what: &str) -> Checked<()> {
        if self.peek() != Some(bracket) {
            return self.expected(what);
        }
        if self.depth >= DEPTH_MAX {
            return refused(format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether there is one more; else the array or object is over.
    pub fn next(&mut self, bracket: u8, index: usize) -> Checked<bool> {
        let close = closing(bracket);
        if self.take(close) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if index > 0 && !self.take(b',') {
            return self.syntax(if close == b']' {
                "',' or ']'"
            } else {
                "',' or '}'"
            });
        }
        if index > 0 && self.peek() == Some(close) {
            return self.syntax("a value after ','");
        }
        Ok(true)
    }

    /// The name of a field, with its colon.
    pub fn key(&mut self) -> Checked<String> {
        if self.peek() != Some(b'"') {
            return self.syntax("a name in quotes");
        }
        let key = self.string()?;
        if !self.take(b':') {
            return self.syntax("':'");
        }
        Ok(key)
    }

    /// The bytes up to the end of the string that is next, quotes included.
    fn string_size(&self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let mut bytes = rest.iter().enumerate().skip(1);
        while let Some((i, byte)) = bytes.next() {
            match byte {
                b'"' => return Some(i + 1),
                b'\\' => drop(bytes.next()),
                _ => (),
            }
        }
        None
    }

    /// The string that is next; the caller has seen its quote.
    pub fn string(&mut self) -> Checked<String> {
        let start = self.at;
        let end = self.string_size().map(|size| start + size);
        let Some(token) = end.and_then(|end| self.text.get(start..end)) else {
            return refused(format!("not JSON: the string at byte {start} does not end"));
        };
        self.at = start + token.len();
        serde_json::from_str(token).map_err(|_| {
            Refusal::new(format!(
                "not JSON: the string at byte {start} has a control character or a bad escape"
            ))
        })
    }

    /// The digits of the number that is next.
    pub fn number(&mut self) -> Checked<&'a str> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let size = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let token = rest.get(..size).unwrap_or_default();
        if !is_number(token) {
            let shown = cut(token);
            return refused(format!(
                "not JSON at byte {}: bad number '{shown}'",
                self.at
            ));
        }
        self.at += size;
        Ok(token)
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Checked<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.syntax("nothing more"),
        }
    }
}

//! Why arguments were not taken: the place in them, the cause, and what would do.

use std::fmt::Write;

/// Names and numbers that come from outside are cut to this many characters.
const QUOTE_CHARS: usize = 40;

/// Of a long path so many steps at each end are shown.
const STEPS_SHOWN: usize = 3;

/// So many known names are listed where none is near.
const NAMES_SHOWN: usize = 8;

/// Longer names than any that people write are not compared.
const NEAR_CHARS: usize = 64;

pub struct Refusal {
    cause: String,
    /// From the inside out.
    path: Vec<String>,
}

pub type Checked<T> = Result<T, Refusal>;

/// What `refuse` makes, where a `Result` is wanted.
pub fn refused<T>(cause: impl Into<String>) -> Checked<T> {
    Err(Refusal::new(cause))
}

impl Refusal {
    pub fn new(cause: impl Into<String>) -> Self {
        Refusal {
            cause: cause.into(),
            path: Vec::new(),
        }
    }

    /// The place is inside of this one.
    pub fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    /// "argument 'user', field 'age': 300 does not fit u8", on one line.
    pub fn text(&self) -> String {
        let count = self.path.len();
        let mut text = String::new();
        for (i, step) in self.path.iter().rev().enumerate() {
            if i >= STEPS_SHOWN && i + STEPS_SHOWN < count {
                if i == STEPS_SHOWN {
                    text.push_str(", …");
                }
                continue;
            }
            if i > 0 {
                text.push_str(", ");
            }
            text.push_str(step);
        }
        if count > 0 {
            text.push_str(": ");
        }
        text.push_str(&self.cause);
        text.replace(char::is_control, " ")
    }
}

/// The beginning of a text from outside.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The same in quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", cut(text))
}

/// How many characters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(NEAR_CHARS).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(NEAR_CHARS).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&b) {
            let best = (*cell + 1)
                .min(left + 1)
                .min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// "unknown field 'agee' (did you mean 'age'?)"
pub fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Refusal {
    let mut text = format!("unknown {what} {}", quoted(name));
    let limit = 1 + name.chars().count().min(NEAR_CHARS) / 4;
    let nearest = known
        .clone()
        .map(|one| (distance(name, one), one))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit);
    // Writing to a string cannot fail.
    let _ = match nearest {
        Some((_, one)) => write!(text, " (did you mean {}?)", quoted(one)),
        None => {
            let names: Vec<String> = known.clone().take(NAMES_SHOWN).map(quoted).collect();
            let more = if known.count() > NAMES_SHOWN {
                ", …"
            } else {
                ""
            };
            match names.is_empty() {
                true => write!(text, " (there are none)"),
                false => write!(text, " (known: {}{more})", names.join(", ")),
            }
        }
    };
    Refusal::new(text)
}

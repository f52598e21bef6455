//! Parses the part of EDN that histories use: maps, vectors, lists, sets, keywords, strings,
//! integers, nil. Tags (`#jepsen.history.Op{…}`) and forms discarded by `#_` are skipped.

use super::bad;
use super::log::{Event, Kind, Value};
use mettle_checker::history::ReadError;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Edn {
    Nil,
    Number(i64),
    Text(String),
    Keyword(String),
    /// Any other word: `true`, `inst`.
    Symbol,
    Vector(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

/// The greatest depth of nesting.
const DEEPEST: u32 = 64;

/// The greatest length of one operation, in bytes.
const LONGEST: usize = 1 << 20;

/// The operations of a file: a sequence, or one vector or list. Each is a map with `:process`,
/// `:type`, `:f` and `:value`, or a vector of these four.
pub(super) fn events(file: &str, text: &str) -> Result<Vec<Event>, ReadError> {
    let mut parser = Parser { text, at: 0, line: 1, until: usize::MAX };
    let mut events = Vec::new();
    let mut closes: Option<char> = None;
    loop {
        let skipped = parser.skip();
        let line = parser.line;
        let wrong = |cause: String| {
            bad(file, Some(line), cause, "a history is maps of :process, :type, :f and :value")
        };
        skipped.map_err(&wrong)?;
        match parser.peek() {
            None if closes.is_some() => return Err(wrong("the vector is not closed".to_owned())),
            None => return Ok(events),
            Some(open @ ('[' | '(')) if closes.is_none() && parser.holds_others() => {
                if !events.is_empty() {
                    return Err(wrong("a list behind other operations".to_owned()));
                }
                closes = Some(if open == '[' { ']' } else { ')' });
                parser.next();
            }
            Some(close) if closes == Some(close) => {
                closes = None;
                parser.next();
            }
            Some('{' | '[') => {
                parser.until = parser.at + LONGEST;
                let operation = parser.value(0).map_err(&wrong)?;
                events.extend(event(fields(operation), line).map_err(wrong)?);
            }
            Some(other) => return Err(wrong(format!("{other:?} where a map belongs"))),
        }
    }
}

/// An operation as a map, also if the file has a vector.
fn fields(operation: Edn) -> Vec<(Edn, Edn)> {
    match operation {
        Edn::Map(map) => map,
        Edn::Vector(list) => {
            let names = ["process", "type", "f", "value"];
            names.map(|name| Edn::Keyword(name.to_owned())).into_iter().zip(list).collect()
        }
        _ => Vec::new(),
    }
}

/// The event of an operation; None for the nemesis.
fn event(map: Vec<(Edn, Edn)>, line: u64) -> Result<Option<Event>, String> {
    let (mut process, mut kind, mut name, mut key, mut value) = (None, None, None, None, Edn::Nil);
    for (field, content) in map {
        let Edn::Keyword(field) = field else { continue };
        match (field.as_str(), content) {
            ("process", Edn::Number(number)) => process = Some(number),
            ("process", Edn::Keyword(_)) => return Ok(None),
            ("type", Edn::Keyword(word)) => kind = Kind::named(&word),
            ("f", Edn::Keyword(word)) => name = Some(word),
            ("key", Edn::Text(text)) => key = Some(text),
            ("key", Edn::Number(number)) => key = Some(number.to_string()),
            ("value", content) => value = content,
            _ => {}
        }
    }
    let value = of_operation(value);
    Ok(Some(Event {
        line,
        process: process.ok_or(":process is missing")?,
        kind: kind.ok_or(":type is not :invoke, :ok, :fail or :info")?,
        name: name.ok_or(":f is missing")?,
        key,
        value,
    }))
}

/// The value of an operation.
fn of_operation(value: Edn) -> Value {
    match value {
        Edn::Nil => Value::Nil,
        Edn::Number(number) => Value::Number(number),
        Edn::Text(text) => Value::Text(text),
        Edn::Vector(list) => match <[Edn; 2]>::try_from(list) {
            Ok([Edn::Number(from), Edn::Number(to)]) => Value::Pair(from, to),
            Ok([key, value]) => keyed(key, value),
            Err(_) => Value::Other,
        },
        _ => Value::Other,
    }
}

/// A tuple of jepsen.independent, printed as a vector of two, perhaps with a tag.
fn keyed(key: Edn, value: Edn) -> Value {
    let key = match key {
        Edn::Number(number) => number.to_string(),
        Edn::Text(text) => format!("{text:?}"),
        Edn::Keyword(word) => format!(":{word}"),
        _ => return Value::Other,
    };
    match of_operation(value) {
        // A tuple holds no tuples.
        Value::Keyed(..) => Value::Other,
        value => Value::Keyed(key, Box::new(value)),
    }
}

/// The value at the start of a text, and the rest of the text.
pub(super) fn first(text: &str) -> Option<(Value, &str)> {
    let mut parser = Parser { text, at: 0, line: 1, until: LONGEST };
    let value = parser.value(0).ok()?;
    Some((of_operation(value), &text[parser.at..]))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    /// The place where the present operation must have ended.
    until: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += u64::from(next == '\n');
        Some(next)
    }

    /// Skips blanks, commas, comments, tags, and discarded forms.
    fn skip(&mut self) -> Result<(), String> {
        while let Some(next) = self.peek() {
            if next == ';' {
                while self.peek().is_some_and(|next| next != '\n') {
                    self.next();
                }
            } else if next.is_whitespace() || next == ',' || next == '\u{feff}' {
                self.next();
            } else if next == '#' && self.text[self.at..].starts_with("#_") {
                self.at += 2;
                self.taken_out()?;
            } else if next == '#' && !self.text[self.at..].starts_with("#{") {
                self.word();
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Skips the form behind `#_`; brackets inside are counted, not parsed.
    fn taken_out(&mut self) -> Result<(), String> {
        let mut open = 0u64;
        loop {
            match self.peek() {
                None => return Err("the file stops in the middle".to_owned()),
                Some(next) if next.is_whitespace() || next == ',' => {
                    self.next();
                    continue;
                }
                Some('#') if self.text[self.at..].starts_with("#{") => {
                    self.next();
                    continue;
                }
                Some('#') => {
                    self.word();
                    continue;
                }
                Some('"') => drop(self.string()?),
                Some('{' | '[' | '(') => {
                    self.next();
                    open += 1;
                    continue;
                }
                Some('}' | ']' | ')') if open > 0 => {
                    self.next();
                    open -= 1;
                }
                Some('}' | ']' | ')') => return Err("a bracket too many".to_owned()),
                Some(_) => drop(self.word()),
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Whether the list that starts here holds operations, rather than being one.
    fn holds_others(&self) -> bool {
        let rest =
            self.text[self.at + 1..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        rest.starts_with(['{', '[', '(', '#', ';', ']', ')']) || rest.is_empty()
    }

    fn value(&mut self, depth: u32) -> Result<Edn, String> {
        if depth > DEEPEST {
            return Err("nested too deeply".to_owned());
        }
        if self.at > self.until {
            return Err(format!("an operation is longer than {LONGEST} bytes"));
        }
        self.skip()?;
        match self.peek() {
            None => Err("the file stops in the middle".to_owned()),
            Some('{') => {
                let list = self.list('}', depth)?;
                if !list.len().is_multiple_of(2) {
                    return Err("a map with a key and no value".to_owned());
                }
                let mut list = list.into_iter();
                let mut map = Vec::new();
                while let (Some(key), Some(value)) = (list.next(), list.next()) {
                    map.push((key, value));
                }
                Ok(Edn::Map(map))
            }
            Some('[') => self.list(']', depth).map(Edn::Vector),
            Some('(') => self.list(')', depth).map(Edn::Vector),
            Some('#') => {
                self.next();
                self.list('}', depth)?;
                Ok(Edn::Symbol)
            }
            Some('"') => self.string(),
            Some('}' | ']' | ')') => Err("a bracket too many".to_owned()),
            Some(_) => Ok(self.word()),
        }
    }

    fn list(&mut self, close: char, depth: u32) -> Result<Vec<Edn>, String> {
        self.next();
        let mut list = Vec::new();
        loop {
            self.skip()?;
            if self.peek() == Some(close) {
                self.next();
                return Ok(list);
            }
            list.push(self.value(depth + 1)?);
        }
    }

    fn string(&mut self) -> Result<Edn, String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err("a string is not closed".to_owned()),
                Some('"') => return Ok(Edn::Text(text)),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(other) => text.push(other),
                    None => return Err("a string is not closed".to_owned()),
                },
                Some(other) => text.push(other),
            }
        }
    }

    fn word(&mut self) -> Edn {
        let from = self.at;
        let ends = |next: char| next.is_whitespace() || ",;{}[]()\"".contains(next);
        if self.next() == Some('\\') {
            self.next(); // a character, whatever it is
        }
        while self.peek().is_some_and(|next| !ends(next)) {
            self.next();
        }
        let word = &self.text[from..self.at];
        match word.strip_prefix(':') {
            Some(keyword) => Edn::Keyword(keyword.to_owned()),
            None if word == "nil" => Edn::Nil,
            None => word.trim_end_matches('N').parse().map_or(Edn::Symbol, Edn::Number),
        }
    }
}

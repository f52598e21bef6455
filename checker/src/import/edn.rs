//! As much of EDN as histories are written in: maps, vectors, keywords, strings, integers, nil.

use super::bad;
use super::log::{Event, Kind, Value};
use crate::history::ReadError;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Edn {
    Nil,
    Number(i64),
    Text(String),
    Keyword(String),
    /// Anything else that is a word: `true`, `inst`.
    Symbol,
    Vector(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

/// Nothing in a history nests deeper.
const DEEPEST: u32 = 16;

/// The operations of a file: maps one after another, or one vector of them.
pub(super) fn events(file: &str, text: &str) -> Result<Vec<Event>, ReadError> {
    let mut parser = Parser { text, at: 0, line: 1 };
    let mut events = Vec::new();
    let mut inside = false;
    loop {
        parser.skip();
        let line = parser.line;
        let wrong = |cause: String| {
            bad(file, Some(line), cause, "a history is maps of :process, :type, :f and :value")
        };
        match parser.peek() {
            None if inside => return Err(wrong("the vector is not closed".to_owned())),
            None => return Ok(events),
            Some('[') if !inside && events.is_empty() => {
                inside = true;
                parser.next();
            }
            Some(']') if inside => {
                inside = false;
                parser.next();
            }
            Some('{') => {
                let map = parser.value(0).map_err(&wrong)?;
                let Edn::Map(map) = map else { return Err(wrong("not a map".to_owned())) };
                events.extend(event(map, line).map_err(wrong)?);
            }
            Some(other) => return Err(wrong(format!("{other:?} where a map belongs"))),
        }
    }
}

/// None for what the nemesis did.
fn event(map: Vec<(Edn, Edn)>, line: u64) -> Result<Option<Event>, String> {
    let (mut process, mut kind, mut name, mut key, mut value) = (None, None, None, None, Edn::Nil);
    for (field, content) in map {
        let Edn::Keyword(field) = field else { return Err("a key is not a keyword".to_owned()) };
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
    let value = match value {
        Edn::Nil => Value::Nil,
        Edn::Number(number) => Value::Number(number),
        Edn::Text(text) => Value::Text(text),
        Edn::Vector(list) => match list[..] {
            [Edn::Number(from), Edn::Number(to)] => Value::Pair(from, to),
            _ => Value::Other,
        },
        _ => Value::Other,
    };
    Ok(Some(Event {
        line,
        process: process.ok_or(":process is missing")?,
        kind: kind.ok_or(":type is not :invoke, :ok, :fail or :info")?,
        name: name.ok_or(":f is missing")?,
        key,
        value,
    }))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: u64,
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

    /// Blanks, commas and comments.
    fn skip(&mut self) {
        while let Some(next) = self.peek() {
            if next == ';' {
                while self.peek().is_some_and(|next| next != '\n') {
                    self.next();
                }
            } else if next.is_whitespace() || next == ',' {
                self.next();
            } else {
                return;
            }
        }
    }

    fn value(&mut self, depth: u32) -> Result<Edn, String> {
        if depth > DEEPEST {
            return Err("nested too deeply".to_owned());
        }
        self.skip();
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
            Some('"') => self.string(),
            Some('}' | ']' | ')') => Err("a bracket too many".to_owned()),
            Some(_) => Ok(self.word()),
        }
    }

    fn list(&mut self, close: char, depth: u32) -> Result<Vec<Edn>, String> {
        self.next();
        let mut list = Vec::new();
        loop {
            self.skip();
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
        self.next();
        while self.peek().is_some_and(|next| !ends(next)) {
            self.next();
        }
        let word = &self.text[from..self.at];
        match word.strip_prefix(':') {
            Some(keyword) => Edn::Keyword(keyword.to_owned()),
            None if word == "nil" => Edn::Nil,
            None => word.parse().map_or(Edn::Symbol, Edn::Number),
        }
    }
}

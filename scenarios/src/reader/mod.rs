//! Takes typed values out of a TOML table, and complains with place and words when they do not fit.

mod keys;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Complaint, LoadError};
use crate::number::{Number, Spread};
use crate::time::Draw;

pub(crate) use keys::Keys;

/// What a number that may be left open is written as.
const A_CHOICE: &str = "a whole number, a range such as \"1..40\" or a list such as [1, 3, 5]";

/// A file's name and text.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s> {
    pub(crate) file: &'s str,
    pub(crate) text: &'s str,
    /// Names that a `probe` may have.
    pub(crate) probes: &'s [&'s str],
}

impl Source<'_> {
    pub(crate) fn complain(&self, span: Range<usize>, problem: impl Into<String>) -> Complaint {
        Complaint::at(self.file, self.text, span, problem.into())
    }
}

/// One table of the file.
pub(crate) struct Section<'s> {
    source: Source<'s>,
    /// As it is written: `[traffic]`.
    name: String,
    span: Range<usize>,
    table: &'s DeTable<'s>,
}

/// A value with its place.
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<'s> Section<'s> {
    pub(crate) fn new(
        source: Source<'s>,
        name: &str,
        span: Range<usize>,
        table: &'s DeTable<'s>,
    ) -> Section<'s> {
        Section { source, name: name.to_owned(), span, table }
    }

    /// Refuses keys that are not in the list.
    pub(crate) fn only(&self, allowed: &[&str]) -> Result<(), LoadError> {
        for key in self.table.keys() {
            let word = key.get_ref().as_ref();
            if !allowed.contains(&word) {
                let complaint = self
                    .source
                    .complain(key.span(), format!("unknown key `{word}` in {}", self.name));
                return Err(complaint.allowed(word, allowed).remedy("remove it").into());
            }
        }
        Ok(())
    }

    /// Complains about the place where a key's value stands, or the section when it has none.
    pub(crate) fn complain(&self, key: &str, problem: impl Into<String>) -> Complaint {
        let span = self.find(key).map_or(self.span.clone(), Spanned::span);
        self.source.complain(span, problem)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: &str) -> Option<&'s Spanned<DeValue<'s>>> {
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, found: &Spanned<DeValue<'_>>, wanted: &str) -> LoadError {
        let kind = match found.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.source
            .complain(found.span(), format!("`{key}` is {kind}, not {wanted}"))
            .remedy(format!("write {wanted}"))
            .into()
    }

    /// A string that must be there.
    pub(crate) fn required(&self, key: &str) -> Result<String, LoadError> {
        let missing = || {
            self.source
                .complain(self.span.clone(), format!("`{key}` is missing in {}", self.name))
                .remedy(format!("add `{key} = \"…\"`"))
        };
        let found = self.string(key)?.ok_or_else(missing)?;
        if found.value.trim().is_empty() {
            return Err(self
                .source
                .complain(found.span, format!("`{key}` is empty"))
                .remedy("say it in a sentence")
                .into());
        }
        Ok(found.value.to_owned())
    }

    /// Refuses the name of a probe that the server does not have.
    pub(crate) fn known_probe(&self, found: &Placed<&str>) -> Result<(), LoadError> {
        if self.source.probes.contains(&found.value) {
            return Ok(());
        }
        Err(self.unknown_word("probe", found, self.source.probes))
    }

    /// The name of a probe, one that the server has.
    pub(crate) fn probe(&self, key: &str) -> Result<String, LoadError> {
        let name = self.required(key)?;
        match self.string(key)? {
            Some(found) => self.known_probe(&found).map(|()| name),
            None => Ok(name),
        }
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<Placed<&'s str>>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        match found.get_ref() {
            DeValue::String(text) => Ok(Some(Placed { value: text.as_ref(), span: found.span() })),
            _ => Err(self.wrong_type(key, found, "a string in quotes")),
        }
    }

    /// Two strings in a list, or nothing when the value is no list.
    pub(crate) fn pair(&self, key: &str) -> Result<Option<[Placed<&'s str>; 2]>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let DeValue::Array(items) = found.get_ref() else { return Ok(None) };
        let words = items.iter().filter_map(|item| match item.get_ref() {
            DeValue::String(text) => Some(Placed { value: text.as_ref(), span: item.span() }),
            _ => None,
        });
        let words: Vec<Placed<&str>> = words.collect();
        match <[Placed<&str>; 2]>::try_from(words) {
            Ok(pair) if items.len() == 2 => Ok(Some(pair)),
            _ => Err(self
                .source
                .complain(found.span(), format!("`{key}` is not a list of two words"))
                .remedy(format!("write `{key} = [\"…\", \"…\"]`"))
                .into()),
        }
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, LoadError> {
        let Some(found) = self.string(key)? else { return Ok(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == found.value) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.unknown_word(key, &found, &names))
    }

    /// The complaint about a word that is none of those allowed.
    pub(crate) fn unknown_word(
        &self,
        key: &str,
        found: &Placed<&str>,
        allowed: &[&str],
    ) -> LoadError {
        self.source
            .complain(found.span.clone(), format!("unknown {key} `{}`", found.value))
            .allowed(found.value, allowed)
            .remedy("write one of the allowed words")
            .into()
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        match found.get_ref() {
            DeValue::Boolean(value) => Ok(Some(*value)),
            _ => Err(self.wrong_type(key, found, "true or false")),
        }
    }

    /// A whole number within limits.
    pub(crate) fn number(
        &self,
        key: &str,
        limits: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        self.whole(key, found, limits).map(Some)
    }

    fn whole(
        &self,
        key: &str,
        found: &Spanned<DeValue<'_>>,
        limits: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, LoadError> {
        let DeValue::Integer(integer) = found.get_ref() else {
            return Err(self.wrong_type(key, found, "a whole number"));
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fits = number.and_then(|number| u64::try_from(number).ok());
        fits.filter(|number| limits.contains(number)).ok_or_else(|| {
            let problem = if number.is_some_and(|number| number < 0) {
                format!("`{key}` is negative")
            } else {
                format!("`{key}` is out of range")
            };
            self.source
                .complain(found.span(), problem)
                .remedy(format!("write a number from {} to {}", limits.start(), limits.end()))
                .into()
        })
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, LoadError> {
        let words = self.strings(key)?;
        Ok(words.map(|words| words.into_iter().map(|word| word.value.to_owned()).collect()))
    }

    /// A list of words.
    pub(crate) fn strings(&self, key: &str) -> Result<Option<Vec<Placed<&'s str>>>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let wrong = || self.wrong_type(key, found, "a list of words");
        let DeValue::Array(items) = found.get_ref() else { return Err(wrong()) };
        let word = |item: &'s Spanned<DeValue<'s>>| match item.get_ref() {
            DeValue::String(text) => Ok(Placed { value: text.as_ref(), span: item.span() }),
            _ => Err(wrong()),
        };
        items.iter().map(word).collect::<Result<_, _>>().map(Some)
    }

    /// A list of numbers.
    pub(crate) fn numbers(
        &self,
        key: &str,
        limits: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<Vec<u64>>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let DeValue::Array(items) = found.get_ref() else {
            return Err(self.wrong_type(key, found, "a list of whole numbers"));
        };
        items
            .iter()
            .map(|item| self.whole(key, item, limits.clone()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A whole number within limits, a range of them, or a list.
    pub(crate) fn choice(
        &self,
        key: &str,
        limits: std::ops::RangeInclusive<u64>,
        spread: Spread,
    ) -> Result<Option<Number>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let number = match found.get_ref() {
            DeValue::Integer(_) => Number::One(self.whole(key, found, limits)?),
            DeValue::Array(items) if !items.is_empty() => {
                let numbers = items.iter().map(|item| self.whole(key, item, limits.clone()));
                Number::OneOf(numbers.collect::<Result<_, _>>()?)
            }
            DeValue::String(text) if text.contains("..") => {
                let range = Number::range(text, spread).map_err(|problem| {
                    self.source
                        .complain(found.span(), format!("`{key}`: {problem}"))
                        .remedy("write a range such as \"1..40\"")
                })?;
                if range.within(*limits.start(), *limits.end()).as_ref() != Some(&range) {
                    return Err(self
                        .source
                        .complain(found.span(), format!("`{key}` is out of range"))
                        .remedy(format!("write {}..{} or less", limits.start(), limits.end()))
                        .into());
                }
                range
            }
            _ => return Err(self.wrong_type(key, found, A_CHOICE)),
        };
        Ok(Some(number))
    }

    /// A number of bytes within limits, or a range of them.
    pub(crate) fn bytes(
        &self,
        key: &str,
        limits: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<Number>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let DeValue::String(text) = found.get_ref() else {
            return Err(self.wrong_type(key, found, "a size such as \"200KiB\" or \"0B..1MiB\""));
        };
        let refuse = |problem: String| {
            self.source
                .complain(found.span(), format!("`{key}`: {problem}"))
                .remedy("write a size such as \"200KiB\" or \"0B..1MiB\" (B, KiB, MiB)")
        };
        let number = Number::bytes(text).map_err(refuse)?;
        if number.within(*limits.start(), *limits.end()).as_ref() == Some(&number) {
            return Ok(Some(number));
        }
        Err(refuse(format!("more than {} bytes", limits.end())).into())
    }

    /// A time or a range of times.
    pub(crate) fn draw(&self, key: &str) -> Result<Option<Draw>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let DeValue::String(text) = found.get_ref() else {
            return Err(self.wrong_type(key, found, "a time such as \"10s\" or \"5s..20s\""));
        };
        Draw::parse(text).map(Some).map_err(|problem| {
            self.source
                .complain(found.span(), format!("`{key}`: {problem}"))
                .remedy("write a time such as \"10s\", \"250ms\" or \"5s..20s\" (m, s, ms, us, ns)")
                .into()
        })
    }

    /// A time that may not be a range.
    pub(crate) fn time(&self, key: &str) -> Result<Option<u64>, LoadError> {
        match self.draw(key)? {
            Some(draw) if draw.min_ns != draw.max_ns => Err(self
                .complain(key, format!("`{key}` is a range"))
                .remedy("write one time, such as \"10s\"")
                .into()),
            draw => Ok(draw.map(|draw| draw.min_ns)),
        }
    }

    /// A table inside this one.
    pub(crate) fn section(&self, key: &str, shown: &str) -> Result<Option<Section<'s>>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(None) };
        match found.get_ref() {
            DeValue::Table(table) => {
                Ok(Some(Section::new(self.source, shown, found.span(), table)))
            }
            _ => Err(self.wrong_type(key, found, &format!("a table: {shown}"))),
        }
    }

    /// The table under a key, or nothing when the value is of another type.
    pub(crate) fn link(&self, key: &str) -> Option<Section<'s>> {
        let found = self.find(key)?;
        match found.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.source, "the link", found.span(), table))
            }
            _ => None,
        }
    }

    /// A list of tables.
    pub(crate) fn sections(&self, key: &str) -> Result<Vec<Section<'s>>, LoadError> {
        let Some(found) = self.find(key) else { return Ok(Vec::new()) };
        let wanted = format!("tables: [[{key}]]");
        let DeValue::Array(items) = found.get_ref() else {
            return Err(self.wrong_type(key, found, &wanted));
        };
        let each = items.iter().map(|item| match item.get_ref() {
            DeValue::Table(table) => {
                Ok(Section::new(self.source, &format!("[[{key}]]"), item.span(), table))
            }
            _ => Err(self.wrong_type(key, item, &wanted)),
        });
        each.collect()
    }
}

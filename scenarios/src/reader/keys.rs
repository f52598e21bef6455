//! Reads a table key by key, each with its usual value; the keys asked for are the keys allowed.

use std::ops::RangeInclusive;

use super::Section;
use crate::error::LoadError;
use crate::number::{Number, Spread};
use crate::time::{Draw, MILLISECOND, written};

/// The keys of one table, or of a table that is not there: then each has its usual value.
///
/// What a function asks for is all that the table may hold, so a key is said once: with its usual
/// value and its limits, where it is read.
pub(crate) struct Keys<'s> {
    section: Option<&'s Section<'s>>,
    /// The keys asked for, each with its usual value in words.
    asked: Vec<(&'static str, String)>,
    /// Who answers for words, flags and probes in place of a table.
    choice: Option<Choice<'s>>,
}

/// Answers by choosing among all that a person might write.
struct Choice<'s> {
    /// Picks one of so many.
    pick: &'s mut dyn FnMut(usize) -> usize,
    probes: &'s [&'s str],
}

impl<'s> Keys<'s> {
    /// The keys of a table, or of none.
    pub(crate) fn of(section: Option<&'s Section<'s>>) -> Keys<'s> {
        Keys { section, asked: Vec::new(), choice: None }
    }

    /// Reads a table and refuses keys that are not asked for. Without a table everything is usual.
    pub(crate) fn read<V>(
        section: Option<&'s Section<'s>>,
        read: impl Fn(&mut Keys<'s>) -> Result<V, LoadError>,
    ) -> Result<V, LoadError> {
        if let Some(section) = section {
            section.only(&Keys::asked_by(&read))?;
        }
        read(&mut Keys::of(section))
    }

    /// What is read where nothing is written.
    pub(crate) fn usual<V>(read: impl Fn(&mut Keys<'s>) -> Result<V, LoadError>) -> V {
        read(&mut Keys::of(None))
            .unwrap_or_else(|error| panic!("a usual value is refused: {error}"))
    }

    /// What is read when each word, flag and probe is picked among all that might be written, and
    /// all else is usual.
    pub(crate) fn chosen<V>(
        pick: &'s mut dyn FnMut(usize) -> usize,
        probes: &'s [&'s str],
        read: impl Fn(&mut Keys<'s>) -> Result<V, LoadError>,
    ) -> V {
        let choice = Some(Choice { pick, probes });
        read(&mut Keys { section: None, asked: Vec::new(), choice })
            .unwrap_or_else(|error| panic!("a value that might be written is refused: {error}"))
    }

    fn pick<W: Copy>(&mut self, among: &[W], usual: W) -> W {
        match &mut self.choice {
            Some(choice) if !among.is_empty() => among[(choice.pick)(among.len())],
            _ => usual,
        }
    }

    /// A key that is read elsewhere.
    pub(crate) fn known(&mut self, key: &'static str) {
        self.asked.push((key, String::new()));
    }

    /// The keys that a function asks for, in its order.
    pub(crate) fn asked_by<V>(
        read: impl Fn(&mut Keys<'s>) -> Result<V, LoadError>,
    ) -> Vec<&'static str> {
        Keys::usual_values(read).into_iter().map(|(key, _)| key).collect()
    }

    /// The keys that a function asks for, in its order, each with its usual value in words.
    pub(crate) fn usual_values<V>(
        read: impl Fn(&mut Keys<'s>) -> Result<V, LoadError>,
    ) -> Vec<(&'static str, String)> {
        let mut keys = Keys::of(None);
        // What is read where nothing is written is never refused: it is the usual value.
        drop(read(&mut keys));
        keys.asked
    }

    fn ask<V>(
        &mut self,
        key: &'static str,
        usual: String,
        read: impl FnOnce(&Section<'s>) -> Result<Option<V>, LoadError>,
    ) -> Result<Option<V>, LoadError> {
        self.asked.push((key, usual));
        self.section.map_or(Ok(None), read)
    }

    /// A time or a range of times.
    pub(crate) fn draw(&mut self, key: &'static str, usual: Draw) -> Result<Draw, LoadError> {
        Ok(self.ask(key, usual.to_string(), |section| section.draw(key))?.unwrap_or(usual))
    }

    /// A time or a range of times that does not begin at 0.
    pub(crate) fn draw_above_zero(
        &mut self,
        key: &'static str,
        usual: Draw,
    ) -> Result<Draw, LoadError> {
        let draw = self.draw(key, usual)?;
        self.above_zero(key, draw.min_ns)?;
        Ok(draw)
    }

    /// A time (ns) that may not be a range.
    pub(crate) fn time(&mut self, key: &'static str, usual_ns: u64) -> Result<u64, LoadError> {
        Ok(self.ask(key, written(usual_ns), |section| section.time(key))?.unwrap_or(usual_ns))
    }

    /// A time (ns) above 0 that may not be a range.
    pub(crate) fn time_above_zero(
        &mut self,
        key: &'static str,
        usual_ns: u64,
    ) -> Result<u64, LoadError> {
        let ns = self.time(key, usual_ns)?;
        self.above_zero(key, ns)?;
        Ok(ns)
    }

    fn above_zero(&self, key: &str, ns: u64) -> Result<(), LoadError> {
        match self.section {
            Some(section) if ns == 0 => Err(section
                .complain(key, format!("`{key}` is zero"))
                .remedy("write a time above zero")
                .into()),
            _ => Ok(()),
        }
    }

    /// A whole number within limits, if it is written.
    pub(crate) fn perhaps(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u64>,
    ) -> Result<Option<u64>, LoadError> {
        self.perhaps_else(key, limits, "none".to_owned())
    }

    fn perhaps_else(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u64>,
        usual: String,
    ) -> Result<Option<u64>, LoadError> {
        self.ask(key, usual, |section| section.number(key, limits))
    }

    /// A whole number within limits, a range of them, or a list.
    pub(crate) fn choice(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u64>,
        usual: u64,
        spread: Spread,
    ) -> Result<Number, LoadError> {
        let read =
            self.ask(key, usual.to_string(), |section| section.choice(key, limits, spread))?;
        Ok(read.unwrap_or(Number::One(usual)))
    }

    /// A number of bytes within limits, a range of them, or a list.
    pub(crate) fn bytes(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u64>,
        usual: u64,
    ) -> Result<Number, LoadError> {
        let read = self.ask(key, format!("{usual}B"), |section| section.bytes(key, limits))?;
        Ok(read.unwrap_or(Number::One(usual)))
    }

    /// A time or a range of times, in whole milliseconds.
    pub(crate) fn milliseconds(
        &mut self,
        key: &'static str,
        usual_ms: u64,
    ) -> Result<Number, LoadError> {
        let draw = self.draw(key, Draw::exactly(usual_ms * MILLISECOND))?;
        let (low, high) = (draw.min_ns / MILLISECOND, draw.max_ns / MILLISECOND);
        let range = Number::Between { low, high, spread: Spread::Even };
        Ok(if low == high { Number::One(low) } else { range })
    }

    /// A whole number within limits.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u64>,
        usual: u64,
    ) -> Result<u64, LoadError> {
        Ok(self.perhaps_else(key, limits, usual.to_string())?.unwrap_or(usual))
    }

    /// A whole number within limits that fit 32 bits.
    pub(crate) fn count(
        &mut self,
        key: &'static str,
        limits: RangeInclusive<u32>,
        usual: u32,
    ) -> Result<u32, LoadError> {
        let limits = u64::from(*limits.start())..=u64::from(*limits.end());
        let number = self.perhaps_else(key, limits, usual.to_string())?;
        Ok(number.map_or(usual, |number| number as u32))
    }

    /// A chance in 1000.
    pub(crate) fn permille(&mut self, key: &'static str, usual: u32) -> Result<u32, LoadError> {
        self.count(key, 0..=1000, usual)
    }

    /// True or false.
    pub(crate) fn flag(&mut self, key: &'static str, usual: bool) -> Result<bool, LoadError> {
        let usual = self.pick(&[false, true], usual);
        Ok(self.ask(key, usual.to_string(), |section| section.flag(key))?.unwrap_or(usual))
    }

    /// One of some words.
    pub(crate) fn word<V: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        words: &[(&str, V)],
        usual: V,
    ) -> Result<V, LoadError> {
        let values: Vec<V> = words.iter().map(|(_, value)| *value).collect();
        let usual = self.pick(&values, usual);
        let name = words.iter().find(|(_, value)| *value == usual).map_or("none", |(name, _)| name);
        Ok(self.ask(key, name.to_owned(), |section| section.word(key, words))?.unwrap_or(usual))
    }

    /// A list of texts; empty if it is not written.
    pub(crate) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, LoadError> {
        let usual = "none".to_owned();
        Ok(self.ask(key, usual, |section| section.texts(key))?.unwrap_or_default())
    }

    /// The name of a probe, which has to be written.
    pub(crate) fn probe(&mut self, key: &'static str) -> Result<String, LoadError> {
        let probes = self.choice.as_ref().map_or(&[][..], |choice| choice.probes);
        let usual = self.pick(probes, "");
        Ok(self
            .ask(key, "none".to_owned(), |section| section.probe(key).map(Some))?
            .unwrap_or_else(|| usual.to_owned()))
    }

    /// A table inside this one, if it is written.
    pub(crate) fn section(
        &mut self,
        key: &'static str,
        shown: &str,
    ) -> Result<Option<Section<'s>>, LoadError> {
        self.ask(key, String::new(), |section| section.section(key, shown))
    }
}

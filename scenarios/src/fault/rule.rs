//! One `[[fault]]` of a scenario: a fault, its target, its start and its steps, read and checked.

mod check;

use super::kind::Lasts;
use super::{Fault, Group, Kind, Target, Trigger, named, words};
use crate::error::LoadError;
use crate::reader::{Keys, Section};
use crate::time::Draw;

/// Most times one fault may repeat.
const MOST_REPEATS: u64 = 1000;
/// Most steps of one sequence.
pub(super) const MOST_STEPS: usize = 16;

/// One `[[fault]]`, or one step of its sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault<Draw>,
    /// To whom.
    pub target: Target,
    /// What `fault:NAME` calls it.
    pub name: Option<String>,
    /// When, the first time; a fault with `after` waits from then on. No step has one.
    pub at: Draw,
    /// What must happen before it begins.
    pub after: Option<Trigger>,
    /// How long after `after`, or after the end of the step before.
    pub delay: Draw,
    /// How long it lasts, or how long processes stay down.
    pub lasts: Draw,
    /// From one start to the next, again and again; once when absent.
    pub every: Option<Draw>,
    /// How often at most.
    pub times: Option<u64>,
    /// What follows, step by step.
    pub then: Vec<FaultRule>,
}

/// What the rules of one scenario have in common.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    /// How many members there are.
    pub(crate) members: u32,
    /// How long the traffic lasts.
    pub(crate) duration_ns: u64,
}

impl FaultRule {
    /// Reads all faults of a scenario.
    pub(crate) fn all(root: &Section<'_>, story: Story) -> Result<Vec<FaultRule>, LoadError> {
        let sections = root.sections("fault")?;
        let rules: Vec<FaultRule> = sections
            .iter()
            .map(|section| FaultRule::load(section, story))
            .collect::<Result<_, _>>()?;
        check::names(&sections, &rules)?;
        Ok(rules)
    }

    /// Reads a fault.
    fn load(section: &Section<'_>, story: Story) -> Result<FaultRule, LoadError> {
        let kind = kind(section)?;
        let after = Trigger::read(section)?;
        let mut keys = vec!["kind", "target", "name", "at", "after"];
        keys.extend(after.is_some().then_some("delay"));
        keys.extend(["every", "times", "then"]);
        let fault = fault(section, kind, &keys)?;
        let every = section.draw("every")?;
        let duration_ns = story.duration_ns;
        let usual_at = match after {
            // The fault that is waited for has a time of its own.
            Some(Trigger::Fault(_)) => Draw::exactly(0),
            _ => Draw::between(duration_ns / 10, duration_ns * 7 / 10),
        };
        let rule = FaultRule {
            fault,
            target: target(section, kind)?,
            name: section.string("name")?.map(|name| name.value.to_owned()),
            at: section.draw("at")?.unwrap_or(usual_at),
            after,
            delay: section.draw("delay")?.unwrap_or(Draw::exactly(0)),
            lasts: lasts(section, kind, every.map_or(duration_ns, |every| every.min_ns))?,
            every,
            times: section.number("times", 1..=MOST_REPEATS)?,
            then: steps(section, story)?,
        };
        check::target(section, &rule, story, false)?;
        check::times(section, &rule, story)?;
        Ok(rule)
    }

    /// Whether the fault and its steps can happen in a cluster of `members`, when that number was
    /// drawn.
    pub fn fits(&self, members: u32) -> bool {
        self.steps().all(|rule| check::fits(rule, members))
    }

    /// Reads a step of a sequence.
    fn step(section: &Section<'_>, story: Story) -> Result<FaultRule, LoadError> {
        let kind = kind(section)?;
        let fault = fault(section, kind, &["kind", "target", "name", "after", "delay"])?;
        let rule = FaultRule {
            fault,
            target: target(section, kind)?,
            name: section.string("name")?.map(|name| name.value.to_owned()),
            at: Draw::exactly(0),
            after: Trigger::read(section)?,
            delay: section.draw("delay")?.unwrap_or(Draw::exactly(0)),
            lasts: lasts(section, kind, story.duration_ns)?,
            every: None,
            times: None,
            then: Vec::new(),
        };
        check::target(section, &rule, story, true)?;
        Ok(rule)
    }

    /// A fault that nobody wrote, somewhere in the traffic; one that `waits` begins at an election
    /// after that. Nothing when it cannot be aimed at the target.
    pub(crate) fn drawn(
        fault: Fault<Draw>,
        target: Target,
        duration_ns: u64,
        waits: bool,
    ) -> Option<FaultRule> {
        let kind = fault.kind();
        let rule = FaultRule {
            fault,
            target,
            name: None,
            at: Draw::between(duration_ns / 20, duration_ns * 8 / 10),
            after: waits.then_some(Trigger::LeaderElected),
            delay: Draw::exactly(0),
            lasts: usually(kind, duration_ns),
            every: None,
            times: None,
            then: Vec::new(),
        };
        check::shape(&rule, kind.targets).is_none().then_some(rule)
    }

    /// It and its steps.
    pub fn steps(&self) -> impl Iterator<Item = &FaultRule> {
        std::iter::once(self).chain(&self.then)
    }
}

fn steps(section: &Section<'_>, story: Story) -> Result<Vec<FaultRule>, LoadError> {
    let steps = section.sections("then")?;
    if steps.len() > MOST_STEPS {
        return Err(section
            .complain("then", format!("`then` holds {} steps", steps.len()))
            .remedy(format!("write at most {MOST_STEPS}"))
            .into());
    }
    steps.iter().map(|step| FaultRule::step(step, story)).collect()
}

/// Reads the word under `kind`.
fn kind(section: &Section<'_>) -> Result<&'static Kind, LoadError> {
    let Some(word) = section.string("kind")? else {
        return Err(section
            .complain("kind", "`kind` is missing in [[fault]]")
            .allowed("", &words())
            .remedy("add `kind = \"…\"` with one of the allowed words")
            .into());
    };
    match named(word.value) {
        Some((_, kind)) => Ok(kind),
        None => Err(section.unknown_word("fault kind", &word, &words())),
    }
}

/// Reads the fault's parameters, and refuses keys that it does not have.
fn fault(section: &Section<'_>, kind: &Kind, keys: &[&str]) -> Result<Fault<Draw>, LoadError> {
    let fault = (kind.read)(&mut Keys::of(Some(section)))?;
    let times: &[&str] = match kind.lasts {
        Lasts::Instant => &[],
        Lasts::Usually(_) | Lasts::UntilNext => &["for"],
    };
    section.only(&[keys, times, &Keys::asked_by(kind.read)].concat())?;
    Ok(fault)
}

fn target(section: &Section<'_>, kind: &Kind) -> Result<Target, LoadError> {
    Ok(Target::read(section)?.unwrap_or(Target::Group(kind.usual_target)))
}

/// `for`, or what is usual for the kind; a trap stays armed until `next_ns` later.
fn lasts(section: &Section<'_>, kind: &Kind, next_ns: u64) -> Result<Draw, LoadError> {
    let lasts = section.draw("for")?.unwrap_or(usually(kind, next_ns));
    if lasts.min_ns == 0 && section.has("for") {
        return Err(section
            .complain("for", "`for` is zero: nothing would happen")
            .remedy("write a time above zero")
            .into());
    }
    Ok(lasts)
}

/// How long a fault of a kind lasts when nobody says; a trap stays armed until `next_ns` later.
fn usually(kind: &Kind, next_ns: u64) -> Draw {
    match kind.lasts {
        Lasts::Instant => Draw::exactly(0),
        Lasts::Usually(draw) => draw,
        Lasts::UntilNext => Draw::exactly(next_ns.saturating_sub(1)),
    }
}

/// Whether the group is the same one member whenever it is asked for.
fn is_single(group: Group) -> bool {
    matches!(group, Group::Member(_) | Group::Leader)
}

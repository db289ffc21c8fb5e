//! Functions of patterns: `$match`, `$contains`, `$replace` and `$split`.
//!
//! Regular expressions take linear time for one match. Each search costs the text up to what it
//! finds, and a little for all that is left, since it may read that far before it decides.

use std::borrow::Cow;

use indexmap::IndexMap;
use jsonata_core::functions::string::substitute_capture_groups;
use regex::{Captures, Regex};

use super::text::{slice, to_size};
use super::{Arguments, Error, number_at, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Text, Val};

/// Bytes behind a match that a search may have read, for a step.
const BYTES_A_STEP: usize = 512;

/// The matches of a pattern one after the other, with their places in UTF-16 units, as
/// JavaScript counts them.
struct Search<'m, 'a, 't> {
    machine: &'m Machine<'a>,
    regex: &'a Regex,
    text: &'t str,
    at: usize,
    units: usize,
}

struct Match<'t> {
    captures: Captures<'t>,
    whole: &'t str,
    start: usize,
    end: usize,
    start_units: usize,
    end_units: usize,
}

impl<'a, 't> Search<'_, 'a, 't> {
    fn next(&mut self) -> Result<Option<Match<'t>>, Error> {
        let left = self.text.len() - self.at;
        self.machine.meter.steps(1 + left / BYTES_A_STEP)?;
        let Some(captures) = self.regex.captures_at(self.text, self.at) else {
            self.machine.meter.reading(left)?;
            return Ok(None);
        };
        let Some(found) = captures.get(0) else {
            return Ok(None);
        };
        let (start, end, whole) = (found.start(), found.end(), found.as_str());
        if whole.is_empty() {
            return Err(Error::coded(
                "D1004",
                "the regular expression matches a text of no length",
            ));
        }
        let units = |text: &str| text.encode_utf16().count();
        let start_units = self.units + units(&self.text[self.at..start]);
        self.units = start_units + units(whole);
        self.machine.meter.reading(end - self.at)?;
        self.at = end;
        Ok(Some(Match {
            captures,
            whole,
            start,
            end,
            start_units,
            end_units: self.units,
        }))
    }
}

impl Match<'_> {
    fn group(&self, index: usize) -> Option<&str> {
        self.captures.get(index).map(|group| group.as_str())
    }

    fn groups<'a>(&self, machine: &Machine<'a>) -> Result<Val<'a>, Error> {
        let mut groups = Vec::with_capacity(self.captures.len());
        for index in 1..self.captures.len() {
            machine.meter.steps(1)?;
            groups.push(match self.group(index) {
                Some(group) => {
                    machine.meter.text(group.len())?;
                    Val::text(group)
                }
                None => Val::Nothing,
            });
        }
        Val::array(groups)
    }

    fn object<'a>(
        &self,
        machine: &Machine<'a>,
        places: &[(&'static str, usize)],
    ) -> Result<Val<'a>, Error> {
        machine.meter.steps(4)?;
        machine.meter.text(self.whole.len())?;
        let mut fields = IndexMap::new();
        fields.insert(Text::Borrowed("match"), Val::text(self.whole));
        for (name, place) in places {
            #[expect(clippy::cast_precision_loss, reason = "no text has 2^53 characters")]
            fields.insert(Text::Borrowed(name), Val::Number(*place as f64));
        }
        fields.insert(Text::Borrowed("groups"), self.groups(machine)?);
        Val::object(fields)
    }

    fn described<'a>(&self, machine: &Machine<'a>) -> Result<Val<'a>, Error> {
        self.object(
            machine,
            &[("start", self.start_units), ("end", self.end_units)],
        )
    }
}

/// What a pattern gives when it is called as a function: its first match, described.
pub(in crate::workflow::expression) fn first_match<'a>(
    machine: &Machine<'a>,
    regex: &'a Regex,
    subject: &Val<'a>,
) -> Result<Val<'a>, Error> {
    let Val::Text(text) = subject else {
        return Ok(Val::Nothing);
    };
    match search(machine, regex, text).next()? {
        Some(found) => found.described(machine),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn matches<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    let most = limit(arguments, 2, "D3040")?;
    let mut search = search(machine, regex(arguments)?, text);
    let mut found = Vec::new();
    while found.len() < most {
        let Some(next) = search.next()? else {
            break;
        };
        found.push(next.object(machine, &[("index", next.start_units)])?);
    }
    Val::sequence(found)
}

pub(super) fn contains<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    match arguments.get(1) {
        Some(Val::Text(part)) => {
            machine.meter.reading(text.len())?;
            Ok(Val::Bool(text.contains(&**part)))
        }
        Some(Val::Function(_)) => {
            let found = search(machine, regex(arguments)?, text).next()?;
            Ok(Val::Bool(found.is_some()))
        }
        _ => Ok(Val::Nothing),
    }
}

pub(super) fn split<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    let most = limit(arguments, 2, "D3020")?;
    let mut parts = Vec::new();
    match arguments.get(1) {
        Some(Val::Text(separator)) => {
            machine.meter.reading(text.len())?;
            // A text takes whole limits alone; a pattern counts up to any.
            let most = number_at(arguments, 2).map_or(most, |limit| to_size(limit.floor()));
            for range in ranges_between(text, separator).take(most) {
                machine.meter.steps(1)?;
                parts.push(slice(machine, text, range)?);
            }
        }
        _ => {
            let mut search = search(machine, regex(arguments)?, text);
            let mut start = 0;
            while parts.len() < most {
                let Some(found) = search.next()? else {
                    parts.push(slice(machine, text, start..text.len())?);
                    break;
                };
                parts.push(slice(machine, text, start..found.start)?);
                start = found.end;
            }
        }
    }
    Val::array(parts)
}

/// What is between the separators; with an empty one, each character.
fn ranges_between<'t>(
    text: &'t str,
    separator: &'t str,
) -> Box<dyn Iterator<Item = std::ops::Range<usize>> + 't> {
    if separator.is_empty() {
        let chars = text.char_indices();
        return Box::new(chars.map(|(at, char)| at..at + char.len_utf8()));
    }
    let mut start = 0;
    let ends = text.match_indices(separator).map(|(at, _)| at);
    Box::new(ends.chain([text.len()]).map(move |end| {
        let range = start..end;
        start = end + separator.len();
        range
    }))
}

pub(super) fn replace<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    let most = limit(arguments, 3, "D3011")?;
    match (arguments.get(1), arguments.get(2)) {
        (Some(Val::Text(pattern)), _) if pattern.is_empty() => Err(Error::coded(
            "D3010",
            "the second argument of $replace is an empty string",
        )),
        (Some(Val::Text(pattern)), Some(Val::Text(replacement))) => {
            replace_text(machine, text, pattern, replacement, most)
        }
        (Some(Val::Function(_)), Some(replacement)) => {
            let mut search = search(machine, regex(arguments)?, text);
            let mut out = Output::new(machine);
            let (mut done, mut start) = (0, 0);
            while done < most {
                let Some(found) = search.next()? else {
                    break;
                };
                out.push(&text[start..found.start])?;
                replace_match(&mut out, &found, replacement)?;
                start = found.end;
                done += 1;
            }
            out.push(&text[start..])?;
            Ok(Val::text(out.text))
        }
        _ => Err(Error::coded(
            "T0410",
            "$replace needs a pattern and a replacement",
        )),
    }
}

fn replace_text<'a>(
    machine: &Machine<'a>,
    text: &str,
    pattern: &str,
    replacement: &str,
    most: usize,
) -> Result<Val<'a>, Error> {
    let mut out = Output::new(machine);
    let mut start = 0;
    for (at, _) in text.match_indices(pattern).take(most) {
        machine.meter.steps(1)?;
        out.push(&text[start..at])?;
        out.push(replacement)?;
        start = at + pattern.len();
    }
    out.push(&text[start..])?;
    Ok(Val::text(out.text))
}

fn replace_match<'a>(
    out: &mut Output<'_, 'a>,
    found: &Match<'_>,
    replacement: &Val<'a>,
) -> Result<(), Error> {
    match replacement {
        Val::Text(replacement) => {
            let groups = found.captures.len() - 1;
            // Each `$` of the replacement brings in the whole match at most.
            let dollars = replacement.matches('$').count();
            let most = found.whole.len().saturating_mul(dollars);
            out.machine
                .meter
                .text(most.saturating_add(replacement.len()))?;
            substitute_capture_groups(&mut out.text, replacement, found.whole, groups, |group| {
                Ok(found.group(group + 1).map(Cow::Borrowed))
            })
        }
        Val::Function(function) => {
            let described = found.described(out.machine)?;
            match out.machine.call_back(function, [described])?.unwrapped() {
                Val::Text(text) => out.push(&text),
                _ => Err(Error::coded(
                    "D3012",
                    "the function that $replace calls does not give a string",
                )),
            }
        }
        _ => Err(Error::coded(
            "T0410",
            "the replacement is not a string or a function",
        )),
    }
}

struct Output<'m, 'a> {
    machine: &'m Machine<'a>,
    text: String,
}

impl<'m, 'a> Output<'m, 'a> {
    const fn new(machine: &'m Machine<'a>) -> Self {
        Self {
            machine,
            text: String::new(),
        }
    }

    fn push(&mut self, text: &str) -> Result<(), Error> {
        self.machine.meter.text(text.len())?;
        self.text.push_str(text);
        Ok(())
    }
}

fn search<'m, 'a, 't>(
    machine: &'m Machine<'a>,
    regex: &'a Regex,
    text: &'t str,
) -> Search<'m, 'a, 't> {
    Search {
        machine,
        regex,
        text,
        at: 0,
        units: 0,
    }
}

fn regex<'a>(arguments: Arguments<'a, '_>) -> Result<&'a Regex, Error> {
    match arguments.get(1) {
        Some(Val::Function(function)) => function.as_pattern(),
        _ => None,
    }
    .ok_or_else(|| Error::coded("T1010", "the matcher is not a regular expression"))
}

/// The limit at a place among the arguments, rounded up; without one there is none.
fn limit(arguments: Arguments<'_, '_>, place: usize, code: &'static str) -> Result<usize, Error> {
    match number_at(arguments, place) {
        None => Ok(usize::MAX),
        Some(limit) if limit < 0.0 => Err(Error::coded(code, "the limit is negative")),
        Some(limit) => Ok(to_size(limit.ceil())),
    }
}

//! `$string`: values as text, counted while they are written.

use jsonata_core::functions;
use jsonata_core::value::JValue;

use super::Error;
use super::machine::{Machine, unwrap_root};
use super::value::{Text, Val};

/// Whole numbers below this are printed digit by digit.
const EXACT: f64 = 1e15;

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    /// Two spaces a level.
    Pretty,
}

impl<'a> Machine<'a> {
    /// The value as text: a string as it is, anything else as JSON.
    pub(super) fn string(&self, value: &Val<'a>) -> Result<Text<'a>, Error> {
        self.string_in(value, Layout::Compact)
    }

    /// The same in a layout.
    pub(super) fn string_in(&self, value: &Val<'a>, layout: Layout) -> Result<Text<'a>, Error> {
        match unwrap_root(value) {
            Val::Text(text) => Ok(text),
            Val::Function(_) => Ok(Text::Borrowed("")),
            Val::Bool(true) => Ok(Text::Borrowed("true")),
            Val::Bool(false) => Ok(Text::Borrowed("false")),
            Val::Null => Ok(Text::Borrowed("null")),
            Val::Number(number) if !number.is_finite() => Err(Error::coded(
                "D3001",
                format!("a non-finite number has no text: {number}"),
            )),
            value => {
                let mut writer = Writer {
                    machine: self,
                    layout,
                    out: String::new(),
                };
                writer.value(&value, 0)?;
                Ok(Text::Made(writer.out.into()))
            }
        }
    }
}

struct Writer<'m, 'a> {
    machine: &'m Machine<'a>,
    layout: Layout,
    out: String,
}

impl<'a> Writer<'_, 'a> {
    fn value(&mut self, value: &Val<'a>, depth: usize) -> Result<(), Error> {
        self.machine.meter.steps(1)?;
        match value {
            Val::Nothing | Val::Null => self.push("null"),
            Val::Bool(true) => self.push("true"),
            Val::Bool(false) => self.push("false"),
            Val::Function(_) => self.push("\"\""),
            Val::Number(number) => self.push(&number_text(*number)?),
            Val::Text(text) => self.quoted(text),
            Val::Array(items) => {
                self.push("[")?;
                for (index, item) in items.iter().enumerate() {
                    self.separate(index, depth + 1)?;
                    self.value(&item, depth + 1)?;
                }
                self.close(items.len(), depth, "]")
            }
            Val::Object(fields) => {
                self.push("{")?;
                for (index, (key, field)) in fields.iter().enumerate() {
                    self.separate(index, depth + 1)?;
                    self.quoted(&key)?;
                    self.push(match self.layout {
                        Layout::Compact => ":",
                        Layout::Pretty => ": ",
                    })?;
                    self.value(&field, depth + 1)?;
                }
                self.close(fields.len(), depth, "}")
            }
        }
    }

    fn separate(&mut self, index: usize, depth: usize) -> Result<(), Error> {
        if index > 0 {
            self.push(",")?;
        }
        self.line(depth)
    }

    fn close(&mut self, count: usize, depth: usize, bracket: &str) -> Result<(), Error> {
        if count > 0 {
            self.line(depth)?;
        }
        self.push(bracket)
    }

    fn line(&mut self, depth: usize) -> Result<(), Error> {
        match self.layout {
            Layout::Compact => Ok(()),
            Layout::Pretty => {
                self.machine.meter.text(1 + 2 * depth)?;
                self.out.push('\n');
                self.out.extend(std::iter::repeat_n("  ", depth));
                Ok(())
            }
        }
    }

    fn quoted(&mut self, text: &str) -> Result<(), Error> {
        self.machine.meter.text(text.len() + 2)?;
        let quoted = serde_json::to_string(text)
            .map_err(|error| Error::new(format!("a string cannot be written: {error}")))?;
        let escapes = quoted.len().saturating_sub(text.len() + 2);
        self.machine.meter.text(escapes)?;
        self.out.push_str(&quoted);
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), Error> {
        self.machine.meter.text(text.len())?;
        self.out.push_str(text);
        Ok(())
    }
}

/// A number as JavaScript prints it, at 15 digits where it is not whole.
fn number_text(number: f64) -> Result<String, Error> {
    if !number.is_finite() {
        return Err(Error::coded(
            "D1001",
            format!("number out of range: {number}"),
        ));
    }
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Ok(format!("{}", number + 0.0));
    }
    match functions::string::string(&JValue::Number(number), None) {
        Ok(JValue::String(text)) => Ok(text.to_string()),
        _ => Ok(number.to_string()),
    }
}

//! Changing values in a text of YAML or JSON, and nothing else of it.
//!
//! A value that stays is not touched, with its comments, quotes and line breaks; one that changes
//! keeps its form: a list of lines stays one, what stands in brackets stays there. The text is
//! read again afterwards: one that would not say what it should is not given out.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, YamlData};
use serde_json::Value;
use taskmill::document;

use super::compare::equal;
use crate::output::yaml;

/// The text with the values of `new` in place of those of `old`, which is what it says.
///
/// None when it cannot be changed without changing more.
pub fn rewrite(text: &str, old: &Value, new: &Value) -> Option<String> {
    let nodes = MarkedYaml::load_from_str(text).ok()?;
    let mut rewriter = Rewriter {
        text,
        offsets: text.char_indices().map(|(at, _)| at).collect(),
        style: match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Style::Json,
            Err(_) => Style::Yaml,
        },
        edits: Vec::new(),
    };
    rewriter.change(nodes.first()?, old, new)?;
    let changed = rewriter.applied();
    let read = document::read(&changed).ok()?;
    let [document] = read.as_slice() else {
        return None;
    };
    equal(&document.value, new).then_some(changed)
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Json,
    Yaml,
}

struct Rewriter<'t> {
    text: &'t str,
    /// Where each character begins.
    offsets: Vec<usize>,
    style: Style,
    edits: Vec<(Range<usize>, String)>,
}

type Marked<'t> = MarkedYaml<'t>;

impl Rewriter<'_> {
    /// Changes a node from one value to another, in as small places as can be.
    fn change(&mut self, node: &Marked<'_>, old: &Value, new: &Value) -> Option<()> {
        if equal(old, new) {
            return Some(());
        }
        match (&node.data, old, new) {
            (YamlData::Mapping(members), Value::Object(before), Value::Object(after))
                if before.len() == members.len() && before.keys().eq(after.keys()) =>
            {
                let values = before.values().zip(after.values());
                for (node, (old, new)) in members.values().zip(values) {
                    self.change(node, old, new)?;
                }
            }
            (YamlData::Sequence(items), Value::Array(before), Value::Array(after))
                if before.len() == items.len() && before.len() == after.len() =>
            {
                for (node, (old, new)) in items.iter().zip(before.iter().zip(after)) {
                    self.change(node, old, new)?;
                }
            }
            (YamlData::Tagged(..), ..) => return None,
            _ => self.replace(node, new),
        }
        Some(())
    }

    fn replace(&mut self, node: &Marked<'_>, new: &Value) {
        let (start, end) = (self.start(node), self.end(node));
        let end = start + self.text[start..end.max(start)].trim_end().len();
        if self.is_block(node)
            && let Some(lines) = self.lines(new)
        {
            let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            let indent = self.text[line..start].chars().count();
            let text = lines.join(&format!("\n{}", " ".repeat(indent)));
            self.edits.push((start..end, text));
            return;
        }
        // A value that stood on lines of its own goes behind its name, and so does one that is
        // written where there was none.
        let before = self.text[..start].trim_end().len();
        let own_line = self.text[before..start].contains('\n') || start == end;
        match self.text[..before].chars().last() {
            Some(':' | '-') if own_line => {
                self.edits
                    .push((before..end, format!(" {}", self.flow(new))));
            }
            Some(_) | None => self.edits.push((start..end, self.flow(new))),
        }
    }

    /// The lines of a value that is written as a block; none of one that cannot be.
    fn lines(&self, value: &Value) -> Option<Vec<String>> {
        match value {
            Value::Array(items) if !items.is_empty() => Some(
                items
                    .iter()
                    .map(|item| format!("- {}", self.flow(item)))
                    .collect(),
            ),
            Value::Object(members) if !members.is_empty() => {
                let line = |(name, value): (&String, &Value)| {
                    format!("{}: {}", self.string(name), self.flow(value))
                };
                Some(members.iter().map(line).collect())
            }
            _ => None,
        }
    }

    /// A value in one line.
    fn flow(&self, value: &Value) -> String {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    format!("{}: {}", self.string(name), self.flow(value))
                };
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    fn string(&self, text: &str) -> String {
        match self.style {
            Style::Json => Value::from(text).to_string(),
            Style::Yaml => yaml::text(text),
        }
    }

    /// Whether a node is a list or a mapping on lines of its own: it begins with what it holds,
    /// not with a bracket.
    fn is_block(&self, node: &Marked<'_>) -> bool {
        let start = node.span.start.index();
        match &node.data {
            YamlData::Sequence(items) => items.first().is_some_and(|first| {
                let dash = self.text[self.offset(start)..].starts_with("- ");
                dash || first.span.start.index() == start
            }),
            YamlData::Mapping(members) => {
                let first = members.keys().next();
                first.is_some_and(|first| first.span.start.index() == start)
            }
            _ => false,
        }
    }

    /// Where a node begins. The parser tells the first item of a list that is not indented, the
    /// text behind the mark of a text in lines, and the colon where there is nothing.
    fn start(&self, node: &Marked<'_>) -> usize {
        let told = self.offset(node.span.start.index());
        let before = self.text[..told].trim_end();
        match &node.data {
            YamlData::Sequence(_) if self.is_block(node) => {
                match self.text[told..].starts_with("- ") {
                    true => told,
                    false => before.strip_suffix('-').map_or(told, str::len),
                }
            }
            YamlData::Sequence(_) | YamlData::Mapping(_) => told,
            _ if node.span.is_empty() && self.text[told..].starts_with(':') => told + 1,
            _ => {
                let mark = before.trim_end_matches(['+', '-']);
                let mark = mark.strip_suffix(['>', '|']);
                mark.map_or(told, str::len)
            }
        }
    }

    /// Where a node ends. A block has no end of its own but that of what it holds last; of what
    /// stands in brackets the parser tells where the last bracket is, and of what stands in quotes
    /// where the next thing begins.
    fn end(&self, node: &Marked<'_>) -> usize {
        let (start, told) = (self.start(node), self.offset(node.span.end.index()));
        let last = match &node.data {
            YamlData::Sequence(items) => items.last(),
            YamlData::Mapping(members) => members.values().next_back(),
            _ => None,
        };
        match (last, self.text[start..].chars().next()) {
            (Some(last), _) if self.is_block(node) => self.end(last),
            (_, Some('[' | '{')) => told + 1,
            (None, Some(quote @ ('"' | '\''))) if told > start => {
                start + quoted(&self.text[start..], quote)
            }
            (Some(_) | None, _) => told,
        }
    }

    fn offset(&self, char: usize) -> usize {
        self.offsets.get(char).copied().unwrap_or(self.text.len())
    }

    fn applied(mut self) -> String {
        let mut text = self.text.to_owned();
        self.edits.sort_by_key(|(range, _)| range.start);
        for (range, new) in self.edits.iter().rev() {
            text.replace_range(range.clone(), new);
        }
        text
    }
}

/// The length of the text in quotes that this text begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        let doubled = quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote);
        if (char == '\\' && quote == '"') || (char == quote && doubled) {
            chars.next();
        } else if char == quote {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Rewrites the values at these pointers.
    fn check(text: &str, changes: &[(&str, Value)], expected: &str) {
        let old = document::read(text).unwrap().remove(0).value;
        let mut new = old.clone();
        for (pointer, value) in changes {
            *new.pointer_mut(pointer).unwrap() = value.clone();
        }
        let rewritten = rewrite(text, &old, &new);
        assert_eq!(rewritten.as_deref(), Some(expected), "{changes:?}");
    }

    #[test]
    fn what_stays_is_not_touched() {
        let text =
            "# é\na:   'x'   # one\nb: {c: 1,   d: [1, 2]} # two\n\n\ne: >\n  folded\n  text\n";
        check(text, &[], text);
        check(
            text,
            &[("/b/d/1", json!(3)), ("/a", json!("a b: c"))],
            &text.replace("1, 2", "1, 3").replace("'x'", "\"a b: c\""),
        );
        check(
            text,
            &[("/e", json!("plain"))],
            &text.replace(">\n  folded\n  text\n", "plain\n"),
        );
    }

    #[test]
    fn a_value_keeps_its_form() {
        let text = "trace:\n  - a DONE # why\n  - b DONE\n# end\nof: [1]\nin:\n- {x: 1}\nm:\n  k: 1\n  l: 2\n";
        let longer = json!(["a DONE", "c x", "b: d"]);
        check(
            text,
            &[
                ("/trace", longer),
                ("/of", json!([])),
                ("/m", json!({"z": null})),
            ],
            "trace:\n  - a DONE\n  - c x\n  - \"b: d\"\n# end\nof: []\nin:\n- {x: 1}\nm:\n  z: null\n",
        );
        check(
            text,
            &[("/trace/1", json!("z")), ("/in", json!([1, {"x": [true]}]))],
            &text
                .replace("b DONE", "z")
                .replace("- {x: 1}", "- 1\n- {x: [true]}"),
        );
    }

    #[test]
    fn a_block_that_becomes_something_small_goes_behind_its_name() {
        let text = "a:\n  b: 1\n  c: 2\nd:\n- 1\ne:\nf: 1\n";
        check(
            text,
            &[("/a", json!(null)), ("/d", json!([])), ("/e", json!("x"))],
            "a: null\nd: []\ne: x\nf: 1\n",
        );
    }

    #[test]
    fn json_stays_json() {
        let text = "{\n  \"a\": [\"x\", {\"b\": null}],\n  \"c\": \"y\"\n}\n";
        check(
            text,
            &[("/a/1/b", json!("z")), ("/c", json!({"d": ["e"]}))],
            "{\n  \"a\": [\"x\", {\"b\": \"z\"}],\n  \"c\": {\"d\": [\"e\"]}\n}\n",
        );
    }

    #[test]
    fn quotes_end_where_they_end() {
        let text = "- 'a''b' # 'c'\n- \"d\\\"e\" # \"f\"\n- [1] # ]\n";
        check(
            text,
            &[("/0", json!("x")), ("/1", json!("w")), ("/2", json!(2))],
            "- x # 'c'\n- w # \"f\"\n- 2 # ]\n",
        );
    }

    #[test]
    fn what_would_change_more_is_not_changed_at_all() {
        let text = "a: &x {k: 1}\nb: *x\n";
        let old = document::read(text).unwrap().remove(0).value;
        let new = json!({"a": {"k": 1}, "b": {"k": 2}});
        assert_eq!(rewrite(text, &old, &new), None);
    }
}

//! Builds values from the parser's events, on a stack of its own, so that depth costs no stack.
//!
//! What can be passed over (a name given twice, a number that JSON cannot hold) is noted and the
//! text is read on; what cannot (malformed text, too deep, too large) ends it.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScanError, Span, StrInput, Tag};
use serde_json::Value;

use super::scalar::{self, Refusal};
use super::{Document, Lines, Unreadable};
use crate::codes::registration;
use crate::problem::{self, Problem};
use crate::{JsonObject, limits};

/// What the parser says when brackets are nested beyond its own limit, which it may reach
/// before it hands out the brackets inside ours.
const PARSER_DEPTH_ERROR: &str = "recursion limit exceeded";

/// Bytes of all texts in the values, anchors and aliases written out.
const MOST_BYTES: usize = 2 * limits::DOCUMENT_TEXT_BYTES;

/// Reads all documents of a text.
pub(super) fn build(text: &str) -> Result<Vec<Document>, Unreadable> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    if let Err(problem) = builder.run(&mut parser) {
        builder.problems.push(*problem);
    }
    if builder.problems.is_empty() {
        return Ok(builder.documents);
    }
    Err(Unreadable {
        problems: builder.problems,
        documents: builder.documents,
    })
}

#[derive(Default)]
struct Builder {
    documents: Vec<Document>,
    problems: Vec<Problem>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    values: usize,
    bytes: usize,
}

/// A finished value.
#[derive(Clone)]
struct Node {
    value: Value,
    lines: Lines,
    /// Values in it, itself included.
    values: usize,
    /// Bytes of its texts.
    bytes: usize,
    /// Values around its innermost one, itself included.
    height: usize,
    /// Whether nothing was written: an empty document.
    absent: bool,
}

/// A list or object that is not finished.
struct Frame {
    anchor: usize,
    line: u32,
    content: Content,
    lines: Vec<Lines>,
    values: usize,
    bytes: usize,
    height: usize,
}

enum Content {
    List(Vec<Value>),
    Object { members: JsonObject, next: Next },
}

/// What an object waits for.
enum Next {
    Name,
    Value {
        name: String,
        line: u32,
    },
    /// The value of a name that was refused, which is dropped.
    Dropped,
}

/// What ends the reading; boxed, since it is large and rare.
type Fatal = Box<Problem>;

impl Builder {
    fn run(&mut self, parser: &mut Parser<'_, StrInput<'_>>) -> Result<(), Fatal> {
        while let Some(event) = parser.next_event() {
            // A text with so many is not read to be mended line by line.
            if self.problems.len() >= limits::PROBLEMS {
                return Ok(());
            }
            let (event, span) = event.map_err(|error| self.malformed(&error))?;
            self.take(event, &span)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fatal> {
        let line = line_of(&span.start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                // Anchors hold within their document.
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => {
                let node = self.alias(anchor, &span.start)?;
                self.add(node)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar::resolve(&text, style, tag.as_deref());
                let value = self.or_null(value, line);
                let absent = text.is_empty() && span.start == span.end && value.is_null();
                let bytes = text.len();
                let node = Node {
                    bytes,
                    absent,
                    ..leaf(value, line)
                };
                self.remember(anchor, &node)?;
                self.add(node)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", line);
                self.open(anchor, line, Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", line);
                let (members, next) = (JsonObject::new(), Next::Name);
                self.open(anchor, line, Content::Object { members, next })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, own: &str, line: u32) {
        if let Err((code, message)) = scalar::check_collection_tag(tag, own) {
            self.note(code, message, line);
        }
    }

    fn open(&mut self, anchor: usize, line: u32, content: Content) -> Result<(), Fatal> {
        if self.open.len() >= limits::DOCUMENT_DEPTH {
            return Err(self.too_deep(line));
        }
        self.open.push(Frame {
            anchor,
            line,
            content,
            lines: Vec::new(),
            values: 1,
            bytes: 0,
            height: 1,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fatal> {
        let Some(frame) = self.open.pop() else {
            return Ok(());
        };
        let node = Node {
            value: match frame.content {
                Content::List(items) => Value::Array(items),
                Content::Object { members, .. } => Value::Object(members),
            },
            lines: Lines {
                line: frame.line,
                inner: frame.lines,
            },
            values: frame.values,
            bytes: frame.bytes,
            height: frame.height,
            absent: false,
        };
        self.remember(frame.anchor, &node)?;
        // Its parts were counted when they were added.
        self.place(node)
    }

    /// Adds a value that is complete as it comes: counts it first.
    fn add(&mut self, node: Node) -> Result<(), Fatal> {
        self.count(&node)?;
        if self.open.len() + node.height > limits::DOCUMENT_DEPTH + 1 {
            return Err(self.too_deep(node.lines.line));
        }
        self.place(node)
    }

    /// Counts a value, or a copy of it, against what a text may hold.
    fn count(&mut self, node: &Node) -> Result<(), Fatal> {
        self.values += node.values;
        self.bytes += node.bytes;
        if self.values <= limits::DOCUMENT_VALUES && self.bytes <= MOST_BYTES {
            return Ok(());
        }
        let message = format!(
            "the text holds more than {} values or {MOST_BYTES} bytes, its anchors and aliases \
             written out",
            limits::DOCUMENT_VALUES,
        );
        Err(self.fatal(registration::TOO_LARGE, message, node.lines.line))
    }

    fn place(&mut self, node: Node) -> Result<(), Fatal> {
        let Some(mut frame) = self.open.pop() else {
            if !node.absent {
                let Node { value, lines, .. } = node;
                self.documents.push(Document { value, lines });
            }
            return Ok(());
        };
        frame.values += node.values;
        frame.bytes += node.bytes;
        frame.height = frame.height.max(node.height + 1);
        match &mut frame.content {
            Content::List(items) => {
                items.push(node.value);
                frame.lines.push(node.lines);
            }
            Content::Object { members, next } => match std::mem::replace(next, Next::Name) {
                Next::Name => *next = self.name(members, &frame.lines, node),
                Next::Value { name, line } => {
                    members.insert(name, node.value);
                    frame.lines.push(Lines { line, ..node.lines });
                }
                Next::Dropped => {}
            },
        }
        self.open.push(frame);
        Ok(())
    }

    /// What follows a name of the object that was taken off the stack.
    fn name(&mut self, members: &JsonObject, lines: &[Lines], node: Node) -> Next {
        let line = node.lines.line;
        let Value::String(name) = node.value else {
            let message = "a name must be a text: write it in quotes".to_owned();
            self.note(registration::WRONG_TYPE, message, line);
            return Next::Dropped;
        };
        if !members.contains_key(&name) {
            return Next::Value { name, line };
        }
        let first = members.keys().position(|known| *known == name);
        let first = first
            .and_then(|index| lines.get(index))
            .map_or(line, |lines| lines.line);
        let message =
            format!("the name {name:?} is given twice, in line {first} and in line {line}");
        let pointer = problem::member(&self.pointer(), name);
        let problem = Problem::new(registration::DUPLICATE_NAME, pointer, message);
        self.problems.push(problem.with_line(Some(line)));
        Next::Dropped
    }

    fn alias(&self, anchor: usize, mark: &Marker) -> Result<Node, Fatal> {
        let line = line_of(mark);
        let Some(node) = self.anchors.get(&anchor) else {
            let message = "the alias stands for nothing that is complete before it".to_owned();
            return Err(self.fatal(registration::MALFORMED, place(message, mark), line));
        };
        let mut node = node.clone();
        node.lines.line = line;
        node.absent = false;
        Ok(node)
    }

    /// Keeps a copy of an anchored value, which counts as one: anchors nest.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Fatal> {
        if anchor > 0 {
            self.count(node)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    fn or_null(&mut self, value: Result<Value, Refusal>, line: u32) -> Value {
        value.unwrap_or_else(|(code, message)| {
            self.note(code, message, line);
            Value::Null
        })
    }

    fn note(&mut self, code: &'static str, message: String, line: u32) {
        let problem = Problem::new(code, self.pointer(), message);
        self.problems.push(problem.with_line(Some(line)));
    }

    /// The pointer of what comes next.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for frame in &self.open {
            match &frame.content {
                Content::List(items) => pointer = problem::member(&pointer, items.len()),
                Content::Object {
                    next: Next::Value { name, .. },
                    ..
                } => {
                    pointer = problem::member(&pointer, name);
                }
                Content::Object {
                    next: Next::Name | Next::Dropped,
                    ..
                } => {}
            }
        }
        pointer
    }

    fn malformed(&self, error: &ScanError) -> Fatal {
        let line = line_of(error.marker());
        if error.info() == PARSER_DEPTH_ERROR {
            return self.too_deep(line);
        }
        // The parser looks ahead, so that what is open when it fails need not be the place.
        let message = place(error.info().to_owned(), error.marker());
        Box::new(Problem::new(registration::MALFORMED, "", message).with_line(Some(line)))
    }

    fn too_deep(&self, line: u32) -> Fatal {
        let message = format!(
            "there are more than {} values around a value",
            limits::DOCUMENT_DEPTH
        );
        self.fatal(registration::TOO_DEEP, message, line)
    }

    fn fatal(&self, code: &'static str, message: String, line: u32) -> Fatal {
        Box::new(Problem::new(code, self.pointer(), message).with_line(Some(line)))
    }
}

fn leaf(value: Value, line: u32) -> Node {
    Node {
        value,
        lines: Lines {
            line,
            inner: Vec::new(),
        },
        values: 1,
        bytes: 0,
        height: 1,
        absent: false,
    }
}

fn line_of(mark: &Marker) -> u32 {
    u32::try_from(mark.line()).unwrap_or(u32::MAX)
}

fn place(message: String, mark: &Marker) -> String {
    format!(
        "{message}, at line {}, column {}",
        mark.line(),
        mark.col() + 1
    )
}

//! Mappings as one expression: the input of a task, or the variables after a step.
//!
//! It is one, and not one for each target, because a target whose source is missing stays unset,
//! and a field of a state must not be.

use serde_json::Value;

use super::names::{Names, Written, write};
use super::text::{named, quoted};
use crate::problem::member;
use crate::workflow::definition::Mapping;
use crate::workflow::paths::{Path, Start};

/// What mappings give.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// The expression of the object.
    pub text: String,
    /// What must be there: the expression of it, and the target.
    pub required: Vec<(String, String)>,
}

/// What the values are set in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Onto<'a> {
    /// An object of their own.
    Nothing,
    /// What this expression gives.
    Object(&'a str),
}

/// A pointer and what is wrong there.
pub(super) type Wrong = (String, String);

/// Mappings as an expression. A plain source is looked up in what `default` stands for.
///
/// # Errors
/// Everything that a state machine cannot say, by its pointer.
pub(super) fn data(
    mappings: &[Mapping],
    list: &str,
    default: &str,
    names: &Names,
    onto: Onto<'_>,
) -> Result<Data, Vec<Wrong>> {
    let mut data = Data::default();
    let mut tree = Tree::default();
    let mut wrong = Vec::new();
    for (index, mapping) in mappings.iter().enumerate() {
        let pointer = member(list, index);
        match value(mapping, &pointer, default, names, &mut data) {
            Ok(text) => {
                if let Err(message) = tree.put(mapping.target(), text) {
                    wrong.push((member(&pointer, "target"), message));
                }
            }
            Err(found) => wrong.extend(found),
        }
    }
    data.text = match onto {
        Onto::Nothing => tree.object(None),
        Onto::Object(base) => tree.merged(base),
    };
    if wrong.is_empty() {
        Ok(data)
    } else {
        Err(wrong)
    }
}

fn value(
    mapping: &Mapping,
    pointer: &str,
    default: &str,
    names: &Names,
    data: &mut Data,
) -> Result<String, Vec<Wrong>> {
    let found = source(mapping, pointer, default, names)?;
    if mapping.is_required() {
        let target = mapping.target().to_owned();
        data.required.push((found.clone(), target));
    }
    match mapping.default() {
        None => Ok(found),
        Some(otherwise) => {
            let at = |message| vec![(member(pointer, "default"), message)];
            let literal = literal(otherwise).map_err(at)?;
            let found = operand(&found);
            Ok(format!("($exists({found}) ? {found} : {literal})"))
        }
    }
}

/// What a mapping gives, if anything.
fn source(
    mapping: &Mapping,
    pointer: &str,
    default: &str,
    names: &Names,
) -> Result<String, Vec<Wrong>> {
    let at_source = |message| vec![(member(pointer, "source"), message)];
    match mapping {
        Mapping::Direct { source, .. } => direct(source, default, names).map_err(at_source),
        Mapping::Expression { expression, .. } => {
            let at = member(pointer, "expression");
            written(expression, names, &at).map(|written| written.text)
        }
        Mapping::Transform {
            source,
            transformation,
            ..
        } => {
            let given = direct(source, default, names).map_err(at_source)?;
            let at = member(pointer, "transformation");
            let inner = Names::Value("$value".to_owned());
            let changed = written(transformation, &inner, &at)?;
            Ok(format!(
                "($value := {given}; $exists($value) ? ({}))",
                changed.text
            ))
        }
    }
}

fn written(source: &str, names: &Names, pointer: &str) -> Result<Written, Vec<Wrong>> {
    let at = |message| (pointer.to_owned(), message);
    write(source, names).map_err(|messages| messages.into_iter().map(at).collect())
}

/// The keys of a source, from its scope on.
fn keys(source: &str, default: &str) -> Vec<String> {
    let Ok(path) = Path::parse(source) else {
        return Vec::new();
    };
    let scope = match path.start() {
        Start::Scope(_) => None,
        Start::Default => Some(default),
    };
    let keys = scope.into_iter().chain(path.keys());
    keys.map(str::to_owned).collect()
}

fn direct(source: &str, default: &str, names: &Names) -> Result<String, String> {
    let keys = keys(source, default);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let Some((count, expression)) = names.resolve(&keys) else {
        let name = keys.first().copied().unwrap_or_default();
        return Err(format!("it reads {name:?}, which nothing is called there"));
    };
    let rest = &keys[count..];
    if rest.iter().any(|key| key.contains('`')) {
        return Err("a key with a backtick cannot be written".to_owned());
    }
    let rest = rest.iter().map(|key| format!(".{}", named(key)));
    Ok(format!("{expression}{}", rest.collect::<String>()))
}

/// A value as a literal.
pub(super) fn literal(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(quoted(text)),
        value if is_exact(value) => Ok(value.to_string()),
        value => Err(format!(
            "{value} holds an integer beyond 2^53, which is not exact there"
        )),
    }
}

fn is_exact(value: &Value) -> bool {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number <= EXACT,
            (None, Some(number)) => number.unsigned_abs() <= EXACT,
            (None, None) => true,
        },
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
    }
}

/// An expression that can stand in another.
pub(super) fn operand(text: &str) -> String {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "$._`".contains(c);
    let is_whole = text.starts_with('(') && text.ends_with(')') && depth_holds(text);
    if text.chars().all(is_path) || is_whole {
        text.to_owned()
    } else {
        format!("({text})")
    }
}

/// Whether the first parenthesis is closed by the last, as far as can be told by counting.
fn depth_holds(text: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            // What is quoted may hold a parenthesis.
            '\'' | '"' | '`' | '/' => return false,
            _ => {}
        }
        if depth == 0 && at + 1 < text.len() {
            return false;
        }
    }
    true
}

/// What is set, by key.
#[derive(Debug, Default)]
struct Tree(Vec<(String, Node)>);

#[derive(Debug)]
enum Node {
    Value(String),
    Inside(Tree),
}

impl Tree {
    fn put(&mut self, target: &str, text: String) -> Result<(), String> {
        match target.split_once('.') {
            None => self.put_value(target, text),
            Some((key, rest)) => match self.node(key) {
                Some(Node::Inside(tree)) => tree.put(rest, text),
                Some(Node::Value(_)) => Err(both(key)),
                None => {
                    let mut tree = Self::default();
                    tree.put(rest, text)?;
                    self.0.push((key.to_owned(), Node::Inside(tree)));
                    Ok(())
                }
            },
        }
    }

    /// The later of two values wins, if there is one.
    fn put_value(&mut self, key: &str, text: String) -> Result<(), String> {
        match self.node(key) {
            Some(Node::Inside(_)) => Err(both(key)),
            Some(Node::Value(earlier)) => {
                let (later, before) = (operand(&text), operand(earlier));
                *earlier = format!("($exists({later}) ? {later} : {before})");
                Ok(())
            }
            None => {
                self.0.push((key.to_owned(), Node::Value(text)));
                Ok(())
            }
        }
    }

    fn node(&mut self, key: &str) -> Option<&mut Node> {
        let found = self.0.iter_mut().find(|(other, _)| other == key);
        found.map(|(_, node)| node)
    }

    /// An object of the values; what stands at its keys in `base` is kept beside what is set
    /// inside it.
    fn object(&self, base: Option<&str>) -> String {
        let members = self.0.iter().map(|(key, node)| {
            let text = match node {
                Node::Value(text) => text.clone(),
                Node::Inside(tree) => {
                    let base = base.map(|base| format!("{base}.{}", named(key)));
                    let whole = match &base {
                        None => tree.object(None),
                        Some(base) => {
                            let kept = format!("$type({base}) = 'object' ? {base} : {{}}");
                            format!("$merge([{kept}, {}])", tree.object(Some(base)))
                        }
                    };
                    format!("({} ? {whole})", tree.any().join(" or "))
                }
            };
            format!("{}: {text}", quoted(key))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }

    fn merged(&self, base: &str) -> String {
        match self.0.is_empty() {
            true => base.to_owned(),
            false => format!("$merge([{base}, {}])", self.object(Some(base))),
        }
    }

    /// Whether anything of it is there.
    fn any(&self) -> Vec<String> {
        let nodes = self.0.iter();
        nodes
            .flat_map(|(_, node)| match node {
                Node::Value(text) => vec![format!("$exists({text})")],
                Node::Inside(tree) => tree.any(),
            })
            .collect()
    }
}

fn both(key: &str) -> String {
    format!("both {key:?} and something inside it are set, which one expression cannot do in turn")
}

//! The evaluator: what each node of an expression gives.
//!
//! Paths are in `path`, calls in `call`, the functions of the language in `builtins`. Every
//! node costs a step and a level, so nothing here can run or nest without end.

use std::cell::{Cell, RefCell};

use super::call::Function;
use super::meter::Meter;
use super::syntax::{ArrayNode, Binary, Filtered, Node};
use super::value::{Array, Kind, Text, Val};
use super::{Error, Facts};

/// What a range may span; the language's own bound.
const MOST_IN_RANGE: f64 = 1e7;

/// One evaluation.
pub(super) struct Machine<'a> {
    pub(super) meter: Meter,
    pub(super) facts: &'a Facts,
    /// How many random draws were made.
    pub(super) draws: Cell<u64>,
    root: Val<'a>,
    frames: RefCell<Vec<Frame<'a>>>,
}

/// A place in the tree of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Env(usize);

struct Frame<'a> {
    parent: Option<Env>,
    /// Whether a path carries these names.
    carried: bool,
    names: Vec<(&'a str, Val<'a>)>,
}

impl<'a> Machine<'a> {
    /// An evaluation over a root value.
    pub(super) fn new(root: Val<'a>, facts: &'a Facts) -> Self {
        Self {
            meter: Meter::new(),
            facts,
            draws: Cell::new(0),
            root,
            frames: RefCell::new(Vec::new()),
        }
    }

    /// What the whole expression gives.
    pub(super) fn run(&self, node: &'a Node) -> Result<Val<'a>, Error> {
        let env = self.push_frame(None, false)?;
        let input = match self.root.clone() {
            root @ Val::Array(_) => Val::sequence(vec![root])?.of_kind(Kind::Wrapper),
            root => root,
        };
        self.eval(node, &input, env)
    }

    /// What a node gives.
    pub(super) fn eval(&self, node: &'a Node, input: &Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        self.eval_raw(node, input, env).map(Val::unwrapped)
    }

    /// What a node gives, a sequence of one still a sequence.
    pub(super) fn eval_raw(
        &self,
        node: &'a Node,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        self.meter.steps(1)?;
        match node {
            Node::Nothing => Ok(Val::Nothing),
            Node::Null => Ok(Val::Null),
            Node::Bool(value) => Ok(Val::Bool(*value)),
            Node::Number(number) => Ok(Val::Number(*number)),
            Node::Text(text) => Ok(Val::Text(Text::Borrowed(text))),
            Node::Pattern(regex) => Function::pattern(regex),
            Node::Input => Ok(unwrap_root(input)),
            Node::Root => Ok(self.root.clone()),
            Node::Variable(name) => self.variable(name, env),
            Node::Name(name) => self.field(input, name),
            other => {
                let _level = self.meter.enter()?;
                jsonata_core::value::with_stack(|| self.eval_composed(other, input, env))
            }
        }
    }

    fn eval_composed(&self, node: &'a Node, input: &Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        match node {
            Node::Wildcard => self.wildcard(input),
            Node::Descendants => self.descendants(input),
            Node::Path(path) => self.path(path, input, env),
            Node::Filtered(filtered) => self.filtered(filtered, input, env),
            Node::Grouped(inner, pairs) => {
                let stream = self.stream(inner, input, env)?;
                self.group(pairs, stream, env)
            }
            Node::Object(pairs) => self.group_values(pairs, input.clone(), env),
            Node::Array(array) => self.array(array, input, env),
            Node::Negate(operand) => self.negate(operand, input, env),
            Node::Binary(op, left, right) => self
                .binary(*op, left, right, input, env)
                .map_err(|error| error.or_token(|| Some(op.token().to_owned()))),
            Node::Bind(name, value) => {
                let value = self.eval(value, input, env)?;
                self.bind(env, name, value.clone())?;
                Ok(value)
            }
            Node::Condition(condition, then, otherwise) => {
                if self.eval(condition, input, env)?.is_true(&self.meter)? {
                    return self.eval(then, input, env);
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise, input, env),
                    None => Ok(Val::Nothing),
                }
            }
            Node::Block(nodes) => {
                let env = self.frame(env)?;
                let mut last = Val::Nothing;
                for node in nodes {
                    last = self.eval(node, input, env)?;
                }
                Ok(last)
            }
            Node::Lambda(lambda) => Function::lambda(lambda, input.clone(), env),
            Node::Call(call) => self.call(call, None, input, env),
            Node::Partial(procedure, arguments) => {
                self.partial_call(procedure, arguments, input, env)
            }
            Node::Chain(left, right) => self.chain(left, right, input, env),
            Node::Transform(transform) => Function::transform(transform, env),
            Node::Nothing
            | Node::Null
            | Node::Bool(_)
            | Node::Number(_)
            | Node::Text(_)
            | Node::Pattern(_)
            | Node::Input
            | Node::Root
            | Node::Variable(_)
            | Node::Name(_) => self.eval_raw(node, input, env),
        }
    }

    fn filtered(
        &self,
        filtered: &'a Filtered,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let mut value = self.eval_raw(&filtered.node, input, env)?;
        for filter in &filtered.filters {
            value = self.filter(filter, value, env)?;
        }
        Ok(match value {
            Val::Array(array) if filtered.kept && array.is_sequence() => {
                Val::Array(array.of_kind(Kind::Kept))
            }
            other => other,
        })
    }

    fn array(&self, array: &'a ArrayNode, input: &Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        let kind = match array.in_path {
            true => Kind::Constructed,
            false => Kind::Plain,
        };
        if let [only] = array.items.as_slice()
            && !is_constructor(only)
        {
            return match self.eval(only, input, env)? {
                Val::Array(items) => Ok(Val::Array(items.of_kind(kind))),
                Val::Nothing => Array::made(Vec::new(), kind).map(Val::Array),
                value => Array::made(vec![value], kind).map(Val::Array),
            };
        }
        let mut items = Vec::with_capacity(array.items.len());
        for node in &array.items {
            match self.eval(node, input, env)? {
                Val::Nothing => {}
                Val::Array(inner) if !is_constructor(node) => {
                    self.meter.steps(inner.len())?;
                    items.extend(inner.iter());
                }
                value => items.push(value),
            }
        }
        Array::made(items, kind).map(Val::Array)
    }

    fn negate(&self, operand: &'a Node, input: &Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        match self.eval(operand, input, env)? {
            Val::Nothing => Ok(Val::Nothing),
            Val::Number(number) if !number.is_nan() => Ok(Val::Number(-number)),
            _ => Err(Error::coded("D1002", "cannot negate a non-numeric value")
                .or_token(|| Some("-".into()))),
        }
    }

    fn binary(
        &self,
        op: Binary,
        left: &'a Node,
        right: &'a Node,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let left = self.eval(left, input, env)?;
        let truth = |value: &Val<'a>| value.is_true(&self.meter);
        match op {
            Binary::And if !truth(&left)? => return Ok(Val::Bool(false)),
            Binary::Or if truth(&left)? => return Ok(Val::Bool(true)),
            Binary::Coalesce if !left.is_nothing() => return Ok(left),
            Binary::Default if truth(&left)? => return Ok(left),
            _ => {}
        }
        let right = self.eval(right, input, env)?;
        match op {
            Binary::And | Binary::Or => truth(&right).map(Val::Bool),
            Binary::Coalesce | Binary::Default => Ok(right),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
                arithmetic(op, &left, &right)
            }
            Binary::Equal | Binary::NotEqual => {
                if left.is_nothing() || right.is_nothing() {
                    return Ok(Val::Bool(false));
                }
                let equal = left.equals(&right, &self.meter)?;
                Ok(Val::Bool(equal == (op == Binary::Equal)))
            }
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
                self.compare(op, &left, &right)
            }
            Binary::Concatenate => self.concatenate(&left, &right),
            Binary::Range => self.range(&left, &right),
            Binary::In => self.includes(&left, right),
        }
    }

    fn compare(&self, op: Binary, left: &Val<'a>, right: &Val<'a>) -> Result<Val<'a>, Error> {
        let comparable =
            |value: &Val<'_>| matches!(value, Val::Nothing | Val::Number(_) | Val::Text(_));
        if !comparable(left) || !comparable(right) {
            return Err(Error::coded(
                "T2010",
                format!("the operands of {} are not numbers or strings", op.token()),
            ));
        }
        let order = match (left, right) {
            (Val::Nothing, _) | (_, Val::Nothing) => return Ok(Val::Nothing),
            (Val::Number(left), Val::Number(right)) => left.partial_cmp(right),
            (Val::Text(left), Val::Text(right)) => {
                self.meter.reading(left.len().min(right.len()))?;
                Some((**left).cmp(&**right))
            }
            _ => {
                return Err(Error::coded(
                    "T2009",
                    format!("the operands of {} are of different types", op.token()),
                ));
            }
        };
        Ok(Val::Bool(order.is_some_and(|order| match op {
            Binary::Less => order.is_lt(),
            Binary::LessOrEqual => order.is_le(),
            Binary::Greater => order.is_gt(),
            _ => order.is_ge(),
        })))
    }

    fn concatenate(&self, left: &Val<'a>, right: &Val<'a>) -> Result<Val<'a>, Error> {
        let left = self.concatenated(left)?;
        let right = self.concatenated(right)?;
        self.meter.text(left.len().saturating_add(right.len()))?;
        Ok(Val::text([&*left, &*right].concat()))
    }

    fn concatenated(&self, value: &Val<'a>) -> Result<Text<'a>, Error> {
        match value {
            Val::Nothing => Ok(Text::Borrowed("")),
            value => self.string(value),
        }
    }

    fn range(&self, left: &Val<'a>, right: &Val<'a>) -> Result<Val<'a>, Error> {
        let whole = |value: &Val<'_>, code, side| match value {
            Val::Nothing => Ok(None),
            Val::Number(number) if number.fract() == 0.0 => Ok(Some(*number)),
            _ => Err(Error::coded(
                code,
                format!("the {side} side of the range is not a whole number"),
            )),
        };
        let (Some(first), Some(last)) = (
            whole(left, "T2003", "left")?,
            whole(right, "T2004", "right")?,
        ) else {
            return Ok(Val::Nothing);
        };
        if first > last {
            return Ok(Val::Nothing);
        }
        let count = last - first + 1.0;
        if count > MOST_IN_RANGE {
            return Err(Error::coded(
                "D2014",
                format!("the range has {count} values; at most {MOST_IN_RANGE} are allowed"),
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and between 1 and ten million"
        )]
        let count = count as u32;
        self.meter.steps(count as usize)?;
        Val::sequence(
            (0..count)
                .map(|index| Val::Number(first + f64::from(index)))
                .collect(),
        )
    }

    fn includes(&self, left: &Val<'a>, right: Val<'a>) -> Result<Val<'a>, Error> {
        if left.is_nothing() || right.is_nothing() {
            return Ok(Val::Bool(false));
        }
        for item in right.into_items()?.iter() {
            if item.is_identical(left, &self.meter)? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }

    /// What a name stands for: what is bound to it, else a function of the language.
    pub(super) fn variable(&self, name: &'a str, env: Env) -> Result<Val<'a>, Error> {
        let frames = self.frames.borrow();
        let mut at = Some(env);
        while let Some(frame) = at.and_then(|env| frames.get(env.0)) {
            self.meter.steps(frame.names.len() / 8)?;
            let bound = frame.names.iter().rev().find(|(known, _)| *known == name);
            if let Some((_, value)) = bound {
                return Ok(value.clone());
            }
            at = frame.parent;
        }
        if name == "$" {
            return Ok(self.root.clone());
        }
        Ok(Function::builtin(name).unwrap_or(Val::Nothing))
    }

    /// A new place for names below another.
    pub(super) fn frame(&self, parent: Env) -> Result<Env, Error> {
        self.push_frame(Some(parent), false)
    }

    /// A new place for names that a path carries.
    pub(super) fn carried_frame(&self, parent: Env) -> Result<Env, Error> {
        self.push_frame(Some(parent), true)
    }

    fn push_frame(&self, parent: Option<Env>, carried: bool) -> Result<Env, Error> {
        self.meter.steps(1)?;
        let mut frames = self.frames.borrow_mut();
        frames.push(Frame {
            parent,
            carried,
            names: Vec::new(),
        });
        Ok(Env(frames.len() - 1))
    }

    /// Binds a name.
    pub(super) fn bind(&self, env: Env, name: &'a str, value: Val<'a>) -> Result<(), Error> {
        self.meter.steps(1)?;
        if let Some(frame) = self.frames.borrow_mut().get_mut(env.0) {
            match frame.names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, bound)) => *bound = value,
                None => frame.names.push((name, value)),
            }
        }
        Ok(())
    }

    /// The names that a path carries between two places, the inner ones last.
    pub(super) fn carried(&self, from: Env, to: Env) -> Result<Vec<(&'a str, Val<'a>)>, Error> {
        let frames = self.frames.borrow();
        let mut found = Vec::new();
        let mut at = Some(from);
        while let Some(env) = at.filter(|env| *env != to) {
            let Some(frame) = frames.get(env.0) else {
                break;
            };
            self.meter.steps(1 + frame.names.len())?;
            if frame.carried {
                found.extend(frame.names.iter().rev().cloned());
            }
            at = frame.parent;
        }
        found.reverse();
        Ok(found)
    }
}

/// The value behind the wrapper of a root array.
pub(super) fn unwrap_root<'a>(input: &Val<'a>) -> Val<'a> {
    match input {
        Val::Array(array) if array.kind == Kind::Wrapper => array.get(0).unwrap_or(Val::Nothing),
        other => other.clone(),
    }
}

fn is_constructor(node: &Node) -> bool {
    match node {
        Node::Array(_) => true,
        Node::Filtered(filtered) => is_constructor(&filtered.node),
        _ => false,
    }
}

fn arithmetic<'a>(op: Binary, left: &Val<'a>, right: &Val<'a>) -> Result<Val<'a>, Error> {
    let (left, right) = (
        operand(left, "T2001", "left", op)?,
        operand(right, "T2002", "right", op)?,
    );
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(Val::Nothing);
    };
    Ok(Val::Number(match op {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide => left / right,
        _ => left % right,
    }))
}

fn operand(
    value: &Val<'_>,
    code: &'static str,
    side: &str,
    op: Binary,
) -> Result<Option<f64>, Error> {
    match value {
        Val::Nothing => Ok(None),
        Val::Number(number) if number.is_infinite() => Err(Error::coded(
            "D1001",
            format!("number out of range: {number}"),
        )),
        Val::Number(number) if !number.is_nan() => Ok(Some(*number)),
        _ => Err(Error::coded(
            code,
            format!("the {side} side of {} is not a number", op.token()),
        )),
    }
}

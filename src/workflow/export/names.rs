//! The names of an expression: what a scope's name stands for in a state machine.
//!
//! Whether a name is a scope's is decided on the parsed tree, by where it stands: one inside a
//! filter is a field of what is filtered, whatever it is called.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

use super::text::text;
use crate::workflow::expression::{Expression, needs_context};

/// Names of state machine variables, and of the helpers in what is generated; an expression's
/// own variables that begin like one are renamed.
const TAKEN: [&str; 12] = [
    "states",
    "workflowInput",
    "workflowVariables",
    "item",
    "index",
    "context",
    "failure",
    "undo",
    "tries",
    "value",
    "given",
    "told",
];

/// What the names of a scope stand for.
#[derive(Debug, Clone)]
pub(super) enum Names {
    /// Names, or dotted paths of them, and the expressions that they stand for.
    Scope(Vec<(String, String)>),
    /// There are no names, and `$` is this expression, as in a transformation.
    Value(String),
}

/// An expression as a state machine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// The text, without the signs around it.
    pub text: String,
    /// Whether it gives a boolean in any case.
    pub is_boolean: bool,
    /// The paths that it reads from its scope, each as far as it is one of names.
    pub heads: Vec<Vec<String>>,
}

impl Names {
    /// A scope of no names.
    pub(super) fn new() -> Self {
        Self::Scope(Vec::new())
    }

    /// The scope with what a name stands for; what stands for it further in is no more.
    pub(super) fn with(self, name: &str, expression: impl Into<String>) -> Self {
        let mut known = match self {
            Self::Scope(known) => known,
            Self::Value(_) => Vec::new(),
        };
        known.retain(|(other, _)| other != name && !is_inside(other, name));
        known.push((name.to_owned(), expression.into()));
        Self::Scope(known)
    }

    /// The same, keeping what stands for it further in.
    pub(super) fn with_inner(self, name: &str, expression: impl Into<String>) -> Self {
        let mut known = match self {
            Self::Scope(known) => known,
            Self::Value(_) => Vec::new(),
        };
        known.retain(|(other, _)| other != name);
        known.push((name.to_owned(), expression.into()));
        Self::Scope(known)
    }

    /// The names for the iterations of a MAP that stands here: the item and the index of now are
    /// `outer`'s then.
    pub(super) fn for_iterations(self) -> Self {
        let of = |name: &str| self.resolve(&[name]).map(|(_, text)| text.to_owned());
        let (Some(item), Some(index)) = (of("item"), of("index")) else {
            return self;
        };
        let further = of("outer");
        let further = further.map_or_else(String::new, |text| format!(", 'outer': {text}"));
        let whole = format!("{{'item': {item}, 'index': {index}{further}}}");
        let mut inside = vec![
            ("outer.item".to_owned(), item),
            ("outer.index".to_owned(), index),
        ];
        if let Self::Scope(known) = &self {
            let outer = known
                .iter()
                .filter(|(name, _)| name == "outer" || is_inside(name, "outer"));
            inside.extend(outer.map(|(name, text)| (format!("outer.{name}"), text.clone())));
        }
        let names = self.with("outer", whole);
        inside
            .into_iter()
            .fold(names, |names, (name, text)| names.with_inner(&name, text))
    }

    /// What the longest beginning of a path stands for, and how many keys that is.
    pub(super) fn resolve(&self, keys: &[&str]) -> Option<(usize, &str)> {
        let Self::Scope(known) = self else {
            return None;
        };
        (1..=keys.len()).rev().find_map(|count| {
            let name = keys[..count].join(".");
            let found = known.iter().find(|(other, _)| *other == name);
            found.map(|(_, expression)| (count, expression.as_str()))
        })
    }
}

fn is_inside(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// An expression with what the names stand for in their place.
///
/// # Errors
/// Everything that a state machine's expression cannot say.
pub(super) fn write(source: &str, names: &Names) -> Result<Written, Vec<String>> {
    // Asked first, because it bounds the depth of the tree.
    Expression::parse(source).map_err(|error| vec![error.to_string()])?;
    let tree = tree(source).ok_or_else(|| vec!["the expression does not parse".to_owned()])?;
    let mut writer = Writer {
        names,
        heads: Vec::new(),
        problems: Vec::new(),
    };
    let tree = writer.node(&tree, At::Root);
    if writer.problems.is_empty() {
        Ok(Written {
            text: text(&tree),
            is_boolean: is_boolean(&tree),
            heads: writer.heads,
        })
    } else {
        Err(writer.problems)
    }
}

fn tree(source: &str) -> Option<AstNode> {
    jsonata_core::parser::parse(source).ok()
}

fn is_boolean(node: &AstNode) -> bool {
    match node {
        AstNode::Boolean(_) => true,
        AstNode::Binary { op, .. } => matches!(
            op,
            BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::And | BinaryOp::Or | BinaryOp::In
        ),
        AstNode::Function { name, args, .. } => match (name.as_str(), args.as_slice()) {
            ("exists", _) => true,
            ("not", [inner]) => is_boolean(inner),
            _ => false,
        },
        _ => false,
    }
}

/// What a name at a node is a field of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The scope.
    Root,
    /// A value that a path came to.
    Elsewhere,
}

struct Writer<'n> {
    names: &'n Names,
    heads: Vec<Vec<String>>,
    problems: Vec<String>,
}

impl Writer<'_> {
    fn refuse(&mut self, message: impl Into<String>) -> AstNode {
        self.problems.push(message.into());
        AstNode::Null
    }

    fn boxed(&mut self, node: &AstNode, at: At) -> Box<AstNode> {
        Box::new(self.node(node, at))
    }

    fn nodes(&mut self, nodes: &[AstNode], at: At) -> Vec<AstNode> {
        nodes.iter().map(|node| self.node(node, at)).collect()
    }

    fn pairs(&mut self, pairs: &[(AstNode, AstNode)], at: At) -> Vec<(AstNode, AstNode)> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| (self.node(key, at), self.node(value, at)))
            .collect()
    }

    /// Long because the parser has this many kinds of node, one arm each.
    fn node(&mut self, node: &AstNode, at: At) -> AstNode {
        match node {
            AstNode::String(_)
            | AstNode::Number(_)
            | AstNode::Boolean(_)
            | AstNode::Null
            | AstNode::Undefined
            | AstNode::Placeholder
            | AstNode::Parent(_) => node.clone(),
            AstNode::Regex { pattern, flags } => self.pattern(pattern, flags),
            AstNode::Variable(name) if name.is_empty() => match at {
                At::Root => self.whole(),
                At::Elsewhere => node.clone(),
            },
            AstNode::ParentVariable(name) if name.is_empty() => self.whole(),
            AstNode::Variable(name) => AstNode::Variable(own(name)),
            AstNode::ParentVariable(_) => self.refuse("it has a variable of the context's"),
            AstNode::Name(_) | AstNode::Wildcard | AstNode::Descendant => match at {
                At::Root => self.path(&[PathStep::new(node.clone())], at),
                At::Elsewhere => node.clone(),
            },
            AstNode::Path { steps } => self.path(steps, at),
            AstNode::Binary { op, lhs, rhs } => self.binary(*op, lhs, rhs, at),
            AstNode::Unary { op, operand } => AstNode::Unary {
                op: *op,
                operand: self.boxed(operand, at),
            },
            AstNode::Function {
                name,
                args,
                is_builtin,
            } => self.call(name, args, *is_builtin, at),
            AstNode::Call { procedure, args } => AstNode::Call {
                procedure: self.boxed(procedure, at),
                args: self.nodes(args, at),
            },
            AstNode::Lambda {
                params,
                body,
                signature,
                thunk,
            } => AstNode::Lambda {
                params: params.iter().map(|name| own(name)).collect(),
                body: self.boxed(body, at),
                signature: signature.clone(),
                thunk: *thunk,
            },
            AstNode::Array(items) => AstNode::Array(self.nodes(items, at)),
            AstNode::ArrayGroup(items) => AstNode::ArrayGroup(self.nodes(items, at)),
            AstNode::Object(pairs) => AstNode::Object(self.pairs(pairs, at)),
            AstNode::ObjectTransform { input, pattern } => AstNode::ObjectTransform {
                input: self.boxed(input, at),
                pattern: self.pairs(pattern, At::Elsewhere),
            },
            AstNode::Block(items) => AstNode::Block(self.nodes(items, at)),
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => AstNode::Conditional {
                condition: self.boxed(condition, at),
                then_branch: self.boxed(then_branch, at),
                else_branch: else_branch.as_deref().map(|other| self.boxed(other, at)),
            },
            AstNode::FunctionApplication(inner) => {
                AstNode::FunctionApplication(self.boxed(inner, at))
            }
            AstNode::Sort { input, terms } => AstNode::Sort {
                input: self.boxed(input, at),
                terms: terms
                    .iter()
                    .map(|(key, ascending)| (self.node(key, At::Elsewhere), *ascending))
                    .collect(),
            },
            AstNode::Transform {
                location,
                update,
                delete,
            } => AstNode::Transform {
                location: self.boxed(location, At::Elsewhere),
                update: self.boxed(update, At::Elsewhere),
                delete: delete
                    .as_deref()
                    .map(|names| self.boxed(names, At::Elsewhere)),
            },
        }
    }

    fn pattern(&mut self, pattern: &str, flags: &str) -> AstNode {
        if flags.chars().any(|flag| !"im".contains(flag)) {
            return self.refuse(format!(
                "its patterns know the flags i and m, and not {flags:?}"
            ));
        }
        AstNode::Regex {
            pattern: pattern.to_owned(),
            flags: flags.to_owned(),
        }
    }

    /// What `$` is at the root.
    fn whole(&mut self) -> AstNode {
        match self.names {
            Names::Value(expression) => tree(expression).unwrap_or(AstNode::Null),
            Names::Scope(_) => {
                self.refuse("it reads the whole scope, of which a state machine has no object")
            }
        }
    }

    /// Operators that came after JSONata 2.0 are spelled out.
    fn binary(&mut self, op: BinaryOp, lhs: &AstNode, rhs: &AstNode, at: At) -> AstNode {
        let left = self.node(lhs, at);
        let right = match (op, rhs) {
            // What is chained is its first argument: nothing is left to the context.
            (
                BinaryOp::ChainPipe,
                AstNode::Function {
                    name,
                    args,
                    is_builtin,
                },
            ) => AstNode::Function {
                name: own(name),
                args: self.nodes(args, at),
                is_builtin: *is_builtin,
            },
            _ => self.node(rhs, at),
        };
        let condition = match op {
            BinaryOp::Coalesce => AstNode::Function {
                name: "exists".to_owned(),
                args: vec![left.clone()],
                is_builtin: true,
            },
            BinaryOp::Default => left.clone(),
            _ => {
                return AstNode::Binary {
                    op,
                    lhs: Box::new(left),
                    rhs: Box::new(right),
                };
            }
        };
        AstNode::Block(vec![AstNode::Conditional {
            condition: Box::new(condition),
            then_branch: Box::new(left),
            else_branch: Some(Box::new(right)),
        }])
    }

    fn call(&mut self, name: &str, args: &[AstNode], is_builtin: bool, at: At) -> AstNode {
        if !is_builtin && at == At::Root {
            return self.refuse(format!("it calls {name:?}, which is no function there"));
        }
        if is_builtin && name == "eval" {
            return self.refuse("there is no $eval");
        }
        let mut arguments = self.nodes(args, at);
        if is_builtin && at == At::Root && needs_context(name, args.len()) {
            arguments.insert(0, self.whole());
        }
        AstNode::Function {
            name: if is_builtin {
                own(name)
            } else {
                name.to_owned()
            },
            args: arguments,
            is_builtin,
        }
    }

    fn path(&mut self, steps: &[PathStep], at: At) -> AstNode {
        let starts_at_root = |step: &PathStep| match &step.node {
            AstNode::ParentVariable(name) => name.is_empty(),
            AstNode::Variable(name) => name.is_empty() && at == At::Root,
            _ => false,
        };
        let (from_root, rest) = match steps {
            [first, rest @ ..] if starts_at_root(first) && is_plain(first) && !rest.is_empty() => {
                (true, rest)
            }
            _ => (at == At::Root, steps),
        };
        let Some(first) = rest.first().filter(|_| from_root) else {
            return self.steps(Vec::new(), rest, at);
        };
        match (&first.node, self.names) {
            (AstNode::Name(_), Names::Scope(_)) => self.of_scope(rest),
            (AstNode::Name(_) | AstNode::Wildcard | AstNode::Descendant, _) => {
                let whole = PathStep::new(self.whole());
                self.steps(vec![whole], rest, At::Elsewhere)
            }
            _ if rest.len() < steps.len() => {
                let whole = PathStep::new(self.whole());
                self.steps(vec![whole], rest, At::Elsewhere)
            }
            _ => self.steps(Vec::new(), rest, at),
        }
    }

    /// A path that begins with names of the scope.
    fn of_scope(&mut self, steps: &[PathStep]) -> AstNode {
        let name = |step: &PathStep| match &step.node {
            AstNode::Name(name) | AstNode::String(name) => Some(name.clone()),
            _ => None,
        };
        let mut keys = Vec::new();
        for step in steps {
            let Some(key) = name(step) else { break };
            keys.push(key);
            if !is_plain(step) {
                break;
            }
        }
        let borrowed: Vec<&str> = keys.iter().map(String::as_str).collect();
        let Some((count, expression)) = self.names.resolve(&borrowed) else {
            let name = borrowed.first().copied().unwrap_or_default();
            return self.refuse(format!("it reads {name:?}, which nothing is called there"));
        };
        let (replaced, rest) = steps.split_at(count);
        if replaced.iter().any(|step| step.ancestor_label.is_some()) {
            return self.refuse("its % leads to the whole scope");
        }
        let Some(tree) = tree(expression) else {
            return self.refuse(format!("{expression} does not parse"));
        };
        self.heads.push(keys);
        let mut begun = match tree {
            AstNode::Path { steps } => steps,
            AstNode::Binary { .. } | AstNode::Conditional { .. } => {
                vec![PathStep::new(AstNode::Block(vec![tree]))]
            }
            other => vec![PathStep::new(other)],
        };
        if let (Some(last), Some(old)) = (begun.last_mut(), replaced.last()) {
            last.stages.extend(self.stages(&old.stages));
            last.focus = old.focus.as_deref().map(own);
            last.index_var = old.index_var.as_deref().map(own);
        }
        self.steps(begun, rest, At::Elsewhere)
    }

    /// A path of what it begins with and its further steps.
    fn steps(&mut self, mut begun: Vec<PathStep>, rest: &[PathStep], first: At) -> AstNode {
        for step in rest {
            let at = if begun.is_empty() {
                first
            } else {
                At::Elsewhere
            };
            let mut written = PathStep::new(match &step.node {
                AstNode::Name(_) => step.node.clone(),
                other => self.node(other, at),
            });
            written.stages = self.stages(&step.stages);
            written.focus = step.focus.as_deref().map(own);
            written.index_var = step.index_var.as_deref().map(own);
            begun.push(written);
        }
        match begun.as_slice() {
            [only] if is_plain(only) => only.node.clone(),
            _ => AstNode::Path { steps: begun },
        }
    }

    fn stages(&mut self, stages: &[Stage]) -> Vec<Stage> {
        let stages = stages.iter();
        stages
            .map(|stage| match stage {
                Stage::Filter(filter) => Stage::Filter(self.boxed(filter, At::Elsewhere)),
                Stage::KeepArray => Stage::KeepArray,
                Stage::Index(name) => Stage::Index(own(name)),
            })
            .collect()
    }
}

/// Whether a step is its node and nothing else.
fn is_plain(step: &PathStep) -> bool {
    step.stages.is_empty() && step.focus.is_none() && step.index_var.is_none()
}

/// The name of an expression's own variable, which is none of the state machine's.
fn own(name: &str) -> String {
    if TAKEN.iter().any(|taken| name.starts_with(taken)) {
        format!("{name}_own")
    } else {
        name.to_owned()
    }
}

//! What an expression reads, as its tree shows it without evaluating it: the variables, and the
//! comparisons that are false of what is missing.
//!
//! Only names of the scope's root count: below a path or in a filter a name is a field of
//! something else.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage, UnaryOp};

use crate::workflow::expression::Expression;

/// An expression's tree.
pub(super) struct Tree(AstNode);

/// What an expression asks that is false of a value that is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The path of the value.
    pub keys: Vec<String>,
    /// How it is asked.
    pub how: &'static str,
}

impl Tree {
    /// The tree of an expression that is one.
    pub fn of(source: &str) -> Option<Self> {
        // Asked first, because it bounds the depth of the tree.
        Expression::parse(source).ok()?;
        jsonata_core::parser::parse(source).ok().map(Self)
    }

    /// Its path, when it is one of names and nothing else.
    pub fn path(&self) -> Option<Vec<String>> {
        plain_path(&self.0, Place::Root)
    }

    /// The variables that it reads by `workflowVariables.NAME`, in their order.
    pub fn variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(&self.0, Place::Root, &mut |node, place| {
            if let ["workflowVariables", name, ..] = *leading(node, place).keys {
                names.push(name.to_owned());
            }
        });
        names
    }

    /// The paths that `!=` and `$not` are asked of, but for those that `$exists` is asked of too.
    /// What is compared with null may well be missing.
    pub fn questions(&self) -> Vec<Question> {
        let mut found = Vec::new();
        let mut guarded: Vec<Vec<String>> = Vec::new();
        walk(&self.0, Place::Root, &mut |node, place| {
            let path = |node| plain_path(node, place);
            let mut ask = |keys: Option<Vec<String>>, how| {
                found.extend(keys.map(|keys| Question { keys, how }));
            };
            match node {
                AstNode::Binary {
                    op: BinaryOp::NotEqual,
                    lhs,
                    rhs,
                } if !is_null(lhs) && !is_null(rhs) => {
                    ask(path(lhs), "!=");
                    ask(path(rhs), "!=");
                }
                AstNode::Unary {
                    op: UnaryOp::Not,
                    operand,
                } => ask(path(operand), "$not"),
                AstNode::Function { name, args, .. } => match (name.as_str(), args.as_slice()) {
                    ("not", [only]) => ask(path(only), "$not"),
                    ("exists", [only]) => guarded.extend(path(only)),
                    _ => {}
                },
                _ => {}
            }
        });
        found.retain(|question| !guarded.iter().any(|path| path.starts_with(&question.keys)));
        found
    }

    /// Whether it gives something, whatever is missing.
    pub fn always_gives(&self) -> bool {
        always_gives(&self.0)
    }
}

/// What a name at a node is a field of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The scope.
    Root,
    /// A value that a path came to.
    Elsewhere,
}

/// Looks at every node, those around before those inside.
fn walk(node: &AstNode, place: Place, look: &mut impl FnMut(&AstNode, Place)) {
    look(node, place);
    let pairs_of = |pairs: &'_ [(AstNode, AstNode)], place, look: &mut _| {
        for (key, value) in pairs {
            walk(key, place, look);
            walk(value, place, look);
        }
    };
    match node {
        AstNode::Path { steps } => walk_steps(steps, place, look),
        AstNode::Binary { lhs, rhs, .. } => {
            walk(lhs, place, look);
            walk(rhs, place, look);
        }
        AstNode::Unary { operand: inner, .. }
        | AstNode::FunctionApplication(inner)
        | AstNode::Lambda { body: inner, .. } => walk(inner, place, look),
        AstNode::Function { args: nodes, .. }
        | AstNode::Array(nodes)
        | AstNode::ArrayGroup(nodes)
        | AstNode::Block(nodes) => nodes.iter().for_each(|node| walk(node, place, look)),
        AstNode::Call { procedure, args } => {
            walk(procedure, place, look);
            args.iter().for_each(|node| walk(node, place, look));
        }
        AstNode::Object(pairs) => pairs_of(pairs, place, look),
        AstNode::ObjectTransform { input, pattern } => {
            walk(input, place, look);
            pairs_of(pattern, Place::Elsewhere, look);
        }
        AstNode::Conditional {
            condition,
            then_branch,
            else_branch,
        } => {
            walk(condition, place, look);
            walk(then_branch, place, look);
            else_branch.iter().for_each(|node| walk(node, place, look));
        }
        AstNode::Sort { input, terms } => {
            walk(input, place, look);
            let keys = terms.iter().map(|(key, _)| key);
            keys.for_each(|key| walk(key, Place::Elsewhere, look));
        }
        AstNode::Transform {
            location,
            update,
            delete,
        } => {
            let parts = [location, update].into_iter().chain(delete);
            parts.for_each(|node| walk(node, Place::Elsewhere, look));
        }
        AstNode::String(_)
        | AstNode::Name(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Undefined
        | AstNode::Placeholder
        | AstNode::Regex { .. }
        | AstNode::Variable(_)
        | AstNode::ParentVariable(_)
        | AstNode::Wildcard
        | AstNode::Descendant
        | AstNode::Parent(_) => {}
    }
}

fn walk_steps(steps: &[PathStep], place: Place, look: &mut impl FnMut(&AstNode, Place)) {
    let mut place = place;
    for step in steps {
        if !is_input(&step.node) {
            // A name alone is looked at as part of its path.
            if !matches!(step.node, AstNode::Name(_)) {
                walk(&step.node, place, look);
            }
            place = Place::Elsewhere;
        }
        if is_root(&step.node) {
            place = Place::Root;
        }
        for stage in &step.stages {
            if let Stage::Filter(filter) = stage {
                walk(filter, Place::Elsewhere, look);
            }
        }
    }
}

/// `$`
fn is_input(node: &AstNode) -> bool {
    matches!(node, AstNode::Variable(name) if name.is_empty())
}

/// `$$`
fn is_root(node: &AstNode) -> bool {
    matches!(node, AstNode::ParentVariable(name) if name.is_empty())
}

fn is_null(node: &AstNode) -> bool {
    matches!(node, AstNode::Null)
}

/// The names that a path begins with.
struct Leading<'a> {
    keys: Vec<&'a str>,
    /// Whether it consists of them, without a filter.
    is_all: bool,
}

fn leading(node: &AstNode, place: Place) -> Leading<'_> {
    let nothing = Leading {
        keys: Vec::new(),
        is_all: false,
    };
    let steps = match (node, place) {
        (AstNode::Path { steps }, _) => steps,
        (AstNode::Name(name), Place::Root) => {
            return Leading {
                keys: vec![name],
                is_all: true,
            };
        }
        _ => return nothing,
    };
    let (at_root, steps) = match steps.split_first() {
        Some((first, rest)) if is_root(&first.node) => (true, rest),
        Some((first, rest)) if is_input(&first.node) => (place == Place::Root, rest),
        _ => (place == Place::Root, steps.as_slice()),
    };
    if !at_root {
        return nothing;
    }
    let keys: Vec<&str> = steps
        .iter()
        .map_while(|step| match &step.node {
            AstNode::Name(name) | AstNode::String(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let filtered = |step: &PathStep| !matches!(step.stages.as_slice(), [] | [Stage::KeepArray]);
    Leading {
        is_all: keys.len() == steps.len() && !steps.iter().any(filtered),
        keys,
    }
}

/// The keys of a node that is a path of names and nothing else.
fn plain_path(node: &AstNode, place: Place) -> Option<Vec<String>> {
    let path = leading(node, place);
    let keys = path.keys.into_iter().map(str::to_owned);
    path.is_all.then(|| keys.collect())
}

fn always_gives(node: &AstNode) -> bool {
    match node {
        AstNode::String(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Object(_)
        | AstNode::Array(_)
        | AstNode::ArrayGroup(_) => true,
        AstNode::Binary { op, .. } => matches!(
            op,
            BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::In
                | BinaryOp::Concatenate
        ),
        AstNode::Function { name, .. } => matches!(
            name.as_str(),
            "exists" | "count" | "now" | "millis" | "random" | "uuid"
        ),
        AstNode::Block(nodes) => nodes.last().is_some_and(always_gives),
        AstNode::Conditional {
            then_branch,
            else_branch: Some(else_branch),
            ..
        } => always_gives(then_branch) && always_gives(else_branch),
        _ => plain_path(node, Place::Root).is_some_and(|keys| keys.len() == 1),
    }
}

//! From the parser's tree to the evaluator's: what is decided once, at registration.
//!
//! Too deep a tree, a pattern or signature that cannot be compiled and an operator out of its
//! place are refused here, not when a workflow runs.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage as AstStage, UnaryOp};
use regex::RegexBuilder;

use super::ParseError;
use super::signature::Signature;
use super::syntax::{
    ArrayNode, Binary, Call, Filtered, Lambda, Node, Pair, Path, Stage, Step, Term, Transform, What,
};
use crate::limits::expression::{DEPTH, PATTERN_BYTES, PATTERNS};

/// Lowers one expression.
pub(super) fn lower(ast: &AstNode) -> Result<Node, ParseError> {
    Lowering::default().node(ast)
}

#[derive(Default)]
struct Lowering {
    depth: usize,
    patterns: usize,
}

impl Lowering {
    fn node(&mut self, ast: &AstNode) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ParseError::new(format!(
                "more than {DEPTH} values, calls or operators inside each other"
            )));
        }
        let node = jsonata_core::value::with_stack(|| self.inner(ast));
        self.depth -= 1;
        node
    }

    /// Long because the parser has this many kinds of node, one arm each.
    fn inner(&mut self, ast: &AstNode) -> Result<Node, ParseError> {
        Ok(match ast {
            AstNode::String(text) => Node::Text(text.as_str().into()),
            AstNode::Number(number) => Node::Number(*number),
            AstNode::Boolean(value) => Node::Bool(*value),
            AstNode::Null => Node::Null,
            AstNode::Undefined => Node::Nothing,
            AstNode::Placeholder => return Err(misplaced("?")),
            AstNode::Regex { pattern, flags } => self.pattern(pattern, flags)?,
            AstNode::Variable(name) if name.is_empty() => Node::Input,
            AstNode::ParentVariable(name) if name.is_empty() => Node::Root,
            AstNode::Variable(name) => Node::Variable(name.as_str().into()),
            AstNode::ParentVariable(name) => Node::Variable(format!("${name}").into()),
            AstNode::Parent(label) => Node::Variable(label.as_str().into()),
            AstNode::Name(name) => one_name(name),
            AstNode::Wildcard => Node::Wildcard,
            AstNode::Descendant => Node::Descendants,
            AstNode::Path { steps } => self.path(steps)?,
            AstNode::Sort { .. } => self.sorted(ast, Vec::new())?,
            AstNode::Binary { op, lhs, rhs } => self.binary(*op, lhs, rhs)?,
            AstNode::Unary { op, operand } => self.unary(*op, operand)?,
            AstNode::Function {
                name,
                args,
                is_builtin,
            } => {
                let procedure = match is_builtin {
                    true => Node::Variable(name.as_str().into()),
                    false => one_name(name),
                };
                self.call(procedure, args)?
            }
            AstNode::Call { procedure, args } => {
                let procedure = self.node(procedure)?;
                self.call(procedure, args)?
            }
            AstNode::Lambda {
                params,
                body,
                signature,
                thunk: _,
            } => self.lambda(params, body, signature.as_deref())?,
            AstNode::Array(items) | AstNode::ArrayGroup(items) => {
                self.array(items, ArrayPlace::Alone)?
            }
            AstNode::Object(pairs) => Node::Object(self.pairs(pairs)?),
            AstNode::ObjectTransform { input, pattern } => {
                Node::Grouped(Box::new(self.node(input)?), self.pairs(pattern)?)
            }
            AstNode::Block(items) => Node::Block(self.nodes(items)?),
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => Node::Condition(
                Box::new(self.node(condition)?),
                Box::new(self.node(then_branch)?),
                self.optional(else_branch.as_deref())?.map(Box::new),
            ),
            AstNode::FunctionApplication(inner) => self.node(inner)?,
            AstNode::Transform {
                location,
                update,
                delete,
            } => Node::Transform(Box::new(Transform {
                location: self.node(location)?,
                update: self.node(update)?,
                delete: self.optional(delete.as_deref())?,
            })),
        })
    }

    fn nodes(&mut self, items: &[AstNode]) -> Result<Vec<Node>, ParseError> {
        items.iter().map(|item| self.node(item)).collect()
    }

    fn optional(&mut self, item: Option<&AstNode>) -> Result<Option<Node>, ParseError> {
        item.map(|item| self.node(item)).transpose()
    }

    fn pairs(&mut self, pairs: &[(AstNode, AstNode)]) -> Result<Vec<Pair>, ParseError> {
        pairs
            .iter()
            .map(|(key, value)| {
                Ok(Pair {
                    key: self.node(key)?,
                    value: self.node(value)?,
                })
            })
            .collect()
    }

    fn array(&mut self, items: &[AstNode], place: ArrayPlace) -> Result<Node, ParseError> {
        Ok(Node::Array(ArrayNode {
            items: self.nodes(items)?,
            in_path: place == ArrayPlace::EndOfPath,
        }))
    }

    /// A pattern, compiled within a bound: an automaton may be much larger than its source.
    fn pattern(&mut self, pattern: &str, flags: &str) -> Result<Node, ParseError> {
        self.patterns += 1;
        if self.patterns > PATTERNS {
            return Err(ParseError::new(format!(
                "more than {PATTERNS} regular expressions"
            )));
        }
        RegexBuilder::new(pattern)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .nest_limit(50)
            .build()
            .map(|regex| Node::Pattern(Box::new(regex)))
            .map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim().trim_start_matches("error: ");
                ParseError::new(format!("the regular expression does not compile: {reason}"))
                    .at_token(format!("/{pattern}/{flags}"))
            })
    }

    fn lambda(
        &mut self,
        params: &[String],
        body: &AstNode,
        signature: Option<&str>,
    ) -> Result<Node, ParseError> {
        let signature = signature
            .map(|text| {
                Signature::parse(text).ok_or_else(|| {
                    ParseError::new("the function's signature cannot be read").at_token(text)
                })
            })
            .transpose()?;
        Ok(Node::Lambda(Box::new(Lambda {
            params: params.iter().map(|name| name.as_str().into()).collect(),
            body: self.node(body)?,
            signature,
        })))
    }

    fn call(&mut self, procedure: Node, args: &[AstNode]) -> Result<Node, ParseError> {
        if !args.contains(&AstNode::Placeholder) {
            return Ok(Node::Call(Box::new(Call {
                procedure,
                arguments: self.nodes(args)?,
            })));
        }
        let arguments = args
            .iter()
            .map(|argument| match argument {
                AstNode::Placeholder => Ok(None),
                given => self.node(given).map(Some),
            })
            .collect::<Result<_, _>>()?;
        Ok(Node::Partial(Box::new(procedure), arguments))
    }

    fn unary(&mut self, op: UnaryOp, operand: &AstNode) -> Result<Node, ParseError> {
        match (op, operand) {
            // A negative literal is a literal: as a predicate it is an index.
            (UnaryOp::Negate, AstNode::Number(number)) => Ok(Node::Number(-number)),
            (UnaryOp::Negate, operand) => Ok(Node::Negate(Box::new(self.node(operand)?))),
            (UnaryOp::Not, _) => Err(misplaced("not")),
        }
    }

    fn binary(&mut self, op: BinaryOp, lhs: &AstNode, rhs: &AstNode) -> Result<Node, ParseError> {
        let op = match op {
            BinaryOp::Add => Binary::Add,
            BinaryOp::Subtract => Binary::Subtract,
            BinaryOp::Multiply => Binary::Multiply,
            BinaryOp::Divide => Binary::Divide,
            BinaryOp::Modulo => Binary::Modulo,
            BinaryOp::Equal => Binary::Equal,
            BinaryOp::NotEqual => Binary::NotEqual,
            BinaryOp::LessThan => Binary::Less,
            BinaryOp::LessThanOrEqual => Binary::LessOrEqual,
            BinaryOp::GreaterThan => Binary::Greater,
            BinaryOp::GreaterThanOrEqual => Binary::GreaterOrEqual,
            BinaryOp::And => Binary::And,
            BinaryOp::Or => Binary::Or,
            BinaryOp::Concatenate => Binary::Concatenate,
            BinaryOp::Range => Binary::Range,
            BinaryOp::In => Binary::In,
            BinaryOp::Coalesce => Binary::Coalesce,
            BinaryOp::Default => Binary::Default,
            BinaryOp::ColonEqual => return self.bind(lhs, rhs),
            BinaryOp::FocusBind => return Err(misplaced("@")),
            BinaryOp::IndexBind => return Err(misplaced("#")),
            BinaryOp::ChainPipe => {
                let (left, right) = (self.node(lhs)?, self.node(rhs)?);
                return Ok(Node::Chain(Box::new(left), Box::new(right)));
            }
        };
        let (left, right) = (self.node(lhs)?, self.node(rhs)?);
        Ok(Node::Binary(op, Box::new(left), Box::new(right)))
    }

    fn bind(&mut self, lhs: &AstNode, rhs: &AstNode) -> Result<Node, ParseError> {
        match lhs {
            AstNode::Variable(name) => {
                Ok(Node::Bind(name.as_str().into(), Box::new(self.node(rhs)?)))
            }
            _ => Err(misplaced(":=")),
        }
    }

    fn path(&mut self, steps: &[PathStep]) -> Result<Node, ParseError> {
        match steps {
            [only] if is_value(only) => self.filtered(only),
            steps => {
                let mut path = Path {
                    steps: Vec::new(),
                    kept: false,
                };
                self.append_steps(&mut path, steps)?;
                Ok(Node::Path(path))
            }
        }
    }

    /// A node that is no path: its predicates see all that it gives, at once.
    fn filtered(&mut self, step: &PathStep) -> Result<Node, ParseError> {
        let node = self.node(&step.node)?;
        let mut filtered = Filtered {
            node,
            filters: Vec::new(),
            kept: false,
        };
        for stage in &step.stages {
            match stage {
                AstStage::Filter(filter) => filtered.filters.push(self.node(filter)?),
                AstStage::KeepArray => filtered.kept = true,
                AstStage::Index(_) => return Err(misplaced("#")),
            }
        }
        Ok(match (filtered.filters.is_empty(), filtered.kept) {
            (true, false) => filtered.node,
            _ => Node::Filtered(Box::new(filtered)),
        })
    }

    fn append_steps(&mut self, path: &mut Path, steps: &[PathStep]) -> Result<(), ParseError> {
        let last = steps.len().saturating_sub(1);
        for (index, step) in steps.iter().enumerate() {
            path.kept |= step.stages.contains(&AstStage::KeepArray);
            let what = match &step.node {
                AstNode::Sort { input, terms } if index == 0 => {
                    self.append_input(path, input)?;
                    What::Sort(self.terms(terms)?)
                }
                AstNode::Array(items) | AstNode::ArrayGroup(items)
                    if index == last || index == 0 =>
                {
                    What::Node(self.array(items, ArrayPlace::EndOfPath)?)
                }
                _ if index == 0 && is_value(step) => {
                    path.steps.push(plain_step(self.filtered(step)?));
                    continue;
                }
                AstNode::Name(name) => What::Node(Node::Name(name.as_str().into())),
                node => What::Node(self.node(node)?),
            };
            let step = self.step(what, step)?;
            path.steps.push(step);
        }
        Ok(())
    }

    fn step(&mut self, what: What, step: &PathStep) -> Result<Step, ParseError> {
        let mut stages = Vec::new();
        for stage in &step.stages {
            match stage {
                AstStage::Filter(filter) => stages.push(Stage::Filter(self.node(filter)?)),
                AstStage::Index(name) => stages.push(Stage::Index(name.as_str().into())),
                AstStage::KeepArray => {}
            }
        }
        Ok(Step {
            what,
            stages,
            focus: step.focus.as_deref().map(Into::into),
            index: step.index_var.as_deref().map(Into::into),
            ancestor: step.ancestor_label.as_deref().map(Into::into),
            carries: step.is_tuple,
            carries_inner: step.inner_tuple,
        })
    }

    /// What a sort sorts becomes the steps before it.
    fn append_input(&mut self, path: &mut Path, input: &AstNode) -> Result<(), ParseError> {
        match input {
            AstNode::Path { steps } if !matches!(steps.as_slice(), [only] if is_value(only)) => {
                self.append_steps(path, steps)
            }
            AstNode::Sort { input, terms } => {
                self.append_input(path, input)?;
                let terms = self.terms(terms)?;
                path.steps.push(sort_step(terms));
                Ok(())
            }
            other => {
                path.steps.push(plain_step(self.node(other)?));
                Ok(())
            }
        }
    }

    fn sorted(&mut self, ast: &AstNode, steps: Vec<Step>) -> Result<Node, ParseError> {
        let mut path = Path { steps, kept: false };
        self.append_input(&mut path, ast)?;
        Ok(Node::Path(path))
    }

    fn terms(&mut self, terms: &[(AstNode, bool)]) -> Result<Vec<Term>, ParseError> {
        terms
            .iter()
            .map(|(key, ascending)| {
                Ok(Term {
                    key: self.node(key)?,
                    descending: !ascending,
                })
            })
            .collect()
    }
}

/// Where an array constructor stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayPlace {
    Alone,
    EndOfPath,
}

/// Whether a lone step is no path: its predicates then belong to the value as a whole.
fn is_value(step: &PathStep) -> bool {
    let counted = step.index_var.is_some()
        || step
            .stages
            .iter()
            .any(|stage| matches!(stage, AstStage::Index(_)));
    !(counted || step.is_tuple || is_path(&step.node))
}

fn is_path(node: &AstNode) -> bool {
    match node {
        AstNode::Name(_) | AstNode::Sort { .. } => true,
        AstNode::Path { steps } => !matches!(steps.as_slice(), [only] if is_value(only)),
        AstNode::ObjectTransform { input, .. } => is_path(input),
        _ => false,
    }
}

fn plain_step(node: Node) -> Step {
    Step {
        what: What::Node(node),
        stages: Vec::new(),
        focus: None,
        index: None,
        ancestor: None,
        carries: false,
        carries_inner: false,
    }
}

fn sort_step(terms: Vec<Term>) -> Step {
    Step {
        what: What::Sort(terms),
        ..plain_step(Node::Nothing)
    }
}

fn one_name(name: &str) -> Node {
    Node::Path(Path {
        steps: vec![plain_step(Node::Name(name.into()))],
        kept: false,
    })
}

fn misplaced(token: &str) -> ParseError {
    ParseError::new("the operator cannot be used here").at_token(token)
}

//! An expression as the evaluator walks it: checked, flattened, its patterns compiled.
//!
//! It differs from the parser's tree where the meaning depends on the place: the steps of a path
//! and what filters them, constructors in a path, calls and partial applications.

use regex::Regex;

use super::signature::Signature;

/// One node of an expression.
#[derive(Debug)]
pub(super) enum Node {
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    Pattern(Box<Regex>),
    /// `$`
    Input,
    /// `$$`
    Root,
    /// `$name`, or a label that a path gave an ancestor.
    Variable(Box<str>),
    /// A field of the input.
    Name(Box<str>),
    Wildcard,
    Descendants,
    Path(Path),
    /// A node that is no path, with predicates.
    Filtered(Box<Filtered>),
    /// `node{key: value, …}`
    Grouped(Box<Node>, Vec<Pair>),
    Object(Vec<Pair>),
    Array(ArrayNode),
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// `$name := value`
    Bind(Box<str>, Box<Node>),
    Condition(Box<Node>, Box<Node>, Option<Box<Node>>),
    Block(Vec<Node>),
    Lambda(Box<Lambda>),
    Call(Box<Call>),
    /// A call with `?` in place of some of its arguments.
    Partial(Box<Node>, Vec<Option<Node>>),
    /// `left ~> right`
    Chain(Box<Node>, Box<Node>),
    /// `|location|update, delete|`
    Transform(Box<Transform>),
}

/// A key and a value of a constructor.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: Node,
    pub(super) value: Node,
}

/// `[…]`
#[derive(Debug)]
pub(super) struct ArrayNode {
    pub(super) items: Vec<Node>,
    /// Whether it begins or ends a path, whose steps then do not dissolve it.
    pub(super) in_path: bool,
}

/// A node that is no path, with predicates.
#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) node: Node,
    pub(super) filters: Vec<Node>,
    /// `[]`: stays an array.
    pub(super) kept: bool,
}

/// `a.b.c`
#[derive(Debug)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    /// `[]` somewhere in it: stays an array.
    pub(super) kept: bool,
}

/// One step of a path.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) what: What,
    pub(super) stages: Vec<Stage>,
    /// `@$name`
    pub(super) focus: Option<Box<str>>,
    /// `#$name`
    pub(super) index: Option<Box<str>>,
    /// The label under which what was before this step is remembered for a later `%`.
    pub(super) ancestor: Option<Box<str>>,
    /// Whether the path carries names from here on.
    pub(super) carries: bool,
    /// Whether the names that a path inside carries are carried on.
    pub(super) carries_inner: bool,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum What {
    Node(Node),
    /// `^(term, …)`
    Sort(Vec<Term>),
}

/// One key of a sort.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) key: Node,
    pub(super) descending: bool,
}

/// What happens to the results of a step.
#[derive(Debug)]
pub(super) enum Stage {
    Filter(Node),
    Index(Box<str>),
}

/// An operator with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Concatenate,
    Range,
    In,
    /// `??`
    Coalesce,
    /// `?:`
    Default,
}

/// `function($a, $b)<signature>{ body }`
#[derive(Debug)]
pub(super) struct Lambda {
    pub(super) params: Vec<Box<str>>,
    pub(super) body: Node,
    pub(super) signature: Option<Signature>,
}

/// `procedure(arguments)`
#[derive(Debug)]
pub(super) struct Call {
    pub(super) procedure: Node,
    pub(super) arguments: Vec<Node>,
}

/// `|location|update, delete|`
#[derive(Debug)]
pub(super) struct Transform {
    pub(super) location: Node,
    pub(super) update: Node,
    pub(super) delete: Option<Node>,
}

impl Binary {
    /// The operator as it is written.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
            Self::Concatenate => "&",
            Self::Range => "..",
            Self::In => "in",
            Self::Coalesce => "??",
            Self::Default => "?:",
        }
    }
}

impl Call {
    /// The name of what is called, where it has one.
    pub(super) fn token(&self) -> Option<String> {
        match &self.procedure {
            Node::Variable(name) => Some(format!("${name}")),
            _ => self.plain_name().map(str::to_owned),
        }
    }

    /// The name of what is called, where it is a field.
    pub(super) fn plain_name(&self) -> Option<&str> {
        let Node::Path(path) = &self.procedure else {
            return None;
        };
        match path.steps.first().map(|step| &step.what) {
            Some(What::Node(Node::Name(name))) => Some(name),
            _ => None,
        }
    }
}

/// The names that an expression reads from the root of its scope.
pub(super) fn root_names(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    collect(node, Place::Root, &mut names);
    names
}

/// What `$` is at a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Elsewhere,
}

/// Long because every kind of node is listed: a new one must say what it reads.
fn collect<'n>(node: &'n Node, place: Place, names: &mut Vec<&'n str>) {
    let mut here = |node: &'n Node| collect(node, place, names);
    match node {
        Node::Name(name) if place == Place::Root => {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        Node::Path(path) => collect_steps(&path.steps, place, names),
        Node::Filtered(filtered) => {
            here(&filtered.node);
            for filter in &filtered.filters {
                collect(filter, Place::Elsewhere, names);
            }
        }
        Node::Grouped(inner, pairs) => {
            here(inner);
            for pair in pairs {
                collect(&pair.key, Place::Elsewhere, names);
                collect(&pair.value, Place::Elsewhere, names);
            }
        }
        Node::Object(pairs) => pairs.iter().for_each(|pair| {
            here(&pair.key);
            here(&pair.value);
        }),
        Node::Array(array) => array.items.iter().for_each(here),
        Node::Block(nodes) => nodes.iter().for_each(here),
        Node::Negate(inner) | Node::Bind(_, inner) => here(inner),
        Node::Binary(_, left, right) | Node::Chain(left, right) => {
            here(left);
            here(right);
        }
        Node::Condition(condition, then, otherwise) => {
            here(condition);
            here(then);
            otherwise.iter().for_each(|node| here(node));
        }
        Node::Lambda(lambda) => here(&lambda.body),
        Node::Call(call) => {
            here(&call.procedure);
            call.arguments.iter().for_each(here);
        }
        Node::Partial(procedure, arguments) => {
            here(procedure);
            arguments.iter().flatten().for_each(here);
        }
        Node::Transform(transform) => {
            let parts = [&transform.location, &transform.update];
            for part in parts.into_iter().chain(&transform.delete) {
                collect(part, Place::Elsewhere, names);
            }
        }
        Node::Nothing
        | Node::Null
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Text(_)
        | Node::Pattern(_)
        | Node::Input
        | Node::Root
        | Node::Variable(_)
        | Node::Name(_)
        | Node::Wildcard
        | Node::Descendants => {}
    }
}

fn collect_steps<'n>(steps: &'n [Step], place: Place, names: &mut Vec<&'n str>) {
    let mut place = place;
    for step in steps {
        match &step.what {
            What::Node(Node::Root) => place = Place::Root,
            What::Node(Node::Input) => {}
            What::Node(node) => {
                collect(node, place, names);
                place = Place::Elsewhere;
            }
            What::Sort(terms) => {
                for term in terms {
                    collect(&term.key, Place::Elsewhere, names);
                }
            }
        }
        for stage in &step.stages {
            if let Stage::Filter(filter) = stage {
                collect(filter, Place::Elsewhere, names);
            }
        }
    }
}

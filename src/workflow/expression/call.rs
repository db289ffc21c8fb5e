//! Functions as values, and calling them.
//!
//! A call in tail position replaces its caller, so that a loop written as a recursion needs no
//! depth; any other recursion is bounded by the meter.

use std::rc::Rc;

use regex::Regex;

use super::Error;
use super::builtins::{self, Builtin};
use super::machine::{Env, Machine};
use super::syntax::{Call, Lambda, Node, Transform};
use super::value::{Val, depth_of};
use crate::limits::expression::DEPTH;

/// A function.
#[derive(Debug)]
pub(super) struct Function<'a> {
    what: What<'a>,
    /// Functions and values inside each other.
    pub(super) depth: usize,
}

#[derive(Debug)]
enum What<'a> {
    Builtin(&'static Builtin),
    Lambda(&'a Lambda, Val<'a>, Env),
    Partial(Rc<Function<'a>>, Vec<Option<Val<'a>>>),
    Composed(Rc<Function<'a>>, Rc<Function<'a>>),
    Transform(&'a Transform, Env),
    Pattern(&'a Regex),
}

/// What a function body comes to: a value, or a call that replaces it.
enum Outcome<'a> {
    Value(Val<'a>),
    Tail(Rc<Function<'a>>, Vec<Val<'a>>),
}

impl<'a> Function<'a> {
    fn made(what: What<'a>) -> Result<Val<'a>, Error> {
        let depth = 1 + match &what {
            What::Builtin(_) | What::Transform(..) | What::Pattern(_) => 0,
            What::Lambda(_, input, _) => depth_of(input),
            What::Partial(function, arguments) => arguments
                .iter()
                .flatten()
                .map(depth_of)
                .max()
                .unwrap_or(0)
                .max(function.depth),
            What::Composed(first, second) => first.depth.max(second.depth),
        };
        if depth > DEPTH {
            return Err(Error::limit(format!(
                "more than {DEPTH} functions inside each other"
            )));
        }
        Ok(Val::Function(Rc::new(Self { what, depth })))
    }

    /// The function of this name that the language has.
    pub(super) fn builtin(name: &str) -> Option<Val<'a>> {
        let builtin = builtins::find(name)?;
        Self::made(What::Builtin(builtin)).ok()
    }

    /// A regular expression, as the function that it also is.
    pub(super) fn pattern(regex: &'a Regex) -> Result<Val<'a>, Error> {
        Self::made(What::Pattern(regex))
    }

    /// A function written in the expression, with the input and the names around it.
    pub(super) fn lambda(lambda: &'a Lambda, input: Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        Self::made(What::Lambda(lambda, input, env))
    }

    /// A transformation of objects, with the names around it.
    pub(super) fn transform(transform: &'a Transform, env: Env) -> Result<Val<'a>, Error> {
        Self::made(What::Transform(transform, env))
    }

    /// A call with some of its arguments missing.
    pub(super) fn partial(
        function: Rc<Self>,
        arguments: Vec<Option<Val<'a>>>,
    ) -> Result<Val<'a>, Error> {
        Self::made(What::Partial(function, arguments))
    }

    /// One function after the other.
    pub(super) fn composed(first: Rc<Self>, second: Rc<Self>) -> Result<Val<'a>, Error> {
        Self::made(What::Composed(first, second))
    }

    /// The pattern, where this is one.
    pub(super) fn as_pattern(&self) -> Option<&'a Regex> {
        match self.what {
            What::Pattern(regex) => Some(regex),
            _ => None,
        }
    }

    /// How many arguments it looks at.
    pub(super) fn arity(&self) -> usize {
        match &self.what {
            What::Builtin(builtin) => builtin.arity,
            What::Lambda(lambda, ..) => lambda.params.len(),
            What::Partial(_, arguments) => arguments.iter().filter(|given| given.is_none()).count(),
            What::Composed(..) | What::Transform(..) => 1,
            What::Pattern(_) => 2,
        }
    }
}

impl<'a> Machine<'a> {
    /// Calls a function. `context` is the value that it reads where an argument is left out.
    pub(super) fn apply(
        &self,
        function: &Rc<Function<'a>>,
        arguments: Vec<Val<'a>>,
        context: &Val<'a>,
    ) -> Result<Val<'a>, Error> {
        let _call = self.meter.call()?;
        let mut outcome = self.apply_once(function, arguments, context)?;
        loop {
            match outcome {
                Outcome::Value(value) => return Ok(value),
                Outcome::Tail(function, arguments) => {
                    outcome = self.apply_once(&function, arguments, context)?;
                }
            }
        }
    }

    /// Calls a function that a builtin was given, with as many arguments as it looks at.
    pub(super) fn call_back<const N: usize>(
        &self,
        function: &Rc<Function<'a>>,
        arguments: [Val<'a>; N],
    ) -> Result<Val<'a>, Error> {
        let count = function.arity().clamp(1, N);
        let arguments = arguments.into_iter().take(count).collect();
        self.apply(function, arguments, &Val::Null)
    }

    fn apply_once(
        &self,
        function: &Rc<Function<'a>>,
        arguments: Vec<Val<'a>>,
        context: &Val<'a>,
    ) -> Result<Outcome<'a>, Error> {
        self.meter.steps(1 + arguments.len())?;
        match &function.what {
            What::Builtin(builtin) => builtin.call(self, arguments, context).map(Outcome::Value),
            What::Lambda(lambda, input, env) => {
                let arguments = match &lambda.signature {
                    Some(signature) => signature.fit(self, arguments, context)?,
                    None => arguments,
                };
                let env = self.frame(*env)?;
                let mut arguments = arguments.into_iter();
                for param in &lambda.params {
                    self.bind(env, param, arguments.next().unwrap_or(Val::Nothing))?;
                }
                self.tail(&lambda.body, input, env)
            }
            What::Partial(function, given) => {
                let mut arguments = arguments.into_iter();
                let all = given
                    .iter()
                    .map(|given| {
                        given
                            .clone()
                            .unwrap_or_else(|| arguments.next().unwrap_or(Val::Nothing))
                    })
                    .collect();
                self.apply(function, all, context).map(Outcome::Value)
            }
            What::Composed(first, second) => {
                let between = self.apply(first, arguments, context)?;
                self.apply(second, vec![between.unwrapped()], context)
                    .map(Outcome::Value)
            }
            What::Transform(transform, env) => {
                let subject = arguments.into_iter().next().unwrap_or(Val::Nothing);
                self.transform(transform, &subject, *env)
                    .map(Outcome::Value)
            }
            What::Pattern(regex) => {
                let subject = arguments.into_iter().next().unwrap_or(Val::Nothing);
                builtins::first_match(self, regex, &subject).map(Outcome::Value)
            }
        }
    }

    /// Evaluates the body of a function; a call at its end is handed back instead of made.
    fn tail(&self, node: &'a Node, input: &Val<'a>, env: Env) -> Result<Outcome<'a>, Error> {
        jsonata_core::value::with_stack(|| match node {
            Node::Condition(condition, then, otherwise) => {
                self.meter.steps(1)?;
                if self.eval(condition, input, env)?.is_true(&self.meter)? {
                    return self.tail(then, input, env);
                }
                match otherwise {
                    Some(otherwise) => self.tail(otherwise, input, env),
                    None => Ok(Outcome::Value(Val::Nothing)),
                }
            }
            Node::Block(nodes) => {
                let env = self.frame(env)?;
                let Some((last, before)) = nodes.split_last() else {
                    return Ok(Outcome::Value(Val::Nothing));
                };
                for node in before {
                    self.eval(node, input, env)?;
                }
                self.tail(last, input, env)
            }
            Node::Call(call) => self.tail_call(call, input, env),
            other => self.eval(other, input, env).map(Outcome::Value),
        })
    }

    fn tail_call(&self, call: &'a Call, input: &Val<'a>, env: Env) -> Result<Outcome<'a>, Error> {
        let function = self.callee(call, input, env)?;
        let arguments = self.arguments(call, None, input, env)?;
        match &function.what {
            What::Lambda(..) => Ok(Outcome::Tail(function, arguments)),
            _ => self
                .apply(&function, arguments, input)
                .map_err(|error| error.or_token(|| call.token()))
                .map(Outcome::Value),
        }
    }

    /// `procedure(arguments)`, after `first` where something is piped into it.
    pub(super) fn call(
        &self,
        call: &'a Call,
        first: Option<Val<'a>>,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let function = self.callee(call, input, env)?;
        let arguments = self.arguments(call, first, input, env)?;
        self.apply(&function, arguments, input)
            .map_err(|error| error.or_token(|| call.token()))
    }

    fn callee(&self, call: &'a Call, input: &Val<'a>, env: Env) -> Result<Rc<Function<'a>>, Error> {
        let procedure = self.eval(&call.procedure, input, env)?;
        if let (Val::Nothing, Some(name)) = (&procedure, call.plain_name())
            && !self.variable(name, env)?.is_nothing()
        {
            let message = format!("what is called is not a function; perhaps ${name} is meant");
            return Err(Error::coded("T1005", message).or_token(|| call.token()));
        }
        self.function(procedure, "T1006")
            .map_err(|error| error.or_token(|| call.token()))
    }

    fn arguments(
        &self,
        call: &'a Call,
        first: Option<Val<'a>>,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Vec<Val<'a>>, Error> {
        let mut arguments = Vec::with_capacity(call.arguments.len() + 1);
        arguments.extend(first);
        for argument in &call.arguments {
            arguments.push(self.eval(argument, input, env)?);
        }
        Ok(arguments)
    }

    /// A call with some of its arguments missing.
    pub(super) fn partial_call(
        &self,
        procedure: &'a Node,
        arguments: &'a [Option<Node>],
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            given.push(match argument {
                Some(argument) => Some(self.eval(argument, input, env)?),
                None => None,
            });
        }
        let procedure = self.eval(procedure, input, env)?;
        Function::partial(self.function(procedure, "T1008")?, given)
    }

    /// `left ~> right`: calls the right with the left, or makes one function of two.
    pub(super) fn chain(
        &self,
        left: &'a Node,
        right: &'a Node,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let value = self.eval(left, input, env)?;
        if let Node::Call(call) = right {
            return self.call(call, Some(value), input, env);
        }
        let right = self.eval(right, input, env)?;
        let function = self.function(right, "T2006")?;
        match value {
            Val::Function(first) => Function::composed(first, function),
            value => self.apply(&function, vec![value], &Val::Null),
        }
    }

    /// The value as a function, or an error of this code.
    pub(super) fn function(
        &self,
        value: Val<'a>,
        code: &'static str,
    ) -> Result<Rc<Function<'a>>, Error> {
        match value {
            Val::Function(function) => Ok(function),
            _ => Err(Error::coded(code, "what is called is not a function")),
        }
    }
}

//! Expressions and mappings of the reference interpreter.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};
use taskmill::Timestamp;
use taskmill::workflow::expression::{Expression, Facts, Scope as Names};

/// An object.
pub type Object = Map<String, Value>;

/// A failure: its code, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl Failure {
    pub fn of(code: &str) -> Self {
        Self(code.to_owned())
    }
}

/// What the expressions of a step see. Clones share the variables.
#[derive(Debug, Clone)]
pub struct Scope {
    pub variables: Rc<RefCell<Object>>,
    pub names: Object,
}

impl Scope {
    pub fn new(input: &Value, variables: Object) -> Self {
        let mut names = Object::new();
        names.insert("workflowInput".to_owned(), input.clone());
        Self {
            variables: Rc::new(RefCell::new(variables)),
            names,
        }
    }

    /// The scope with a name more.
    pub fn with(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut scope = self.clone();
        scope.names.insert(name.to_owned(), value.into());
        scope
    }

    /// The scope with its own copy of the variables.
    pub fn apart(&self) -> Self {
        let variables = self.variables.borrow().clone();
        Self {
            variables: Rc::new(RefCell::new(variables)),
            names: self.names.clone(),
        }
    }

    /// What an expression gives.
    pub fn evaluate(&self, source: &str) -> Result<Option<Value>, Failure> {
        let variables = Value::Object(self.variables.borrow().clone());
        let mut names = Names::new().with("workflowVariables", &variables);
        for (name, value) in &self.names {
            names = names.with(name, value);
        }
        let parsed = Expression::parse(source).expect("an expression that parses");
        let facts = Facts::new(Timestamp::from_millis(0), &[]);
        let given = parsed.evaluate(&names, &facts);
        given.map_err(|_| Failure::of("EXPRESSION_ERROR"))
    }

    /// What an expression gives that must give something.
    pub fn something(&self, source: &str) -> Result<Value, Failure> {
        let given = self.evaluate(source)?;
        given.ok_or_else(|| Failure::of("EXPRESSION_ERROR"))
    }

    /// Whether an expression is true, as `$boolean` says; nothing is false.
    pub fn is_true(&self, source: &str) -> Result<bool, Failure> {
        let given = self.evaluate(&format!("$boolean({source})"))?;
        Ok(given == Some(Value::Bool(true)))
    }

    /// The object that mappings make.
    pub fn mapped(&self, mappings: &Value, default_root: Option<&str>) -> Result<Object, Failure> {
        let mut made = Object::new();
        self.apply(mappings, default_root, &mut made)?;
        Ok(made)
    }

    /// Lets mappings set variables; all see the variables from before.
    pub fn set(&self, mappings: &Value, default_root: Option<&str>) -> Result<(), Failure> {
        let mut variables = self.variables.borrow().clone();
        self.apply(mappings, default_root, &mut variables)?;
        *self.variables.borrow_mut() = variables;
        Ok(())
    }

    fn apply(
        &self,
        mappings: &Value,
        default_root: Option<&str>,
        into: &mut Object,
    ) -> Result<(), Failure> {
        for mapping in mappings.as_array().map_or(&[][..], Vec::as_slice) {
            let given = match mapping["type"].as_str() {
                Some("DIRECT") => self.source(text(mapping, "source"), default_root),
                Some("EXPRESSION") => self.evaluate(text(mapping, "expression"))?,
                other => panic!("no mapping is a {other:?}"),
            };
            let given = given.or_else(|| mapping.get("default").cloned());
            match given {
                Some(value) => put(into, text(mapping, "target"), value),
                None if mapping["required"] == true => {
                    return Err(Failure::of("MAPPING_SOURCE_MISSING"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A path: of a scope, or below the default one, or of the variables.
    fn source(&self, path: &str, default_root: Option<&str>) -> Option<Value> {
        let mut keys = path.split('.').peekable();
        let variables = Value::Object(self.variables.borrow().clone());
        let first = *keys.peek()?;
        let root = match (self.names.get(first), default_root) {
            (Some(value), _) => {
                keys.next();
                value.clone()
            }
            (None, _) if first == "workflowVariables" => {
                keys.next();
                variables
            }
            (None, Some(root)) => self.names.get(root)?.clone(),
            (None, None) => variables,
        };
        keys.try_fold(root, |value, key| value.get(key).cloned())
    }
}

/// A field that is a text.
pub fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields[name].as_str().expect("a text")
}

/// Sets a value at a path, making the objects on its way.
fn put(object: &mut Object, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((key, rest)) => {
            let inner = object.entry(key).or_insert(Value::Null);
            if !inner.is_object() {
                *inner = Value::Object(Object::new());
            }
            put(inner.as_object_mut().expect("it was made one"), rest, value);
        }
    }
}

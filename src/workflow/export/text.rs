//! Expressions as text: a parsed JSONata expression, written down again.
//!
//! What was in parentheses is a block in the tree, so the tree needs no parentheses of its own.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage, UnaryOp};

/// The text of an expression. Long because the parser has this many kinds of node, one arm each.
pub(super) fn text(node: &AstNode) -> String {
    match node {
        AstNode::String(text) => quoted(text),
        AstNode::Name(name) => named(name),
        AstNode::Number(number) => number.to_string(),
        AstNode::Boolean(value) => value.to_string(),
        AstNode::Null => "null".to_owned(),
        AstNode::Undefined => "()".to_owned(),
        AstNode::Placeholder => "?".to_owned(),
        AstNode::Regex { pattern, flags } => format!("/{pattern}/{flags}"),
        AstNode::Variable(name) => format!("${name}"),
        AstNode::ParentVariable(name) => format!("$${name}"),
        AstNode::Parent(_) => "%".to_owned(),
        AstNode::Wildcard => "*".to_owned(),
        AstNode::Descendant => "**".to_owned(),
        AstNode::Path { steps } => path(steps),
        AstNode::Binary { op, lhs, rhs } => binary(*op, lhs, rhs),
        AstNode::Unary { op, operand } => match op {
            UnaryOp::Negate => format!("-{}", text(operand)),
            UnaryOp::Not => format!("$not({})", text(operand)),
        },
        AstNode::Function {
            name,
            args,
            is_builtin,
        } => {
            let sign = if *is_builtin { "$" } else { "" };
            format!("{sign}{name}({})", list(args, ", "))
        }
        AstNode::Call { procedure, args } => format!("{}({})", text(procedure), list(args, ", ")),
        AstNode::Lambda {
            params,
            body,
            signature,
            thunk: _,
        } => lambda(params, body, signature.as_deref()),
        AstNode::Array(items) | AstNode::ArrayGroup(items) => format!("[{}]", list(items, ", ")),
        AstNode::Object(pairs) => object(pairs),
        AstNode::ObjectTransform { input, pattern } => {
            format!("{}{}", text(input), object(pattern))
        }
        AstNode::Block(items) => format!("({})", list(items, "; ")),
        AstNode::Conditional {
            condition,
            then_branch,
            else_branch,
        } => {
            let other = else_branch.as_deref();
            let other = other.map_or_else(String::new, |other| format!(" : {}", text(other)));
            format!("{} ? {}{other}", text(condition), text(then_branch))
        }
        AstNode::FunctionApplication(inner) => text(inner),
        AstNode::Sort { input, terms } => format!("{}^({})", text(input), sorted(terms)),
        AstNode::Transform {
            location,
            update,
            delete,
        } => {
            let delete = delete.as_deref();
            let delete = delete.map_or_else(String::new, |delete| format!(", {}", text(delete)));
            format!("|{}|{}{delete}|", text(location), text(update))
        }
    }
}

/// A text as a literal. There is no escape for a single quote.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c != '\'' && c != '\\' && c != '"' && !c.is_control();
    if text.chars().all(is_plain) {
        return format!("'{text}'");
    }
    // A string of JSON is one of JSONata.
    serde_json::Value::from(text).to_string()
}

/// The name of a field.
pub(super) fn named(name: &str) -> String {
    const WORDS: [&str; 6] = ["and", "or", "in", "true", "false", "null"];
    let mut chars = name.chars();
    let starts = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_plain = starts
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&name)
        && name != "function";
    if is_plain {
        name.to_owned()
    } else {
        format!("`{name}`")
    }
}

fn list(items: &[AstNode], between: &str) -> String {
    let items: Vec<String> = items.iter().map(text).collect();
    items.join(between)
}

fn object(pairs: &[(AstNode, AstNode)]) -> String {
    let pairs = pairs.iter();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{}: {}", text(key), text(value)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn lambda(params: &[String], body: &AstNode, signature: Option<&str>) -> String {
    let params: Vec<String> = params.iter().map(|name| format!("${name}")).collect();
    let signature = signature.unwrap_or_default();
    format!(
        "function({}){signature}{{ {} }}",
        params.join(", "),
        text(body)
    )
}

fn sorted(terms: &[(AstNode, bool)]) -> String {
    let terms = terms.iter().map(|(key, ascending)| {
        let sign = if *ascending { "" } else { ">" };
        format!("{sign}{}", text(key))
    });
    terms.collect::<Vec<_>>().join(", ")
}

fn path(steps: &[PathStep]) -> String {
    let mut whole = String::new();
    for (index, one) in steps.iter().enumerate() {
        if index > 0 && !matches!(one.node, AstNode::Sort { .. }) {
            whole.push('.');
        }
        whole.push_str(&step(one));
    }
    whole
}

fn step(step: &PathStep) -> String {
    let mut whole = text(&step.node);
    if let Some(name) = &step.focus {
        whole.push_str(&format!("@${name}"));
    }
    if let Some(name) = &step.index_var {
        whole.push_str(&format!("#${name}"));
    }
    for stage in &step.stages {
        whole.push_str(&match stage {
            Stage::Filter(filter) => format!("[{}]", text(filter)),
            Stage::KeepArray => "[]".to_owned(),
            Stage::Index(name) => format!("#${name}"),
        });
    }
    whole
}

fn binary(op: BinaryOp, lhs: &AstNode, rhs: &AstNode) -> String {
    let sign = match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "%",
        BinaryOp::Equal => "=",
        BinaryOp::NotEqual => "!=",
        BinaryOp::LessThan => "<",
        BinaryOp::LessThanOrEqual => "<=",
        BinaryOp::GreaterThan => ">",
        BinaryOp::GreaterThanOrEqual => ">=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Concatenate => "&",
        BinaryOp::Range => "..",
        BinaryOp::In => "in",
        BinaryOp::ColonEqual => ":=",
        BinaryOp::FocusBind => "@",
        BinaryOp::IndexBind => "#",
        BinaryOp::Coalesce => "??",
        BinaryOp::Default => "?:",
        BinaryOp::ChainPipe => "~>",
    };
    format!("{} {sign} {}", text(lhs), text(rhs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the evaluator is held against as well: every construct of the language.
    const EXPRESSIONS: &str = include_str!("../expression/conformance.txt");

    #[test]
    fn what_is_written_down_reads_as_it_did() {
        let mut read = 0;
        for source in EXPRESSIONS.lines().filter(|line| !line.is_empty()) {
            let Ok(tree) = jsonata_core::parser::parse(source) else {
                continue;
            };
            let written = text(&tree);
            let again = jsonata_core::parser::parse(&written);
            assert_eq!(again.ok().as_ref(), Some(&tree), "{source}\n{written}");
            read += 1;
        }
        assert!(read > 500, "{read}");
    }

    #[test]
    fn literals_and_names_are_quoted_where_they_must_be() {
        let check = |written: String, expected: &str| assert_eq!(written, expected);
        check(quoted("it"), "'it'");
        check(quoted("it's"), "\"it's\"");
        check(quoted("a\"b\\c\n"), r#""a\"b\\c\n""#);
        check(named("orderId"), "orderId");
        check(named("order-id"), "`order-id`");
        check(named("and"), "`and`");
        check(named("0"), "`0`");
    }
}

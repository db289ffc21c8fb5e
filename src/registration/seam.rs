//! What registration asks of the expression language, of schemas and of paths: whether a text of
//! theirs can be read at all.

use serde_json::Value;

use crate::schema::Schema;
use crate::workflow::expression::Expression;
use crate::workflow::paths::Path;

/// The names that expressions and paths find things under. Variables may not have them.
pub(super) use crate::workflow::paths::SCOPE_NAMES as SCOPES;

/// Why an expression does not parse.
pub(super) fn expression_error(source: &str) -> Option<String> {
    Expression::parse(source)
        .err()
        .map(|error| error.to_string())
}

/// Where a schema does not compile (a pointer into it), and why.
pub(super) fn schema_error(schema: &Value) -> Option<(String, String)> {
    let error = Schema::compile(schema).err()?;
    Some((error.pointer, error.message))
}

/// Why a text is no path.
pub(super) fn path_error(path: &str) -> Option<String> {
    Path::parse(path).err().map(|error| error.to_string())
}

/// The first key of a path.
pub(super) fn path_head(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

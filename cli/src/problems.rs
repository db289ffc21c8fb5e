//! Problems of definitions, with the file that each is in, for people and for programs.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use taskmill::problem::Problem;

/// A problem and its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// The file, as it was named or found.
    pub file: String,
    /// Whether it only may be wrong.
    #[serde(skip)]
    pub severity: Severity,
    /// What is wrong, and where in the file.
    #[serde(flatten)]
    pub problem: Problem,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The definition cannot be registered.
    Error,
    /// It can, but perhaps is not what was meant.
    Warning,
}

impl Located {
    /// The problems of a file.
    pub fn all(
        file: &Path,
        severity: Severity,
        problems: impl IntoIterator<Item = Problem>,
    ) -> Vec<Self> {
        let located = |problem| Self {
            file: file.display().to_string(),
            severity,
            problem,
        };
        problems.into_iter().map(located).collect()
    }

    /// `FILE:LINE: CODE POINTER: MESSAGE (did you mean "NAME"?)`.
    #[must_use]
    pub fn line(&self) -> String {
        let Problem {
            code,
            pointer,
            message,
            nearest,
            line,
        } = &self.problem;
        let line = line.map_or_else(String::new, |line| format!("{line}:"));
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let pointer = if pointer.is_empty() {
            String::new()
        } else {
            format!(" {pointer}")
        };
        let nearest = nearest.as_ref().map_or_else(String::new, |nearest| {
            format!(" (did you mean {nearest:?}?)")
        });
        format!(
            "{}:{line} {severity}{code}{pointer}: {message}{nearest}",
            self.file
        )
    }
}

/// A line a problem.
#[must_use]
pub fn text(problems: &[Located]) -> String {
    let lines: Vec<String> = problems.iter().map(Located::line).collect();
    lines.join("\n")
}

/// `{"problems": […], "warnings": […]}`.
#[must_use]
pub fn json(problems: &[Located]) -> Value {
    let of = |severity| {
        let found: Vec<&Located> = problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .collect();
        json!(found)
    };
    json!({"problems": of(Severity::Error), "warnings": of(Severity::Warning)})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(severity: Severity, problem: Problem, expected: &str) {
        let located = Located::all(Path::new("a.yaml"), severity, [problem]);
        assert_eq!(text(&located), expected);
    }

    #[test]
    fn are_a_line_each_with_what_is_known() {
        let problem = || Problem::new("UNKNOWN_FIELD", "/steps/0/nmae", "there is no field");
        check(
            Severity::Error,
            problem()
                .with_line(Some(7))
                .with_nearest(Some("name".to_owned())),
            "a.yaml:7: UNKNOWN_FIELD /steps/0/nmae: there is no field (did you mean \"name\"?)",
        );
        check(
            Severity::Warning,
            problem(),
            "a.yaml: warning: UNKNOWN_FIELD /steps/0/nmae: there is no field",
        );
        check(
            Severity::Error,
            Problem::new("EMPTY", "", "nothing here").with_line(Some(1)),
            "a.yaml:1: EMPTY: nothing here",
        );
    }

    #[test]
    fn are_apart_by_severity_as_json() {
        let problem = || Problem::new("EMPTY", "", "nothing here").with_line(Some(1));
        let mut all = Located::all(Path::new("a"), Severity::Error, [problem()]);
        all.extend(Located::all(Path::new("b"), Severity::Warning, [problem()]));
        let expected = |file: &str| json!([{"file": file, "code": "EMPTY", "pointer": "", "message": "nothing here", "line": 1}]);
        assert_eq!(
            json(&all),
            json!({"problems": expected("a"), "warnings": expected("b")})
        );
    }
}

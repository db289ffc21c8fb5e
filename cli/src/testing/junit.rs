//! The results of workflow tests in JUnit's form, for build servers.

use super::Outcome;

/// The results as a document.
pub fn document(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|one| !one.differences.is_empty());
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"taskmill\" tests=\"{}\" failures=\"{}\">\n",
        outcomes.len(),
        failed.count()
    );
    for outcome in outcomes {
        let (class, name) = (escaped(&outcome.file), escaped(&outcome.name));
        text += &format!("  <testcase classname=\"{class}\" name=\"{name}\"");
        if outcome.differences.is_empty() {
            text += "/>\n";
            continue;
        }
        let message = escaped(&outcome.differences.join("\n"));
        text += &format!(">\n    <failure>{message}</failure>\n  </testcase>\n");
    }
    text + "</testsuite>\n"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // XML has no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

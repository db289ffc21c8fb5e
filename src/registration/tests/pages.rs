//! The page of the language, held against the code: its definitions are good, and its expressions
//! give what it says.

use serde_json::{Value, json};

use crate::Timestamp;
use crate::registration::{check_together, read_text};
use crate::workflow::expression::{Expression, Facts, Scope};

const PAGE: &str = include_str!("../../../docs/workflow-language.md");

#[test]
fn every_definition_of_the_page_is_good() {
    let blocks: Vec<&str> = PAGE
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let reading = read_text(block);
        assert_eq!(reading.problems, [], "{block}");
        assert_eq!(check_together(&[reading]), [[]], "{block}");
    }
}

#[test]
fn every_expression_of_the_page_gives_what_it_says() {
    let table = PAGE
        .split("### Traps of JSONata")
        .nth(1)
        .expect("the page has the table");
    let given = table
        .split('`')
        .nth(1)
        .expect("the value stands before the table");
    let given: Value = serde_json::from_str(given).expect("it is JSON");
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line.split(" | ");
            let expression = cells.next().unwrap_or_default().trim_start_matches("| ");
            (code(expression), cells.next().unwrap_or_default())
        })
        .collect();
    assert!(rows.len() > 20, "the table was not found");
    for (source, says) in rows {
        let expression = Expression::parse(source).expect(source);
        let facts = Facts::new(Timestamp::default(), &[]);
        let gives = match expression.evaluate(&Scope::of(&given), &facts) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(value)) => format!("`{}`", json!(value)),
            Err(_) => "an error".to_owned(),
        };
        assert_eq!(gives, says, "{source}");
    }
}

/// The inside of Markdown's code: between single backticks, or double ones with a blank.
fn code(text: &str) -> &str {
    let inside = |mark: &str, end: &str| text.strip_prefix(mark)?.strip_suffix(end);
    inside("`` ", " ``")
        .or_else(|| inside("`", "`"))
        .unwrap_or(text)
}

//! What is hidden from whom, and that nothing of it is left.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The value as somebody with these clearances sees it.
fn shown(value: Value, schema: &Value, cleared: &[&str]) -> Value {
    let held: Vec<String> = cleared
        .iter()
        .map(|name| format!("{DATA_CLASSIFICATION}{name}"))
        .collect();
    Redaction::new(&held).by_schema(value, schema)
}

fn pii() -> Value {
    json!({ KEYWORD: "pii" })
}

#[test]
fn a_classified_field_is_hidden_from_those_who_are_not_cleared_for_it() {
    let schema = json!({"properties": {
        "name": {"type": "string", KEYWORD: "pii"},
        "card": {"type": "object", KEYWORD: "payment"},
        "total": {"type": "integer"},
    }});
    let order = json!({"name": "Ann Smith", "card": {"number": "4111"}, "total": 7, "more": true});
    let cases: [(&[&str], Value); 4] = [
        (&["pii", "payment"], order.clone()),
        (
            &["pii"],
            json!({"name": "Ann Smith", "card": MASK, "total": 7, "more": true}),
        ),
        (
            &[],
            json!({"name": MASK, "card": MASK, "total": 7, "more": true}),
        ),
        (
            &["PII", "pii2"],
            json!({"name": MASK, "card": MASK, "total": 7, "more": true}),
        ),
    ];
    for (cleared, expected) in cases {
        assert_eq!(
            shown(order.clone(), &schema, cleared),
            expected,
            "{cleared:?}"
        );
    }
}

#[test]
fn every_way_in_which_a_schema_may_be_about_a_value_counts() {
    let hidden = json!({"a": MASK});
    for schema in [
        json!({"properties": {"a": {"allOf": [true, pii()]}}}),
        json!({"properties": {"a": {"anyOf": [{"type": "null"}, pii()]}}}),
        json!({"oneOf": [{"properties": {"a": true}}, {"properties": {"a": pii()}}]}),
        json!({"if": {"required": ["b"]}, "then": {"properties": {"a": pii()}}}),
        json!({"if": false, "else": {"properties": {"a": pii()}}}),
        json!({"patternProperties": {"^z": pii()}}),
        json!({"additionalProperties": pii()}),
        json!({"unevaluatedProperties": pii()}),
        json!({"dependentSchemas": {"b": {"properties": {"a": pii()}}}}),
        json!({"properties": {"a": {"$ref": "#/$defs/secret"}}, "$defs": {"secret": pii()}}),
        json!({"$ref": "#one", "$defs": {"x": {"$anchor": "one", "properties": {"a": pii()}}}}),
        json!({"$dynamicRef": "#one",
            "$defs": {"x": {"$dynamicAnchor": "one", "properties": {"a": pii()}}}}),
        json!({"$ref": "other", "$defs": {"x": {"$id": "https://h/other",
            "properties": {"a": {"$ref": "#/$defs/y"}}, "$defs": {"y": pii()}}}}),
        json!({"properties": {"a": {KEYWORD: 7}}}),
    ] {
        assert_eq!(
            shown(json!({"a": "text"}), &schema, &[]),
            hidden,
            "{schema}"
        );
    }
    for schema in [
        json!({"items": pii()}),
        json!({"items": [pii()]}),
        json!({"prefixItems": [pii()]}),
        json!({"prefixItems": [], "unevaluatedItems": pii()}),
        json!({"contains": pii()}),
    ] {
        assert_eq!(
            shown(json!(["text"]), &schema, &[]),
            json!([MASK]),
            "{schema}"
        );
    }
}

#[test]
fn a_reference_that_leads_nowhere_or_round_hides_rather_than_shows() {
    let nowhere = json!({"properties": {"a": {"$ref": "#/$defs/none"}, "b": pii()}});
    let value = json!({"a": 1, "b": 2});
    assert_eq!(shown(value, &nowhere, &[]), json!({"a": MASK, "b": MASK}));
    let round = json!({"$ref": "#/$defs/tree", "$defs": {"tree": {
        "allOf": [{"$ref": "#/$defs/tree"}],
        "properties": {"name": pii(), "below": {"items": {"$ref": "#/$defs/tree"}}},
    }}});
    let tree = json!({"name": "top", "below": [{"name": "leaf", "n": 1}]});
    let expected = json!({"name": MASK, "below": [{"name": MASK, "n": 1}]});
    assert_eq!(shown(tree, &round, &[]), expected);
}

#[test]
fn what_was_hidden_is_hidden_in_what_is_shown_with_it() {
    let schema = json!({"properties": {"name": pii(), "pin": pii(), "small": pii()}});
    let mut redaction = Redaction::new(&[]);
    let input = json!({"name": "Ann Smith", "pin": 12345, "small": "no"});
    let _ = redaction.by_schema(input, &schema);
    let beside = json!({
        "variables": {"who": "Ann Smith", "Ann Smith": [12345, 1, "no"]},
        "error": "there is no Ann Smith here",
    });
    let expected = json!({
        "variables": {"who": MASK, MASK: [MASK, 1, "no"]},
        "error": "there is no *** here",
    });
    assert_eq!(redaction.elsewhere(beside), expected);
}

/// Values with a text that occurs nowhere else, at the places that a schema classifies.
fn with_secrets() -> impl Strategy<Value = (Value, Value)> {
    let plain = (any::<bool>(), "[a-m]{0,6}");
    let leaf = plain.prop_map(|(is_hidden, text)| match is_hidden {
        true => (json!("SECRET"), pii()),
        false => (json!(text), json!({"type": "string"})),
    });
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[n-z]{1,3}", inner.clone(), 0..4).prop_map(|fields| {
                let value: Map<String, Value> = fields
                    .iter()
                    .map(|(name, (value, _))| (name.clone(), value.clone()))
                    .collect();
                let schemas: Map<String, Value> = fields
                    .into_iter()
                    .map(|(name, (_, schema))| (name, schema))
                    .collect();
                (Value::Object(value), json!({"properties": schemas}))
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| {
                let (values, schemas): (Vec<Value>, Vec<Value>) = items.into_iter().unzip();
                (Value::Array(values), json!({"prefixItems": schemas}))
            }),
            inner.prop_map(|(value, schema)| (value, json!({"anyOf": [false, schema]}))),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_that_is_classified_is_left_and_nothing_else_is_taken((value, schema) in with_secrets()) {
        let hidden = shown(value.clone(), &schema, &[]);
        prop_assert!(!hidden.to_string().contains("SECRET"));
        let put_back = hidden.to_string().replace(MASK, "SECRET");
        prop_assert_eq!(&put_back, &value.to_string());
        prop_assert_eq!(shown(value.clone(), &schema, &["pii"]), value);
    }

    #[test]
    fn no_schema_breaks_the_walk(text in "[{}\\[\\]\":,$refa#/0-9]{0,60}") {
        let schema = serde_json::from_str(&text).unwrap_or_else(|_| json!({"$ref": text, KEYWORD: "x"}));
        let value = shown(json!({"a": [1, "b"]}), &schema, &[]);
        prop_assert!(!value.is_null());
    }
}

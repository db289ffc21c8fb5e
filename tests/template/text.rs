//! The text of `template.yaml`, read as JSON: `!Ref X` as `{"Ref": "X"}`, `!GetAtt A.B` as
//! `{"Fn::GetAtt": ["A", "B"]}`, every other `!Name` as `{"Fn::Name": …}`.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The template, read.
pub fn template() -> Value {
    let documents = Yaml::load_from_str(include_str!("../../template.yaml")).unwrap();
    assert_eq!(documents.len(), 1);
    json_of(&documents[0])
}

fn json_of(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(scalar) => of_scalar(scalar),
        Yaml::Sequence(items) => items.iter().map(json_of).collect(),
        Yaml::Mapping(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let name = name.as_str().expect("a name is a text").to_owned();
                (name, json_of(value))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, node) => call(&tag.suffix, json_of(node)),
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("CloudFormation would not read this: {node:?}")
        }
    }
}

fn of_scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => json!(value),
        Scalar::Integer(value) => json!(value),
        Scalar::FloatingPoint(value) => json!(value.into_inner()),
        Scalar::String(value) => json!(value),
    }
}

fn call(function: &str, argument: Value) -> Value {
    match (function, &argument) {
        ("Ref", _) => json!({ "Ref": argument }),
        ("GetAtt", Value::String(path)) => {
            let path: Vec<&str> = path.splitn(2, '.').collect();
            json!({ "Fn::GetAtt": path })
        }
        _ => json!({ format!("Fn::{function}"): argument }),
    }
}

/// The resources of a type, by their names in the template.
pub fn resources<'t>(template: &'t Value, kind: &str) -> BTreeMap<&'t str, &'t Value> {
    let all = template["Resources"].as_object().unwrap();
    all.iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), resource))
        .collect()
}

/// The resource that a value names by `!Ref`, `!GetAtt X.Arn` or `!Sub ${X.Arn}/more`, the last as
/// `X/more`; a text is what it says.
pub fn resource_of(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(name) = value["Ref"].as_str() {
        return name.to_owned();
    }
    if let Some(name) = value["Fn::GetAtt"][0].as_str() {
        return name.to_owned();
    }
    let text = value["Fn::Sub"]
        .as_str()
        .unwrap_or_else(|| panic!("{value} names nothing"));
    text.replace("${", "").replace(".Arn}", "").replace('}', "")
}

/// A name within a deployment: what follows the stack's in `!Sub ${AWS::StackName}-…`.
pub fn name_in_stack(value: &Value) -> &str {
    let text = value["Fn::Sub"].as_str().unwrap_or_default();
    let name = text.strip_prefix("${AWS::StackName}-");
    name.unwrap_or_else(|| panic!("{value} is not named after the stack"))
}

/// A value, or what it comes to in production.
pub fn in_production(value: &Value) -> &Value {
    match value["Fn::If"].as_array().map(Vec::as_slice) {
        Some([condition, in_production, _]) if condition == "IsProd" => in_production,
        _ => value,
    }
}

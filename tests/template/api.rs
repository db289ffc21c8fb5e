//! The HTTP API as it is deployed, held against its document: whom the gateway lets in, what pages
//! of other origins may send and see, and that there is none of it without an issuer.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskmill::limits;
use taskmill_api::{ClaimNames, document};

use super::text::{resources, template};

/// The functions, each with its role and its logs.
const FUNCTIONS: [[&str; 3]; 2] = [
    ["Api", "ApiRole", "ApiLogs"],
    ["ApiOperations", "ApiOperationsRole", "ApiOperationsLogs"],
];
/// What is served beside the operations of the document.
const PAGES: [&str; 2] = ["GET /", "GET /openapi.json"];

/// The operations of the document, each with its method and path.
fn operations(document: &Value) -> Vec<(String, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let of_path = item.as_object().unwrap().iter();
        of_path.map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    });
    operations.collect()
}

/// The keys of the routes with this way to know who asks.
fn routes(template: &Value, authorization: &str) -> BTreeSet<String> {
    let routes = resources(template, "AWS::ApiGatewayV2::Route").into_values();
    let routes = routes.map(|route| &route["Properties"]);
    let of_kind = routes.filter(|route| route["AuthorizationType"] == authorization);
    of_kind
        .map(|route| route["RouteKey"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn strangers_come_to_what_the_document_leaves_open_and_to_nothing_else() {
    let (template, document) = (template(), document::openapi());
    let operations = operations(&document);
    let is_open = |operation: &Value| operation.get("security") == Some(&json!([{}]));
    let open = operations
        .iter()
        .filter(|(.., operation)| is_open(operation))
        .map(|(method, path, _)| format!("{method} {path}"))
        .chain(PAGES.map(str::to_owned));
    assert_eq!(routes(&template, "NONE"), open.collect());
    let guarded = routes(&template, "JWT");
    for (method, path, operation) in operations {
        if !is_open(operation) {
            assert!(path.starts_with("/v1/"), "{path}");
            let route = format!("{method} /v1/{{proxy+}}");
            assert!(guarded.contains(&route), "{method} {path} has no route");
        }
    }
    assert!(
        guarded.iter().all(|route| route.contains(" /v1/")),
        "{guarded:?}"
    );
    for (name, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        let route = &route["Properties"];
        if route["AuthorizationType"] == "JWT" {
            assert_eq!(
                route["AuthorizerId"],
                json!({"Ref": "HttpApiAuthorizer"}),
                "{name}"
            );
        }
    }
    let settings = &template["Resources"]["HttpApiStage"]["Properties"]["RouteSettings"];
    let limited = settings.as_object().unwrap().keys().cloned();
    assert_eq!(limited.collect::<BTreeSet<_>>(), routes(&template, "NONE"));
}

/// Whether a route of the gateway has all addresses of a path, and none that others have as well.
fn is_of(route: &str, path: &str) -> bool {
    let (route, path) = (route.split('/'), path.split('/'));
    let is_any = |part: &str| part.starts_with('{');
    route.clone().count() == path.clone().count()
        && route
            .zip(path)
            .all(|(route, path)| is_any(route) || route == path)
}

#[test]
fn each_operation_comes_to_the_function_that_serves_it() {
    let (template, document) = (template(), document::openapi());
    let own = document::of_operations();
    let routes = resources(&template, "AWS::ApiGatewayV2::Route").into_values();
    let routes = routes.map(|route| &route["Properties"]);
    let to_operations = json!({"Fn::Sub": "integrations/${HttpApiOperations}"});
    let (theirs, others): (Vec<_>, Vec<_>) =
        routes.partition(|route| route["Target"] == to_operations);
    assert!(!theirs.is_empty() && !others.is_empty());
    for route in others {
        assert_eq!(
            route["Target"],
            json!({"Fn::Sub": "integrations/${HttpApiIntegration}"})
        );
    }
    let keys = theirs
        .iter()
        .map(|route| route["RouteKey"].as_str().unwrap());
    let keys: Vec<(&str, &str)> = keys.map(|key| key.split_once(' ').unwrap()).collect();
    let mut used: BTreeSet<&(&str, &str)> = BTreeSet::new();
    for (method, path, _) in operations(&document) {
        let is_theirs = own[path].get(method.to_lowercase()).is_some();
        let of_path = keys
            .iter()
            .filter(|(of, route)| *of == method && is_of(route, path));
        let of_path: Vec<_> = of_path.collect();
        assert_eq!(!of_path.is_empty(), is_theirs, "{method} {path}");
        used.extend(of_path);
    }
    assert_eq!(used.len(), keys.len(), "each route is some operation's");
}

#[test]
fn tokens_are_of_the_issuer_and_for_the_audience_that_are_named() {
    let template = template();
    let authorizer = &template["Resources"]["HttpApiAuthorizer"]["Properties"];
    assert_eq!(authorizer["AuthorizerType"], "JWT");
    assert_eq!(
        authorizer["JwtConfiguration"],
        json!({"Issuer": {"Ref": "JwtIssuer"}, "Audience": {"Ref": "JwtAudience"}})
    );
    assert_eq!(
        authorizer["IdentitySource"],
        json!(["$request.header.Authorization"])
    );
}

#[test]
fn without_an_issuer_there_is_nothing_of_the_api() {
    let template = template();
    let condition = &template["Conditions"]["ServesApi"];
    let none = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "JwtIssuer"}, ""]}]});
    assert_eq!(condition, &none);
    assert_eq!(template["Parameters"]["JwtIssuer"]["Default"], "");
    let all = template["Resources"].as_object().unwrap().iter();
    let of_api = all.filter(|(_, resource)| {
        let kind = resource["Type"].as_str().unwrap();
        let text = resource.to_string();
        kind.starts_with("AWS::ApiGatewayV2::")
            || ["HttpApi", "Api", "ApiRole", "ApiLogs", "ApiOperations"]
                .iter()
                .any(|name| text.contains(&format!("\"Ref\":\"{name}\"")))
    });
    let mut names = BTreeSet::from(["HttpApiLogs"]);
    for function in FUNCTIONS {
        names.extend(function);
    }
    names.extend(of_api.map(|(name, _)| name.as_str()));
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert_eq!(
            template["Resources"][name]["Condition"], "ServesApi",
            "{name}"
        );
    }
    assert_eq!(template["Outputs"]["ApiUrl"]["Condition"], "ServesApi");
}

#[test]
fn the_functions_are_told_which_claims_say_who_asks() {
    let template = template();
    let asked = RefCell::new(BTreeSet::new());
    let names = ClaimNames::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let asked = asked.into_inner();
    let defaults = [
        ("TENANT", names.tenant),
        ("USER", names.user),
        ("ROLES", names.roles),
        ("PERMISSIONS", names.permissions),
        ("ENVIRONMENT", names.environment),
    ];
    for [function, ..] in FUNCTIONS {
        let told = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let told = told.as_object().unwrap();
        let of_claims = told.keys().filter(|name| name.contains("_CLAIM_"));
        assert_eq!(of_claims.cloned().collect::<BTreeSet<_>>(), asked);
        for (variable, default) in &defaults {
            let parameter = told[&format!("TASKMILL_CLAIM_{variable}")]["Ref"].as_str();
            let parameter = parameter.unwrap();
            assert_eq!(
                template["Parameters"][parameter]["Default"], *default,
                "{parameter}"
            );
        }
    }
}

/// What one function signs another one checks.
#[test]
fn the_function_is_told_of_callbacks_what_the_one_that_signs_them_is() {
    let template = template();
    let variables = |name: &str| {
        let own = &template["Resources"][name]["Properties"]["Environment"]["Variables"];
        own.as_object().unwrap().clone()
    };
    let (api, signs) = (variables("Api"), variables("ExecuteTask"));
    let others = api.iter().filter(|(name, _)| !name.contains("_CLAIM_"));
    let others: BTreeSet<&str> = others.map(|(name, _)| name.as_str()).collect();
    let callbacks = ["TASKMILL_CALLBACK_KEYS", "TASKMILL_CALLBACK_URL"];
    assert_eq!(others, BTreeSet::from(callbacks));
    for name in callbacks {
        assert_eq!(api[name], signs[name], "{name}");
    }
}

/// The path of a callback holds its token, which is as good as an identity.
#[test]
fn no_access_log_has_a_path() {
    let template = template();
    let stage = &template["Resources"]["HttpApiStage"]["Properties"];
    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    let format: Value = serde_json::from_str(format).unwrap();
    let fields = format.as_object().unwrap().values();
    let fields: Vec<&str> = fields.map(|field| field.as_str().unwrap()).collect();
    assert!(fields.contains(&"$context.routeKey"));
    let paths = ["$context.path", "$context.customDomain.basePathMatched"];
    assert!(
        !fields.iter().any(|field| paths.contains(field)),
        "{fields:?}"
    );
}

#[test]
fn a_page_of_another_origin_may_send_and_see_what_the_document_has() {
    let (template, document) = (template(), document::openapi());
    let cors = &template["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"];
    assert_eq!(cors["Fn::If"][0], "AllowsOrigins");
    assert_eq!(cors["Fn::If"][2], json!({"Ref": "AWS::NoValue"}));
    let cors = &cors["Fn::If"][1];
    let listed = |field: &str| -> BTreeSet<String> {
        let words = cors[field].as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let (mut sent, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (method, _, operation) in operations(&document) {
        assert!(listed("AllowMethods").contains(&method), "{method}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let headers = parameters.filter(|parameter| parameter["in"] == "header");
        sent.extend(headers.map(|header| header["name"].as_str().unwrap().to_lowercase()));
        for response in operation["responses"].as_object().unwrap().values() {
            let headers = response["headers"].as_object().into_iter().flatten();
            seen.extend(headers.map(|(name, _)| name.to_lowercase()));
        }
    }
    sent.extend(["authorization", "content-type", "traceparent"].map(str::to_owned));
    assert_eq!(listed("AllowHeaders"), sent);
    // Who may not ask learns from the status, and a browser needs no challenge.
    seen.remove("www-authenticate");
    seen.insert("x-request-id".to_owned());
    assert_eq!(listed("ExposeHeaders"), seen);
}

#[test]
fn who_waits_is_answered_before_the_gateway_gives_up() {
    let template = template();
    for integration in resources(&template, "AWS::ApiGatewayV2::Integration").into_values() {
        let integration = &integration["Properties"];
        let gateway = integration["TimeoutInMillis"].as_u64().unwrap();
        assert!(gateway > limits::WAIT_SECONDS * 1000, "{gateway}");
        let function = template["Globals"]["Function"]["Timeout"].as_u64().unwrap();
        assert!(function * 1000 >= gateway, "{function} s");
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
    }
}

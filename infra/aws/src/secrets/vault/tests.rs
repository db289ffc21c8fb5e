//! Secrets against an AWS that a test scripts, on a clock that a test moves.

use std::time::Duration;

use super::*;
use crate::executor::testing::aws::{Answers, Aws};
use crate::executor::testing::{self, TENANT};
use crate::executor::{Failure, codes};
use crate::secrets::Secrets;

const SECRETS_MANAGER: &str = "secretsmanager";
const PARAMETER_STORE: &str = "ssm";

/// Answers of both services with a value that tells how often it was asked for.
const GIVEN: Answers = |operation, before| {
    let value = format!("value-{before}");
    match operation {
        "GetSecretValue" => (200, json!({"SecretString": value})),
        _ => (200, json!({"Parameter": {"Value": value}})),
    }
};

fn secrets(aws: &Aws, service: &str) -> Secrets {
    let place = VaultPlace::read(service, "taskmill/prod").unwrap().unwrap();
    let clock = Clock::anchored(Timestamp::default());
    let vault = Vault::new(place, &aws.sdk(), clock);
    Secrets::shared([("TASKMILL_SECRET_ACME__AT_HAND".into(), "at-hand".into())]).and_in(vault)
}

async fn reveal(secrets: &Secrets, tenant: &str, name: &str) -> Result<String, Error> {
    let tenant = TenantId::new(tenant).unwrap();
    let text = format!("{{{{secret:{name}}}}}");
    secrets.revealer(&tenant).reveal(&text).await
}

/// What was asked, of either service.
fn asked(aws: &Aws) -> Vec<Value> {
    [aws.asked("GetSecretValue"), aws.asked("GetParameter")].concat()
}

#[tokio::test(start_paused = true)]
async fn each_service_is_asked_in_its_own_way() {
    for (service, question, host) in [
        (
            SECRETS_MANAGER,
            json!({"SecretId": "taskmill/prod/acme/API_KEY"}),
            "https://secretsmanager.eu-central-1.amazonaws.com/",
        ),
        (
            PARAMETER_STORE,
            json!({"Name": "/taskmill/prod/acme/API_KEY", "WithDecryption": true}),
            "https://ssm.eu-central-1.amazonaws.com/",
        ),
    ] {
        let aws = Aws::answering(GIVEN);
        let value = reveal(&secrets(&aws, service), TENANT, "API_KEY").await;
        assert_eq!(value.as_deref(), Ok("value-0"));
        assert_eq!(asked(&aws), [question]);
        let request = aws.requests().remove(0);
        assert_eq!(request.uri(), host);
        let signature = request.headers().get("authorization").unwrap_or_default();
        let scope = format!("/eu-central-1/{service}/aws4_request");
        assert!(signature.contains(&scope), "{signature}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_for_a_minute_and_asked_for_again() {
    let aws = Aws::answering(GIVEN);
    let secrets = secrets(&aws, SECRETS_MANAGER);
    let mut seen = Vec::new();
    for wait in [0, KEPT_MILLIS - 1, 1, KEPT_MILLIS] {
        tokio::time::advance(Duration::from_millis(wait)).await;
        seen.push(reveal(&secrets, TENANT, "API_KEY").await.unwrap());
    }
    assert_eq!(seen, ["value-0", "value-0", "value-1", "value-2"]);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_run_at_one_time_ask_once() {
    let aws = Aws::answering(GIVEN);
    let secrets = secrets(&aws, PARAMETER_STORE);
    let attempts = (0..10).map(|_| reveal(&secrets, TENANT, "API_KEY"));
    for value in futures::future::join_all(attempts).await {
        assert_eq!(value.as_deref(), Ok("value-0"));
    }
    assert_eq!(asked(&aws).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_not_there_is_seen_as_soon_as_it_is() {
    let aws = Aws::answering(|_, before| match before {
        0 => (400, json!({"__type": "ResourceNotFoundException"})),
        _ => (200, json!({"SecretString": "late-value"})),
    });
    let secrets = secrets(&aws, SECRETS_MANAGER);
    assert!(reveal(&secrets, TENANT, "API_KEY").await.is_err());
    let value = reveal(&secrets, TENANT, "API_KEY").await;
    assert_eq!(value.as_deref(), Ok("late-value"));
}

#[tokio::test(start_paused = true)]
async fn what_is_at_hand_is_not_asked_for() {
    let aws = Aws::answering(GIVEN);
    let secrets = secrets(&aws, SECRETS_MANAGER);
    let value = reveal(&secrets, TENANT, "AT_HAND").await;
    assert_eq!(value.as_deref(), Ok("at-hand"));
    assert_eq!(asked(&aws), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn every_tenant_and_name_has_a_path_of_its_own() {
    let aws = Aws::answering(GIVEN);
    let secrets = secrets(&aws, SECRETS_MANAGER);
    for (tenant, name) in [("acme", "KEY"), ("acme-KEY", "KEY"), ("Acme", "KEY")] {
        reveal(&secrets, tenant, name).await.unwrap();
        let path = format!("taskmill/prod/{tenant}/{name}");
        assert_eq!(asked(&aws).pop(), Some(json!({"SecretId": path})));
    }
    let before = asked(&aws).len();
    for name in [".", "..", "../other/KEY", "a/b", "KEY:1", "KEY*", ""] {
        let error = reveal(&secrets, TENANT, name).await.unwrap_err();
        assert_eq!(Failure::from(error).code, codes::SECRET_NOT_FOUND, "{name}");
    }
    assert_eq!(asked(&aws).len(), before, "nobody is asked for these");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_a_code_and_says_whether_another_attempt_is_of_use() {
    let cases: [(&str, Answers, &str, bool); 10] = [
        (
            SECRETS_MANAGER,
            |_, _| (400, json!({"__type": "ResourceNotFoundException"})),
            codes::SECRET_NOT_FOUND,
            true,
        ),
        (
            PARAMETER_STORE,
            |_, _| (400, json!({"__type": "x#ParameterNotFound"})),
            codes::SECRET_NOT_FOUND,
            true,
        ),
        (
            SECRETS_MANAGER,
            |_, _| (200, json!({"SecretString": ""})),
            codes::SECRET_NOT_FOUND,
            true,
        ),
        (
            SECRETS_MANAGER,
            |_, _| (200, json!({"SecretBinary": "AAECAw=="})),
            codes::SECRET_NOT_TEXT,
            true,
        ),
        (
            PARAMETER_STORE,
            |_, _| {
                let message = "arn:aws:sts::1:role/x is not authorized";
                let kind = "AccessDeniedException";
                (400, json!({"__type": kind, "Message": message}))
            },
            codes::SECRET_ACCESS_DENIED,
            true,
        ),
        (
            SECRETS_MANAGER,
            |_, _| (400, json!({"__type": "InvalidRequestException"})),
            codes::SECRET_REFUSED,
            true,
        ),
        (
            PARAMETER_STORE,
            |_, _| (200, json!({"Parameter": {"Value": "123"}})),
            codes::SECRET_TOO_SHORT,
            true,
        ),
        (
            PARAMETER_STORE,
            |_, _| (400, json!({"__type": "ThrottlingException"})),
            codes::SECRETS_UNAVAILABLE,
            false,
        ),
        (
            SECRETS_MANAGER,
            |_, _| (503, json!({})),
            codes::SECRETS_UNAVAILABLE,
            false,
        ),
        (
            SECRETS_MANAGER,
            |_, _| (200, json!({"hunter2": true})),
            codes::SECRETS_UNAVAILABLE,
            false,
        ),
    ];
    for (service, answers, code, permanent) in cases {
        let aws = Aws::answering(answers);
        let error = reveal(&secrets(&aws, service), TENANT, "API_KEY").await;
        let failure = Failure::from(error.unwrap_err());
        assert_eq!((&*failure.code, failure.permanent), (code, permanent));
        for hidden in ["arn:", "hunter2"] {
            assert!(!failure.message.contains(hidden), "{}", failure.message);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_hidden_in_what_the_attempt_gives_back_and_in_debug_texts() {
    let aws = Aws::answering(|_, _| (200, json!({"SecretString": testing::TOKEN})));
    let secrets = secrets(&aws, SECRETS_MANAGER);
    let tenant = TenantId::new(TENANT).unwrap();
    let mut revealer = secrets.revealer(&tenant);
    let revealed = revealer.reveal("Bearer {{secret:API_KEY}}").await.unwrap();
    assert_eq!(revealed, format!("Bearer {}", testing::TOKEN));
    let redactor = revealer.into_redactor();
    assert_eq!(redactor.text(&revealed), "Bearer ***");
    let place = VaultPlace::read(SECRETS_MANAGER, "p").unwrap().unwrap();
    let vault = Vault::new(place, &aws.sdk(), Clock::system());
    vault.find(&tenant, "API_KEY").await.unwrap();
    let shown = format!("{secrets:?} {vault:?}");
    assert!(!shown.contains(testing::TOKEN), "{shown}");
}

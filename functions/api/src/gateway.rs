//! What the two functions have in common: an event of API Gateway is a request to a router, and the
//! router's answer is the event's.
//!
//! Every answer of a router here is a text in UTF-8, so that the conversions between encodings that
//! `lambda_http` brings are not needed: they are a fiftieth of a function's program.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Response;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::lambda_runtime;
use lambda_http::request::LambdaRequest;
use lambda_http::{Error, LambdaEvent, service_fn};
use taskmill_app::{boot, telemetry};
use tower::ServiceExt as _;

use crate::{Api, Authority, ClaimNames};

/// Serves a part of the API to a gateway whose authorizer has checked the callers' tokens.
///
/// # Errors
/// The environment lacks something that the function needs, or the runtime ends.
pub async fn serve(part: fn(Api) -> Router) -> Result<(), Error> {
    telemetry::init();
    let app = boot::function()?;
    let claims = ClaimNames::read(|name| std::env::var(name).ok());
    let router = part(Api::new(app, Authority::Gateway(claims)));
    let answered = service_fn(async |event: LambdaEvent<LambdaRequest>| {
        let request: Request<lambda_http::Body> = event.payload.into();
        let Ok(response) = router.clone().oneshot(request.map(Body::new)).await;
        event_of(response).await
    });
    lambda_runtime::run(answered).await
}

async fn event_of(response: Response) -> Result<ApiGatewayV2httpResponse, Error> {
    let (parts, body) = response.into_parts();
    // What the gateway does not take is refused before it comes here.
    let bytes = to_bytes(body, usize::MAX).await?;
    let text = String::from_utf8(bytes.into())?;
    let mut event = ApiGatewayV2httpResponse::default();
    event.status_code = i64::from(parts.status.as_u16());
    event.headers = parts.headers;
    event.body = Some(lambda_http::Body::Text(text));
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[tokio::test]
    async fn an_answer_is_the_events() {
        let headers = [("etag", "\"1\""), ("content-type", "application/json")];
        let response = (axum::http::StatusCode::CREATED, headers, "{\"ü\":1}");
        let event = event_of(response.into_response()).await.unwrap();
        let event = serde_json::to_value(event).unwrap();
        assert_eq!(event["statusCode"], 201);
        assert_eq!(event["headers"]["etag"], "\"1\"");
        assert_eq!(event["body"], "{\"ü\":1}");
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[tokio::test]
    async fn a_request_is_the_events() {
        let event = serde_json::json!({
            "version": "2.0",
            "routeKey": "POST /v1/{proxy+}",
            "rawPath": "/v1/tasks",
            "rawQueryString": "limit=1&cursor=a%2Fb",
            "headers": { "if-match": "\"1\"", "content-type": "application/json" },
            "body": "eyLDvCI6MX0=",
            "isBase64Encoded": true,
            "requestContext": {
                "http": { "method": "POST", "path": "/v1/tasks" },
            },
        });
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let request: Request<lambda_http::Body> = request.into();
        let request = request.map(Body::new);
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().path(), "/v1/tasks");
        assert_eq!(request.uri().query(), Some("limit=1&cursor=a%2Fb"));
        assert_eq!(request.headers()["if-match"], "\"1\"");
        let bytes = to_bytes(request.into_body(), 100).await.unwrap();
        assert_eq!(&bytes[..], "{\"ü\":1}".as_bytes());
    }
}

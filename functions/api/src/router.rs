//! The router: every resource, and what is around all of them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use taskmill::Timestamp;
use taskmill_app::App;
use uuid::Uuid;

use crate::identity::Authority;
use crate::{pages, request, routes};

/// What every handler finds: the use cases, and who has checked the caller's token.
#[derive(Debug, Clone)]
pub struct Api {
    app: App,
    authority: Arc<Authority>,
}

impl Api {
    /// The API of these use cases.
    #[must_use]
    pub fn new(app: App, authority: Authority) -> Self {
        Self {
            app,
            authority: Arc::new(authority),
        }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock().now()
    }

    /// An id for a request that has none.
    pub(crate) fn fresh_id(&self) -> String {
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0);
        let at = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, nanos);
        Uuid::new_v7(at).to_string()
    }
}

/// The whole API.
pub fn router(api: Api) -> Router {
    let routes = routes::resources().merge(routes::operations());
    answering(routes.merge(pages::routes()), api)
}

/// The part of the function `api`: what is registered, read and worked on, and the pages.
pub fn resources(api: Api) -> Router {
    answering(routes::resources().merge(pages::routes()), api)
}

/// The part of the function `api-operations`: what sets workflows going or changes their course.
pub fn operations(api: Api) -> Router {
    answering(routes::operations(), api)
}

fn answering(routes: Router<Api>, api: Api) -> Router {
    routes
        .fallback(request::nowhere)
        .layer(from_fn(request::known_method))
        .layer(from_fn_with_state(api.clone(), request::answer))
        .with_state(api)
}

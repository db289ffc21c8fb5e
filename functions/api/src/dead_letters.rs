//! Dead letters of the caller's tenant, for who administers them there.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use taskmill_app::tenants_letters as letters;
use taskmill_aws::queues::QueueName;
use utoipa::IntoParams;

use crate::answer;
use crate::document::Overseeing;
use crate::identity::Who;
use crate::parameters::{Fields, Id, LetterId};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::letters::{DeadLetter, DeadLetterSummary, DeadLetters};
use crate::wire::words::QueueWord;

/// Where dead letters are looked for.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LetterFields {
    /// Among those of this queue; of all queues without it.
    #[param(inline, value_type = Option<QueueWord>)]
    pub queue: Option<QueueName>,
}

impl LetterFields {
    fn queues(self) -> Vec<QueueName> {
        self.queue
            .map_or_else(|| QueueName::ALL.to_vec(), |queue| vec![queue])
    }
}

/// Lists the dead letters of the caller's tenant. They stay where they are.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "dead-letters", operation_id = "listDeadLetters",
    params(LetterFields),
    responses((status = 200, description = "The letters.", body = DeadLetters), Overseeing),
)]
pub(crate) async fn list_dead_letters(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<LetterFields>,
) -> Result<Response, Problem> {
    let listed = letters::list(api.app(), &caller, &fields.queues()).await?;
    Ok(answer::ok(
        json!({"items": listed.letters, "more": listed.more}),
    ))
}

/// Shows a dead letter with all that it says.
#[utoipa::path(
    get, path = "/v1/dead-letters/{id}", tag = "dead-letters", operation_id = "getDeadLetter",
    params(("id" = String, Path), LetterFields),
    responses((status = 200, description = "The letter.", body = DeadLetter), Overseeing),
)]
pub(crate) async fn get_dead_letter(
    State(api): State<Api>,
    Who(caller): Who,
    Id(LetterId(id)): Id<LetterId>,
    Fields(fields): Fields<LetterFields>,
) -> Result<Response, Problem> {
    let letter = letters::show(api.app(), &caller, &fields.queues(), &id).await?;
    Ok(answer::ok(letter))
}

/// Sends a dead letter back to the queue that it was on. It is gone from here then.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/redrive", tag = "dead-letters",
    operation_id = "redriveDeadLetter",
    params(("id" = String, Path), LetterFields),
    responses((status = 200, description = "It is sent.", body = DeadLetterSummary), Overseeing),
)]
pub(crate) async fn redrive_dead_letter(
    State(api): State<Api>,
    Who(caller): Who,
    Id(LetterId(id)): Id<LetterId>,
    Fields(fields): Fields<LetterFields>,
) -> Result<Response, Problem> {
    let sent = letters::redrive(api.app(), &caller, &fields.queues(), &id).await?;
    Ok(answer::ok(sent))
}

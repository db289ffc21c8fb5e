//! The queues of groups of workers that poll: made when a definition first names the group, one
//! for each tenant, so that no tenant receives what is another's.
//!
//! Such a queue has no dead letters. What is on it are hints, and nothing here handles them: one
//! that nobody follows comes back until it is too old, and the look at a task that waits sends
//! another.

use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::{Message as Received, QueueAttributeName};
use taskmill::ids::{TenantId, WorkerGroup};

use crate::payloads::ContentHash;
use crate::queues::{Error, Execute, Message, QueueName, Queues};

/// Seconds for which an offer is hidden that a worker received: until then it begins, or others see
/// it again.
pub const OFFERED_SECONDS: u32 = 60;
/// Characters of a queue's name, as SQS limits them.
const NAME_CHARS: usize = 80;
/// Characters of a name that tell one tenant's group from all others.
const TAG_CHARS: usize = 16;

/// An attempt that a worker may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The message, as it came.
    pub body: String,
    /// What takes it off the queue.
    pub receipt: String,
}

/// The name of a group's queue in a deployment whose queues' names begin with `prefix`. A long name
/// is cut; what ends it derives from tenant and group.
#[must_use]
pub fn name_of(prefix: &str, tenant: &TenantId, group: &WorkerGroup) -> String {
    let tag = ContentHash::of(&format!("{tenant}/{group}")).to_string();
    let mut name = format!("{prefix}worker-{group}");
    name.truncate(NAME_CHARS - 1 - TAG_CHARS);
    format!("{name}-{}", &tag[..TAG_CHARS])
}

impl Queues {
    /// The URL of a group's queue: beside the others.
    fn group_url(&self, tenant: &TenantId, group: &WorkerGroup) -> String {
        let beside = self.urls().of(QueueName::Execute);
        let (place, name) = beside.rsplit_once('/').unwrap_or(("", beside));
        let own = QueueName::Execute.as_str();
        let prefix = name.strip_suffix(own).unwrap_or_default();
        format!("{place}/{}", name_of(prefix, tenant, group))
    }

    /// Makes the queue of a group, unless it is there.
    ///
    /// # Errors
    /// The request failed.
    pub async fn make_group(&self, tenant: &TenantId, group: &WorkerGroup) -> Result<(), Error> {
        let url = self.group_url(tenant, group);
        let made = self
            .client()
            .create_queue()
            .queue_name(url.rsplit('/').next().unwrap_or_default())
            .attributes(
                QueueAttributeName::VisibilityTimeout,
                OFFERED_SECONDS.to_string(),
            )
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            // Somebody set it up otherwise since.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_queue_name_exists()) =>
            {
                Ok(())
            }
            Err(error) => Err(failed(group, &error)),
        }
    }

    /// Offers an attempt to a group. A queue that is gone is made anew, where that is allowed: on
    /// one machine it lives as long as the process.
    ///
    /// # Errors
    /// A request failed.
    pub async fn offer(&self, execute: &Execute, group: &WorkerGroup) -> Result<(), Error> {
        let message = Message::Execute(execute.clone());
        let body = message.to_body(self.place_of(&message));
        let tenant = &execute.tenant_id;
        let send = || {
            let url = self.group_url(tenant, group);
            let request = self.client().send_message().queue_url(url);
            request.message_body(&body).send()
        };
        let Err(error) = send().await else {
            return Ok(());
        };
        let is_gone = error
            .as_service_error()
            .is_some_and(|e| e.is_queue_does_not_exist());
        if !is_gone {
            return Err(failed(group, &error));
        }
        self.make_group(tenant, group).await?;
        let sent = send().await;
        sent.map(drop).map_err(|error| failed(group, &error))
    }

    /// Receives what is offered to a group, at most ten at a time, and waits up to twenty seconds
    /// for the first. None where the group has no queue.
    ///
    /// # Errors
    /// The request failed.
    pub async fn offers(
        &self,
        tenant: &TenantId,
        group: &WorkerGroup,
        most: u8,
        wait_seconds: u8,
    ) -> Result<Option<Vec<Offer>>, Error> {
        let received = self
            .client()
            .receive_message()
            .queue_url(self.group_url(tenant, group))
            .max_number_of_messages(most.into())
            .visibility_timeout(i32::try_from(OFFERED_SECONDS).unwrap_or(i32::MAX))
            .wait_time_seconds(wait_seconds.into())
            .send()
            .await;
        match received {
            Ok(received) => {
                let messages = received.messages.unwrap_or_default();
                Ok(Some(messages.into_iter().map(Offer::from).collect()))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_queue_does_not_exist()) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(group, &error)),
        }
    }

    /// Takes an offer off the queue.
    ///
    /// # Errors
    /// The request failed.
    pub async fn take_off(
        &self,
        tenant: &TenantId,
        group: &WorkerGroup,
        receipt: &str,
    ) -> Result<(), Error> {
        let deleted = self
            .client()
            .delete_message()
            .queue_url(self.group_url(tenant, group))
            .receipt_handle(receipt)
            .send()
            .await;
        deleted.map(drop).map_err(|error| failed(group, &error))
    }
}

impl From<Received> for Offer {
    fn from(message: Received) -> Self {
        Self {
            body: message.body.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
        }
    }
}

fn failed<E>(group: &WorkerGroup, error: &SdkError<E>) -> Error
where
    E: std::error::Error + 'static,
{
    Error::Group {
        group: group.to_string(),
        reason: DisplayErrorContext(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_queue_is_a_tenants_own_and_has_a_name_that_sqs_takes() {
        let tenant = |name: &str| TenantId::new(name).unwrap();
        let group = |name: &str| WorkerGroup::new(name).unwrap();
        let (acme, long) = (tenant("acme"), "g".repeat(32));
        let name = name_of("prod-", &acme, &group("gpu"));
        assert_eq!(name, "prod-worker-gpu-015e93d3a0b23f46");
        let others = [
            name_of("prod-", &tenant("umbrella"), &group("gpu")),
            name_of("prod-", &acme, &group("gpu2")),
            name_of("prod-", &tenant("a"), &group("b-c")),
            name_of("prod-", &tenant("a-b"), &group("c")),
        ];
        for (number, one) in others.iter().enumerate() {
            assert!(!others[..number].contains(one) && *one != name, "{one}");
        }
        for prefix in ["", &format!("{}-", "s".repeat(52))] {
            let name = name_of(prefix, &tenant(&"t.".repeat(32)), &group(&long));
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            assert!(
                name.len() <= NAME_CHARS && name.chars().all(allowed),
                "{name}"
            );
            assert!(name.starts_with(&format!("{prefix}worker-g")), "{name}");
        }
    }
}

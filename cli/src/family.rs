//! Which workflows belong to those that are watched, and where: children are told by the path of
//! their step.

use std::collections::HashMap;

use taskmill::ids::WorkflowId;
use taskmill_aws::store::{Error, Store};

/// Workflows and their children, at any depth.
pub struct Family<'a> {
    store: &'a Store,
    /// What leads to each, with a slash behind it; none of those that do not belong here.
    known: HashMap<WorkflowId, Option<String>>,
}

impl<'a> Family<'a> {
    /// The family of these workflows.
    pub fn of(store: &'a Store, workflows: &[WorkflowId]) -> Self {
        let known = workflows.iter().map(|id| (*id, Some(String::new())));
        Self {
            store,
            known: known.collect(),
        }
    }

    /// The members that were seen so far, and what leads to each.
    pub fn known(&self) -> Vec<(WorkflowId, String)> {
        let members = self.known.iter();
        let members = members.filter_map(|(id, prefix)| Some((*id, prefix.clone()?)));
        members.collect()
    }

    /// What leads to a workflow; none when it does not belong here, or there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn prefix_of(&mut self, id: Option<WorkflowId>) -> Result<Option<String>, Error> {
        let mut unknown = Vec::new();
        let mut next = id;
        let mut prefix = None;
        while let Some(id) = next {
            if let Some(known) = self.known.get(&id) {
                prefix.clone_from(known);
                break;
            }
            let workflow = self.store.workflow(id).await?;
            let parent = workflow.and_then(|workflow| workflow.parent);
            next = parent.as_ref().map(|parent| parent.workflow_id);
            unknown.push((id, parent));
        }
        for (id, parent) in unknown.into_iter().rev() {
            prefix = match (prefix, parent) {
                (Some(prefix), Some(parent)) => Some(format!("{prefix}{}/", parent.path)),
                (Some(_), None) | (None, _) => None,
            };
            self.known.insert(id, prefix.clone());
        }
        Ok(prefix)
    }
}

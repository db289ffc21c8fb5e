//! What a decision asks for, done in the world of the tests.

use super::super::*;
use super::World;
use crate::workflow::frontier::Cancelling;

impl World {
    pub(super) fn perform(&mut self, id: WorkflowId, effect: Effect) {
        match effect {
            Effect::CreateTask(task) => {
                let path = task.context.task_path.clone().unwrap();
                if task.status.is_terminal() {
                    self.trace.push(format!("{path} {}", task.status.as_str()));
                }
                let earlier = self.tasks.insert(task.id, *task);
                assert_eq!(earlier, None, "the task of {path} is created once");
            }
            Effect::CancelTask(id) => {
                let task = self.tasks.get_mut(&id).expect("the task is there");
                if task.status.is_terminal() {
                    let is_known = !self.late.contains(&id);
                    assert!(!is_known, "what is known to be over is not cancelled");
                    return;
                }
                task.status = TaskStatus::Cancelled;
                let path = task.context.task_path.clone().unwrap();
                self.trace.push(format!("{path} CANCELLED"));
            }
            Effect::StartChild(child) => {
                self.children.insert(child.id, *child);
            }
            Effect::RefuseChild { id, error } => panic!("{id} cannot be started: {error:?}"),
            Effect::StartBatch(batch) => {
                if self.records.contains_key(&batch.id) {
                    return;
                }
                let mut created = *batch;
                let items = self.items[&created.id].clone();
                created.batch.as_mut().unwrap().items = items;
                let plan = self.plan.clone();
                let decision = Fold::start(&plan, created, facts(self.now)).finish();
                self.commit(None, decision.unwrap());
            }
            Effect::Ask(of, event) => {
                self.ask(of, &event);
                if let Event::Handed(_) = *event {
                    self.told.push_back((of, id));
                }
            }
            Effect::TellParent(parent) => self.told.push_back((id, parent.id)),
            Effect::Wake(time) => {
                self.wakes.insert((time, id));
            }
            Effect::Undo(_) => panic!("a decision creates the task itself"),
        }
    }

    fn ask(&mut self, id: WorkflowId, event: &Event) {
        if self.records.contains_key(&id) {
            self.fold(id, event);
            return;
        }
        // What is said to a batch that was given up before it was created is lost; a look creates
        // it, and says it again.
        let Event::Operation(operation) = event else {
            return;
        };
        let word = operation.ask.as_str();
        if let Some(child) = self.children.get(&id).cloned() {
            self.asked.push(format!("{} {word}", child.parent.path));
            if word == "cancel" {
                self.children.remove(&id);
                self.trace.push(format!("{} CANCELLED", child.parent.path));
            }
        }
    }

    /// Everything that was to be cancelled is, by now, or had completed.
    pub(super) fn cancels_done(&mut self, id: WorkflowId) {
        let over = self.records[&id].course.cancelling.clone();
        if over.is_empty() {
            return;
        }
        for one in &over {
            let completed = match one {
                Cancelling::Task(id) => {
                    let task = self.tasks.get(id);
                    assert!(task.is_none_or(|task| task.status.is_terminal()));
                    let task = task.filter(|task| task.status == TaskStatus::Completed);
                    task.map(|task| Event::TaskEnded(Box::new(task.into())))
                }
                Cancelling::Child(id) => {
                    assert!(!self.children.contains_key(id));
                    let end = self.ended.get(id).cloned();
                    end.map(|end| Event::ChildEnded(Box::new(end)))
                }
            };
            if let Some(event) = completed {
                self.fold(id, &event);
            }
        }
        self.fold(id, &Event::CancelsDone(over));
    }
}

//! Paths: steps and predicates. Sorting is in `sort`, grouping in `group`.
//!
//! A path maps its input step by step into a sequence. Where it carries names (`@$x`, `#$i`, and
//! what `%` needs) it is a stream of values, each with a place for the names that lead to it.

use super::Error;
use super::machine::{Env, Machine};
use super::syntax::{Node, Path, Stage, Step, What};
use super::value::{Array, Kind, Val};

/// What a path gives before its names are dropped.
pub(super) enum Stream<'a> {
    Values(Val<'a>),
    Carrying(Vec<Carrier<'a>>),
}

/// A value, and the place of the names that lead to it.
#[derive(Clone)]
pub(super) struct Carrier<'a> {
    pub(super) value: Val<'a>,
    pub(super) env: Env,
}

impl<'a> Machine<'a> {
    /// What a path gives.
    pub(super) fn path(&self, path: &'a Path, input: &Val<'a>, env: Env) -> Result<Val<'a>, Error> {
        let value = match self.steps(path, input, env)? {
            Stream::Values(value) => value,
            Stream::Carrying(carriers) => {
                self.meter.steps(carriers.len())?;
                Val::sequence(carriers.into_iter().map(|carrier| carrier.value).collect())?
            }
        };
        match value {
            Val::Array(array) if path.kept => match array.kind {
                Kind::Constructed => {
                    Val::sequence(vec![Val::Array(array)]).map(|value| value.of_kind(Kind::Kept))
                }
                Kind::Plain => Ok(Val::Array(array)),
                Kind::Sequence | Kind::Kept | Kind::Wrapper => {
                    Ok(Val::Array(array.of_kind(Kind::Kept)))
                }
            },
            other => Ok(other),
        }
    }

    /// What a node gives, with the names that it carries where it is a path that carries some.
    pub(super) fn stream(
        &self,
        node: &'a Node,
        input: &Val<'a>,
        env: Env,
    ) -> Result<Stream<'a>, Error> {
        let _level = self.meter.enter()?;
        match node {
            Node::Path(path) if path.steps.iter().any(|step| step.carries) => {
                self.steps(path, input, env)
            }
            _ => self.eval_raw(node, input, env).map(Stream::Values),
        }
    }

    /// The same where the path is the last of a block.
    fn inner_stream(&self, node: &'a Node, input: &Val<'a>, env: Env) -> Result<Stream<'a>, Error> {
        let Node::Block(nodes) = node else {
            return self.stream(node, input, env);
        };
        let env = self.frame(env)?;
        let Some((last, before)) = nodes.split_last() else {
            return Ok(Stream::Values(Val::Nothing));
        };
        for node in before {
            self.eval(node, input, env)?;
        }
        let _level = self.meter.enter()?;
        self.inner_stream(last, input, env)
    }

    fn steps(&self, path: &'a Path, input: &Val<'a>, env: Env) -> Result<Stream<'a>, Error> {
        let absolute = matches!(
            path.steps.first().map(|step| &step.what),
            Some(What::Node(Node::Variable(_) | Node::Input | Node::Root))
        );
        let mut values = match input {
            Val::Array(array) if !absolute => array.clone(),
            input => Array::made(vec![input.clone()], Kind::Sequence)?,
        };
        let mut carriers: Option<Vec<Carrier<'a>>> = None;
        for (index, step) in path.steps.iter().enumerate() {
            if step.carries || carriers.is_some() {
                carriers = Some(self.carrying_step(step, &values, carriers, env)?);
                continue;
            }
            let given = match &step.what {
                What::Node(node @ Node::Array(_)) if index == 0 => {
                    self.eval(node, &Val::Array(values), env)?
                }
                _ => self.step(step, &values, path.steps.len() == index + 1, env)?,
            };
            match given {
                Val::Nothing => return Ok(Stream::Values(Val::Nothing)),
                Val::Array(array) if array.len() == 0 => {
                    return Ok(Stream::Values(Val::Array(array)));
                }
                given => values = given.into_items()?,
            }
        }
        Ok(match carriers {
            Some(carriers) => Stream::Carrying(carriers),
            None => Stream::Values(Val::Array(values)),
        })
    }

    fn step(
        &self,
        step: &'a Step,
        values: &Array<'a>,
        is_last: bool,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let node = match &step.what {
            What::Node(node) => node,
            What::Sort(terms) => {
                let mut sorted = self.sorted_values(terms, values, env)?;
                for filter in filters(&step.stages) {
                    sorted = self.filter(filter, sorted, env)?;
                }
                return Ok(sorted);
            }
        };
        let mut results = Vec::with_capacity(values.len());
        for item in values.iter() {
            let mut result = self.eval(node, &item, env)?;
            for filter in filters(&step.stages) {
                result = self.filter(filter, result, env)?;
            }
            if !result.is_nothing() {
                results.push(result);
            }
        }
        self.flattened(results, is_last)
    }

    /// The results of a step as one sequence: arrays dissolve, but for those that were
    /// constructed in the path and for the only one at its end.
    fn flattened(&self, mut results: Vec<Val<'a>>, is_last: bool) -> Result<Val<'a>, Error> {
        if let (true, [Val::Array(only)]) = (is_last, results.as_slice())
            && !only.is_sequence()
        {
            return Ok(results.pop().unwrap_or(Val::Nothing));
        }
        let dissolves =
            |value: &Val<'a>| matches!(value, Val::Array(array) if array.kind != Kind::Constructed);
        if !results.iter().any(dissolves) {
            return Val::sequence(results);
        }
        let mut flat = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Val::Array(array) if array.kind != Kind::Constructed => {
                    self.meter.steps(array.len())?;
                    flat.extend(array.iter());
                }
                other => flat.push(other),
            }
        }
        Val::sequence(flat)
    }

    /// What a predicate leaves of a value.
    pub(super) fn filter(
        &self,
        filter: &'a Node,
        value: Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        if value.is_nothing() {
            return Ok(Val::Nothing);
        }
        let items = value.into_items()?;
        if let Node::Number(position) = filter {
            return match position_in(*position, items.len()).and_then(|at| items.get(at)) {
                Some(Val::Array(inner)) => Ok(Val::Array(inner)),
                Some(item) => Val::sequence(vec![item]),
                None => Val::sequence(Vec::new()),
            };
        }
        let mut left = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let wanted = self.eval(filter, &item, env)?;
            for _ in 0..self.times_selected(&wanted, index, items.len())? {
                self.meter.steps(1)?;
                left.push(item.clone());
            }
        }
        Val::sequence(left)
    }

    /// How often a predicate's value selects the item at a place: numbers are places.
    fn times_selected(&self, wanted: &Val<'a>, index: usize, len: usize) -> Result<usize, Error> {
        let is_here = |number: f64| position_in(number, len) == Some(index);
        match wanted {
            Val::Number(number) if !number.is_nan() => Ok(usize::from(is_here(*number))),
            Val::Array(array) if array.len() > 0 && array.iter().all(|item| is_number(&item)) => {
                self.meter.steps(array.len())?;
                let hits = array
                    .iter()
                    .filter(|item| matches!(item, Val::Number(number) if is_here(*number)));
                Ok(hits.count())
            }
            Val::Array(array) if array.len() == 0 => Ok(0),
            other => other.is_true(&self.meter).map(usize::from),
        }
    }

    fn carrying_step(
        &self,
        step: &'a Step,
        values: &Array<'a>,
        carriers: Option<Vec<Carrier<'a>>>,
        env: Env,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        let mut results = match (&step.what, carriers) {
            (What::Sort(terms), Some(carriers)) => self.sorted_carriers(terms, carriers)?,
            (What::Sort(terms), None) => {
                let sorted = self.sorted_values(terms, values, env)?;
                self.carriers_of(step, sorted, env)?
            }
            (What::Node(node), carriers) => {
                let carriers = match carriers {
                    Some(carriers) => carriers,
                    None => values.iter().map(|value| Carrier { value, env }).collect(),
                };
                self.carry(step, node, carriers)?
            }
        };
        for stage in &step.stages {
            results = match stage {
                Stage::Filter(filter) => self.filter_carriers(filter, results)?,
                Stage::Index(name) => self.number_carriers(name, results)?,
            };
        }
        Ok(results)
    }

    /// Carriers of a sort's results, numbered where the step says so.
    fn carriers_of(
        &self,
        step: &'a Step,
        values: Val<'a>,
        env: Env,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        let mut carriers = Vec::new();
        for (index, value) in values.into_items()?.iter().enumerate() {
            let env = self.carried_frame(env)?;
            if let Some(name) = &step.index {
                self.bind(env, name, number(index))?;
            }
            carriers.push(Carrier { value, env });
        }
        Ok(carriers)
    }

    fn carry(
        &self,
        step: &'a Step,
        node: &'a Node,
        carriers: Vec<Carrier<'a>>,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        let mut results = Vec::new();
        for carrier in carriers {
            let place = self.carried_frame(carrier.env)?;
            let given = match step.carries_inner {
                true => self.inner_stream(node, &carrier.value, place)?,
                false => Stream::Values(self.eval(node, &carrier.value, place)?),
            };
            match given {
                Stream::Carrying(inner) => {
                    for Carrier { value, env } in inner {
                        let place_of_inner = self.carried_frame(carrier.env)?;
                        for (name, value) in self.carried(env, place)? {
                            self.bind(place_of_inner, name, value)?;
                        }
                        results.push(Carrier {
                            value,
                            env: place_of_inner,
                        });
                    }
                }
                Stream::Values(value) => self.carry_values(step, &carrier, value, &mut results)?,
            }
        }
        Ok(results)
    }

    fn carry_values(
        &self,
        step: &'a Step,
        from: &Carrier<'a>,
        value: Val<'a>,
        results: &mut Vec<Carrier<'a>>,
    ) -> Result<(), Error> {
        let value = value.unwrapped();
        if value.is_nothing() {
            return Ok(());
        }
        for (index, value) in value.into_items()?.iter().enumerate() {
            let env = self.carried_frame(from.env)?;
            if let Some(name) = &step.index {
                self.bind(env, name, number(index))?;
            }
            if let Some(label) = &step.ancestor {
                self.bind(env, label, from.value.clone())?;
            }
            let value = match &step.focus {
                Some(name) => {
                    self.bind(env, name, value)?;
                    from.value.clone()
                }
                None => value,
            };
            results.push(Carrier { value, env });
        }
        Ok(())
    }

    fn filter_carriers(
        &self,
        filter: &'a Node,
        carriers: Vec<Carrier<'a>>,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        let len = carriers.len();
        if let Node::Number(position) = filter {
            let found = position_in(*position, len).and_then(|at| carriers.into_iter().nth(at));
            return Ok(found.into_iter().collect());
        }
        let mut left = Vec::new();
        for (index, carrier) in carriers.into_iter().enumerate() {
            let wanted = self.eval(filter, &carrier.value, carrier.env)?;
            for _ in 0..self.times_selected(&wanted, index, len)? {
                self.meter.steps(1)?;
                left.push(carrier.clone());
            }
        }
        Ok(left)
    }

    fn number_carriers(
        &self,
        name: &'a str,
        carriers: Vec<Carrier<'a>>,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        let mut numbered = Vec::with_capacity(carriers.len());
        for (index, Carrier { value, env }) in carriers.into_iter().enumerate() {
            let env = self.carried_frame(env)?;
            self.bind(env, name, number(index))?;
            numbered.push(Carrier { value, env });
        }
        Ok(numbered)
    }
}

fn filters(stages: &[Stage]) -> impl Iterator<Item = &Node> {
    stages.iter().filter_map(|stage| match stage {
        Stage::Filter(filter) => Some(filter),
        Stage::Index(_) => None,
    })
}

/// The place that a number means: rounded down, from the end when negative.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number outside the array is sorted out before it is converted"
)]
fn position_in(number: f64, len: usize) -> Option<usize> {
    let floor = number.floor();
    let place = if floor < 0.0 {
        floor + len as f64
    } else {
        floor
    };
    (place >= 0.0 && place < len as f64).then_some(place as usize)
}

#[expect(clippy::cast_precision_loss, reason = "no array has 2^53 items")]
fn number<'a>(index: usize) -> Val<'a> {
    Val::Number(index as f64)
}

fn is_number(value: &Val<'_>) -> bool {
    matches!(value, Val::Number(_))
}

//! `{…}`: objects, and grouping by key.

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::Error;
use super::machine::{Env, Machine};
use super::path::{Carrier, Stream};
use super::syntax::Pair;
use super::value::{Array, Kind, Text, Val};

/// Members by key, with the pair whose key it is.
type Groups<'a, T> = IndexMap<Text<'a>, (usize, Vec<T>)>;

impl<'a> Machine<'a> {
    /// `{key: value, …}` over what a node gave.
    pub(super) fn group(
        &self,
        pairs: &'a [Pair],
        stream: Stream<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        match stream {
            Stream::Values(value) => self.group_values(pairs, value, env),
            Stream::Carrying(carriers) => self.group_carriers(pairs, carriers, env),
        }
    }

    /// `{key: value, …}` over a value: items of one key are put together.
    pub(super) fn group_values(
        &self,
        pairs: &'a [Pair],
        value: Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let items = match value {
            Val::Array(array) if array.len() > 0 => array,
            Val::Array(_) => Array::made(vec![Val::Nothing], Kind::Sequence)?,
            lone => Array::made(vec![lone], Kind::Sequence)?,
        };
        let mut groups: Groups<'a, Val<'a>> = IndexMap::new();
        for item in items.iter() {
            for (index, pair) in pairs.iter().enumerate() {
                let key = self.eval(&pair.key, &item, env)?;
                self.add_to_group(&mut groups, key, index, item.clone())?;
            }
        }
        let mut fields = IndexMap::with_capacity(groups.len());
        for (key, (index, members)) in groups {
            let context = self.together(members)?;
            let value = self.eval(&pairs[index].value, &context, env)?;
            if !value.is_nothing() {
                fields.insert(key, value);
            }
        }
        Val::object(fields)
    }

    fn group_carriers(
        &self,
        pairs: &'a [Pair],
        carriers: Vec<Carrier<'a>>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        let mut groups: Groups<'a, Carrier<'a>> = IndexMap::new();
        for carrier in carriers {
            for (index, pair) in pairs.iter().enumerate() {
                let key = self.eval(&pair.key, &carrier.value, carrier.env)?;
                self.add_to_group(&mut groups, key, index, carrier.clone())?;
            }
        }
        let mut fields = IndexMap::with_capacity(groups.len());
        for (key, (index, members)) in groups {
            let (context, place) = self.merged(members, env)?;
            let value = self.eval(&pairs[index].value, &context, place)?;
            if !value.is_nothing() {
                fields.insert(key, value);
            }
        }
        Val::object(fields)
    }

    fn add_to_group<T>(
        &self,
        groups: &mut Groups<'a, T>,
        key: Val<'a>,
        pair: usize,
        member: T,
    ) -> Result<(), Error> {
        let key = match key {
            Val::Nothing => return Ok(()),
            Val::Text(key) => key,
            _ => {
                return Err(Error::coded(
                    "T1003",
                    "the key of an object is not a string",
                ));
            }
        };
        self.meter.steps(2)?;
        self.meter.reading(key.len())?;
        match groups.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((pair, vec![member]));
            }
            Entry::Occupied(mut entry) if entry.get().0 == pair => entry.get_mut().1.push(member),
            Entry::Occupied(_) => {
                return Err(Error::coded(
                    "D1009",
                    "two keys of an object constructor come to the same",
                ));
            }
        }
        Ok(())
    }

    /// One member as it is; several as one array.
    fn together(&self, mut members: Vec<Val<'a>>) -> Result<Val<'a>, Error> {
        if members.len() == 1 {
            return Ok(members.pop().unwrap_or(Val::Nothing));
        }
        let mut all = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Val::Nothing => {}
                Val::Array(array) => {
                    self.meter.steps(array.len())?;
                    all.extend(array.iter());
                }
                lone => all.push(lone),
            }
        }
        Val::array(all)
    }

    /// The members of a group as one value, and a place where each name stands for all of its
    /// values.
    fn merged(&self, members: Vec<Carrier<'a>>, env: Env) -> Result<(Val<'a>, Env), Error> {
        let mut names: IndexMap<&'a str, Vec<Val<'a>>> = IndexMap::new();
        let mut values = Vec::with_capacity(members.len());
        for member in members {
            let carried: IndexMap<_, _> = self.carried(member.env, env)?.into_iter().collect();
            for (name, value) in carried {
                names.entry(name).or_default().push(value);
            }
            values.push(member.value);
        }
        let place = self.frame(env)?;
        for (name, values) in names {
            let value = self.together(values)?;
            self.bind(place, name, value)?;
        }
        Ok((self.together(values)?, place))
    }
}

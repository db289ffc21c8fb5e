//! `^(…)`: sorting by keys.

use super::Error;
use super::machine::{Env, Machine};
use super::path::Carrier;
use super::syntax::Term;
use super::value::{Array, Val};

impl<'a> Machine<'a> {
    /// `^(…)` over values.
    pub(super) fn sorted_values(
        &self,
        terms: &'a [Term],
        values: &Array<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        if values.len() <= 1 {
            return Ok(Val::Array(values.clone()));
        }
        let carriers = values.iter().map(|value| Carrier { value, env }).collect();
        let sorted = self.sorted_carriers(terms, carriers)?;
        Val::array(sorted.into_iter().map(|carrier| carrier.value).collect())
    }

    /// `^(…)` over values that carry names.
    pub(super) fn sorted_carriers(
        &self,
        terms: &'a [Term],
        carriers: Vec<Carrier<'a>>,
    ) -> Result<Vec<Carrier<'a>>, Error> {
        if carriers.len() <= 1 {
            return Ok(carriers);
        }
        let mut keyed = Vec::with_capacity(carriers.len());
        for carrier in carriers {
            let mut keys = Vec::with_capacity(terms.len());
            for term in terms {
                keys.push(self.eval(&term.key, &carrier.value, carrier.env)?);
            }
            keyed.push((keys, carrier));
        }
        let sorted = self.merge_sorted(keyed, &mut |one, two| {
            self.comes_after(terms, &one.0, &two.0)
        })?;
        Ok(sorted.into_iter().map(|(_, carrier)| carrier).collect())
    }

    /// Whether the first must come after the second.
    fn comes_after(&self, terms: &[Term], one: &[Val<'a>], two: &[Val<'a>]) -> Result<bool, Error> {
        for (term, (one, two)) in terms.iter().zip(one.iter().zip(two)) {
            let order = match (one, two) {
                (Val::Nothing, Val::Nothing) => continue,
                (Val::Nothing, _) => return Ok(true),
                (_, Val::Nothing) => return Ok(false),
                (Val::Number(one), Val::Number(two)) => one.total_cmp(two),
                (Val::Text(one), Val::Text(two)) => {
                    self.meter.reading(one.len().min(two.len()))?;
                    (**one).cmp(&**two)
                }
                (Val::Number(_), Val::Text(_)) | (Val::Text(_), Val::Number(_)) => {
                    return Err(sort_error(
                        "T2007",
                        "the keys of a sort are of different types",
                    ));
                }
                _ => {
                    return Err(sort_error(
                        "T2008",
                        "a key of a sort is not a number or string",
                    ));
                }
            };
            if order.is_ne() {
                return Ok(order.is_gt() != term.descending);
            }
        }
        Ok(false)
    }

    /// A stable merge sort by a comparison that may fail.
    pub(super) fn merge_sorted<T>(
        &self,
        mut items: Vec<T>,
        comes_after: &mut impl FnMut(&T, &T) -> Result<bool, Error>,
    ) -> Result<Vec<T>, Error> {
        if items.len() <= 1 {
            return Ok(items);
        }
        let right = items.split_off(items.len() / 2);
        let mut left = self
            .merge_sorted(items, comes_after)?
            .into_iter()
            .peekable();
        let mut right = self
            .merge_sorted(right, comes_after)?
            .into_iter()
            .peekable();
        let mut merged = Vec::with_capacity(left.len() + right.len());
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            self.meter.steps(1)?;
            let next = match comes_after(one, two)? {
                true => right.next(),
                false => left.next(),
            };
            merged.extend(next);
        }
        merged.extend(left);
        merged.extend(right);
        Ok(merged)
    }
}

fn sort_error(code: &'static str, message: &str) -> Error {
    Error::coded(code, message).or_token(|| Some("^".to_owned()))
}

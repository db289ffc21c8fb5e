//! Pages of lists: how much, from where, and what comes after.

use serde::Serialize;
use taskmill::codes::refusal;
use taskmill::limits;
use taskmill_app::lists::Wanted;
use taskmill_app::refusal::Fault;
use taskmill_aws::store::{self, Page, PageRequest};

use crate::problem::Problem;

/// Entries of a page when nobody says how many.
const USUAL: usize = 100;

/// The page that is asked for.
pub(crate) fn wanted(limit: Option<usize>, cursor: Option<String>) -> Result<Wanted, Problem> {
    let limit = limit.unwrap_or(USUAL);
    if (1..=limits::PAGE_ENTRIES).contains(&limit) {
        return Ok(Wanted { limit, cursor });
    }
    let most = limits::PAGE_ENTRIES;
    let detail = format!("limit is 1 to {most}, not {limit}");
    Err(Problem::new(refusal::OUT_OF_RANGE, detail))
}

/// The same for a list of which the store knows the order.
pub(crate) fn request(
    limit: Option<usize>,
    cursor: Option<String>,
) -> Result<PageRequest, Problem> {
    let Wanted { limit, cursor } = wanted(limit, cursor)?;
    Ok(match cursor {
        None => PageRequest::first(limit),
        Some(cursor) => PageRequest::after(limit, cursor),
    })
}

/// A page that the store does not give.
pub(crate) fn refused(error: store::Error) -> Problem {
    Fault::from(error).into()
}

/// A page as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<T> From<Page<T>> for List<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.items,
            next_cursor: page.next,
        }
    }
}

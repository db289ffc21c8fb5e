//! The functions of the language: their names, their signatures and where they are.
//!
//! A function is given its arguments as its signature fits them, and counts what it makes.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Error;
use super::machine::Machine;
use super::signature::Signature;
use super::value::{Text, Val};

mod array;
mod higher;
mod number;
mod object;
mod parse;
mod pattern;
mod text;
mod time;
mod world;

pub(super) use pattern::first_match;

/// One function of the language.
#[derive(Debug)]
pub(super) struct Builtin {
    signature: Option<Signature>,
    /// How many arguments it looks at when it is called back.
    pub(super) arity: usize,
    missing: Missing,
    run: Run,
}

type Arguments<'a, 'v> = &'v [Val<'a>];
type Run = for<'a> fn(&Machine<'a>, Arguments<'a, '_>) -> Result<Val<'a>, Error>;

/// What a missing first argument means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// The function gives nothing.
    Nothing,
    /// The function decides.
    Given,
}

use Missing::{Given, Nothing};

#[rustfmt::skip]
const TABLE: &[(&str, &str, usize, Missing, Run)] = &[
    ("sum", "<a<n>:n>", 1, Nothing, number::sum),
    ("count", "<a:n>", 1, Given, array::count),
    ("max", "<a<n>:n>", 1, Nothing, number::max),
    ("min", "<a<n>:n>", 1, Nothing, number::min),
    ("average", "<a<n>:n>", 1, Nothing, number::average),
    ("string", "<x-b?:s>", 1, Nothing, text::string),
    ("substring", "<s-nn?:s>", 3, Nothing, text::substring),
    ("substringBefore", "<s-s:s>", 2, Nothing, text::substring_before),
    ("substringAfter", "<s-s:s>", 2, Nothing, text::substring_after),
    ("lowercase", "<s-:s>", 1, Nothing, text::lowercase),
    ("uppercase", "<s-:s>", 1, Nothing, text::uppercase),
    ("length", "<s-:n>", 1, Nothing, text::length),
    ("trim", "<s-:s>", 1, Nothing, text::trim),
    ("pad", "<s-ns?:s>", 3, Nothing, text::pad),
    ("match", "<s-f<s:o>n?:a<o>>", 3, Nothing, pattern::matches),
    ("contains", "<s-(sf):b>", 2, Nothing, pattern::contains),
    ("replace", "<s-(sf)(sf)n?:s>", 4, Nothing, pattern::replace),
    ("split", "<s-(sf)n?:a<s>>", 3, Nothing, pattern::split),
    ("join", "<a<s>s?:s>", 2, Nothing, text::join),
    ("formatNumber", "<n-so?:s>", 3, Nothing, number::format_number),
    ("formatBase", "<n-n?:s>", 2, Nothing, number::format_base),
    ("formatInteger", "<n-s:s>", 2, Nothing, time::format_integer),
    ("parseInteger", "<s-s:n>", 2, Nothing, time::parse_integer),
    ("number", "<(nsb)-:n>", 1, Nothing, number::number),
    ("floor", "<n-:n>", 1, Nothing, number::floor),
    ("ceil", "<n-:n>", 1, Nothing, number::ceil),
    ("round", "<n-n?:n>", 2, Nothing, number::round),
    ("abs", "<n-:n>", 1, Nothing, number::abs),
    ("sqrt", "<n-:n>", 1, Nothing, number::sqrt),
    ("power", "<n-n:n>", 2, Nothing, number::power),
    ("random", "<n?:n>", 0, Given, world::random),
    ("boolean", "<x-:b>", 1, Nothing, object::boolean),
    ("not", "<x-:b>", 1, Nothing, object::not),
    ("map", "<af>", 2, Nothing, higher::map),
    ("zip", "<a+>", 0, Given, array::zip),
    ("filter", "<af>", 2, Nothing, higher::filter),
    ("single", "<af?>", 2, Nothing, higher::single),
    ("reduce", "<afj?:j>", 3, Nothing, higher::reduce),
    ("sift", "<o-f?:o>", 2, Nothing, higher::sift),
    ("keys", "<x-:a<s>>", 1, Nothing, object::keys),
    ("lookup", "<x-s:x>", 2, Nothing, object::lookup),
    ("append", "<xx:a>", 2, Given, array::append),
    ("exists", "<x:b>", 1, Given, object::exists),
    ("spread", "<x-:a<o>>", 1, Nothing, object::spread),
    ("merge", "<a<o>:o>", 1, Nothing, object::merge),
    ("reverse", "<a:a>", 1, Nothing, array::reverse),
    ("each", "<o-f:a>", 2, Nothing, higher::each),
    ("error", "<s?:x>", 1, Given, object::error),
    ("assert", "<bs?:x>", 2, Given, object::assert),
    ("type", "<x:s>", 1, Nothing, object::type_of),
    ("sort", "<af?:a>", 2, Nothing, higher::sort),
    ("shuffle", "<a:a>", 1, Nothing, world::shuffle),
    ("distinct", "<x:x>", 1, Nothing, array::distinct),
    ("base64encode", "<s-:s>", 1, Nothing, text::base64encode),
    ("base64decode", "<s-:s>", 1, Nothing, text::base64decode),
    ("encodeUrlComponent", "<s-:s>", 1, Nothing, text::encode_url_component),
    ("encodeUrl", "<s-:s>", 1, Nothing, text::encode_url),
    ("decodeUrlComponent", "<s-:s>", 1, Nothing, text::decode_url_component),
    ("decodeUrl", "<s-:s>", 1, Nothing, text::decode_url),
    ("eval", "<sx?:x>", 2, Given, world::eval),
    ("toMillis", "<s-s?:n>", 2, Nothing, time::to_millis),
    ("fromMillis", "<n-s?s?:s>", 3, Nothing, time::from_millis),
    ("clone", "<(oa)-:o>", 1, Nothing, object::clone),
    ("now", "<s?s?:s>", 2, Given, time::now),
    ("millis", "<:n>", 0, Given, time::millis),
    // Step Functions' additions.
    ("partition", "<an:a<a>>", 2, Nothing, array::partition),
    ("range", "<nnn:a<n>>", 3, Nothing, array::range),
    ("hash", "<xs:s>", 2, Nothing, world::hash),
    ("uuid", "<:s>", 0, Given, world::uuid),
    ("parse", "<s-:x>", 1, Nothing, parse::parse),
];

static BUILTINS: LazyLock<HashMap<&'static str, Builtin>> = LazyLock::new(|| {
    let rows = TABLE.iter().map(|&(name, signature, arity, missing, run)| {
        let builtin = Builtin {
            signature: Signature::parse(signature),
            arity,
            missing,
            run,
        };
        (name, builtin)
    });
    rows.collect()
});

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.get(name)
}

/// Whether a function of this name takes its first argument from the context when it is given so
/// many.
pub(crate) fn needs_context(name: &str, given: usize) -> bool {
    let signature = find(name).and_then(|builtin| builtin.signature.as_ref());
    signature.is_some_and(|signature| signature.needs_context(given))
}

/// The names of all functions.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, ..)| *name)
}

impl Builtin {
    /// Calls the function. `context` stands in for an argument that is left out.
    pub(super) fn call<'a>(
        &self,
        machine: &Machine<'a>,
        arguments: Vec<Val<'a>>,
        context: &Val<'a>,
    ) -> Result<Val<'a>, Error> {
        let arguments = match &self.signature {
            Some(signature) => signature.fit(machine, arguments, context)?,
            None => arguments,
        };
        let lacks_first = arguments.first().is_some_and(Val::is_nothing);
        match (self.missing, lacks_first) {
            (Missing::Nothing, true) => Ok(Val::Nothing),
            _ => (self.run)(machine, &arguments),
        }
    }
}

/// The text at a place among the arguments, where there is one.
fn text_at<'a, 'v>(arguments: &'v [Val<'a>], place: usize) -> Option<&'v Text<'a>> {
    match arguments.get(place) {
        Some(Val::Text(text)) => Some(text),
        _ => None,
    }
}

/// The number at a place among the arguments, where there is one.
fn number_at(arguments: &[Val<'_>], place: usize) -> Option<f64> {
    match arguments.get(place) {
        Some(Val::Number(number)) => Some(*number),
        _ => None,
    }
}

/// The items of the array at a place among the arguments; of anything else, none.
fn items_at<'a, 'v>(arguments: &'v [Val<'a>], place: usize) -> Option<&'v super::value::Array<'a>> {
    match arguments.get(place) {
        Some(Val::Array(items)) => Some(items),
        _ => None,
    }
}

/// An error of the library, from its code on.
fn library_error(message: &str) -> Error {
    let coded = message.char_indices().find(|(at, first)| {
        let code = message.as_bytes().get(*at..*at + 6);
        matches!(first, 'D' | 'S' | 'T' | 'U')
            && code.is_some_and(|code| code[1..5].iter().all(u8::is_ascii_digit) && code[5] == b':')
    });
    Error::new(&message[coded.map_or(0, |(at, _)| at)..])
}

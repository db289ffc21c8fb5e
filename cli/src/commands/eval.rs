//! `taskmill eval`: tries an expression, with the functions and limits of the engine.

use taskmill::workflow::expression::{Expression, Facts, Scope};
use taskmill_aws::clock::Clock;

use crate::args::{EvalArgs, Format};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;

/// Prints what an expression gives over an input; nothing, when it gives nothing.
///
/// # Errors
/// The input cannot be read.
pub fn eval(args: &EvalArgs) -> Result<Exit, Error> {
    let input = Source::of(&args.input).read()?;
    let expression = match Expression::parse(&args.expression) {
        Ok(expression) => expression,
        Err(error) => {
            return Ok(tell(&error.message, error.position, error.token.as_deref()));
        }
    };
    let facts = Facts::new(Clock::system().now(), &[args.expression.as_bytes()]);
    match expression.evaluate(&Scope::of(&input), &facts) {
        Ok(Some(value)) => output::print(&value, Format::Json)?,
        Ok(None) => output::note("the expression gives nothing"),
        Err(error) => {
            return Ok(tell(&error.message, error.position, error.token.as_deref()));
        }
    }
    Ok(Exit::Done)
}

fn tell(message: &str, position: Option<usize>, token: Option<&str>) -> Exit {
    let at = position.map_or(String::new(), |at| format!(" at character {at}"));
    let token = token.map_or(String::new(), |token| format!(", at {token:?}"));
    output::note(&format!("EXPRESSION_ERROR{at}: {message}{token}"));
    Exit::NotCompleted
}

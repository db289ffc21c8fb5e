//! `taskmill token`: a development token, for the API of `taskmill dev` on the same folder.

use taskmill_aws::clock::Clock;

use crate::args::TokenArgs;
use crate::exit::{Error, Exit};
use crate::{development, output};

/// Prints a token.
///
/// # Errors
/// The folder has no key.
pub fn token(args: TokenArgs) -> Result<Exit, Error> {
    let key = development::kept(&args.data)?;
    let caller = args.who.caller(&args.tenant);
    let token = key.token(&caller, Clock::system().now(), args.expires_in);
    output::print_text(&format!("{token}\n"))?;
    Ok(Exit::Done)
}

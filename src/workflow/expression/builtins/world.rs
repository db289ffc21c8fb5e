//! What other implementations read from the world: here it derives from the decision's facts.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use uuid::Builder;

use super::{Arguments, Error, items_at, number_at, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::Val;

impl Machine<'_> {
    /// The next draw of this evaluation: another each time, the same when it is repeated.
    fn draw(&self) -> Result<[u8; 32], Error> {
        self.meter.steps(4)?;
        let count = self.draws.get();
        self.draws.set(count + 1);
        Ok(Sha256::new_with_prefix(self.facts.seed)
            .chain_update(count.to_be_bytes())
            .finalize()
            .into())
    }
}

/// `$random()`, and Step Functions' `$random(seed)`, which gives one number for one seed.
pub(super) fn random<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let bytes = match number_at(arguments, 0) {
        Some(seed) => Sha256::digest(seed.to_be_bytes()).into(),
        None => machine.draw()?,
    };
    Ok(Val::Number(fraction(bytes)))
}

pub(super) fn uuid<'a>(machine: &Machine<'a>, _: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    let mut random = [0; 16];
    random.copy_from_slice(&machine.draw()?[..16]);
    machine.meter.text(36)?;
    let id = Builder::from_random_bytes(random).into_uuid();
    Ok(Val::text(id.to_string()))
}

pub(super) fn shuffle<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(items) = items_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    machine.meter.steps(items.len())?;
    let mut items: Vec<_> = items.iter().collect();
    for last in (1..items.len()).rev() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a fraction of a length is a place below it"
        )]
        let other = (fraction(machine.draw()?) * (last + 1) as f64) as usize;
        items.swap(last, other.min(last));
    }
    Val::array(items)
}

/// Step Functions' `$hash`: in hexadecimal, of a text or of a value's JSON.
pub(super) fn hash<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(value), Some(algorithm)) = (arguments.first(), text_at(arguments, 1)) else {
        return Err(Error::new(
            "$hash takes a value and the name of an algorithm",
        ));
    };
    let text = machine.string(value)?;
    machine.meter.reading(text.len().saturating_mul(4))?;
    let hash = match &**algorithm {
        "MD5" => Md5::digest(&*text).to_vec(),
        "SHA-1" => Sha1::digest(&*text).to_vec(),
        "SHA-256" => Sha256::digest(&*text).to_vec(),
        "SHA-384" => Sha384::digest(&*text).to_vec(),
        "SHA-512" => Sha512::digest(&*text).to_vec(),
        _ => {
            return Err(Error::new(
                "the algorithm of $hash is not MD5, SHA-1, SHA-256, SHA-384 or SHA-512",
            ));
        }
    };
    machine.meter.text(hash.len() * 2)?;
    Ok(Val::text(
        hash.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    ))
}

/// An expression that makes expressions could not be checked when it is registered.
pub(super) fn eval<'a>(_: &Machine<'a>, _: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Err(Error::new("$eval is not available"))
}

/// A number from 0 to below 1, of 53 bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn fraction(bytes: [u8; 32]) -> f64 {
    const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    (u64::from_be_bytes(first) >> 11) as f64 * UNIT
}

//! Function signatures: which arguments a function takes, and how they are fitted to it.
//!
//! `<s-nn?:s>` reads: a string, else the context; a number; perhaps a number; gives a string
//! (which is not checked). Fitting wraps a lone value where an array is taken.

use super::Error;
use super::machine::Machine;
use super::value::Val;

/// Parameters of one signature, at most.
const MOST_PARAMS: usize = 16;

/// What a function takes.
#[derive(Debug)]
pub(super) struct Signature(Vec<Param>);

#[derive(Debug)]
struct Param {
    /// Symbols of the types that it takes, `m` for a missing value among them.
    accepts: String,
    is_array: bool,
    /// The type of an array's items.
    items: Option<char>,
    optional: bool,
    repeated: bool,
    /// Filled from the context when it is left out.
    from_context: bool,
}

impl Signature {
    /// Reads a signature; none when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix('<')?.strip_suffix('>')?;
        let mut chars = inner.chars().peekable();
        let mut params: Vec<Param> = Vec::new();
        while let Some(symbol) = chars.next() {
            match symbol {
                ':' => break,
                '-' => {
                    let param = params.last_mut()?;
                    (param.from_context, param.optional) = (true, true);
                }
                '?' => params.last_mut()?.optional = true,
                '+' => params.last_mut()?.repeated = true,
                '(' => {
                    let choice: String = chars.by_ref().take_while(|next| *next != ')').collect();
                    params.push(Param::choice(&choice)?);
                }
                '<' => {
                    let nested: String = chars.by_ref().take_while(|next| *next != '>').collect();
                    params.last_mut()?.items = nested.chars().next();
                }
                symbol => params.push(Param::new(symbol)?),
            }
        }
        (params.len() <= MOST_PARAMS).then_some(Self(params))
    }

    /// Whether so few arguments leave the first one to the context.
    pub(super) fn needs_context(&self, given: usize) -> bool {
        let needed = self.0.iter().filter(|param| !param.optional).count();
        self.0.first().is_some_and(|first| first.from_context) && given <= needed
    }

    /// The arguments as the function takes them.
    pub(super) fn fit<'a>(
        &self,
        machine: &Machine<'a>,
        arguments: Vec<Val<'a>>,
        context: &Val<'a>,
    ) -> Result<Vec<Val<'a>>, Error> {
        machine.meter.steps(arguments.len())?;
        let symbols: Vec<char> = arguments.iter().map(symbol).collect();
        let shares = self.shares(&symbols).ok_or_else(|| {
            Error::coded(
                "T0410",
                "the arguments do not match the function's signature",
            )
        })?;
        let mut given = arguments.into_iter();
        let mut fitted = Vec::with_capacity(self.0.len());
        for (param, share) in self.0.iter().zip(shares) {
            if share == 0 && param.from_context {
                fitted.push(param.context(context)?);
            } else if share == 0 {
                fitted.push(given.next().unwrap_or(Val::Nothing));
            }
            for argument in given.by_ref().take(share) {
                fitted.push(param.fit(machine, argument)?);
            }
        }
        Ok(fitted)
    }

    /// How many arguments each parameter takes: as many as it can, from the first on, as long
    /// as the others can be satisfied.
    fn shares(&self, symbols: &[char]) -> Option<Vec<usize>> {
        let possible = self.possible(symbols);
        let fits = |param: usize, at: usize| possible[param][at];
        let mut at = 0;
        if !fits(0, 0) {
            return None;
        }
        let mut shares = Vec::with_capacity(self.0.len());
        for (index, param) in self.0.iter().enumerate() {
            let most = match param.repeated {
                true => symbols.len() - at,
                false => 1.min(symbols.len() - at),
            };
            let taken = symbols[at..]
                .iter()
                .take(most)
                .take_while(|symbol| param.accepts.contains(**symbol))
                .count();
            let share = (0..=taken)
                .rev()
                .find(|share| (*share > 0 || param.optional) && fits(index + 1, at + share))?;
            shares.push(share);
            at += share;
        }
        Some(shares)
    }

    /// Whether the parameters from one on can take exactly the arguments from one on.
    fn possible(&self, symbols: &[char]) -> Vec<Vec<bool>> {
        let mut table = vec![vec![false; symbols.len() + 1]; self.0.len() + 1];
        table[self.0.len()][symbols.len()] = true;
        for (index, param) in self.0.iter().enumerate().rev() {
            for at in (0..=symbols.len()).rev() {
                let takes = symbols
                    .get(at)
                    .is_some_and(|symbol| param.accepts.contains(*symbol));
                let after =
                    takes && (table[index + 1][at + 1] || (param.repeated && table[index][at + 1]));
                table[index][at] = after || (param.optional && table[index + 1][at]);
            }
        }
        table
    }
}

impl Param {
    fn new(symbol: char) -> Option<Self> {
        let accepts = match symbol {
            's' | 'n' | 'b' | 'l' | 'o' => format!("{symbol}m"),
            'a' | 'x' => "asnblfom".to_owned(),
            'f' => "f".to_owned(),
            'j' => "asnblom".to_owned(),
            _ => return None,
        };
        Some(Self {
            accepts,
            is_array: symbol == 'a',
            items: None,
            optional: false,
            repeated: false,
            from_context: false,
        })
    }

    fn choice(symbols: &str) -> Option<Self> {
        symbols
            .chars()
            .all(|symbol| "snblofax".contains(symbol))
            .then(|| Self {
                accepts: format!("{symbols}m"),
                is_array: false,
                items: None,
                optional: false,
                repeated: false,
                from_context: false,
            })
    }

    fn context<'a>(&self, context: &Val<'a>) -> Result<Val<'a>, Error> {
        if self.accepts.contains(symbol(context)) {
            return Ok(context.clone());
        }
        Err(Error::coded(
            "T0411",
            "the context value is not of the type that the function takes",
        ))
    }

    fn fit<'a>(&self, machine: &Machine<'a>, argument: Val<'a>) -> Result<Val<'a>, Error> {
        if !self.is_array || argument.is_nothing() {
            return Ok(argument);
        }
        if let Some(wanted) = self.items {
            self.check_items(machine, &argument, wanted)?;
        }
        match argument {
            Val::Array(_) => Ok(argument),
            lone => Val::array(vec![lone]),
        }
    }

    fn check_items(
        &self,
        machine: &Machine<'_>,
        argument: &Val<'_>,
        wanted: char,
    ) -> Result<(), Error> {
        let ok = match argument {
            Val::Array(items) => {
                machine.meter.steps(items.len() / 4)?;
                items.iter().all(|item| symbol(&item) == wanted)
            }
            lone => symbol(lone) == wanted,
        };
        if ok {
            return Ok(());
        }
        let kind = match wanted {
            's' => "strings",
            'n' => "numbers",
            'b' => "booleans",
            'o' => "objects",
            'a' => "arrays",
            _ => "values of one type",
        };
        Err(Error::coded(
            "T0412",
            format!("the function takes an array of {kind}"),
        ))
    }
}

fn symbol(value: &Val<'_>) -> char {
    match value {
        Val::Nothing => 'm',
        Val::Null => 'l',
        Val::Bool(_) => 'b',
        Val::Number(_) => 'n',
        Val::Text(_) => 's',
        Val::Array(_) => 'a',
        Val::Object(_) => 'o',
        Val::Function(_) => 'f',
    }
}

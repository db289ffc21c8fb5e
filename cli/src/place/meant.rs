//! Which place is meant: the one that a flag names, else the one that the environment names, else
//! the default profile. Two that are named at one level are refused, since what was meant for one
//! deployment must not be done to another.

use std::path::PathBuf;

use taskmill::ids::TenantId;

use super::service::{Address, Token};
use super::{Place, Site};
use crate::args::{Named, TENANT};
use crate::config::Config;
use crate::exit::Error;

/// The variables of the environment that name a place.
const URL: &str = "TASKMILL_API_URL";
const STACK: &str = "TASKMILL_STACK";
const PROFILE: &str = "TASKMILL_PROFILE";
/// The variable that holds the token.
const TOKEN: &str = "TASKMILL_TOKEN";

const NOWHERE: &str = "where? --url URL (or TASKMILL_API_URL) names a service, --stack NAME (or TASKMILL_STACK) a deployed stack, --data DIR a folder, --profile NAME (or TASKMILL_PROFILE) one of the configuration file";

/// A way to name a place.
enum Way {
    Data(PathBuf),
    Stack(String),
    Url(String),
    Profile(String),
}

/// The place that is meant.
///
/// # Errors
/// None was named, or two; a profile that is not there, or names no place; a service without a
/// token.
pub(super) fn place(
    named: Named,
    data: Option<PathBuf>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Place, Error> {
    let flags = [
        data.map(Way::Data),
        named.stack.map(Way::Stack),
        named.url.map(Way::Url),
        named.profile.map(Way::Profile),
    ];
    let of_flags = only(flags, "--data, --stack, --url and --profile")?;
    let way = match of_flags {
        Some(way) => way,
        None => of_surroundings(variable)?,
    };
    let (site, of_profile) = site(way, named.token, variable)?;
    let tenant = tenant(variable)?.or(of_profile);
    Ok(Place { site, tenant })
}

fn of_surroundings(variable: &dyn Fn(&str) -> Option<String>) -> Result<Way, Error> {
    let variables = [
        variable(STACK).map(Way::Stack),
        variable(URL).map(Way::Url),
        variable(PROFILE).map(Way::Profile),
    ];
    let of_environment = only(
        variables,
        "TASKMILL_STACK, TASKMILL_API_URL and TASKMILL_PROFILE",
    )?;
    match of_environment {
        Some(way) => Ok(way),
        None => {
            let default = Config::read(variable)?.default;
            let nowhere = || Error::Usage(NOWHERE.to_owned());
            default.map(Way::Profile).ok_or_else(nowhere)
        }
    }
}

/// The only one that is there, if any is.
fn only<const N: usize>(ways: [Option<Way>; N], names: &str) -> Result<Option<Way>, Error> {
    let mut named = ways.into_iter().flatten();
    match (named.next(), named.next()) {
        (way, None) => Ok(way),
        (_, Some(_)) => Err(Error::Usage(format!(
            "only one of {names} says where, not several"
        ))),
    }
}

/// What the way leads to, and the tenant that the profile names.
fn site(
    way: Way,
    token: Option<String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Site, Option<TenantId>), Error> {
    match way {
        Way::Data(folder) => Ok((without(token, Site::Folder(folder))?, None)),
        Way::Stack(name) => Ok((without(token, Site::Stack(name))?, None)),
        Way::Url(url) => {
            let token = token.or_else(|| variable(TOKEN)).map(Token::Text);
            Ok((service(&url, token)?, None))
        }
        Way::Profile(name) => of_profile(&name, token, variable),
    }
}

fn of_profile(
    name: &str,
    token: Option<String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Site, Option<TenantId>), Error> {
    let profile = Config::read(variable)?.profile(name)?;
    let site = match (profile.url, profile.stack, profile.data) {
        (Some(url), None, None) => {
            let of_profile = match (profile.token, profile.token_command) {
                (Some(_), Some(_)) => return Err(unclear(name, "a token and a token_command")),
                (text, command) => text.map(Token::Text).or(command.map(Token::Command)),
            };
            let token = token.map(Token::Text).or(of_profile);
            service(&url, token.or_else(|| variable(TOKEN).map(Token::Text)))?
        }
        (None, Some(stack), None) => without(token, Site::Stack(stack))?,
        (None, None, Some(data)) => without(token, Site::Folder(data))?,
        (None, None, None) => return Err(unclear(name, "no url, stack or data")),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            return Err(unclear(name, "more than one of url, stack and data"));
        }
    };
    Ok((site, profile.tenant))
}

fn unclear(profile: &str, what: &str) -> Error {
    Error::Usage(format!("the profile {profile} has {what}"))
}

/// A place that asks nobody for a token.
fn without(token: Option<String>, site: Site) -> Result<Site, Error> {
    match token {
        None => Ok(site),
        Some(_) => Err(Error::Usage(
            "--token is for a service, which --url or a profile names".to_owned(),
        )),
    }
}

fn service(url: &str, token: Option<Token>) -> Result<Site, Error> {
    let nobody = || {
        Error::Usage(format!(
            "the service at {url} asks for a token: --token, {TOKEN} or the profile has it"
        ))
    };
    let address = Address::new(url, token.ok_or_else(nobody)?)?;
    Ok(Site::Service(address))
}

fn tenant(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<TenantId>, Error> {
    let named = variable(TENANT).map(TenantId::new).transpose();
    named.map_err(|error| Error::Usage(format!("{TENANT}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = [(&'static str, &'static str)];

    const CONFIG: &str = r#"
default = "dev"
[profiles.dev]
url = "http://127.0.0.1:8080"
token = "of-profile"
[profiles.bare]
url = "https://tasks.example.com/v"
[profiles.prod]
stack = "prod"
tenant = "acme"
[profiles.both]
stack = "prod"
data = "kept"
[profiles.none]
tenant = "acme"
[profiles.twice]
url = "https://tasks.example.com"
token = "a"
token_command = ["b"]
"#;

    /// What these flags name, with these variables and a configuration.
    fn named(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Place, String> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, CONFIG).unwrap();
        let flag = |name: &str| of(flags, name);
        let variable = |name: &str| match name {
            "TASKMILL_CONFIG" => Some(config.display().to_string()),
            name => of(variables, name),
        };
        let all = Named {
            url: flag("url"),
            token: flag("token"),
            stack: flag("stack"),
            profile: flag("profile"),
        };
        let place = place(all, flag("data").map(PathBuf::from), &variable);
        place.map_err(|error| error.report())
    }

    fn of(pairs: &[(&str, &str)], name: &str) -> Option<String> {
        let mut pairs = pairs.iter();
        let found = pairs.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    fn at(url: &str, token: &str) -> Site {
        let token = Token::Text(token.to_owned());
        Site::Service(Address::new(url, token).unwrap())
    }

    #[test]
    fn a_flag_comes_before_the_environment_and_that_before_the_default_profile() {
        const URL: (&str, &str) = ("TASKMILL_API_URL", "http://localhost:1");
        const TOKEN: (&str, &str) = ("TASKMILL_TOKEN", "of-environment");
        let local = "http://localhost:1";
        let dev = "http://127.0.0.1:8080";
        let prod = || Site::Stack("prod".to_owned());
        let cases = [
            (vec![], vec![], at(dev, "of-profile")),
            (vec![], vec![URL, TOKEN], at(local, "of-environment")),
            (vec![], vec![("TASKMILL_STACK", "prod")], prod()),
            (vec![], vec![("TASKMILL_PROFILE", "prod")], prod()),
            (vec![("stack", "prod")], vec![URL, TOKEN], prod()),
            (
                vec![("data", "d")],
                vec![URL, TOKEN],
                Site::Folder(PathBuf::from("d")),
            ),
            (
                vec![("url", dev)],
                vec![URL, TOKEN],
                at(dev, "of-environment"),
            ),
            (
                vec![("url", dev), ("token", "t")],
                vec![URL, TOKEN],
                at(dev, "t"),
            ),
            (vec![("profile", "dev")], vec![TOKEN], at(dev, "of-profile")),
            (
                vec![("profile", "bare")],
                vec![TOKEN],
                at("https://tasks.example.com/v", "of-environment"),
            ),
            (
                vec![("profile", "dev"), ("token", "t")],
                vec![TOKEN],
                at(dev, "t"),
            ),
        ];
        for (flags, variables, expected) in cases {
            let place = named(&flags, &variables).unwrap();
            assert_eq!(place.site, expected, "{flags:?} {variables:?}");
        }
    }

    #[test]
    fn whose_it_is_is_said_by_the_environment_before_the_profile() {
        let tenant = |variables: &[(&str, &str)]| {
            let place = named(&[("profile", "prod")], variables).unwrap();
            place.tenant.unwrap().to_string()
        };
        assert_eq!(tenant(&[]), "acme");
        assert_eq!(tenant(&[("TASKMILL_TENANT", "other")]), "other");
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        let cases: [(&Pairs, &Pairs, &str); 10] = [
            (&[("data", "d"), ("stack", "s")], &[], "not several"),
            (&[("url", "http://localhost:1")], &[], "asks for a token"),
            (
                &[],
                &[("TASKMILL_STACK", "s"), ("TASKMILL_API_URL", "u")],
                "not several",
            ),
            (&[("stack", "s"), ("token", "t")], &[], "is for a service"),
            (&[("profile", "both")], &[], "more than one of url"),
            (&[("profile", "none")], &[], "no url, stack or data"),
            (&[("profile", "twice")], &[], "a token and a token_command"),
            (&[("profile", "bar")], &[], "did you mean \"bare\"?"),
            (
                &[("url", "http://tasks.example.com"), ("token", "t")],
                &[],
                "https",
            ),
            (&[], &[("TASKMILL_TENANT", "a b")], "TASKMILL_TENANT"),
        ];
        for (flags, variables, expected) in cases {
            let refused = named(flags, variables).unwrap_err();
            assert!(refused.contains(expected), "{flags:?}: {refused}");
        }
    }

    #[test]
    fn nowhere_is_told_with_every_way_to_name_a_place() {
        let nothing = place(Named::default(), None, &|_| None);
        let refused = nothing.unwrap_err().report();
        for way in ["--url", "--stack", "--data", "--profile"] {
            assert!(refused.contains(way), "{refused}");
        }
    }
}

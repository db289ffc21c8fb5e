//! Where tasks and workflows are: a service, a data folder, or a deployed stack. What can be asked
//! of each is the same ([`Verbs`]): a folder and a stack run the same use cases over the same wire
//! ([`here`]), a service is asked over HTTP ([`service`]). Which one is meant is decided in
//! [`meant`].

mod bulks;
mod here;
mod letters;
mod meant;
mod schedules;
pub mod service;
pub mod stack;
mod verbs;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use taskmill::ids::TenantId;
use taskmill_local::LocalAws;

use crate::args::Named;
use crate::exit::Error;
use crate::local;

use here::Here;
use service::{Address, Client};

pub use letters::{Letter, Letters, Looked};
pub use verbs::{Listing, Verbs, is_not_there, neither};

/// Whose a folder is when nobody is named.
const LOCAL: &str = "local";

/// A place.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    site: Site,
    /// Whose it is when nobody is named.
    tenant: Option<TenantId>,
}

/// What a place is.
#[derive(Debug, PartialEq, Eq)]
enum Site {
    /// A folder that a run kept everything in. Nothing in it moves.
    Folder(PathBuf),
    /// A deployed stack, by its name. Its functions move everything on.
    Stack(String),
    /// A service, which knows by a token who asks.
    Service(Address),
}

/// A place that can be asked.
pub struct Opened {
    verbs: Box<dyn Verbs>,
    goes_on_by: Option<String>,
}

impl Place {
    /// The place that was named: by a flag, else by the environment, else by the configuration.
    ///
    /// # Errors
    /// None was named, or two.
    pub fn of(named: Named, data: Option<PathBuf>) -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        meant::place(named, data, &variable)
    }

    /// Whether nothing in it moves by itself.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self.site, Site::Folder(_))
    }

    /// Opens it for a tenant, to see what is there and to ask something of it.
    ///
    /// # Errors
    /// No run kept anything in the folder, or it cannot be used; or the stack or the service
    /// cannot; or it is not clear whose it is.
    pub async fn open(self, named: Option<TenantId>) -> Result<Opened, Error> {
        self.open_with(named, local::kept).await
    }

    /// Opens it for a tenant, and makes a folder that is not there.
    ///
    /// # Errors
    /// The place cannot be used, or it is not clear whose it is.
    pub async fn open_or_make(self, named: Option<TenantId>) -> Result<Opened, Error> {
        self.open_with(named, |path| local::aws(Some(path))).await
    }

    async fn open_with(
        self,
        named: Option<TenantId>,
        aws: impl FnOnce(&Path) -> Result<LocalAws, Error>,
    ) -> Result<Opened, Error> {
        match self.site {
            Site::Folder(path) => {
                let tenant = named.or(self.tenant).unwrap_or_else(local_tenant);
                let prepared = local::at_rest(aws(&path)?).await?;
                let path = path.display();
                Ok(Opened {
                    verbs: Box::new(Here::in_folder(prepared, tenant)),
                    goes_on_by: Some(format!("taskmill continue PATH --data {path}")),
                })
            }
            Site::Stack(name) => {
                let tenant = named.or(self.tenant).ok_or_else(|| nobodys(&name))?;
                let app = stack::open(&name).await?;
                Ok(Opened::moving(Here::in_stack(app, tenant)))
            }
            Site::Service(address) => match named {
                Some(_) => Err(Error::Usage(
                    "a service knows by the token whose it is: leave --tenant out".to_owned(),
                )),
                None => Ok(Opened::moving(Client::open(address)?)),
            },
        }
    }

    /// Opens its dead letters: in a stack those of all tenants.
    ///
    /// # Errors
    /// It keeps none, or cannot be used.
    pub async fn letters(self) -> Result<Letters, Error> {
        match self.site {
            Site::Stack(name) => Ok(Letters::Stack(Box::new(stack::open(&name).await?))),
            Site::Service(address) => Ok(Letters::Service(Box::new(Client::open(address)?))),
            Site::Folder(_) => Err(Error::Usage(
                "a folder keeps no queues, and no dead letters: a run tells of its own at its end"
                    .to_owned(),
            )),
        }
    }
}

fn local_tenant() -> TenantId {
    TenantId::new(LOCAL).expect("the name of the local tenant is an id")
}

fn nobodys(stack: &str) -> Error {
    Error::Usage(format!(
        "the stack {stack} has many tenants: --tenant ID (or TASKMILL_TENANT) says whose"
    ))
}

impl Opened {
    /// A place where everything moves by itself.
    fn moving(verbs: impl Verbs + 'static) -> Self {
        Self {
            verbs: Box::new(verbs),
            goes_on_by: None,
        }
    }

    /// How something there goes on that is not at rest, when somebody has to do something for it.
    #[must_use]
    pub fn goes_on_by(&self) -> Option<&str> {
        self.goes_on_by.as_deref()
    }
}

impl Deref for Opened {
    type Target = dyn Verbs;

    fn deref(&self) -> &Self::Target {
        &*self.verbs
    }
}

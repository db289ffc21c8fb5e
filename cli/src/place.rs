//! Where tasks and workflows are: a data folder, or a deployed stack. What can be asked of either
//! is the same ([`verbs`]), and runs the same use cases over the same wire; only how a place is
//! opened differs ([`crate::local`], [`stack`]).

mod schedules;
pub mod stack;
mod verbs;

use std::path::PathBuf;

use taskmill::ids::TenantId;
use taskmill::security::Caller;
use taskmill_app::App;
use taskmill_local::service::Prepared;

use crate::exit::Error;
use crate::local;

pub use verbs::Listing;

/// The variable of the environment that names the stack.
const STACK: &str = "TASKMILL_STACK";
/// Whose a folder is when nobody is named.
const LOCAL: &str = "local";

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder that a run kept everything in. Nothing in it moves.
    Folder(PathBuf),
    /// A deployed stack, by its name. Its functions move everything on.
    Stack(String),
}

/// Whoever looks at something of a tenant with these permissions, and asks for nothing more.
#[must_use]
pub fn reader(tenant: &TenantId, permissions: Vec<String>) -> Caller {
    Caller {
        tenant_id: tenant.clone(),
        user_id: LOCAL.to_owned(),
        roles: Vec::new(),
        permissions,
        environment_id: None,
    }
}

/// A place that can be asked.
#[derive(Debug)]
pub enum Opened {
    /// A folder, which is locked as long as it is open.
    Folder {
        /// Its path.
        path: PathBuf,
        /// The use cases over it.
        prepared: Box<Prepared>,
    },
    /// A stack.
    Stack(App),
}

impl Place {
    /// The place that was named: by a flag, or for the lack of one by the environment.
    ///
    /// # Errors
    /// None was named, or two.
    pub fn of(stack: Option<String>, data: Option<PathBuf>) -> Result<Self, Error> {
        let of_environment = || std::env::var(STACK).ok().filter(|name| !name.is_empty());
        match (stack, data) {
            (Some(name), None) => Ok(Self::Stack(name)),
            (None, Some(folder)) => Ok(Self::Folder(folder)),
            (Some(_), Some(_)) => Err(Error::Usage(
                "either --stack or --data says where, not both".to_owned(),
            )),
            (None, None) => of_environment().map(Self::Stack).ok_or_else(|| {
                Error::Usage(format!(
                    "where? --data DIR names a folder, --stack NAME (or {STACK}) a deployed stack"
                ))
            }),
        }
    }

    /// The tenant that was named, or the one of a folder.
    ///
    /// # Errors
    /// None was named for a stack.
    pub fn tenant(&self, named: Option<TenantId>) -> Result<TenantId, Error> {
        match (self, named) {
            (_, Some(tenant)) => Ok(tenant),
            (Self::Folder(_), None) => {
                Ok(TenantId::new(LOCAL).expect("the name of the local tenant is an id"))
            }
            (Self::Stack(name), None) => Err(Error::Usage(format!(
                "the stack {name} has many tenants: --tenant ID (or TASKMILL_TENANT) says whose"
            ))),
        }
    }

    /// Opens it, to see what is there and to ask something of it.
    ///
    /// # Errors
    /// No run kept anything in the folder, or it cannot be used; or the stack cannot.
    pub async fn open(self) -> Result<Opened, Error> {
        match self {
            Self::Folder(path) => Ok(Opened::Folder {
                prepared: Box::new(local::at_rest(local::kept(&path)?).await?),
                path,
            }),
            Self::Stack(name) => Ok(Opened::Stack(stack::open(&name).await?)),
        }
    }

    /// Opens it, and makes a folder that is not there.
    ///
    /// # Errors
    /// The folder or the stack cannot be used.
    pub async fn open_or_make(self) -> Result<Opened, Error> {
        match self {
            Self::Folder(path) => Ok(Opened::Folder {
                prepared: Box::new(local::at_rest(local::aws(Some(&path))?).await?),
                path,
            }),
            stack @ Self::Stack(_) => stack.open().await,
        }
    }
}

impl Opened {
    fn app(&self) -> &App {
        match self {
            Self::Folder { prepared, .. } => prepared.app(),
            Self::Stack(app) => app,
        }
    }

    /// How something there goes on that is not at rest, when somebody has to do something for it.
    #[must_use]
    pub fn goes_on_by(&self) -> Option<String> {
        match self {
            Self::Folder { path, .. } => {
                let path = path.display();
                Some(format!("taskmill continue PATH --data {path}"))
            }
            Self::Stack(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_named_once_and_a_stack_has_no_tenant_of_its_own() {
        let folder = Place::of(None, Some(PathBuf::from("d"))).unwrap();
        assert_eq!(folder.tenant(None).unwrap().as_str(), "local");
        let stack = Place::of(Some("prod".to_owned()), None).unwrap();
        let nobody = stack.tenant(None).unwrap_err().report();
        assert!(nobody.contains("--tenant"), "{nobody}");
        let acme = TenantId::new("acme").unwrap();
        assert_eq!(stack.tenant(Some(acme.clone())).unwrap(), acme);
        let both = Place::of(Some("prod".to_owned()), Some(PathBuf::from("d")));
        assert!(both.unwrap_err().report().contains("not both"));
    }
}

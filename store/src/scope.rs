//! Whose rows a query may see.

use trunkline_core::ids::TenantId;

/// Whose rows a query may see. Every query takes one, so that nobody forgets.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// One tenant's.
    Tenant(&'a TenantId),
    /// Everybody's: for the operator and for the engine itself.
    AllTenants,
}

impl<'a> Scope<'a> {
    /// The tenant to filter by, if any.
    pub(crate) fn tenant(self) -> Option<&'a str> {
        match self {
            Self::Tenant(tenant) => Some(tenant.as_str()),
            Self::AllTenants => None,
        }
    }
}

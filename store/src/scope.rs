//! Whose rows a query may see.

use trunkline_core::ids::TenantId;

/// Whose rows a query may see. Every query of a tenant's data takes one, or the tenant,
/// so that nobody forgets; what a process does for all tenants alike is listed, with
/// the reason, in the test `two_tenants`.
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

//! What stands in keys in place of what nobody should read there.

use sha2::{Digest as _, Sha256};
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;

/// The hash of a stream's token: good for comparing, of no use to whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(hex(&[b"token", token.as_bytes()]))
    }

    /// In hexadecimal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The window of one caller's calls to one tenant. The number does not stand in
/// it; whoever has all numbers to try could still find it for as long as the
/// window lasts.
#[must_use]
pub fn caller_key(tenant: &TenantId, from: &PhoneNumber) -> String {
    format!("caller:{}", hex(&[tenant.as_str().as_bytes(), from.expose().as_bytes()]))
}

/// The window of one tenant's calls.
#[must_use]
pub fn tenant_key(tenant: &TenantId) -> String {
    format!("tenant:{tenant}")
}

/// The window of one source address.
#[must_use]
pub fn source_key(source: &str) -> String {
    format!("source:{}", hex(&[source.as_bytes()]))
}

fn hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

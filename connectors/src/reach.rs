//! Which addresses may be dialled.
//!
//! An address that a tenant's file names is not the operator's own choice, and the
//! server stands where the tenant does not: beside the cloud's metadata service,
//! inside the private network. So a name is resolved here, every address that it
//! stands for is looked at, and the connection is made to the very address that
//! passed: a name that means another machine a moment later gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::resolved;

/// Networks given as address and length of prefix, `10.1.0.0/16`, or as single
/// addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u32)>);

/// A network that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("item {0} is no network")]
pub struct NotNetwork(usize);

impl Networks {
    /// Reads a list with commas between.
    ///
    /// # Errors
    /// When an item is neither an address nor a network; its place is named.
    pub fn parse(text: &str) -> Result<Self, NotNetwork> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read = |(index, item)| network(item).ok_or(NotNetwork(index + 1));
        items.enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, prefix)| is_within(address, *network, *prefix))
    }
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(bits), |text| text.parse().ok().filter(|p| *p <= bits))?;
    Some((address, prefix))
}

fn is_within(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32_u32.saturating_sub(prefix);
            let cut = |a: Ipv4Addr| a.to_bits().checked_shr(shift).unwrap_or(0);
            cut(address) == cut(network)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128_u32.saturating_sub(prefix);
            let cut = |a: Ipv6Addr| a.to_bits().checked_shr(shift).unwrap_or(0);
            cut(address) == cut(network)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// How far a dial may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To any address: the operator chose it.
    #[default]
    Anywhere,
    /// To public addresses, and to those of these networks.
    Public(Networks),
}

/// Why an address is not dialled. Holds neither the name nor what it stands for:
/// whoever wrote it must not learn from us what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfReach {
    /// One of its addresses is private, this machine's, link-local, or otherwise
    /// none of the public internet.
    #[error("the address is not public; see DIAL_PRIVATE_NETWORKS")]
    NotPublic,
    /// No address is known for the name.
    #[error("the name has no address")]
    NoAddress,
}

impl Reach {
    /// The addresses to be dialled for a host, all checked, as they were found within
    /// the last half-minute; none where whoever dials may resolve the name for
    /// themselves. `host` may be an address,
    /// IPv6 in brackets.
    ///
    /// # Errors
    /// When the name has no address, or one that may not be dialled.
    pub async fn check(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutOfReach> {
        let Self::Public(allowed) = self else {
            return Ok(Vec::new());
        };
        let host = plain_host(host);
        let found = resolved::resolve(host, port).await.map_err(|_| OutOfReach::NoAddress)?;
        if found.is_empty() {
            return Err(OutOfReach::NoAddress);
        }
        // All of them: a name that stands for a public and a private address is a
        // way in like any other.
        let good =
            |address: &SocketAddr| is_public(address.ip()) || allowed.contain(plain(address.ip()));
        if found.iter().all(good) { Ok(found) } else { Err(OutOfReach::NotPublic) }
    }
}

/// A host without the brackets around an IPv6 address.
fn plain_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

/// Nobody answered at what was checked for a host: it is looked up anew.
pub(crate) fn nobody_there(host: &str, port: u16) {
    resolved::forget(plain_host(host), port);
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        self.0.iter().try_for_each(|(address, prefix)| {
            let written = write!(f, "{between}{address}/{prefix}");
            between = ",";
            written
        })
    }
}

/// An IPv4 address that is written as an IPv6 one, as itself.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Networks that are not the public internet, from IANA's registries of
/// special-purpose addresses (RFC 6890 and its successors), multicast among them.
/// The cloud's metadata services are at 169.254.169.254, fd00:ec2::254 and
/// 100.100.100.200, which are among these.
const NOT_PUBLIC: &str = "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,\
    172.16.0.0/12,192.0.0.0/24,192.0.2.0/24,192.88.99.0/24,192.168.0.0/16,198.18.0.0/15,\
    198.51.100.0/24,203.0.113.0/24,224.0.0.0/4,240.0.0.0/4,\
    ::/96,::ffff:0:0/96,64:ff9b::/96,64:ff9b:1::/48,100::/64,2001::/23,2001:db8::/32,\
    2002::/16,3fff::/20,5f00::/16,fc00::/7,fe80::/10,fec0::/10,ff00::/8";

/// Whether an address is one of the public internet. Addresses that carry an IPv4
/// address within them (mapped, translated, 6to4) are not: they are ways around.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    thread_local! {
        static LIST: Networks = Networks::parse(NOT_PUBLIC).unwrap_or_default();
    }
    match plain(address) {
        plain @ IpAddr::V4(_) => !LIST.with(|list| list.contain(plain)),
        six @ IpAddr::V6(_) => !LIST.with(|list| list.contain(six)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn the_list_can_be_read() {
        assert_eq!(Networks::parse(NOT_PUBLIC).unwrap().0.len(), 29);
    }

    #[test]
    fn what_is_not_the_public_internet_is_known() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!public(private), "{private}");
        }
        for good in
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(public(good), "{good}");
        }
    }

    #[test]
    fn networks_are_read_and_their_mistakes_named() {
        let some = Networks::parse("10.1.0.0/16, 127.0.0.1,fd00::/8,").unwrap();
        let in_some = |text: &str| some.contain(text.parse().unwrap());
        assert!(in_some("10.1.2.3") && in_some("127.0.0.1") && in_some("fd12::1"));
        assert!(!in_some("10.2.0.1") && !in_some("127.0.0.2") && !in_some("fe80::1"));
        assert_eq!(some.to_string(), "10.1.0.0/16,127.0.0.1/32,fd00::/8");
        assert!(Networks::parse("0.0.0.0/0").unwrap().contain("9.9.9.9".parse().unwrap()));
        for (text, item) in [("10.0.0.0/33", 1), ("127.0.0.1,localhost", 2), ("10.0.0.0/x", 1)] {
            assert_eq!(Networks::parse(text), Err(NotNetwork(item)), "{text}");
        }
        assert_eq!(Networks::parse(""), Ok(Networks::default()));
    }

    #[actix_rt::test]
    async fn a_host_is_resolved_and_every_address_checked() {
        let public = Reach::Public(Networks::default());
        for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0x7f.1", "2130706433"] {
            let checked = public.check(host, 80).await;
            assert!(checked.is_err(), "{host}: {checked:?}");
        }
        let some = Reach::Public(Networks::parse("127.0.0.0/8,::1").unwrap());
        assert!(some.check("localhost", 80).await.unwrap().iter().all(|a| a.ip().is_loopback()));
        assert_eq!(some.check("10.0.0.1", 80).await, Err(OutOfReach::NotPublic));
        assert_eq!(public.check("8.8.8.8", 443).await.unwrap(), ["8.8.8.8:443".parse().unwrap()]);
        assert_eq!(public.check("no-such-name.invalid", 80).await, Err(OutOfReach::NoAddress));
        assert_eq!(Reach::Anywhere.check("127.0.0.1", 80).await, Ok(Vec::new()));
    }
}

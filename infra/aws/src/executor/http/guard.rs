//! The guard: which addresses a task's request may reach.
//!
//! A definition is untrusted, and this process stands inside a network: on Lambda the runtime's
//! own API is on loopback, elsewhere credentials are on a link-local address. So the client
//! resolves names through [`Guard`], which drops what is out of reach, and connects to what is
//! left: the address that is checked is the address that is used.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How far requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses alone: in the cloud.
    Public,
    /// Public addresses and the machine itself: in local mode.
    PublicAndLoopback,
}

/// A resolver that gives only addresses within reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    reach: Reach,
}

/// A target out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    target: String,
}

impl Reach {
    /// Whether this address is within reach.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || match self {
                Self::Public => false,
                Self::PublicAndLoopback => address.is_loopback(),
            }
    }
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            // The port is the client's business: it replaces a 0 by the URL's.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() {
                return Err(io::Error::other("the name has no address").into());
            }
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|found| reach.allows(found.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(Refused::name(name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Refused {
    pub(super) fn address(address: IpAddr) -> Self {
        let target = address.to_string();
        Self { target }
    }

    /// Leaves out the addresses: they would tell the inside of a network.
    fn name(name: &str) -> Self {
        let target = name.to_owned();
        Self { target }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not an address that tasks may reach", self.target)
    }
}

impl std::error::Error for Refused {}

/// Whether an address is globally reachable, by the IANA registries of special-purpose
/// addresses (RFC 6890 and its successors).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback.
        (0 | 10 | 127, _, _) => true,
        // Carrier-grade NAT.
        (100, 64..=127, _) => true,
        // Link-local, with the metadata services of clouds.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, documentation, the 6to4 relay, benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) => true,
        (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224..=255, _, _) => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 and 6to4 carry an IPv4 address: it decides.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(embedded(high, low))
        }
        // Teredo, benchmarks, ORCHID and other protocol assignments; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast is 2000::/3; everything else is loopback, unspecified, IPv4-compatible,
        // link-local, site-local, unique local, multicast or unassigned.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], public: bool, local: bool) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Reach::Public.allows(address), public, "{text}");
            assert_eq!(Reach::PublicAndLoopback.allows(address), local, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_in_reach() {
        check(
            &[
                "1.1.1.1",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.0.1",
                "223.255.255.255",
                "::ffff:8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
                "2606:4700::1111",
                "2a00:1450::1",
            ],
            true,
            true,
        );
    }

    #[test]
    fn the_machine_itself_is_in_reach_in_local_mode_alone() {
        check(
            &["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"],
            false,
            true,
        );
    }

    #[test]
    fn the_inside_of_a_network_is_never_in_reach() {
        check(
            &[
                "0.0.0.0",
                "0.1.2.3",
                "10.0.0.1",
                "100.64.0.1",
                "100.127.255.255",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.1.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::10.0.0.1",
                "::ffff:10.0.0.1",
                "::ffff:169.254.169.254",
                "64:ff9b::10.0.0.1",
                "64:ff9b:1::1",
                "100::1",
                "2001::1",
                "2001:2::1",
                "2001:db8::1",
                "2002:7f00:1::1",
                "2002:a00:1::1",
                "3fff::1",
                "fc00::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1",
            ],
            false,
            false,
        );
    }
}

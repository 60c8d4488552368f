//! Which addresses are not simply "the internet": classes that a name must not lead to unless a rule names them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    base: IpAddr,
    prefix: u8,
}

impl Range {
    /// The `prefix` leading bits of `base`; `None` when there are not as many, or when a later bit is set.
    pub fn new(base: IpAddr, prefix: u8) -> Option<Self> {
        let range = Self { base, prefix };
        (prefix <= width(base) && bits(base) & !range.mask() == 0).then_some(range)
    }

    /// One address.
    pub fn one(address: IpAddr) -> Self {
        Self { base: address, prefix: width(address) }
    }

    /// Whether it is one address.
    pub fn is_one(&self) -> bool {
        self.prefix == width(self.base)
    }

    fn mask(&self) -> u128 {
        let ones = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        ones >> (128 - u32::from(width(self.base)))
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        width(self.base) == width(address) && bits(address) & self.mask() == bits(self.base)
    }

    /// Whether every address of `other` lies in it.
    pub fn covers(&self, other: &Range) -> bool {
        self.prefix <= other.prefix && self.contains(other.base)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_one() {
            true => self.base.fmt(f),
            false => write!(f, "{}/{}", self.base, self.prefix),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Why an address is not simply "the internet".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// This machine.
    Loopback,
    /// No machine, which systems take for this one.
    Unspecified,
    /// A cloud's service for the secrets of its machines.
    Metadata,
    /// The local link.
    LinkLocal,
    /// A private network.
    Private,
    /// A provider's inner network.
    Shared,
    /// Many machines at once.
    Multicast,
    /// An IPv4 address inside an IPv6 address, which a gateway would dial.
    Translated,
    /// Kept for other uses.
    Reserved,
}

/// The address itself, where it is an IPv4 address written as IPv6 (`::ffff:a.b.c.d`).
pub fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

impl Class {
    /// The class of `address`, `None` for an ordinary one.
    pub fn of(address: IpAddr) -> Option<Class> {
        let address = unmapped(address);
        SPECIAL.iter().find(|(range, _)| range.contains(address)).map(|(_, class)| *class)
    }

    /// Whether a rule for `range` names an address of this class on purpose: it lies wholly among special addresses, and
    /// names a metadata service by nothing but its own address.
    pub fn is_named_by(self, range: &Range) -> bool {
        match self {
            Class::Metadata => range.is_one(),
            _ => SPECIAL.iter().any(|(special, _)| special.covers(range)),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Loopback => "a loopback address",
            Class::Unspecified => "an unspecified address",
            Class::Metadata => "a cloud metadata service",
            Class::LinkLocal => "a link-local address",
            Class::Private => "a private address",
            Class::Shared => "a shared (carrier) address",
            Class::Multicast => "a multicast or broadcast address",
            Class::Translated => "an address that a gateway translates",
            Class::Reserved => "a reserved address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Range {
    Range { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(parts: [u16; 8], prefix: u8) -> Range {
    let [a, b, c, d, e, f, g, h] = parts;
    Range { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
}

/// The first range that holds an address tells its class. Sources: IANA's special-purpose address registries (RFC 6890),
/// and the documented metadata addresses of AWS (two), Alibaba Cloud and Azure.
const SPECIAL: &[(Range, Class)] = &[
    (v4(169, 254, 169, 254, 32), Class::Metadata),
    (v4(100, 100, 100, 200, 32), Class::Metadata),
    (v4(168, 63, 129, 16, 32), Class::Metadata),
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), Class::Metadata),
    (v4(127, 0, 0, 0, 8), Class::Loopback),
    (v4(0, 0, 0, 0, 8), Class::Unspecified),
    (v4(10, 0, 0, 0, 8), Class::Private),
    (v4(172, 16, 0, 0, 12), Class::Private),
    (v4(192, 168, 0, 0, 16), Class::Private),
    (v4(100, 64, 0, 0, 10), Class::Shared),
    (v4(169, 254, 0, 0, 16), Class::LinkLocal),
    (v4(192, 0, 0, 0, 24), Class::Reserved),
    (v4(192, 0, 2, 0, 24), Class::Reserved),
    (v4(192, 31, 196, 0, 24), Class::Reserved),
    (v4(192, 52, 193, 0, 24), Class::Reserved),
    (v4(192, 88, 99, 0, 24), Class::Translated),
    (v4(192, 175, 48, 0, 24), Class::Reserved),
    (v4(198, 18, 0, 0, 15), Class::Reserved),
    (v4(198, 51, 100, 0, 24), Class::Reserved),
    (v4(203, 0, 113, 0, 24), Class::Reserved),
    (v4(224, 0, 0, 0, 4), Class::Multicast),
    (v4(255, 255, 255, 255, 32), Class::Multicast),
    (v4(240, 0, 0, 0, 4), Class::Reserved),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Class::Loopback),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Class::Unspecified),
    // IPv4-compatible addresses, deprecated.
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), Class::Translated),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), Class::Translated),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Class::Translated),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Class::Reserved),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Class::Reserved),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Class::Reserved),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Class::Translated),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Class::Reserved),
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), Class::Reserved),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Class::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Class::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Class::Private),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Class::Multicast),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Option<Class> {
        Class::of(text.parse().unwrap())
    }

    #[test]
    fn special_addresses_are_known() {
        let rows = [
            ("127.0.0.1", Class::Loopback),
            ("127.255.0.9", Class::Loopback),
            ("::1", Class::Loopback),
            ("::ffff:127.0.0.1", Class::Loopback),
            ("0.0.0.0", Class::Unspecified),
            ("0.1.2.3", Class::Unspecified),
            ("::", Class::Unspecified),
            ("10.255.0.1", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.31.255.255", Class::Private),
            ("192.168.1.1", Class::Private),
            ("fd12::1", Class::Private),
            ("fec0::1", Class::Private),
            ("169.254.1.1", Class::LinkLocal),
            ("fe80::1", Class::LinkLocal),
            ("169.254.169.254", Class::Metadata),
            ("::ffff:169.254.169.254", Class::Metadata),
            ("100.100.100.200", Class::Metadata),
            ("168.63.129.16", Class::Metadata),
            ("fd00:ec2::254", Class::Metadata),
            ("100.64.0.1", Class::Shared),
            ("224.0.0.1", Class::Multicast),
            ("255.255.255.255", Class::Multicast),
            ("ff02::1", Class::Multicast),
            ("64:ff9b::7f00:1", Class::Translated),
            ("2002:7f00:1::", Class::Translated),
            ("::127.0.0.1", Class::Translated),
            ("2001::1", Class::Reserved),
            ("198.18.0.1", Class::Reserved),
            ("240.0.0.1", Class::Reserved),
        ];
        for (address, expected) in rows {
            assert_eq!(class(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn ordinary_addresses_have_no_class() {
        for address in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1", "2a00::1"] {
            assert_eq!(class(address), None, "{address}");
        }
    }

    #[test]
    fn a_range_is_what_its_bits_say() {
        let range = |base: &str, prefix| Range::new(base.parse().unwrap(), prefix);
        let private = range("10.0.0.0", 8).unwrap();
        assert!(private.contains("10.9.8.7".parse().unwrap()) && !private.contains("11.0.0.0".parse().unwrap()));
        assert!(!private.contains("::10.0.0.1".parse().unwrap()));
        assert!(private.covers(&range("10.1.0.0", 16).unwrap()) && !private.covers(&range("0.0.0.0", 0).unwrap()));
        assert!(range("0.0.0.0", 0).unwrap().contains("255.1.2.3".parse().unwrap()));
        assert!(range("::", 0).unwrap().contains("ff::1".parse().unwrap()));
        assert_eq!(range("10.0.0.1", 8), None);
        assert_eq!(range("10.0.0.0", 33), None);
        assert_eq!(range("::", 129), None);
        assert_eq!(private.to_string(), "10.0.0.0/8");
    }

    #[test]
    fn only_a_rule_among_special_addresses_names_one() {
        let range = |base: &str, prefix| Range::new(base.parse().unwrap(), prefix).unwrap();
        assert!(Class::Private.is_named_by(&range("10.0.0.0", 8)));
        assert!(!Class::Private.is_named_by(&range("0.0.0.0", 0)));
        assert!(!Class::Loopback.is_named_by(&range("64.0.0.0", 2)));
        assert!(!Class::Metadata.is_named_by(&range("169.254.0.0", 16)));
        assert!(Class::Metadata.is_named_by(&range("169.254.169.254", 32)));
    }
}

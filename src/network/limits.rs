//! What one call may use of the network.

use crate::limit::Limit;

/// Bounds of one call. Every bound is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; more are refused.
    pub connections: u64,
    /// Bytes towards the guest, all connections together.
    pub bytes_in: u64,
    /// Bytes away from the guest, all connections together.
    pub bytes_out: u64,
    /// The longest head of a request, in bytes.
    pub header_bytes: u64,
    /// How long a connection may be silent, in milliseconds.
    pub idle_ms: u64,
    /// How long resolving and connecting may take, in milliseconds.
    pub connect_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            bytes_in: 256 << 20,
            bytes_out: 64 << 20,
            header_bytes: 64 << 10,
            idle_ms: 60_000,
            connect_ms: 10_000,
        }
    }
}

impl Limits {
    /// Every bound, its key and its range.
    pub const FIELDS: &'static [Limit<Limits>] = crate::limit::fields! {
        connections: 1, 4096;
        bytes_in: 1, 1 << 44;
        bytes_out: 1, 1 << 44;
        header_bytes: 1 << 10, 1 << 20;
        idle_ms: 1, 86_400_000;
        connect_ms: 1, 600_000;
    };
}

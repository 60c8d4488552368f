//! What one call did on the network: what was denied and why, what was allowed and how much came through. Bounded,
//! whatever a guest does; written by the proxy, read for the result.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reason::Reason;
use super::target::Target;

/// The most destinations that are listed one by one, allowed and denied each.
const MAX_ENTRIES: usize = 128;
/// The most bytes of a host that are kept.
const MAX_HOST_BYTES: usize = 255;

/// The account of one call. Any thread may use it.
#[derive(Debug, Default)]
pub struct Account {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    allowed: Vec<Allowed>,
    denied: Vec<Denied>,
    denials: u64,
    open: HashMap<u64, (usize, Instant)>,
    last_flow: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// A destination that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Canonical host; `*` stands for all that found no place of their own.
    pub host: String,
    /// Port; 0 with `*`.
    pub port: u16,
    /// Connections.
    pub connections: u64,
    /// Bytes that came in from there.
    pub bytes_in: u64,
    /// Bytes that went there.
    pub bytes_out: u64,
    /// Time that its connections were open, added up.
    pub duration: Duration,
}

/// An attempt that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The host as it was asked for, without control characters, at most 255 bytes.
    pub host: String,
    /// The port; 0 when none could be read.
    pub port: u16,
    /// Why: [`Reason::code`].
    pub code: &'static str,
    /// Why, in one line.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// What an account holds at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Destinations that were reached, in the order of the first time.
    pub allowed: Vec<Allowed>,
    /// Attempts that were denied, in the order of the first time, at most 128 different ones.
    pub denied: Vec<Denied>,
    /// All denied attempts, listed or not.
    pub denials: u64,
}

/// A connection that is open on the account.
#[derive(Debug, PartialEq, Eq)]
pub struct Flow(u64);

impl Account {
    /// An account on which nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Every change leaves the books usable.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a denied attempt.
    pub fn denied(&self, host: &str, port: u16, reason: &Reason) {
        let host: String = host.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let mut end = host.len().min(MAX_HOST_BYTES);
        while !host.is_char_boundary(end) {
            end -= 1;
        }
        let (host, reason, code) = (host.get(..end).unwrap_or_default(), reason.to_string(), reason.code());
        let mut books = self.books();
        books.denials = books.denials.saturating_add(1);
        let listed = books.denied.len();
        let same = |known: &Denied| known.host == host && known.port == port && known.reason == reason;
        match books.denied.iter().position(same).and_then(|index| books.denied.get_mut(index)) {
            Some(known) => known.count = known.count.saturating_add(1),
            None if listed < MAX_ENTRIES => {
                books.denied.push(Denied { host: host.to_owned(), port, code, reason, count: 1 });
            }
            None => {}
        }
    }

    /// Notes a connection to `target`.
    pub fn opened(&self, target: &Target) -> Flow {
        let host = target.host.to_string();
        let mut books = self.books();
        let is_full = books.allowed.len() >= MAX_ENTRIES;
        let known = books.allowed.iter().position(|known| known.port == target.port && known.host == host);
        let index = known.unwrap_or_else(|| {
            let (host, port) = if is_full { ("*".to_owned(), 0) } else { (host, target.port) };
            match books.allowed.iter().position(|known| known.port == port && known.host == host) {
                Some(index) => index,
                None => {
                    let (connections, bytes_in, bytes_out, duration) = (0, 0, 0, Duration::ZERO);
                    books.allowed.push(Allowed { host, port, connections, bytes_in, bytes_out, duration });
                    books.allowed.len() - 1
                }
            }
        });
        if let Some(entry) = books.allowed.get_mut(index) {
            entry.connections = entry.connections.saturating_add(1);
        }
        books.last_flow += 1;
        let flow = books.last_flow;
        books.open.insert(flow, (index, Instant::now()));
        Flow(flow)
    }

    /// Notes bytes of a connection, towards the guest and away from it.
    pub fn moved(&self, flow: &Flow, bytes_in: u64, bytes_out: u64) {
        let mut books = self.books();
        books.bytes_in = books.bytes_in.saturating_add(bytes_in);
        books.bytes_out = books.bytes_out.saturating_add(bytes_out);
        let index = books.open.get(&flow.0).map(|(index, _)| *index);
        if let Some(entry) = index.and_then(|index| books.allowed.get_mut(index)) {
            entry.bytes_in = entry.bytes_in.saturating_add(bytes_in);
            entry.bytes_out = entry.bytes_out.saturating_add(bytes_out);
        }
    }

    /// Notes the end of a connection.
    pub fn closed(&self, flow: Flow) {
        let mut books = self.books();
        if let Some((index, start)) = books.open.remove(&flow.0)
            && let Some(entry) = books.allowed.get_mut(index)
        {
            entry.duration += start.elapsed();
        }
    }

    /// All bytes so far: towards the guest, away from it.
    pub fn bytes(&self) -> (u64, u64) {
        let books = self.books();
        (books.bytes_in, books.bytes_out)
    }

    /// What happened so far; open connections count up to now.
    pub fn summary(&self) -> Summary {
        let books = self.books();
        let mut allowed = books.allowed.clone();
        for (index, start) in books.open.values() {
            if let Some(entry) = allowed.get_mut(*index) {
                entry.duration += start.elapsed();
            }
        }
        Summary { allowed, denied: books.denied.clone(), denials: books.denials }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::reason::Owner;

    fn target(text: &str) -> Target {
        Target::parse_authority(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn what_is_reached_is_added_up_by_destination() {
        let account = Account::new();
        let first = account.opened(&target("a.org:443"));
        let second = account.opened(&target("a.org:443"));
        let third = account.opened(&target("a.org:80"));
        account.moved(&first, 10, 1);
        account.moved(&second, 20, 2);
        account.moved(&third, 5, 5);
        for flow in [first, second, third] {
            account.closed(flow);
        }
        let summary = account.summary();
        let found: Vec<_> = summary
            .allowed
            .iter()
            .map(|entry| (entry.port, entry.connections, entry.bytes_in, entry.bytes_out))
            .collect();
        assert_eq!(found, [(443, 2, 30, 3), (80, 1, 5, 5)]);
        assert_eq!(account.bytes(), (35, 8));
    }

    #[test]
    fn the_same_denial_is_listed_once() {
        let account = Account::new();
        for _ in 0..3 {
            account.denied("evil.org\0\r\n", 443, &Reason::NotListed(Owner::Policy));
        }
        account.denied("evil.org", 443, &Reason::NotListed(Owner::Skill));
        let summary = account.summary();
        assert_eq!(summary.denied.iter().map(|entry| entry.count).collect::<Vec<_>>(), [3, 1]);
        assert!(!summary.denied.iter().any(|entry| entry.host.chars().any(char::is_control)));
    }

    #[test]
    fn a_guest_cannot_make_it_grow() {
        let account = Account::new();
        for number in 0..10_000u32 {
            account.denied(&format!("{number}.{}", "é".repeat(1000)), 443, &Reason::NotListed(Owner::Policy));
            let flow = account.opened(&target(&format!("h{number}.org:443")));
            account.moved(&flow, 1, 1);
            account.closed(flow);
        }
        let summary = account.summary();
        assert_eq!((summary.denied.len(), summary.denials), (MAX_ENTRIES, 10_000));
        assert_eq!(summary.allowed.len(), MAX_ENTRIES + 1);
        assert_eq!(summary.allowed.iter().map(|entry| entry.connections).sum::<u64>(), 10_000);
        assert!(summary.denied.iter().all(|entry| entry.host.len() <= MAX_HOST_BYTES));
    }
}

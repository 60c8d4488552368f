//! CONNECT and SOCKS5: bytes both ways, and how a tunnel ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::super::socks::{Reply, reply};
use super::{Names, World, echo, read_all, read_head, serve, unused};
use crate::network::Limits;

/// A SOCKS5 CONNECT to a name; the reply's code.
fn socks(client: &mut TcpStream, host: &str, port: u16) -> [u8; 10] {
    client.write_all(&[5, 1, 0]).unwrap();
    let mut chosen = [0; 2];
    client.read_exact(&mut chosen).unwrap();
    assert_eq!(chosen, [5, 0]);
    let mut request = vec![5, 1, 0, 3, host.len() as u8];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    client.write_all(&request).unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn a_tunnel_carries_both_ways_and_is_counted() {
    let (port, _) = echo();
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let mut client = world.tunnel(&format!("localhost:{port}"));
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "hello");
    let summary = world.summary();
    assert!(summary.denied.is_empty(), "{summary:?}");
    let [allowed] = summary.allowed.as_slice() else { panic!("{summary:?}") };
    assert_eq!((allowed.host.as_str(), allowed.port), ("127.0.0.1", port));
    assert_eq!((allowed.connections, allowed.bytes_in, allowed.bytes_out), (1, 5, 5));
}

#[test]
fn what_a_client_sends_early_is_not_lost() {
    let (port, _) = echo();
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let mut client = world.client();
    client.write_all(format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nearly").as_bytes()).unwrap();
    read_head(&mut client);
    client.write_all(b" and late").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "early and late");
}

#[test]
fn names_are_resolved_outside_and_addresses_are_checked() {
    let (port, _) = echo();
    let rules = [format!("a.test:{port}"), format!("127.0.0.1:{port}")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let world = World::named(&rules, &[("a.test", &["127.0.0.1"])]);
    let mut client = world.client();
    assert_eq!(socks(&mut client, "A.TEST.", port), reply(Reply::Succeeded));
    client.write_all(b"by name").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "by name");
    assert_eq!(world.summary().allowed[0].host, "a.test");
}

#[test]
fn socks_takes_addresses() {
    let (port, _) = echo();
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let [high, low] = port.to_be_bytes();
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1];
    for request in
        [[&[5, 1, 0, 1, 127, 0, 0, 1][..], &[high, low]].concat(), [&[5, 1, 0, 4][..], &mapped, &[high, low]].concat()]
    {
        let mut client = world.client();
        // All at once, as some clients do.
        client.write_all(&[&[5, 1, 0][..], &request, b"hello"].concat()).unwrap();
        let mut answers = [0; 12];
        client.read_exact(&mut answers).unwrap();
        assert_eq!(answers, [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut client), "hello");
    }
}

#[test]
fn socks_refusals_have_their_codes() {
    let (port, _) = echo();
    let (_held, unused) = unused();
    let rules = [format!("*.test:{port}"), format!("127.0.0.1:{unused}")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let world = World::named(&rules, &[("inner.test", &["127.0.0.1"])]);
    for (host, port, expected, code) in [
        ("other.org", port, Reply::Denied, "not-listed"),
        ("127.0.0.1", port, Reply::Denied, "not-listed"),
        ("evil.org\0.test", port, Reply::Denied, "malformed"),
        ("inner.test", port, Reply::Denied, "forbidden-address"),
        ("none.test", port, Reply::HostUnreachable, "unresolved"),
        ("127.0.0.1", unused, Reply::Refused, "unreachable"),
    ] {
        let mut client = world.client();
        assert_eq!(socks(&mut client, host, port), reply(expected), "{host}");
        assert_eq!(read_all(&mut client), "");
        let denied = world.session.account().summary().denied;
        assert_eq!(denied.last().unwrap().code, code, "{host}");
    }
    let mut client = world.client();
    client.write_all(b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50").unwrap();
    let mut answers = [0; 12];
    client.read_exact(&mut answers).unwrap();
    assert_eq!(answers[3], Reply::CommandUnsupported as u8);
    assert_eq!(world.denials().len(), 7);
}

#[test]
fn socks_asks_for_the_token() {
    let (port, _) = echo();
    let world = World::with(&[&format!("127.0.0.1:{port}")], Limits::default(), Some("key"), Names::new(&[]));
    let [high, low] = port.to_be_bytes();
    let request = [&[5, 1, 0, 1, 127, 0, 0, 1][..], &[high, low]].concat();
    let ask = |login: &[u8]| {
        let mut client = world.client();
        client.write_all(&[&[5, 2, 0, 2], login, &request].concat()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answers = Vec::new();
        client.read_to_end(&mut answers).unwrap();
        answers
    };
    assert_eq!(ask(b"\x01\x01x\x03key"), [&[5, 2, 1, 0][..], &reply(Reply::Succeeded)].concat());
    assert_eq!(ask(b"\x01\x01x\x03kez"), [5, 2, 1, 1]);
    assert_eq!(ask(b"\x01\x01x\x02ke"), [5, 2, 1, 1]);
    assert_eq!(ask(b"\x01\x01x\x04keyx"), [5, 2, 1, 1]);
    assert_eq!(ask(b"\x01\x00\x00"), [5, 2, 1, 1]);
    // Without a login, there is no way in.
    let mut client = world.client();
    client.write_all(&[&[5, 1, 0], request.as_slice()].concat()).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [5, 0xff]);
    assert!(world.denials().iter().all(|(_, _, code)| *code == "unauthorized"));
}

#[test]
fn either_side_may_end_first() {
    // The server says goodbye first and goes on reading.
    let (port, seen) = serve(|mut stream| {
        stream.write_all(b"goodbye").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        read_all(&mut stream)
    });
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let mut client = world.tunnel(&format!("127.0.0.1:{port}"));
    assert_eq!(read_all(&mut client), "goodbye");
    client.write_all(b"still here").unwrap();
    drop(client);
    assert_eq!(seen.recv_timeout(super::PATIENCE).unwrap(), "still here");
}

#[test]
fn a_reset_is_passed_on() {
    let (port, _) = serve(|mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        // Closing with unread bytes resets.
    });
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let mut client = world.tunnel(&format!("127.0.0.1:{port}"));
    client.write_all(b"two bytes and more").unwrap();
    assert_eq!(read_all(&mut client), "<reset>");
}

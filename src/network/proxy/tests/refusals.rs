//! What is not allowed: not reached, answered with a reason, and on the account.

use std::io::Write;
use std::net::{Shutdown, TcpListener};

use super::{Names, World, answer, echo, read_all, serve, unused};
use crate::network::Limits;

#[test]
fn a_denial_says_what_and_why() {
    let (port, seen) = serve(|_| ());
    let world = World::new(&["allowed.org:443"]);
    for request in [
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
        format!("GET http://LOCALHOST:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"),
    ] {
        let answer = world.ask(&request);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        // Clients that tunnel show their users nothing but the first line.
        let reason = format!("HTTP/1.1 403 Forbidden (127.0.0.1:{port}: not in the engine's allow-list");
        assert!(head.starts_with(&reason), "{answer}");
        for field in ["Content-Type: text/plain", "X-Proxy-Error: not-listed", "Connection: close"] {
            assert!(head.contains(field), "{answer}");
        }
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
        assert!(body.starts_with(&format!("127.0.0.1:{port}: not in the engine's allow-list")), "{answer}");
        assert_eq!(body.matches('\n').count(), 1);
    }
    assert!(seen.try_recv().is_err());
    let denied = world.summary().denied;
    assert_eq!((denied.len(), denied[0].count, denied[0].port), (1, 2, port));
}

#[test]
fn an_empty_list_allows_nothing() {
    let (port, seen) = serve(|_| ());
    let world = World::new(&[]);
    assert!(world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")).starts_with("HTTP/1.1 403 "));
    assert!(seen.try_recv().is_err());
}

#[test]
fn an_allowed_name_does_not_lead_inside() {
    let (port, seen) = serve(|_| ());
    let rule = format!("*.test:{port}");
    let world = World::named(
        &[&rule],
        &[
            ("rebound.test", &["127.0.0.1"]),
            ("six.test", &["::1"]),
            ("mapped.test", &["::ffff:127.0.0.1"]),
            ("private.test", &["10.0.0.1", "192.168.0.1"]),
            ("metadata.test", &["169.254.169.254"]),
            ("empty.test", &[]),
        ],
    );
    for (name, code, status) in [
        ("rebound", "forbidden-address", 403),
        ("six", "forbidden-address", 403),
        ("mapped", "forbidden-address", 403),
        ("private", "forbidden-address", 403),
        ("metadata", "forbidden-address", 403),
        ("empty", "unresolved", 502),
        ("missing", "unresolved", 502),
    ] {
        let answer = world.ask(&format!("CONNECT {name}.test:{port} HTTP/1.1\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(code), "{name}: {answer}");
    }
    assert!(seen.try_recv().is_err());
}

#[test]
fn an_address_that_was_checked_is_the_one_that_is_dialled() {
    // The first answer is permitted; a second lookup would get another one.
    let (port, _) = echo();
    let names = Names::new(&[("a.test", &["127.0.0.1"])]);
    names.then("a.test", "127.0.0.2");
    let rules = [format!("a.test:{port}"), format!("127.0.0.1:{port}")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let world = World::with(&rules, Limits::default(), None, names);
    let mut client = world.tunnel(&format!("a.test:{port}"));
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "hello");
    // And each request is checked anew.
    let answer = world.ask(&format!("CONNECT a.test:{port} HTTP/1.1\r\n\r\n"));
    assert!(answer.contains("forbidden-address"), "{answer}");
}

#[test]
fn of_mixed_addresses_only_permitted_ones_are_dialled() {
    let (port, _) = echo();
    // On 127.0.0.3 somebody listens who must not be reached.
    let trap = TcpListener::bind(("127.0.0.3", port)).unwrap();
    trap.set_nonblocking(true).unwrap();
    // Nobody listens on 127.0.0.2: the next one has its turn.
    let rules = [format!("a.test:{port}"), format!("127.0.0.1:{port}"), format!("127.0.0.2:{port}")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let world = World::named(&rules, &[("a.test", &["127.0.0.3", "127.0.0.2", "::ffff:127.0.0.3", "127.0.0.1"])]);
    let mut client = world.tunnel(&format!("a.test:{port}"));
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "hello");
    assert!(trap.accept().is_err());
    assert!(world.summary().denied.is_empty());
}

#[test]
fn a_port_where_nobody_listens_is_unreachable() {
    let (_held, port) = unused();
    let world = World::new(&[&format!("127.0.0.1:{port}")]);
    let answer = world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("refused"), "{answer}");
    assert_eq!(world.denials(), [("127.0.0.1".into(), port, "unreachable")]);
}

#[test]
fn the_token_is_wanted() {
    let (port, _) = answer("HTTP/1.1 200 OK\r\n\r\n");
    let world = World::with(&[&format!("127.0.0.1:{port}")], Limits::default(), Some("key"), Names::new(&[]));
    let ask = |field: &str| world.ask(&format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n{field}\r\n"));
    for (field, is_let_in) in [
        ("", false),
        ("Proxy-Authorization: Basic eDprZXk=\r\n", true),
        ("proxy-authorization: BASIC OmtleQ==\r\n", true),
        ("Proxy-Authorization: Basic eDprZXo=\r\n", false),
        ("Proxy-Authorization: Basic eDprZXl4\r\n", false),
        ("Proxy-Authorization: Basic a2V5\r\n", false),
        ("Proxy-Authorization: Basic !!!\r\n", false),
        ("Proxy-Authorization: Bearer key\r\n", false),
        ("Proxy-Authorization: \r\n", false),
        ("Authorization: Basic eDprZXk=\r\n", false),
    ] {
        let answer = ask(field);
        if is_let_in {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{field}: {answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 407 "), "{field}: {answer}");
            assert!(answer.contains("\r\nProxy-Authenticate: Basic realm=\"skilllite\"\r\n"), "{answer}");
        }
    }
    // Who does not know the token does not learn what is allowed.
    assert!(world.ask("CONNECT other.org:443 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 407 "));
    assert!(world.denials().iter().all(|(_, _, code)| *code == "unauthorized"));
}

#[test]
fn other_protocols_are_closed_and_recorded() {
    let world = World::new(&["a.org:443"]);
    for bytes in [&b"\x16\x03\x01\x02\x00"[..], b"\x04\x01\x00\x50", b"\0", b" GET / HTTP/1.1\r\n\r\n", b"\x05\x01\x02"]
    {
        let mut client = world.client();
        client.write_all(bytes).unwrap();
        let answer = read_all(&mut client);
        assert!(answer.is_empty() || answer.starts_with('\x05'), "{answer}");
    }
    assert!(world.denials().iter().all(|(host, port, code)| (host.as_str(), *port, *code) == ("", 0, "protocol")));
    let world = World::new(&["a.org:443"]);
    assert!(world.ask("GET / HTTP/1.1\r\nHost: a.org\r\n\r\n").contains("whole URI"));
    assert!(world.ask("GET https://a.org/ HTTP/1.1\r\n\r\n").contains("use CONNECT"));
}

#[test]
fn an_answer_survives_what_the_client_is_still_sending() {
    let world = World::new(&["a.org:443"]);
    let mut client = world.client();
    client.write_all(b"POST http://b.org/ HTTP/1.1\r\nContent-Length: 600000\r\n\r\n").unwrap();
    client.write_all(&vec![b'x'; 600_000]).unwrap();
    let answer = read_all(&mut client);
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("b.org:80: not in"), "{answer}");
}

#[test]
fn hosts_in_answers_are_bounded_and_printable() {
    let world = World::new(&["a.org:443"]);
    let answer = world.ask(&format!("CONNECT {}:443 HTTP/1.1\r\n\r\n", "a".repeat(20_000)));
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.len() < 1000, "{answer}");
}

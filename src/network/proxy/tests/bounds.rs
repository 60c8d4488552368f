//! Bounds: connections, bytes, heads, silence, memory.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{Names, PATIENCE, World, alone, answer, echo, eventually, read_all, read_head, serve};
use crate::network::Limits;

fn rule(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

#[test]
fn bytes_in_end_at_the_bound() {
    let (port, _) = serve(|mut stream| {
        let _ = stream.write_all(&[b'x'; 500_000]);
        let _ = read_all(&mut stream);
    });
    let world = World::limited(&[&rule(port)], Limits { bytes_in: 100_000, ..Limits::default() });
    let mut client = world.tunnel(&rule(port));
    let mut seen = Vec::new();
    // The cut is a reset, so that the part is not taken for the whole.
    assert!(client.read_to_end(&mut seen).is_err());
    assert!(seen.len() <= 100_000, "{}", seen.len());
    assert_eq!(world.session.account().bytes().0, 100_000);
    // Others of the call are told.
    let answer = world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("bytes_in"), "{answer}");
    let denied = world.summary().denied;
    assert_eq!((denied.len(), denied[0].code, denied[0].count), (1, "limit", 2), "{denied:?}");
}

#[test]
fn a_bulk_transfer_is_whole_and_ends_at_the_bound() {
    const SIZE: usize = 12 << 20;
    const BOUND: u64 = 10_000_001;
    let block: Vec<u8> = (0..SIZE).map(|index| (index % 253) as u8).collect();
    for (is_in, is_bounded) in [(true, false), (true, true), (false, false), (false, true)] {
        let bound = if is_bounded { BOUND } else { SIZE as u64 };
        let limits = Limits { bytes_in: bound, bytes_out: bound, ..Limits::default() };
        let sent = block.clone();
        let (port, seen) = serve(move |mut stream| {
            let mut bytes = Vec::new();
            if is_in {
                let _ = stream.write_all(&sent);
            } else {
                let _ = stream.read_to_end(&mut bytes);
            }
            bytes
        });
        let world = World::limited(&[&rule(port)], limits);
        let mut client = world.tunnel(&rule(port));
        let mut bytes = Vec::new();
        if is_in {
            let _ = client.read_to_end(&mut bytes);
        } else {
            let _ = client.write_all(&block);
            drop(client);
            bytes = seen.recv_timeout(PATIENCE).unwrap();
        }
        assert!(bytes.len() as u64 <= bound && block.starts_with(&bytes), "{}", bytes.len());
        let (bytes_in, bytes_out) = world.session.account().bytes();
        assert_eq!(if is_in { bytes_in } else { bytes_out }, bound);
        let denials = world.denials();
        if is_bounded {
            assert_eq!(denials, [("127.0.0.1".into(), port, "limit")]);
        } else {
            assert_eq!((bytes.len(), denials), (SIZE, Vec::new()));
        }
    }
}

#[test]
fn exactly_the_bound_is_allowed() {
    let (port, _) = echo();
    let world = World::limited(&[&rule(port)], Limits { bytes_in: 5, bytes_out: 5, ..Limits::default() });
    let mut client = world.tunnel(&rule(port));
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "hello");
    assert!(world.summary().denied.is_empty());
}

#[test]
fn bytes_out_end_at_the_bound() {
    let (port, seen) = serve(|mut stream| read_all(&mut stream).len());
    let world = World::limited(&[&rule(port)], Limits { bytes_out: 1000, ..Limits::default() });
    let mut client = world.tunnel(&rule(port));
    client.write_all(&[b'x'; 1001]).unwrap();
    assert_eq!(read_all(&mut client), "<reset>");
    assert!(seen.recv_timeout(PATIENCE).unwrap() <= 1000 + "<reset>".len());
    assert_eq!(world.denials(), [("127.0.0.1".into(), port, "limit")]);
    // In plain HTTP there is somebody to tell.
    let (port, _) = serve(|mut stream| read_all(&mut stream));
    let world = World::limited(&[&rule(port)], Limits { bytes_out: 1000, ..Limits::default() });
    let head = format!("POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 5000\r\n\r\n");
    let answer = world.ask(&(head + &"x".repeat(5000)));
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("bytes_out"), "{answer}");
}

#[test]
fn connections_beyond_the_bound_wait_and_are_then_told_so() {
    let (port, _) = echo();
    let limits = Limits { connections: 2, connect_ms: 300, ..Limits::default() };
    let world = World::limited(&[&rule(port)], limits);
    let mut held = vec![world.tunnel(&rule(port)), world.tunnel(&rule(port))];
    let start = Instant::now();
    let answer = world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("connections"), "{answer}");
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(world.denials(), [("127.0.0.1".into(), port, "limit")]);
    // A connection that ends in time gives its place to the next one.
    let world = World::limited(&[&rule(port)], Limits { connections: 2, ..Limits::default() });
    held.extend([world.tunnel(&rule(port)), world.tunnel(&rule(port))]);
    for _ in 0..5 {
        let mut next = world.client();
        next.write_all(format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        held.pop();
        assert!(read_head(&mut next).contains(" 200 "));
        held.push(next);
    }
    assert!(world.summary().denied.is_empty());
}

#[test]
fn as_many_workers_as_connections_are_never_refused() {
    let (port, _) = answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let world = World::limited(&[&rule(port)], Limits { connections: 4, ..Limits::default() });
    let request = format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    // The next request does not wait until the proxy has seen the end of the last one.
                    assert!(world.ask(&request).ends_with("ok"));
                }
            });
        }
    });
    assert_eq!(world.summary().denials, 0);
}

#[test]
fn more_clients_than_can_be_told_wait() {
    let (port, _) = echo();
    let world = World::limited(&[&rule(port)], Limits { connections: 1, ..Limits::default() });
    let silent: Vec<_> = (0..60).map(|_| world.client()).collect();
    eventually("the listener rests", || (world.session.clients() == 18).then_some(()));
    drop(silent);
    assert!(
        eventually("a later client", || {
            let answer = world.ask(&format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"));
            (!answer.is_empty()).then_some(answer)
        })
        .starts_with("HTTP/1.1 400 ")
    );
}

#[test]
fn long_heads_are_refused() {
    let world = World::limited(&["a.org:80"], Limits { header_bytes: 2000, ..Limits::default() });
    let answer = world.ask(&format!("GET http://a.org/{} HTTP/1.1\r\n\r\n", "x".repeat(5000)));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let fields = (0..200).map(|index| format!("X{index}: y\r\n")).collect::<String>();
    assert!(world.ask(&format!("GET http://a.org/ HTTP/1.1\r\n{fields}\r\n")).starts_with("HTTP/1.1 431 "));
}

#[test]
fn slow_heads_are_cut() {
    let world = World::limited(&["a.org:80"], Limits { idle_ms: 150, ..Limits::default() });
    let mut client = world.client();
    let start = Instant::now();
    client.write_all(b"GET http://a.org/ HTTP/1.1\r\n").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut answer = Vec::new();
    // A byte now and then does not help.
    while let Err(error) = client.read_to_end(&mut answer) {
        assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock), "{error}");
        assert!(start.elapsed() < PATIENCE);
        let _ = client.write_all(b"X");
    }
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408 "));
    assert!(start.elapsed() >= Duration::from_millis(150));
    // A client that says nothing at all is no attempt.
    assert_eq!(read_all(&mut world.client()), "");
    assert_eq!(world.denials(), [(String::new(), 0, "protocol")]);
}

#[test]
fn silence_ends_a_tunnel_and_an_exchange() {
    let (port, _) = echo();
    let world = World::limited(&[&rule(port)], Limits { idle_ms: 200, ..Limits::default() });
    let mut client = world.tunnel(&rule(port));
    let start = Instant::now();
    for _ in 0..3 {
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
    assert_eq!(read_all(&mut client), "");
    assert!(start.elapsed() >= Duration::from_millis(200));
    let answer = world.ask(&format!("GET http://127.0.0.1:{port}/ HTTP/1.0\r\n\r\n"));
    // The echo of the request is no response with an end.
    assert!(answer.ends_with("<reset>"), "{answer}");
    let (port, _) = serve(|mut stream| read_all(&mut stream));
    let world = World::limited(&[&rule(port)], Limits { idle_ms: 100, ..Limits::default() });
    let answer = world.ask(&format!("GET http://127.0.0.1:{port}/ HTTP/1.0\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
}

#[test]
fn an_address_that_does_not_answer_is_given_up() {
    // A listener whose queue is full takes no more connections, and its system says nothing about it.
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = full.local_addr().unwrap().port();
    nix::sys::socket::listen(&full, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let address = full.local_addr().unwrap();
    let _held: Vec<_> =
        (0..4).filter_map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50)).ok()).collect();
    let rules = [rule(port), format!("a.test:{port}"), format!("127.0.0.2:{port}")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let names = Names::new(&[("a.test", &["127.0.0.1", "127.0.0.2"])]);
    let limits = Limits { connect_ms: 400, ..Limits::default() };
    let world = World::with(&rules, limits, None, names);
    let start = Instant::now();
    let answer = world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(start.elapsed() >= Duration::from_millis(400) && start.elapsed() < Duration::from_secs(5));
    // The next address has its turn before time is up.
    let other = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    let mut client = world.tunnel(&format!("a.test:{port}"));
    let (mut accepted, _) = other.accept().unwrap();
    accepted.write_all(b"here").unwrap();
    drop(accepted);
    assert_eq!(read_all(&mut client), "here");
}

#[test]
fn a_resolver_that_hangs_is_given_up() {
    struct Hangs;
    impl super::Resolve for Hangs {
        fn resolve(&self, _: &str) -> Result<Vec<std::net::IpAddr>, String> {
            loop {
                std::thread::park();
            }
        }
    }
    let limits = Limits { connect_ms: 100, ..Limits::default() };
    let world = World::with(&["*:443"], limits, None, std::sync::Arc::new(Hangs));
    let answers: Vec<_> = (0..6)
        .map(|index| {
            let mut client = world.client();
            client.write_all(format!("CONNECT n{index}.test:443 HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
            client
        })
        .map(|mut client| read_all(&mut client))
        .collect();
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 504 ")), "{answers:?}");
    let start = Instant::now();
    world.proxy.close();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_slow_reader_costs_no_memory() {
    alone("bounds::a_slow_reader_costs_no_memory", || {
        const SIZE: usize = 64 << 20;
        let (port, _) = serve(|mut stream| {
            let block = vec![b'x'; 1 << 20];
            for _ in 0..SIZE / block.len() {
                stream.write_all(&block).unwrap();
            }
        });
        let world = World::new(&[&rule(port)]);
        let mut client = world.tunnel(&rule(port));
        // The server goes on until every buffer on the way is full.
        let mut moved = 0;
        let mut still = 0;
        eventually("the way is full", || {
            let (bytes_in, _) = world.session.account().bytes();
            still = if bytes_in == moved { still + 1 } else { 0 };
            moved = bytes_in;
            (still > 50 && moved > 0).then_some(())
        });
        assert!(moved < SIZE as u64, "{moved}");
        let mut total = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match client.read(&mut buffer).unwrap() {
                0 => break,
                count => total += count,
            }
        }
        assert_eq!(total, SIZE);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak_kib < 32 << 10, "{peak_kib} KiB");
    });
}

#[test]
fn an_exchange_with_a_slow_reader_is_whole() {
    let body = "y".repeat(8 << 20);
    let response: &'static str = Box::leak(format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_boxed_str());
    let (port, _) = answer(response);
    let world = World::new(&[&rule(port)]);
    let mut client = world.client();
    client.write_all(format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match client.read(&mut buffer).unwrap() {
            0 => break,
            count => seen.extend_from_slice(&buffer[..count]),
        }
    }
    assert_eq!(seen.len(), response.len() + "Connection: close\r\n".len());
}

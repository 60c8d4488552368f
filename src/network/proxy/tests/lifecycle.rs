//! Threads, descriptors, and what a close ends.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use super::super::Proxy;
use super::{Names, World, access, alone, connect, echo, eventually, listen, read_all};
use crate::error::Status;
use crate::network::Limits;

/// The names of those of this process's threads that are the proxy's.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names
        .map(|name| name.trim().to_owned())
        .filter(|name| matches!(name.as_str(), "skilllite-net" | "skilllite-dns"))
        .collect()
}

/// This process's descriptors, but for those that look into /proc, as this does.
fn descriptors() -> BTreeSet<String> {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let kept = open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| !target.starts_with("/proc")));
    kept.map(|fd| fd.file_name().into_string().unwrap()).collect()
}

/// A tunnel through `address`, used and ended.
fn use_tunnel(address: std::net::SocketAddr, to: &str) {
    let mut client = connect(address);
    client.write_all(format!("CONNECT {to} HTTP/1.1\r\n\r\nhello").as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let answer = read_all(&mut client);
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[test]
fn threads_come_with_work_and_go_without() {
    alone("lifecycle::threads_come_with_work_and_go_without", || {
        let (port, _) = echo();
        let before = descriptors();
        let names = Names::new(&[("a.test", &["127.0.0.1"])]);
        let proxy = Proxy::with_resolver(names, Duration::from_millis(100));
        let rules = [format!("127.0.0.1:{port}"), format!("a.test:{port}")];
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let session = proxy.session(access(&rules), Limits::default(), None);
        assert_eq!((threads(), descriptors()), (Vec::new(), before.clone()));
        for _ in 0..3 {
            let session = proxy.session(access(&rules), Limits::default(), None);
            let address = listen(&session);
            use_tunnel(address, &format!("a.test:{port}"));
            assert_eq!(threads().iter().filter(|name| *name == "skilllite-net").count(), 1);
            session.close();
            eventually("the threads end", || threads().is_empty().then_some(()));
            eventually("descriptors are back", || (descriptors() == before).then_some(()));
        }
        // A listener keeps the thread.
        let address = listen(&session);
        eventually("the thread starts", || (threads() == ["skilllite-net"]).then_some(()));
        use_tunnel(address, &format!("127.0.0.1:{port}"));
        proxy.close();
        proxy.close();
        eventually("a joined thread is gone", || threads().is_empty().then_some(()));
        drop((session, proxy));
        eventually("the echo's sockets close", || (descriptors() == before).then_some(()));
    });
}

#[test]
fn closing_ends_what_runs() {
    alone("lifecycle::closing_ends_what_runs", || {
        let (port, _) = echo();
        let world = World::new(&[&format!("127.0.0.1:{port}")]);
        let mut clients: Vec<_> = (0..8).map(|_| world.tunnel(&format!("127.0.0.1:{port}"))).collect();
        let mut asking = world.client();
        asking.write_all(b"CONNECT ").unwrap();
        clients[0].write_all(b"x").unwrap();
        clients[0].read_exact(&mut [0]).unwrap();
        world.session.close();
        world.session.close();
        for client in clients.iter_mut().chain([&mut asking]) {
            let end = read_all(client);
            assert!(end.is_empty() || end == "<reset>", "{end}");
        }
        assert!(std::net::TcpStream::connect(world.address).is_err(), "the listener is closed");
        let summary = world.session.account().summary();
        assert_eq!((summary.allowed[0].connections, summary.allowed[0].bytes_in), (8, 1));
        // Closed for good; the proxy goes on.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(world.session.listen(listener.into()).unwrap_err().status, Status::Closed);
        let other = world.proxy.session(access(&[&format!("127.0.0.1:{port}")]), Limits::default(), None);
        use_tunnel(listen(&other), &format!("127.0.0.1:{port}"));
        world.proxy.close();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(other.listen(listener.into()).unwrap_err().status, Status::Closed);
        other.close();
    });
}

#[test]
fn sessions_are_apart() {
    alone("lifecycle::sessions_are_apart", || {
        let (port, _) = echo();
        let (other_port, _) = echo();
        let proxy = Proxy::with_resolver(Names::new(&[]), Duration::from_secs(5));
        let session = |port: u16| proxy.session(access(&[&format!("127.0.0.1:{port}")]), Limits::default(), None);
        let (one, two) = (session(port), session(other_port));
        let (first, second) = (listen(&one), listen(&two));
        use_tunnel(first, &format!("127.0.0.1:{port}"));
        use_tunnel(second, &format!("127.0.0.1:{other_port}"));
        let mut client = connect(first);
        client.write_all(format!("CONNECT 127.0.0.1:{other_port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        assert!(read_all(&mut client).starts_with("HTTP/1.1 403 "));
        drop(one);
        assert!(std::net::TcpStream::connect(first).is_err());
        use_tunnel(second, &format!("127.0.0.1:{other_port}"));
        assert!(two.account().summary().denied.is_empty());
    });
}

#[test]
fn many_connections_at_once_leave_nothing_behind() {
    alone("lifecycle::many_connections_at_once_leave_nothing_behind", || {
        let (port, _) = echo();
        let limits = Limits { connections: 300, ..Limits::default() };
        let world = World::with(&[&format!("127.0.0.1:{port}")], limits, None, Names::new(&[]));
        use_tunnel(world.address, &format!("127.0.0.1:{port}"));
        eventually("one connection is forgotten", || (world.session.clients() == 0).then_some(()));
        let before = descriptors().len();
        for _ in 0..3 {
            let mut clients: Vec<_> = (0..200).map(|_| world.tunnel(&format!("127.0.0.1:{port}"))).collect();
            assert_eq!(world.session.clients(), 200);
            for (index, client) in clients.iter_mut().enumerate() {
                client.write_all(format!("client {index}").as_bytes()).unwrap();
            }
            for (index, mut client) in clients.into_iter().enumerate() {
                client.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_all(&mut client), format!("client {index}"));
            }
            eventually("all are forgotten", || (world.session.clients() == 0).then_some(()));
        }
        eventually("descriptors are back", || (descriptors().len() <= before).then_some(()));
        let summary = world.summary();
        assert_eq!((summary.allowed[0].connections, summary.denials), (601, 0));
    });
}

#[test]
fn many_bulk_transfers_at_once_are_whole() {
    alone("lifecycle::many_bulk_transfers_at_once_are_whole", || {
        const SIZE: usize = 3 << 20;
        let (port, _) = echo();
        let limits = Limits { bytes_in: 1 << 40, bytes_out: 1 << 40, ..Limits::default() };
        let world = World::limited(&[&format!("127.0.0.1:{port}")], limits);
        use_tunnel(world.address, &format!("127.0.0.1:{port}"));
        eventually("it is forgotten", || (world.session.clients() == 0).then_some(()));
        let before = descriptors().len();
        let block: Vec<u8> = (0..SIZE).map(|index| (index % 253) as u8).collect();
        std::thread::scope(|scope| {
            // More than there are pipes for.
            for _ in 0..24 {
                scope.spawn(|| {
                    let mut client = world.tunnel(&format!("127.0.0.1:{port}"));
                    let mut writer = client.try_clone().unwrap();
                    let block = &block;
                    scope.spawn(move || {
                        writer.write_all(block).unwrap();
                        writer.shutdown(Shutdown::Write).unwrap();
                    });
                    let mut bytes = Vec::new();
                    client.read_to_end(&mut bytes).unwrap();
                    assert!(bytes == *block);
                });
            }
        });
        eventually("descriptors are back", || (descriptors().len() <= before).then_some(()));
        assert_eq!(world.summary().denials, 0);
    });
}

#[test]
fn without_descriptors_clients_wait() {
    alone("lifecycle::without_descriptors_clients_wait", || {
        let (port, _) = echo();
        let world = World::new(&[&format!("127.0.0.1:{port}")]);
        use_tunnel(world.address, &format!("127.0.0.1:{port}"));
        eventually("it is forgotten", || (world.session.clients() == 0).then_some(()));
        let mut client = connect(world.address);
        eventually("it is accepted", || (world.session.clients() == 1).then_some(()));
        let mut waiting = std::net::TcpStream::connect(world.address).unwrap();
        eventually("it is accepted", || (world.session.clients() == 2).then_some(()));
        let limit = libc::rlimit { rlim_cur: 200, rlim_max: 200 };
        // SAFETY: the structure is whole; this process is for this test alone.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
        let mut held = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            held.push(file);
        }
        // A client that needs no descriptor of ours but the one for its place: none is left for it.
        held.pop();
        let mut late = std::net::TcpStream::connect(world.address).unwrap();
        late.write_all(b"CONNECT x\r\n\r\n").unwrap();
        // What is there already still works, as far as it needs no new ones.
        client.write_all(format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        let answer = read_all(&mut client);
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("open files"), "{answer}");
        waiting.write_all(b"CONNECT x\r\n\r\n").unwrap();
        assert!(read_all(&mut waiting).starts_with("HTTP/1.1 400 "));
        drop(held);
        assert!(read_all(&mut late).starts_with("HTTP/1.1 400 "));
        use_tunnel(world.address, &format!("127.0.0.1:{port}"));
    });
}

#[test]
fn a_session_may_be_closed_by_any_thread_while_clients_come() {
    let (port, _) = echo();
    let proxy = Arc::new(Proxy::with_resolver(Names::new(&[]), Duration::from_millis(1)));
    let rule = format!("127.0.0.1:{port}");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let session = proxy.session(access(&[&rule]), Limits::default(), None);
                    let address = listen(&session);
                    use_tunnel(address, &rule);
                    // One more is under way when it closes.
                    let mut client = connect(address);
                    let _ = client.write_all(format!("CONNECT {rule} HTTP/1.1\r\n\r\n").as_bytes());
                    session.close();
                    read_all(&mut client);
                    assert!(session.account().summary().allowed[0].connections >= 1);
                }
            });
        }
    });
    proxy.close();
}

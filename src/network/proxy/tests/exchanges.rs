//! Plain HTTP: one request, one response, and nothing else in either direction.

use std::io::{Read, Write};
use std::net::Shutdown;

use super::{World, answer, read_all, read_head, serve};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn world(port: u16) -> World {
    World::new(&[&format!("127.0.0.1:{port}")])
}

#[test]
fn a_request_is_rewritten_and_answered() {
    let (port, seen) = answer(OK);
    let world = world(port);
    let answer = world.ask(&format!(
        "GET http://localhost:{port}/a?b HTTP/1.1\r\nHost: localhost:{port}\r\nProxy-Connection: keep-alive\r\nAccept: x\r\n\r\n"
    ));
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    let expected = format!("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: x\r\nConnection: close\r\n\r\n");
    assert_eq!(seen.recv().unwrap(), expected);
    let summary = world.summary();
    assert_eq!((summary.allowed[0].bytes_in, summary.allowed[0].bytes_out), (OK.len() as u64, expected.len() as u64));
}

#[test]
fn the_upstream_sees_one_request_only() {
    let second = "GET http://127.0.0.1/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    for (framing, body, expected) in [
        ("", "", ""),
        ("Content-Length: 4\r\n", "body", "body"),
        ("Transfer-Encoding: chunked\r\n", "04;x\r\nbody\r\n0\r\nT: x\r\n\r\n", "4\r\nbody\r\n0\r\n\r\n"),
    ] {
        for is_pipelined in [true, false] {
            let (port, seen) = answer(OK);
            let world = world(port);
            let mut client = world.client();
            let head =
                format!("POST http://127.0.0.1:{port}/first HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{framing}\r\n");
            if is_pipelined {
                client.write_all(format!("{head}{body}{second}").as_bytes()).unwrap();
            } else {
                client.write_all(head.as_bytes()).unwrap();
                client.write_all(body.as_bytes()).unwrap();
                client.write_all(second.as_bytes()).unwrap();
            }
            let answer = read_all(&mut client);
            assert!(answer.ends_with("hello") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
            drop(client);
            let seen = seen.recv_timeout(super::PATIENCE).unwrap();
            assert!(seen.starts_with("POST /first ") && seen.ends_with(&format!("\r\n\r\n{expected}")), "{seen}");
            assert!(!seen.contains("second"), "{seen}");
        }
    }
}

#[test]
fn a_body_that_is_not_framed_right_is_refused() {
    let (port, seen) = serve(|mut stream| read_all(&mut stream));
    let world = world(port);
    let head = format!("POST http://127.0.0.1:{port}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    let answer = world.ask(&format!("{head}1\r\na\r\nzz\r\n"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(seen.recv_timeout(super::PATIENCE).unwrap().ends_with("<reset>"));
    assert_eq!(world.denials(), [("127.0.0.1".into(), port, "protocol")]);
}

#[test]
fn a_body_that_breaks_off_does_not_look_complete() {
    let (port, seen) = serve(|mut stream| read_all(&mut stream));
    let world = world(port);
    let mut client = world.client();
    let head = format!("POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
    client.write_all(head.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(seen.recv_timeout(super::PATIENCE).unwrap().ends_with("<reset>"));
}

#[test]
fn an_upstream_that_answers_before_the_body_is_heard() {
    let (port, _) = answer("HTTP/1.1 413 Too Large\r\n\r\n");
    let world = world(port);
    let mut client = world.client();
    let head = format!("POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    assert!(read_all(&mut client).starts_with("HTTP/1.1 413 "));
}

#[test]
fn large_bodies_come_through_both_ways() {
    let size = 5_000_000;
    let (port, seen) = serve(move |mut stream| {
        read_head(&mut stream);
        let mut body = vec![0; size];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        stream.write_all(&body).unwrap();
        body
    });
    let world = world(port);
    let mut client = world.client();
    let body: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
    let head = format!("PUT http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: {size}\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(&body).unwrap();
    let mut response = Vec::new();
    client.read_to_end(&mut response).unwrap();
    assert!(response.ends_with(&body) && seen.recv().unwrap() == body);
}

#[test]
fn interim_responses_pass() {
    let (port, _) = serve(|mut stream| {
        let head = read_head(&mut stream);
        assert!(head.contains("Expect: 100-continue"));
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 4];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let world = world(port);
    let mut client = world.client();
    let head = format!("POST http://127.0.0.1:{port}/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_head(&mut client), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"body").unwrap();
    assert_eq!(read_all(&mut client), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_rule_with_a_path_holds_for_plain_http() {
    let (port, _) = answer(OK);
    let world = World::new(&[&format!("127.0.0.1:{port}/v1/")]);
    let get = |path: &str| world.ask(&format!("GET http://127.0.0.1:{port}{path} HTTP/1.1\r\n\r\n"));
    assert!(get("/v1/x").ends_with("hello"));
    assert!(get("/v2/x").starts_with("HTTP/1.1 403 "));
    assert!(get("/v1/../v2/x").starts_with("HTTP/1.1 403 "));
    assert!(world.ask(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")).starts_with("HTTP/1.1 403 "));
}

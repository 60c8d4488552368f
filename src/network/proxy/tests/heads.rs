//! HTTP heads: what is understood, what is refused, what goes upstream.

use super::super::body::Body;
use super::super::http::{Head, Kind, find_end, read};

fn forwarded(head: &str) -> (String, String) {
    match read(head.as_bytes()) {
        Ok(request) => match request.kind {
            Kind::Forward(forward) => (request.target.to_string(), String::from_utf8(forward.head).unwrap()),
            Kind::Tunnel => panic!("a tunnel: {head}"),
        },
        Err(refusal) => panic!("{refusal:?}: {head}"),
    }
}

#[test]
fn the_end_of_a_head_is_found_wherever_it_is_cut() {
    let rows: &[(&str, Head)] = &[
        ("", Head::Incomplete),
        ("GET / HTTP/1.1\r\n", Head::Incomplete),
        ("GET / HTTP/1.1\r\n\r", Head::Incomplete),
        ("GET / HTTP/1.1\r\n\r\n", Head::Complete(18)),
        ("GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", Head::Complete(18)),
        ("a\n\nb", Head::Complete(3)),
        ("a\n\r\nb", Head::Complete(4)),
        ("0123456789012345678901234567890123456789", Head::TooLong),
        ("012345678901234567890123456789012345\r\n\r\n", Head::Complete(40)),
        ("0123456789012345678901234567890123456\r\n\r\n", Head::TooLong),
    ];
    for (text, expected) in rows {
        for known in 0..=text.len() {
            let is_known = find_end(&text.as_bytes()[..known], 0, 40) == Head::Incomplete;
            if is_known {
                assert_eq!(find_end(text.as_bytes(), known, 40), *expected, "{text:?} after {known}");
            }
        }
    }
}

#[test]
fn tunnels_are_understood() {
    for (head, expected) in [
        ("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n", "a.org:443"),
        ("CONNECT A.ORG.:443 HTTP/1.1\r\nHost: a.org\r\n\r\n", "a.org:443"),
        ("CONNECT [::1]:8443 HTTP/1.0\r\n\r\n", "[::1]:8443"),
        ("CONNECT 127.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 0\r\n\r\n", "127.0.0.1:80"),
    ] {
        let request = read(head.as_bytes()).unwrap();
        assert_eq!((request.target.to_string().as_str(), request.kind), (expected, Kind::Tunnel), "{head}");
    }
}

#[test]
fn what_goes_upstream_is_written_anew() {
    let rows = [
        (
            "GET http://A.org/x?y=/z HTTP/1.1\r\nHost: a.ORG\r\nAccept:  */* \r\n\r\n",
            "a.org:80",
            "GET /x?y=/z HTTP/1.1\r\nHost: a.org\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET HTTP://a.org:8080?q HTTP/1.0\r\n\r\n",
            "a.org:8080",
            "GET /?q HTTP/1.0\r\nHost: a.org:8080\r\nConnection: close\r\n\r\n",
        ),
        (
            "DELETE http://[::ffff:127.0.0.1]:81 HTTP/1.1\r\nHost: 127.1:81\r\n\r\n",
            "127.0.0.1:81",
            "DELETE / HTTP/1.1\r\nHost: 127.0.0.1:81\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET http://[::1]/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            "[::1]:80",
            "GET / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
        ),
        (
            "POST http://a.org/ HTTP/1.1\r\nHost: a.org\r\nContent-Length: 007\r\nConnection: X-One, keep-alive ,x-two\r\n\
             X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\n\
             Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nProxy-Other: x\r\n\r\n",
            "a.org:80",
            "POST / HTTP/1.1\r\nHost: a.org\r\nX-Three: 3\r\nContent-Length: 7\r\nConnection: close\r\n\r\n",
        ),
        (
            "PUT http://a.org/ HTTP/1.1\r\nhost: a.org\r\nTRANSFER-ENCODING: Chunked\r\nCookie: a\r\nCookie: b\r\n\r\n",
            "a.org:80",
            "PUT / HTTP/1.1\r\nHost: a.org\r\nCookie: a\r\nCookie: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        ),
        // A client cannot have the framing dropped by naming it.
        (
            "POST http://a.org/ HTTP/1.1\r\nHost: a.org\r\nConnection: content-length, host\r\nContent-Length: 3\r\n\r\n",
            "a.org:80",
            "POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
        ),
    ];
    for (head, target, expected) in rows {
        assert_eq!(forwarded(head), (target.to_owned(), expected.to_owned()), "{head}");
    }
}

#[test]
fn bodies_are_what_the_framing_says() {
    let rows = [
        ("", Body::none()),
        ("Content-Length: 0\r\n", Body::none()),
        ("Content-Length: 12\r\n", Body::of_length(12)),
        ("Content-Length: 9999999999999999999\r\n", Body::of_length(9_999_999_999_999_999_999)),
        ("Transfer-Encoding: chunked\r\n", Body::chunked()),
    ];
    for (field, expected) in rows {
        let head = format!("POST http://a.org/ HTTP/1.1\r\nHost: a.org\r\n{field}\r\n");
        match read(head.as_bytes()).unwrap().kind {
            Kind::Forward(forward) => assert_eq!(forward.body, expected, "{field}"),
            Kind::Tunnel => panic!("{field}"),
        }
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let with = |fields: &str| format!("POST http://a.org/ HTTP/1.1\r\nHost: a.org\r\n{fields}\r\n");
    let many = (0..129).map(|index| format!("X-{index}: 1\r\n")).collect::<String>();
    let rows: Vec<(String, u16, &str)> = vec![
        (with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400, "both"),
        (with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400, "more than one Content-Length"),
        (with("Content-Length: 3, 3\r\n"), 400, "no decimal"),
        (with("Content-Length: +3\r\n"), 400, "no decimal"),
        (with("Content-Length: 0x3\r\n"), 400, "no decimal"),
        (with("Content-Length: -1\r\n"), 400, "no decimal"),
        (with("Content-Length: 3 3\r\n"), 400, "no decimal"),
        (with("Content-Length:\r\n"), 400, "no decimal"),
        (with("Content-Length: 99999999999999999999\r\n"), 400, "no decimal"),
        (with("Content-Length : 3\r\n"), 400, "malformed"),
        (with("Content_Length: 3\r\n"), 400, "looks like"),
        (with("ContentLength: 3\r\n"), 400, "looks like"),
        (with("Transfer_Encoding: chunked\r\n"), 400, "looks like"),
        (with("Transfer-Encoding-: chunked\r\n"), 400, "looks like"),
        (with("Transfer-Encoding: gzip, chunked\r\n"), 400, "other than chunked"),
        (with("Transfer-Encoding: chunked, identity\r\n"), 400, "other than chunked"),
        (with("Transfer-Encoding: \"chunked\"\r\n"), 400, "other than chunked"),
        (with("Transfer-Encoding: xchunked\r\n"), 400, "other than chunked"),
        (with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "more than one Transfer-Encoding"),
        (with("Transfer-Encoding:\r\n chunked\r\n"), 400, "malformed"),
        (with("X: a\r\n b\r\n"), 400, "malformed"),
        (with("X: a\nContent-Length: 3\r\n"), 400, "bare"),
        (with("X: a\rContent-Length: 3\r\n"), 400, "malformed"),
        (with("X: a\0b\r\n"), 400, "malformed"),
        (with("Host: a.org\r\n"), 400, "more than one Host"),
        (with(&many), 431, "128"),
        (with("Proxy-Authorization: Basic eA==\r\nProxy-Authorization: Basic eA==\r\n"), 400, "more than one Proxy"),
        ("POST http://a.org/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400, "HTTP/1.0"),
        ("GET http://a.org/ HTTP/1.1\r\nHost: b.org\r\n\r\n".into(), 400, "Host"),
        ("GET http://a.org/ HTTP/1.1\r\nHost: a.org:81\r\n\r\n".into(), 400, "Host"),
        ("GET http://a.org:81/ HTTP/1.1\r\nHost: a.org\r\n\r\n".into(), 400, "Host"),
        ("GET http://a.org/ HTTP/1.1\r\nHost:\r\n\r\n".into(), 400, "Host"),
        ("GET http://a.org/ HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n".into(), 400, "Host"),
        ("CONNECT a.org:443 HTTP/1.1\r\nHost: b.org:443\r\n\r\n".into(), 400, "Host"),
        ("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:80\r\n\r\n".into(), 400, "Host"),
        ("CONNECT a.org:443 HTTP/1.1\r\nContent-Length: 3\r\n\r\n".into(), 400, "body"),
        ("CONNECT a.org:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400, "body"),
        ("CONNECT a.org HTTP/1.1\r\n\r\n".into(), 400, "no port"),
        ("CONNECT u@a.org:443 HTTP/1.1\r\n\r\n".into(), 400, "user-info"),
        ("CONNECT http://a.org:443/ HTTP/1.1\r\n\r\n".into(), 400, ""),
        ("CONNECT a.org:443/x HTTP/1.1\r\n\r\n".into(), 400, ""),
        ("CONNECT /x HTTP/1.1\r\n\r\n".into(), 400, ""),
        ("connect a.org:443 HTTP/1.1\r\n\r\n".into(), 400, "no http:// URI"),
        ("GET http://u:p@a.org/ HTTP/1.1\r\n\r\n".into(), 400, "user-info"),
        ("GET http://a.org\\@b.org/ HTTP/1.1\r\n\r\n".into(), 400, "user-info"),
        ("GET http://a.org\\b.org/ HTTP/1.1\r\n\r\n".into(), 400, "character"),
        ("GET http:///x HTTP/1.1\r\n\r\n".into(), 400, "empty host"),
        ("GET http://a.org/x#y HTTP/1.1\r\n\r\n".into(), 400, "fragment"),
        ("GET http://a.org#y HTTP/1.1\r\n\r\n".into(), 400, "fragment"),
        ("GET http://a%2eorg/ HTTP/1.1\r\n\r\n".into(), 400, "character"),
        ("GET http://b\u{fc}cher.org/ HTTP/1.1\r\n\r\n".into(), 400, "ASCII"),
        ("GET https://a.org/ HTTP/1.1\r\n\r\n".into(), 400, "use CONNECT"),
        ("GET ftp://a.org/ HTTP/1.1\r\n\r\n".into(), 400, "use CONNECT"),
        ("GET / HTTP/1.1\r\nHost: a.org\r\n\r\n".into(), 400, "whole URI"),
        ("GET a.org:80 HTTP/1.1\r\n\r\n".into(), 400, "no http:// URI"),
        ("OPTIONS * HTTP/1.1\r\n\r\n".into(), 400, "no http:// URI"),
        ("GET  http://a.org/ HTTP/1.1\r\n\r\n".into(), 400, "malformed"),
        ("GET http://a.org/ x HTTP/1.1\r\n\r\n".into(), 400, ""),
        ("GET http://a.org/ HTTP/2.0\r\n\r\n".into(), 400, "version"),
        ("GET http://a.org/\r\n\r\n".into(), 400, ""),
        ("PRI * HTTP/2.0\r\n\r\n".into(), 400, "version"),
        ("GET http://a.org/ HTTP/1.1\nHost: a.org\n\n".into(), 400, "bare"),
        ("GET http://a.org/ HTTP/1.1\r\nHost: a.org\n\r\n".into(), 400, "bare"),
    ];
    for (head, status, what) in rows {
        let refusal = read(head.as_bytes()).expect_err(&head);
        assert_eq!(refusal.status, status, "{head}");
        assert!(refusal.reason.to_string().contains(what), "{head}: {}", refusal.reason);
    }
}

#[test]
fn refusals_name_what_was_asked_for_and_nothing_unprintable() {
    let refusal = read(b"CONNECT a.org\x7f:443 HTTP/1.1\r\n\r\n").unwrap_err();
    assert_eq!(refusal.about().1, 0);
    let refusal = read(b"GET http://u@a.org/ HTTP/1.1\r\n\r\n").unwrap_err();
    assert_eq!(refusal.about(), ("u@a.org".into(), 0));
    let refusal = read(b"GET http://a.org/#x HTTP/1.1\r\n\r\n").unwrap_err();
    assert_eq!(refusal.about(), ("a.org".into(), 80));
    let long = format!("CONNECT {}:443 HTTP/1.1\r\n\r\n", "a".repeat(5000));
    assert_eq!(read(long.as_bytes()).unwrap_err().about().0.len(), 255);
}

//! Framing of request bodies.

use super::super::body::{Body, Malformed};

/// What goes on, how much was used, and whether the body is over.
fn take(mut body: Body, input: &[u8]) -> Result<(String, usize, bool), Malformed> {
    let mut output = Vec::new();
    let used = body.take(input, &mut output)?;
    Ok((String::from_utf8(output).unwrap(), used, body.is_done()))
}

#[test]
fn a_length_is_counted() {
    assert_eq!(take(Body::none(), b"GET /"), Ok((String::new(), 0, true)));
    assert_eq!(take(Body::of_length(0), b"x"), Ok((String::new(), 0, true)));
    assert_eq!(take(Body::of_length(3), b"ab"), Ok(("ab".into(), 2, false)));
    assert_eq!(take(Body::of_length(3), b"abcGET /"), Ok(("abc".into(), 3, true)));
}

#[test]
fn chunks_are_written_anew() {
    let rows: &[(&str, &str, Option<usize>)] = &[
        ("0\r\n\r\n", "0\r\n\r\n", Some(5)),
        ("3\r\nabc\r\n0\r\n\r\nGET /", "3\r\nabc\r\n0\r\n\r\n", Some(13)),
        ("0000A\r\n0123456789\r\n00\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", Some(25)),
        ("3;ext=\"x\"\r\nabc\r\n0;y\r\nTrailer: z\r\nOther: z\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", Some(45)),
        ("3\r\nabc\r\n", "3\r\nabc\r\n", None),
        ("3\r\nab", "3\r\nab", None),
        ("ffffffffffffffff\r\nabc", "ffffffffffffffff\r\nabc", None),
    ];
    for (input, expected, end) in rows {
        let used = end.unwrap_or(input.len());
        assert_eq!(
            take(Body::chunked(), input.as_bytes()),
            Ok((expected.to_string(), used, end.is_some())),
            "{input:?}"
        );
    }
}

#[test]
fn odd_framing_is_refused() {
    let extension = format!("3;{}\r\nabc", "x".repeat(257));
    let trailers = format!("0\r\n{}", "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(300));
    for input in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\na",
        "1 ;x\r\na",
        "1\na",
        "1\r\r\n",
        ";x\r\n",
        "1;x\na\r\n",
        "1;x\0\r\n",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rb",
        "10000000000000000\r\n",
        "00000000000000001\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\nX: \x01\r\n",
        &extension,
        &trailers,
    ] {
        assert_eq!(take(Body::chunked(), input.as_bytes()), Err(Malformed), "{input:?}");
    }
}

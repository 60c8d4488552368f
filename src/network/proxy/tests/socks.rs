//! SOCKS5 messages.

use super::super::socks::{Message, Methods, Reply, greeting, login, reply, request};

#[test]
fn messages_need_all_their_bytes() {
    let hello: &[u8] = &[5, 3, 0, 1, 2];
    let word: &[u8] = &[1, 2, b'm', b'e', 3, b'k', b'e', b'y'];
    let wish: &[u8] = &[5, 1, 0, 3, 5, b'A', b'.', b'o', b'r', b'g', 1, 187];
    for end in 0..hello.len() {
        assert_eq!(greeting(&hello[..end]), Message::Incomplete);
    }
    for end in 0..word.len() {
        assert_eq!(login(&word[..end]), Message::Incomplete);
    }
    for end in 0..wish.len() {
        assert_eq!(request(&wish[..end]), Message::Incomplete);
    }
    let more = |bytes: &[u8]| [bytes, b"more"].concat();
    assert_eq!(greeting(&more(hello)), Message::Complete(Methods { none: true, password: true }, 5));
    assert_eq!(login(&more(word)), Message::Complete(b"key".as_slice(), 8));
    match request(&more(wish)) {
        Message::Complete(Ok(target), 12) => assert_eq!(target.to_string(), "a.org:443"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn targets_take_their_one_form() {
    let mut long = vec![5, 1, 0, 3, 255];
    long.extend([b'a'; 255]);
    long.extend([0, 80]);
    let rows: &[(&[u8], Result<&str, Reply>)] = &[
        (&[5, 1, 0, 1, 127, 0, 0, 1, 0, 80], Ok("127.0.0.1:80")),
        (&[5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1, 0, 80], Ok("10.0.0.1:80")),
        (&[5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80], Ok("[::1]:80")),
        (b"\x05\x01\x00\x03\x03::1\x00\x50", Ok("[::1]:80")),
        (b"\x05\x01\x00\x03\x0a2130706433\x00\x50", Ok("127.0.0.1:80")),
        (b"\x05\x01\x00\x03\x0aevil\x00.a.or\x00\x50", Err(Reply::Denied)),
        (b"\x05\x01\x00\x03\x00\x00\x50", Err(Reply::Denied)),
        (b"\x05\x01\x00\x03\x01a\x00\x00", Err(Reply::Denied)),
        (&long, Err(Reply::Denied)),
        (b"\x05\x02\x00\x03\x01a\x00\x50", Err(Reply::CommandUnsupported)),
        (b"\x05\x03\x00\x01\x01\x01\x01\x01\x00\x50", Err(Reply::CommandUnsupported)),
        (b"\x05\x01\x00\x02", Err(Reply::AddressUnsupported)),
    ];
    for (bytes, expected) in rows {
        match (request(bytes), expected) {
            (Message::Complete(Ok(target), length), Ok(text)) => {
                assert_eq!((target.to_string().as_str(), length), (*text, bytes.len()))
            }
            (Message::Complete(Err((reply, _)), _), Err(expected)) => assert_eq!(reply, *expected, "{bytes:?}"),
            (other, _) => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[test]
fn other_protocols_are_malformed() {
    assert!(matches!(greeting(&[4, 1, 0, 80]), Message::Malformed(_)));
    assert!(matches!(login(&[5, 0, 0]), Message::Malformed(_)));
    assert!(matches!(request(&[4, 1, 0, 1, 0, 0]), Message::Malformed(_)));
    assert!(matches!(request(&[5, 1, 1, 1, 0, 0]), Message::Malformed(_)));
    assert_eq!(reply(Reply::Denied), [5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
}

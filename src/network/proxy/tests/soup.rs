//! Random bytes and random pieces: the same answer however it is cut, no panic, and never more than a body goes on.

use std::sync::Arc;

use super::super::asking::{Asking, Step};
use super::super::body::Body;
use super::super::session::Call;
use super::super::{http, socks};
use super::{Dice, Names, access};
use crate::network::Limits;

const ROUNDS: usize = 4000;
const HEADER_BYTES: u64 = 1024;

fn call(token: Option<&str>) -> Call {
    let limits = Limits { header_bytes: HEADER_BYTES, ..Limits::default() };
    Call::new(access(&["*:*"]), limits, token.map(str::to_owned))
}

/// Everything that a client is told and what it leads to, for bytes that come in `pieces`, each no larger than the room.
fn transcript(call: &Call, pieces: &[&[u8]]) -> (Vec<u8>, Option<Step>) {
    let (mut asking, mut said) = (Asking::default(), Vec::new());
    let mut unread: Vec<u8> = Vec::new();
    for piece in pieces {
        unread.extend_from_slice(piece);
        while !unread.is_empty() {
            let count = asking.room_bytes(call).min(unread.len());
            assert!(count > 0, "no room is an answer");
            asking.push(&unread[..count]);
            unread.drain(..count);
            loop {
                match asking.step(call) {
                    Step::More => break,
                    Step::Say(answer) => said.extend_from_slice(answer),
                    end => return (said, Some(end)),
                }
            }
        }
    }
    (said, None)
}

/// What stays the same however the bytes come: all but the bytes after a request, of which any number may be read.
fn verdict((said, end): (Vec<u8>, Option<Step>)) -> (Vec<u8>, Option<Step>) {
    let end = end.map(|end| match end {
        Step::Wanted(mut wanted) => {
            wanted.early.clear();
            Step::Wanted(wanted)
        }
        end => end,
    });
    (said, end)
}

const SEEDS: &[&[u8]] = &[
    b"CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nProxy-Authorization: Basic eDprZXk=\r\n\r\n\x16\x03\x01",
    b"POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
    b"POST http://a.org/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close, x\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET http://a.org:0x50/ HTTP/1.1\r\nHost: a.org\nX: \t y\r\n\r\n",
    b"\x05\x02\x00\x02\x05\x01\x00\x03\x05a.org\x01\xbbhello",
    b"\x05\x01\x02\x01\x01x\x03key\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50hello",
    b"\x05\x01\x00\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x00\x00\x01\x00\x50",
];
const SCRAPS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"@",
    b"[",
    b"]",
    b"%",
    b"\\",
    b"#",
    b"\xff",
    b"\t",
    b"0",
    b"chunked",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b.org\r\n",
    b"http://",
    b"HTTP/1.1",
    b"\x05",
    b"\r\n\r\n",
    b"ffffffffffffffffff",
    b"\xc3\xbc",
    b"xn--",
];

fn mutated(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = SEEDS[dice.roll(SEEDS.len())].to_vec();
    for _ in 0..dice.roll(4) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(5) {
            0 => drop(bytes.splice(at..at, SCRAPS[dice.roll(SCRAPS.len())].iter().copied())),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..(at + dice.roll(8)).min(bytes.len()))),
            3 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            _ => drop(bytes.splice(at..at, std::iter::repeat_n(b'a', dice.roll(1500)))),
        }
    }
    bytes
}

#[test]
fn the_answer_does_not_depend_on_the_pieces() {
    let mut dice = Dice(0x5eed_0001);
    let calls = [call(None), call(Some("key"))];
    let mut understood = 0;
    for _ in 0..ROUNDS {
        let bytes = mutated(&mut dice);
        let call = &calls[dice.roll(2)];
        let whole = verdict(transcript(call, &[&bytes]));
        let cut = verdict(transcript(call, &dice.pieces(&bytes)));
        let (mut single, one) = (bytes.chunks(1), cut == whole);
        let bytewise = verdict(transcript(call, &single.by_ref().collect::<Vec<_>>()));
        assert!(one && bytewise == whole, "{:?}\n{whole:?}\n{cut:?}\n{bytewise:?}", String::from_utf8_lossy(&bytes));
        understood += usize::from(matches!(whole.1, Some(Step::Wanted(_))));
    }
    // The mutations leave enough to be worth it.
    assert!(understood > ROUNDS / 10, "{understood}");
}

#[test]
fn soup_is_digested() {
    let mut dice = Dice(0x5eed_0002);
    let call = Arc::new(call(Some("key")));
    for _ in 0..ROUNDS {
        let length = dice.roll(600);
        let mut soup: Vec<u8> = (0..length).map(|_| dice.roll(256) as u8).collect();
        if let (Some(first), true) = (soup.first_mut(), dice.roll(2) == 0) {
            *first = if dice.roll(2) == 0 { 5 } else { b'G' };
        }
        let _ = (http::read(&soup), socks::greeting(&soup), socks::login(&soup), socks::request(&soup));
        let _ = (Names::new(&[]), transcript(&call, &dice.pieces(&soup)));
        let _ = Body::chunked().take(&soup, &mut Vec::new());
    }
}

/// A chunked body as a careful reader makes it, with the bytes that follow it.
fn chunked(dice: &mut Dice, data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut written, mut canonical) = (Vec::new(), Vec::new());
    for chunk in dice.pieces(data) {
        let size = chunk.len();
        let zeros = "0".repeat(dice.roll(3));
        let extension = if dice.roll(3) == 0 { ";a=\"b\"" } else { "" };
        written.extend_from_slice(format!("{zeros}{size:X}{extension}\r\n").as_bytes());
        canonical.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        for output in [&mut written, &mut canonical] {
            output.extend_from_slice(chunk);
            output.extend_from_slice(b"\r\n");
        }
    }
    written.extend_from_slice(if dice.roll(2) == 0 { b"0\r\n\r\n" } else { b"000;x\r\nA: b\r\n\r\n" });
    canonical.extend_from_slice(b"0\r\n\r\n");
    (written, canonical)
}

#[test]
fn exactly_the_body_goes_on() {
    let mut dice = Dice(0x5eed_0003);
    for _ in 0..ROUNDS {
        let length = dice.roll(300);
        let data: Vec<u8> = (0..length).map(|_| dice.roll(256) as u8).collect();
        let is_chunked = dice.roll(2) == 0;
        let (mut body, written, expected) = match is_chunked {
            true => {
                let (written, canonical) = chunked(&mut dice, &data);
                (Body::chunked(), written, canonical)
            }
            false => (Body::of_length(length as u64), data.clone(), data),
        };
        let mut stream = written.clone();
        stream.extend_from_slice(b"GET http://a.org/admin HTTP/1.1\r\n\r\n");
        let (mut output, mut used) = (Vec::new(), 0);
        for piece in dice.pieces(&stream) {
            used += body.take(piece, &mut output).unwrap();
        }
        assert!(body.is_done());
        assert_eq!((output, used), (expected, written.len()));
    }
}

#[test]
fn damaged_chunks_give_the_same_verdict_in_pieces() {
    let mut dice = Dice(0x5eed_0004);
    for _ in 0..ROUNDS {
        let data: Vec<u8> = (0..dice.roll(60)).map(|_| dice.roll(256) as u8).collect();
        let (mut written, _) = chunked(&mut dice, &data);
        let at = dice.roll(written.len());
        written[at] = dice.roll(256) as u8;
        let digest = |pieces: &[&[u8]]| {
            let (mut body, mut output, mut used) = (Body::chunked(), Vec::new(), 0);
            for piece in pieces {
                match body.take(piece, &mut output) {
                    Ok(count) => used += count,
                    Err(_) => return None,
                }
            }
            assert!(output.len() <= used, "framing only shrinks");
            Some((output, used, body.is_done()))
        };
        assert_eq!(digest(&[&written]), digest(&dice.pieces(&written)), "{written:?}");
    }
}

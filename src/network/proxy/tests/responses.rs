//! The notice that a connection carries one exchange.

use super::super::response::Response;
use super::Dice;

fn pass(pieces: &[&[u8]]) -> String {
    let (mut response, mut output) = (Response::default(), Vec::new());
    for piece in pieces {
        response.take(piece, &mut output);
    }
    response.finish(&mut output);
    String::from_utf8(output).unwrap()
}

#[test]
fn a_response_says_that_the_connection_ends() {
    let long = "x".repeat(2000);
    let mut dice = Dice(7);
    for (input, expected) in [
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", "HTTP/1.1 200 OK\r\nConnection: close\r\nA: b\r\n\r\nbody"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nL: x\r\n\r\nHTTP/1.0 204 No\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nL: x\r\n\r\nHTTP/1.0 204 No\r\nConnection: close\r\n\r\n",
        ),
        ("HTTP/1.1 101 Switching\r\n\r\nx", "HTTP/1.1 101 Switching\r\nConnection: close\r\n\r\nx"),
        ("plain text\nHTTP/1.1 200 OK\r\n", "plain text\nHTTP/1.1 200 OK\r\n"),
        ("HTTP/1.1 20", "HTTP/1.1 20"),
        ("", ""),
        (&long, &long),
    ] {
        assert_eq!(pass(&[input.as_bytes()]), expected);
        for _ in 0..20 {
            assert_eq!(pass(&dice.pieces(input.as_bytes())), expected);
        }
    }
}

//! What a streamed call prints while it runs, as events.

use std::time::Duration;

use serde_json::json;

use super::event::Events;
use crate::engine::Call;
use crate::error::Result;

/// The most pieces that are taken of one stream at once, so that a script that never stops printing is left again.
const PIECES: usize = 32;

/// The names of the streams, by their number.
const STREAMS: [(u32, &str); 2] = [(1, "stdout"), (2, "stderr")];

/// The output of one call.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// For each stream the beginning of a character whose end has not come.
    begun: [Vec<u8>; 2],
}

impl Output {
    /// Takes what is there; tells whether there may be more at once.
    pub(super) fn take(&mut self, call: &Call, call_id: &str, events: &mut Events) -> Result<bool> {
        let mut has_more = false;
        for ((number, name), begun) in STREAMS.iter().zip(&mut self.begun) {
            let mut tell =
                |text: &str| events.piece(json!({ "event": "output", "call_id": call_id, "stream": name }), text);
            let mut pieces = 0;
            loop {
                match call.read(*number, Some(Duration::ZERO))? {
                    Some(bytes) if bytes.is_empty() => break,
                    Some(bytes) => {
                        begun.extend_from_slice(&bytes);
                        tell(&decoded(begun));
                    }
                    None => {
                        tell(&String::from_utf8_lossy(&std::mem::take(begun)));
                        break;
                    }
                }
                pieces += 1;
                if pieces == PIECES {
                    has_more = true;
                    break;
                }
            }
        }
        Ok(has_more)
    }
}

/// Takes the whole characters; what is no UTF-8 becomes U+FFFD.
fn decoded(bytes: &mut Vec<u8>) -> String {
    // The last character may be cut: its first byte says how long it is.
    let cut =
        (1..=bytes.len().min(3)).find(|back| bytes.get(bytes.len() - back).is_some_and(|byte| byte & 0xc0 != 0x80));
    let is_cut = |back: &usize| {
        let first = bytes.get(bytes.len() - back).copied().unwrap_or_default();
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        *back < length
    };
    let kept = cut.filter(is_cut).unwrap_or(0);
    let rest = bytes.split_off(bytes.len() - kept);
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_not_cut() {
        let text = "aé€🦀b\u{fffd}";
        for size in 1..9 {
            let (mut begun, mut read) = (Vec::new(), String::new());
            for piece in text.as_bytes().chunks(size) {
                begun.extend_from_slice(piece);
                read.push_str(&decoded(&mut begun));
            }
            assert_eq!((read.as_str(), begun.len()), (text, 0), "{size}");
        }
        let mut broken = b"a\xff\x80\xf0\x9f".to_vec();
        assert_eq!(decoded(&mut broken), "a\u{fffd}\u{fffd}");
        assert_eq!(broken, b"\xf0\x9f");
    }
}

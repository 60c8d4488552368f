//! What happened, for a host that shows progress. Nothing depends on whether it looks.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// The most events that are kept.
const MOST: usize = 1024;
/// The most bytes of text in them.
const MOST_BYTES: usize = 1 << 20;
/// Pieces of one text are joined up to this.
const JOINED_BYTES: usize = 64 << 10;

/// Events that the host has not read yet: bounded, the oldest give way.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Each with the bytes that it counts for.
    kept: VecDeque<(Value, usize)>,
    bytes: usize,
    dropped: u64,
}

impl Events {
    /// Adds an event.
    pub(super) fn push(&mut self, event: Value) {
        let bytes = event.to_string().len();
        self.kept.push_back((event, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        // The newest is kept, however large it is.
        while self.kept.len() > MOST || (self.bytes > MOST_BYTES && self.kept.len() > 1) {
            let Some((_, bytes)) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Adds a piece of the model's answer.
    pub(super) fn answer_delta(&mut self, text: &str) {
        self.piece(json!({ "event": "answer_delta" }), text);
    }

    /// Adds a piece of a text, which `of` describes; pieces that follow each other are one event.
    pub(super) fn piece(&mut self, mut of: Value, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some((event, bytes)) = self.kept.back_mut()
            && *bytes < JOINED_BYTES
            && let (Some(event), Some(of)) = (event.as_object_mut(), of.as_object())
            && of.iter().all(|(key, value)| event.get(key) == Some(value))
            && let Some(Value::String(known)) = event.get_mut("text")
        {
            known.push_str(text);
            *bytes = bytes.saturating_add(text.len());
            self.bytes = self.bytes.saturating_add(text.len());
            return;
        }
        if let Value::Object(of) = &mut of {
            of.insert("text".to_owned(), Value::from(text));
        }
        self.push(of);
    }

    /// Takes all events, oldest first, after one that counts those that were dropped, if any were.
    pub(super) fn drain(&mut self) -> Value {
        let dropped = std::mem::take(&mut self.dropped);
        self.bytes = 0;
        let first = (dropped > 0).then(|| json!({ "event": "dropped", "count": dropped }));
        first.into_iter().chain(std::mem::take(&mut self.kept).into_iter().map(|(event, _)| event)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_bounded_and_those_dropped_are_counted() {
        let mut events = Events::default();
        (0..MOST + 7).for_each(|n| events.push(json!({ "event": "n", "n": n })));
        let drained = events.drain();
        assert_eq!(drained[0], json!({ "event": "dropped", "count": 7 }));
        assert_eq!((&drained[1]["n"], drained.as_array().map(Vec::len)), (&json!(7), Some(MOST + 1)));
        assert_eq!(events.drain(), json!([]));
        let large = "x".repeat(MOST_BYTES / 2);
        (0..5).for_each(|n| events.push(json!({ "event": "n", "n": n, "text": large })));
        let drained = events.drain();
        assert_eq!(
            (&drained[0]["count"], &drained[1]["n"], drained.as_array().map(Vec::len)),
            (&json!(4), &json!(4), Some(2))
        );
    }

    #[test]
    fn pieces_of_an_answer_are_joined() {
        let mut events = Events::default();
        ["a", "", "b"].iter().for_each(|text| events.answer_delta(text));
        events.push(json!({ "event": "other" }));
        events.answer_delta("c");
        let text = |text: &str| json!({ "event": "answer_delta", "text": text });
        assert_eq!(events.drain(), json!([text("ab"), { "event": "other" }, text("c")]));
        let piece = "x".repeat(1000);
        (0..10_000).for_each(|_| events.answer_delta(&piece));
        let drained = events.drain();
        assert!(drained.to_string().len() < MOST_BYTES + 2 * JOINED_BYTES);
        assert_eq!(drained[0]["event"], "dropped");
    }
}

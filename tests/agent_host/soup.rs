//! Random responses and random moves of a host, the same for the same seed.

use serde_json::{Value, json};
use skilllite::capi::skl_status::{SKL_ERR_INVALID_RESPONSE, SKL_ERR_INVALID_UTF8, SKL_ERR_OUT_OF_TURN};

use super::{Agent, Engine, Failed, Said, call, counts, says};

/// xorshift64*
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[self.roll(from.len())]
    }

    fn calls(&mut self) -> Vec<Said> {
        let names = ["worker", "other", "worker", "none", "", "wörker", "function.worker"];
        let arguments = [
            json!({ "args": ["say", "x"] }),
            json!({ "args": ["fail"] }),
            json!({ "args": "x" }),
            json!("{\"args\":[\"say\""),
            json!("\"{}\""),
            json!(null),
            json!([1]),
            json!({ "nothing": { "of": ["the", "kind"] } }),
        ];
        let ids = ["a", "b", "a", "", "call_1", "call_2", "\u{202e}", "x y"];
        (0..self.roll(5))
            .map(|_| call(self.pick::<&str>(&ids), self.pick::<&str>(&names), self.pick(&arguments).clone()))
            .collect()
    }

    /// A value in which something is not what it was.
    fn spoil(&mut self, value: &mut Value) {
        let others = [Value::Null, json!(7), json!("x"), json!([]), json!({}), json!([[{}]]), json!(true), json!(-0.5)];
        let deeper = self.roll(5) > 0;
        match value {
            Value::Array(items) if deeper && !items.is_empty() => {
                let at = self.roll(items.len());
                match self.roll(8) {
                    0 => drop(items.remove(at)),
                    1 => items.push(items[at].clone()),
                    _ => self.spoil(&mut items[at]),
                }
            }
            Value::Object(map) if deeper && !map.is_empty() => {
                let at = self.roll(map.len());
                let key = map.keys().nth(at).cloned().unwrap_or_default();
                match self.roll(8) {
                    0 => drop(map.shift_remove(&key)),
                    _ => self.spoil(&mut map[&key]),
                }
            }
            other => *other = self.pick(&others).clone(),
        }
    }

    fn body(&mut self, dialect: &str) -> Vec<u8> {
        let text = *self.pick(&["", "Hello.", "Grüße 🦀", "{\"tool_calls\":[]}"]);
        let is_streamed = self.roll(2) == 0;
        let calls = self.calls();
        let mut body = says(dialect, is_streamed, text, &calls);
        match self.roll(6) {
            // Bytes that are not what they were.
            0 => {
                for _ in 0..=self.roll(4) {
                    let at = self.roll(body.len());
                    body[at] = self.roll(256) as u8;
                }
                body
            }
            1 => {
                body.truncate(self.roll(body.len()));
                body
            }
            2 if !is_streamed => {
                let mut value: Value = serde_json::from_slice(&body).expect("what is whole is JSON");
                (0..=self.roll(3)).for_each(|_| self.spoil(&mut value));
                value.to_string().into_bytes()
            }
            2 => {
                let text = String::from_utf8(body).expect("a stream is text");
                let spoilt = text.lines().map(|line| {
                    let value = line.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok());
                    match value.filter(|_| self.roll(4) == 0) {
                        Some(mut value) => {
                            self.spoil(&mut value);
                            format!("data: {value}\n")
                        }
                        None => format!("{line}\n"),
                    }
                });
                spoilt.collect::<String>().into_bytes()
            }
            // Another vendor's.
            3 => says(self.pick::<&str>(&super::dialects()), is_streamed, text, &calls),
            _ => body,
        }
    }
}

fn may_fail(outcome: Result<(), Failed>) {
    if let Err((status, message)) = outcome {
        let known = [SKL_ERR_INVALID_RESPONSE, SKL_ERR_INVALID_UTF8, SKL_ERR_OUT_OF_TURN];
        assert!(known.contains(&status), "{status:?}: {message}");
    }
}

/// One conversation of random moves.
pub fn soup(engine: &Engine, dialect: &str, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ dialect.len() as u64 ^ 0x5eed);
    let config = json!({
        "dialect": dialect, "model": "m", "stream": dice.roll(2) == 0, "context": dice.roll(2) == 0,
        "approval": { "default": dice.pick(&["allow", "ask"]) },
        "limits": { "iterations": 1 + dice.roll(6), "parallel_calls": 1 + dice.roll(3), "tool_output_tokens": 100 + dice.roll(400) },
    });
    let agent = engine.agent(&config);
    for _ in 0..40 {
        match dice.roll(12) {
            0 => may_fail(agent.try_ask("Go.", "")),
            1 => agent.cancel(),
            2 => drop(agent.events()),
            3 => drop(agent.next(0)),
            4 => may_fail(agent.try_approve("a", dice.roll(2) == 0, "")),
            5..=7 => decide(&agent, &mut dice),
            _ => {
                let body = dice.body(dialect);
                let size = 1 + dice.roll(200);
                for piece in body.chunks(size) {
                    may_fail(agent.try_feed(piece, false));
                }
                may_fail(agent.try_feed(b"", dice.roll(8) > 0));
            }
        }
    }
    agent.cancel();
    assert!(["ask", "answer", "stopped"].contains(&agent.next(-1)["step"].as_str().unwrap_or_default()));
    counts(dialect, &agent.transcript(), 0);
}

/// Brings the turn to where the host has to do something else than approve.
fn decide(agent: &Agent<'_>, dice: &mut Dice) {
    loop {
        let step = agent.next(-1);
        match step["step"].as_str() {
            Some("approval") => {
                for call in step["calls"].as_array().into_iter().flatten() {
                    let id = call["call_id"].as_str().expect("a call has an id");
                    agent.try_approve(id, dice.roll(3) > 0, "no").expect("it waits for approval");
                }
            }
            Some("ask") => return agent.ask("Go."),
            _ => return,
        }
    }
}

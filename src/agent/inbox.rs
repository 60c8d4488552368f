//! The body of a response as it comes in: whole or streamed, which its first character tells.

use serde_json::Value;

use crate::engine::{excerpt, parse};
use crate::error::{Error, Result, Status};
use crate::tool::dialect::{Assembler, Dialect};

/// The most bytes of a response.
const MOST_BYTES: usize = 64 << 20;

/// One response that comes in.
#[derive(Debug)]
pub(super) struct Inbox {
    dialect: Dialect,
    form: Form,
    failure: Option<Error>,
}

#[derive(Debug)]
enum Form {
    /// Nothing but blanks so far.
    Empty,
    /// A JSON object: the whole response, or the first of several.
    Object(Vec<u8>),
    /// Server-sent events, or an array of chunks.
    Stream { assembler: Box<Assembler>, events: usize, start: Vec<u8> },
}

impl Inbox {
    /// An empty one.
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, form: Form::Empty, failure: None }
    }

    /// Whether it failed: what comes further belongs to the same body.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Takes bytes, cut anywhere, and shows the events of a stream that they complete. Every later function gives the
    /// failure again.
    pub(super) fn feed(&mut self, bytes: &[u8], watch: &mut dyn FnMut(&Value)) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let outcome = self.take(bytes, watch);
        self.failure = outcome.as_ref().err().cloned();
        outcome
    }

    fn take(&mut self, bytes: &[u8], watch: &mut dyn FnMut(&Value)) -> Result<()> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Empty) {
            // A byte order mark and blanks may come before.
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf);
            let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
            bytes = bytes.get(start..).unwrap_or_default();
            self.form = match bytes.first() {
                None => return Ok(()),
                Some(b'{') => Form::Object(Vec::new()),
                Some(_) => self.stream(),
            };
        }
        match &mut self.form {
            Form::Empty => Ok(()),
            Form::Object(text) => {
                if text.len().saturating_add(bytes.len()) > MOST_BYTES {
                    return Err(invalid(format!("the response is larger than {MOST_BYTES} bytes")));
                }
                text.extend_from_slice(bytes);
                Ok(())
            }
            Form::Stream { assembler, events, start } => {
                start.extend(bytes.iter().take(80_usize.saturating_sub(start.len())));
                assembler.feed_watched(bytes, &mut |event| {
                    *events += 1;
                    watch(event);
                })
            }
        }
    }

    fn stream(&self) -> Form {
        Form::Stream { assembler: Box::new(Assembler::new(self.dialect)), events: 0, start: Vec::new() }
    }

    /// The response, whose last byte has come.
    pub(super) fn response(&self) -> Result<Value> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match &self.form {
            Form::Empty => Err(invalid("the response is empty".to_owned())),
            Form::Object(text) => self.object(text),
            Form::Stream { assembler, events: 0, start } => assembler.response().map_err(|_| {
                let start = String::from_utf8_lossy(start);
                invalid(format!("the response is neither JSON nor a stream of events: {}", excerpt(&start)))
            }),
            Form::Stream { assembler, .. } => assembler.response(),
        }
    }

    fn object(&self, text: &[u8]) -> Result<Value> {
        let whole = std::str::from_utf8(text).map_err(|error| {
            let message = format!("the response is not UTF-8: bad byte at offset {}", error.valid_up_to());
            Error::new(Status::InvalidUtf8, message)
        })?;
        let failure = match parse(whole, "the response", Status::InvalidResponse) {
            Ok(response) => return Ok(response),
            Err(error) => invalid(error.message),
        };
        // Chunks one after another are a stream too.
        let mut assembler = Assembler::new(self.dialect);
        assembler.feed(text).and_then(|()| assembler.response()).map_err(|_| failure)
    }
}

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidResponse, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, cut: usize) -> Result<Value> {
        let mut inbox = Inbox::new(Dialect::OpenAi);
        for piece in body.as_bytes().chunks(cut) {
            inbox.feed(piece, &mut |_| ())?;
        }
        inbox.response()
    }

    #[test]
    fn whole_and_streamed_bodies_are_told_apart() {
        let whole = r#"{"choices":[{"message":{"content":"hi"}}]}"#;
        let chunk = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
        let events = format!("\u{feff}\r\ndata: {chunk}\n\ndata: [DONE]\n\n");
        for body in
            [whole, &format!(" \n{whole}\n"), &events, &format!("[{chunk}]"), &format!("{chunk}\n{{\"usage\":{{}}}}")]
        {
            for cut in [1, 7, 10_000] {
                let response = read(body, cut).unwrap_or_else(|error| panic!("{body}: {error}"));
                assert_eq!(response["choices"][0]["message"]["content"], "hi", "{body}");
            }
        }
    }

    #[test]
    fn what_is_no_response_says_what_it_is() {
        let rows = [
            ("", "is empty"),
            (" \n", "is empty"),
            ("<html>502 Bad Gateway</html>", "neither JSON nor a stream of events: <html>502"),
            ("upstream connect error", "neither JSON"),
            (r#"{"choices":[{"#, "not JSON"),
            ("data: {\"choices\":[{\"delta\":{\"content\":\"h\"}}]}\n\n", "not at its end"),
            ("data: nonsense\n\n", "not JSON"),
            ("{\"a\":\"\u{0}\"}", "not JSON"),
        ];
        for (body, needle) in rows {
            let error = read(body, 3).unwrap_err();
            assert_eq!(error.status, Status::InvalidResponse, "{error}");
            assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
        }
        let mut inbox = Inbox::new(Dialect::OpenAi);
        assert!(inbox.feed(b"data: no\n\n", &mut |_| ()).is_err() && inbox.has_failed());
        assert!(inbox.feed(b"data: {}\n\n", &mut |_| ()).is_err() && inbox.response().is_err());
    }
}

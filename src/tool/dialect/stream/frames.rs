//! Bytes cut anywhere, made into events.
//!
//! The first character says what comes: `{` or `[` begins JSON objects one after another, anything else is a stream of
//! server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>). Only `data` is of interest.

use serde_json::Value;

use crate::error::{Error, Result, Status};
use crate::schema::validate::clip;

/// The most bytes of one stream.
const STREAM_BYTES: usize = 64 << 20;

/// One event.
#[derive(Debug)]
pub(super) enum Frame {
    Event(Value),
    /// `[DONE]`, by which OpenAI ends a stream.
    Done,
}

#[derive(Clone, Default)]
pub(super) struct Frames {
    form: Form,
    /// All bytes so far.
    taken: usize,
    /// Events so far, for messages.
    count: usize,
}

#[derive(Clone, Default)]
enum Form {
    #[default]
    Unknown,
    Events(Lines),
    Objects(Objects),
}

/// A stream of server-sent events.
#[derive(Clone, Default)]
struct Lines {
    /// A line whose end has not come.
    line: Vec<u8>,
    /// The data of an event whose end has not come.
    data: Option<Vec<u8>>,
    /// The last line ended with a carriage return, to which a line feed may belong.
    is_after_return: bool,
}

/// JSON objects one after another.
#[derive(Clone, Default)]
struct Objects {
    text: Vec<u8>,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

type Sink<'s> = dyn FnMut(Frame) -> Result<()> + 's;

impl Frames {
    /// Takes bytes and gives the events that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.taken > STREAM_BYTES {
            return Err(invalid(format!("the stream is larger than {STREAM_BYTES} bytes")));
        }
        let mut rest = bytes;
        if matches!(self.form, Form::Unknown) {
            // A byte order mark and blanks may come before.
            let is_skipped = |byte: &u8| matches!(byte, 0xef | 0xbb | 0xbf | b' ' | b'\t' | b'\r' | b'\n');
            let start = rest.iter().position(|byte| !is_skipped(byte));
            let Some((first, from)) = start.and_then(|start| Some((rest.get(start)?, rest.get(start..)?))) else {
                return Ok(());
            };
            self.form = match first {
                b'{' | b'[' => Form::Objects(Objects::default()),
                _ => Form::Events(Lines::default()),
            };
            rest = from;
        }
        let count = &mut self.count;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(lines) => lines.feed(rest, count, sink),
            Form::Objects(objects) => objects.feed(rest, count, sink),
        }
    }

    /// Whether an event may be there whose end has not come.
    pub(super) fn has_rest(&self) -> bool {
        matches!(&self.form, Form::Events(lines) if !lines.line.is_empty() || lines.data.is_some())
    }

    /// Treats what is there as the end of the stream.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        match &mut self.form {
            Form::Events(lines) => {
                lines.is_after_return = false;
                lines.feed(b"\n\n", &mut self.count, sink)
            }
            Form::Unknown | Form::Objects(_) => Ok(()),
        }
    }
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], count: &mut usize, sink: &mut Sink<'_>) -> Result<()> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.is_after_return) && *first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some((head, tail)) = end.and_then(|end| rest.split_at_checked(end)) else {
                self.line.extend_from_slice(rest);
                return Ok(());
            };
            self.line.extend_from_slice(head);
            self.is_after_return = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            let line = std::mem::take(&mut self.line);
            self.line(&line, count, sink)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], count: &mut usize, sink: &mut Sink<'_>) -> Result<()> {
        if line.is_empty() {
            return match self.data.take() {
                Some(data) => event(&data, count, sink),
                None => Ok(()),
            };
        }
        // Some servers end a stream of events with an error as plain JSON.
        if line.first() == Some(&b'{') {
            return event(line, count, sink);
        }
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => return Ok(()),
        };
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
        Ok(())
    }
}

impl Objects {
    fn feed(&mut self, bytes: &[u8], count: &mut usize, sink: &mut Sink<'_>) -> Result<()> {
        for byte in bytes {
            if self.depth == 0 {
                match byte {
                    b'{' => self.depth = 1,
                    b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' => continue,
                    _ => return Err(invalid(format!("event {}: expected a JSON object", *count + 1))),
                }
                self.text.push(b'{');
                continue;
            }
            self.text.push(*byte);
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'\\' if self.is_in_string => self.is_escaped = true,
                b'"' => self.is_in_string = !self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth += 1,
                b'}' | b']' if !self.is_in_string => self.depth -= 1,
                _ => {}
            }
            if self.depth == 0 {
                let text = std::mem::take(&mut self.text);
                event(&text, count, sink)?;
            }
        }
        Ok(())
    }
}

fn event(data: &[u8], count: &mut usize, sink: &mut Sink<'_>) -> Result<()> {
    let data = data.trim_ascii();
    if data.is_empty() {
        return Ok(());
    }
    if data == b"[DONE]" {
        return sink(Frame::Done);
    }
    *count += 1;
    let text = std::str::from_utf8(data).map_err(|error| {
        let message = format!("event {count} is not UTF-8: bad byte at offset {}", error.valid_up_to());
        Error::new(Status::InvalidUtf8, message)
    })?;
    let value = serde_json::from_str(text)
        .map_err(|error| invalid(format!("event {count} is not JSON: {error}: {}", clip(text, 120))))?;
    sink(Frame::Event(value))
}

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidResponse, message)
}

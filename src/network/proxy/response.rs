//! The start of an upstream's response, in which the client is told that this connection ends with it.
//!
//! A client that is not told would send its next request on a connection that carries one only. Nothing else of a
//! response is read or changed; interim responses (1xx) pass as they are.

/// The longest line that is looked at; what has a longer one passes as it is.
const MAX_LINE_BYTES: usize = 512;
const NOTICE: &[u8] = b"Connection: close\r\n";

/// The part of a response that has not been passed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    line: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Status,
    /// In the fields of an interim response.
    Interim,
    Rest,
}

impl Response {
    /// Whether everything from here on passes as it is.
    pub fn is_plain(&self) -> bool {
        self.place == Place::Rest
    }

    /// Moves `input` to the end of `output`, but for a first line that is not complete.
    pub fn take(&mut self, input: &[u8], output: &mut Vec<u8>) {
        let mut rest = input;
        while self.place != Place::Rest
            && let Some((byte, after)) = rest.split_first()
        {
            rest = after;
            self.line.push(*byte);
            if *byte == b'\n' {
                self.end_line(output);
            } else if self.line.len() > MAX_LINE_BYTES {
                self.place = Place::Rest;
                output.append(&mut self.line);
            }
        }
        output.extend_from_slice(rest);
    }

    /// What is left when the upstream has ended.
    pub fn finish(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.line);
    }

    fn end_line(&mut self, output: &mut Vec<u8>) {
        let status = match self.line.as_slice() {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', a, b, c, ..] => Some([*a, *b, *c]),
            _ => None,
        };
        let is_blank = matches!(self.line.as_slice(), b"\r\n" | b"\n");
        output.append(&mut self.line);
        self.place = match (self.place, status) {
            (Place::Interim, _) if is_blank => Place::Status,
            (Place::Interim, _) => Place::Interim,
            // 101 would be the start of another protocol.
            (_, Some([b'1', tens, ones])) if (tens, ones) != (b'0', b'1') => Place::Interim,
            (_, Some(_)) => {
                output.extend_from_slice(NOTICE);
                Place::Rest
            }
            (_, None) => Place::Rest,
        };
    }
}

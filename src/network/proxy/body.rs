//! Where the body of a request ends. Only what belongs to it goes on, and chunked framing is written anew: an upstream
//! sees plain sizes, no extensions and no trailers, whatever the client wrote.

/// The longest chunk extension.
const MAX_EXTENSION_BYTES: usize = 256;
/// All trailers of a body together.
const MAX_TRAILER_BYTES: usize = 8192;
/// Hexadecimal digits of a chunk's size that fit into 64 bits.
const MAX_SIZE_DIGITS: u8 = 16;

/// The rest of a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(State);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Done,
    Length(u64),
    Size {
        bytes: u64,
        digits: u8,
    },
    Extension {
        bytes: u64,
        length: usize,
    },
    SizeEnd {
        bytes: u64,
    },
    Data(u64),
    DataReturn,
    DataEnd,
    /// At the start of a trailer's line; all of them so far.
    Trailers(usize),
    Trailer(usize),
    TrailerEnd(usize),
    LastEnd,
}

/// Framing that is not what HTTP says; the message cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Body {
    /// No body.
    pub fn none() -> Self {
        Self(State::Done)
    }

    /// A body of so many bytes.
    pub fn of_length(bytes: u64) -> Self {
        Self(if bytes == 0 { State::Done } else { State::Length(bytes) })
    }

    /// A body in chunks.
    pub fn chunked() -> Self {
        Self(State::Size { bytes: 0, digits: 0 })
    }

    /// Whether nothing more belongs to it.
    pub fn is_done(&self) -> bool {
        self.0 == State::Done
    }

    /// Moves what belongs to the body from `input` to the end of `output`, in canonical framing, which is never longer.
    /// Returns how much of `input` was used; the rest, after the body's end, is not part of it.
    pub fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut rest = input;
        while let Some((byte, after)) = rest.split_first() {
            match &mut self.0 {
                State::Done => break,
                State::Length(left) | State::Data(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    let (data, after) = rest.split_at_checked(count).ok_or(Malformed)?;
                    output.extend_from_slice(data);
                    *left -= count as u64;
                    let is_over = *left == 0;
                    rest = after;
                    if is_over {
                        self.0 = if matches!(self.0, State::Data(_)) { State::DataReturn } else { State::Done };
                    }
                    continue;
                }
                _ => self.step(*byte, output)?,
            }
            rest = after;
        }
        Ok(input.len() - rest.len())
    }

    /// One byte of framing.
    fn step(&mut self, byte: u8, output: &mut Vec<u8>) -> Result<(), Malformed> {
        let is_text = byte == b'\t' || byte == b' ' || byte.is_ascii_graphic();
        self.0 = match (&self.0, byte) {
            (State::Size { bytes, digits }, b'\r') if *digits > 0 => State::SizeEnd { bytes: *bytes },
            (State::Size { bytes, digits }, b';') if *digits > 0 => State::Extension { bytes: *bytes, length: 0 },
            (State::Size { bytes, digits }, _) if *digits < MAX_SIZE_DIGITS => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
                State::Size { bytes: bytes << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Extension { bytes, .. }, b'\r') => State::SizeEnd { bytes: *bytes },
            (State::Extension { bytes, length }, _) if is_text && *length < MAX_EXTENSION_BYTES => {
                State::Extension { bytes: *bytes, length: length + 1 }
            }
            (State::SizeEnd { bytes: 0 }, b'\n') => State::Trailers(0),
            (State::SizeEnd { bytes }, b'\n') => {
                output.extend_from_slice(format!("{bytes:x}\r\n").as_bytes());
                State::Data(*bytes)
            }
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => {
                output.extend_from_slice(b"\r\n");
                State::Size { bytes: 0, digits: 0 }
            }
            (State::Trailers(_), b'\r') => State::LastEnd,
            (State::Trailer(length), b'\r') => State::TrailerEnd(*length),
            (State::Trailers(length) | State::Trailer(length), _) if is_text && *length < MAX_TRAILER_BYTES => {
                State::Trailer(length + 1)
            }
            (State::TrailerEnd(length), b'\n') => State::Trailers(*length),
            (State::LastEnd, b'\n') => {
                output.extend_from_slice(b"0\r\n\r\n");
                State::Done
            }
            _ => return Err(Malformed),
        };
        Ok(())
    }
}

//! Names that nobody guesses: random bits of the kernel, as text. Made for folders and secrets of one call.

use crate::error::{Error, Result, Status};

/// 128 random bits as 32 hexadecimal digits. [`Status::Resources`] when the kernel has none.
pub fn token() -> Result<String> {
    let mut random = [0u8; 16];
    // SAFETY: the buffer is live and as long as said.
    if unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) } != random.len() as isize {
        return Err(Error::new(Status::Resources, "the kernel gives no random numbers"));
    }
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (token().expect("there is one"), token().expect("there is another"));
        assert!(one != other && [&one, &other].iter().all(|token| token.len() == 32), "{one} {other}");
    }
}

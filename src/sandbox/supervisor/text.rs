//! Texts as the kernel takes them.

/// A NUL-terminated path or text in memory.
#[derive(Clone, Copy)]
pub struct Text(*const u8);

impl Text {
    /// Wraps a literal that ends in NUL.
    pub const fn literal(bytes: &'static [u8]) -> Self {
        assert!(bytes[bytes.len() - 1] == 0);
        Self(bytes.as_ptr())
    }

    /// Wraps a pointer.
    ///
    /// # Safety
    /// `pointer` leads to a NUL-terminated text that outlives every use.
    pub unsafe fn at(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The bytes before the NUL.
    pub fn bytes(&self) -> &[u8] {
        let mut length = 0;
        // SAFETY: the constructors demand a terminating NUL.
        unsafe {
            while *self.0.add(length) != 0 {
                length += 1;
            }
            core::slice::from_raw_parts(self.0, length)
        }
    }

    /// The text without a leading '/', or "." for the root: a path relative to the root under construction.
    pub fn relative(&self) -> Text {
        // SAFETY: moving over one byte that is not the NUL stays inside the text.
        match self.bytes() {
            [b'/'] | [] => text(b".\0"),
            [b'/', ..] => Text(unsafe { self.0.add(1) }),
            _ => *self,
        }
    }

    /// The address.
    pub fn address(&self) -> *const u8 {
        self.0
    }
}

/// A literal that ends in NUL.
pub const fn text(bytes: &'static [u8]) -> Text {
    Text::literal(bytes)
}

//! A reader of the few ELF facts that a dynamic loader acts on: interpreter, needed libraries, search paths.
//!
//! It reads 64-bit little-endian files and nothing but the headers, the dynamic section and the strings it points at,
//! each at its offset, so that a 90 MB `node` costs a handful of small reads. The bytes may be a stranger's: every
//! offset and count is checked and bounded, and what does not fit is an error, never a panic.

use std::fs::File;
use std::io;
use std::path::Path;

/// The most program headers that a file may have; real ones have about a dozen.
const MAX_PROGRAM_HEADERS: u16 = 512;
/// The longest dynamic section read, in entries of 16 bytes; real ones have 20 to 80.
const MAX_DYNAMIC_ENTRIES: u64 = 8192;
/// The longest string (a path list or a library's name) in bytes.
const MAX_STRING_BYTES: usize = 16 * 1024;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_STRSZ: u64 = 10;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;

/// The `e_machine` of the processor this library is compiled for, or 0 where none is known.
pub(super) const HOST_MACHINE: u16 = if cfg!(target_arch = "x86_64") {
    62
} else if cfg!(target_arch = "aarch64") {
    183
} else {
    0
};

/// What an ELF file asks of the loader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Elf {
    /// `e_machine`: 62 is x86-64, 183 is AArch64.
    pub machine: u16,
    /// The loader (`PT_INTERP`); `None` for libraries and static executables.
    pub interpreter: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RPATH` entries, split at colons; inherited by what the file loads.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH` entries, split at colons; for the file's own needs only.
    pub runpath: Vec<String>,
}

/// Reads the ELF file at `path`, following symbolic links. `Ok(None)` when it is a regular file of another kind (a
/// script). Errors are one-line reasons without the path.
pub(super) fn read_file(path: &Path) -> Result<Option<Elf>, String> {
    let file = open_regular(path).map_err(|error| error.to_string())?;
    read(&file)
}

/// Opens a regular file for reading; never waits for a FIFO's writer.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// Bytes that can be read at an offset; a short read is an error.
pub(super) trait Bytes {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), String>;
    /// As many bytes as there are, at most `into.len()`.
    fn read_some_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, String>;
}

impl Bytes for File {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), String> {
        use std::os::unix::fs::FileExt as _;
        self.read_exact_at(into, offset).map_err(|_| String::from("truncated ELF file"))
    }

    fn read_some_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, String> {
        use std::os::unix::fs::FileExt;
        FileExt::read_at(self, into, offset).map_err(|error| error.to_string())
    }
}

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    file_bytes: u64,
}

/// Reads one ELF file from its bytes; `Ok(None)` when there is no ELF magic.
pub(super) fn read(bytes: &impl Bytes) -> Result<Option<Elf>, String> {
    let mut header = [0_u8; 64];
    let got = bytes.read_some_at(0, &mut header)?;
    if header.get(..4) != Some(b"\x7fELF") {
        return Ok(None);
    }
    if got < header.len() {
        return Err(String::from("truncated ELF file"));
    }
    match (header.get(4), header.get(5)) {
        (Some(2), Some(1)) => {}
        (Some(1), _) => return Err(String::from("a 32-bit ELF file")),
        _ => return Err(String::from("an ELF file of an unknown class or byte order")),
    }
    let mut elf = Elf { machine: u16_at(&header, 18)?, ..Elf::default() };
    let segments = segments(bytes, &header)?;
    if let Some(segment) = segments.iter().find(|segment| segment.kind == PT_INTERP) {
        elf.interpreter = Some(string_at(bytes, segment.offset, segment.file_bytes)?);
    }
    if let Some(dynamic) = segments.iter().find(|segment| segment.kind == PT_DYNAMIC) {
        read_dynamic(bytes, dynamic, &segments, &mut elf)?;
    }
    Ok(Some(elf))
}

fn segments(bytes: &impl Bytes, header: &[u8]) -> Result<Vec<Segment>, String> {
    let table = u64_at(header, 32)?;
    let (size, count) = (u16_at(header, 54)?, u16_at(header, 56)?);
    if count > MAX_PROGRAM_HEADERS || (count > 0 && size < 56) {
        return Err(String::from("an ELF file with an implausible program header table"));
    }
    let mut segments = Vec::with_capacity(usize::from(count));
    let mut entry = [0_u8; 56];
    for index in 0..u64::from(count) {
        let at = index.checked_mul(u64::from(size)).and_then(|skip| table.checked_add(skip));
        bytes.read_at(at.ok_or("an ELF offset overflows")?, &mut entry)?;
        segments.push(Segment {
            kind: u32_at(&entry, 0)?,
            offset: u64_at(&entry, 8)?,
            address: u64_at(&entry, 16)?,
            file_bytes: u64_at(&entry, 32)?,
        });
    }
    Ok(segments)
}

fn read_dynamic(bytes: &impl Bytes, dynamic: &Segment, segments: &[Segment], elf: &mut Elf) -> Result<(), String> {
    let entries = dynamic.file_bytes / 16;
    if entries > MAX_DYNAMIC_ENTRIES {
        return Err(String::from("an ELF file with an implausible dynamic section"));
    }
    let mut table = vec![0_u8; usize::try_from(entries * 16).map_err(|error| error.to_string())?];
    bytes.read_at(dynamic.offset, &mut table)?;
    let (mut strings, mut strings_bytes) = (None, 0);
    let mut named = Vec::new();
    for entry in table.chunks_exact(16) {
        let (tag, value) = (u64_at(entry, 0)?, u64_at(entry, 8)?);
        match tag {
            DT_NULL => break,
            DT_STRTAB => strings = Some(value),
            DT_STRSZ => strings_bytes = value,
            DT_NEEDED | DT_RPATH | DT_RUNPATH => named.push((tag, value)),
            _ => {}
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let strings = file_offset(segments, strings.ok_or("an ELF file without a string table")?)?;
    for (tag, index) in named {
        let room = strings_bytes.checked_sub(index).ok_or("an ELF string lies outside its table")?;
        let text = string_at(bytes, strings.checked_add(index).ok_or("an ELF offset overflows")?, room)?;
        match tag {
            DT_NEEDED => elf.needed.push(text),
            DT_RPATH => elf.rpath.extend(split_list(&text)),
            _ => elf.runpath.extend(split_list(&text)),
        }
    }
    Ok(())
}

/// The entries of a colon-separated list of directories; empty ones (the working directory) are dropped.
pub(super) fn split_list(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(':').filter(|entry| !entry.is_empty()).map(String::from)
}

fn file_offset(segments: &[Segment], address: u64) -> Result<u64, String> {
    segments
        .iter()
        .filter(|segment| segment.kind == PT_LOAD)
        .find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            (inside < segment.file_bytes).then(|| segment.offset.checked_add(inside))?
        })
        .ok_or_else(|| String::from("an ELF address lies outside the file"))
}

/// A NUL-terminated string of at most `room` bytes.
fn string_at(bytes: &impl Bytes, offset: u64, room: u64) -> Result<String, String> {
    let limit = usize::try_from(room).unwrap_or(usize::MAX).min(MAX_STRING_BYTES);
    // Names are short: most are found whole in the first read.
    for size in [limit.min(256), limit] {
        let mut buffer = vec![0_u8; size];
        let got = bytes.read_some_at(offset, &mut buffer)?;
        buffer.truncate(got);
        if let Some(end) = buffer.iter().position(|byte| *byte == 0) {
            buffer.truncate(end);
            return String::from_utf8(buffer).map_err(|_| String::from("an ELF string is not UTF-8"));
        }
    }
    Err(String::from("an ELF string does not end"))
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], String> {
    bytes
        .get(at..)
        .and_then(|rest| rest.get(..N))
        .and_then(|field| field.try_into().ok())
        .ok_or_else(|| String::from("truncated"))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, String> {
    field(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, String> {
    field(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Result<u64, String> {
    field(bytes, at).map(u64::from_le_bytes)
}

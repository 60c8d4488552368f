//! Native programs: what they need, and what those of a stranger cannot get.

use std::fs;
use std::path::Path;

use skilllite::error::Status;
use skilllite::runtime::{Interpreters, Runtime};

use super::{assert_minimal, has_bwrap, host, same_inside, skipped};

#[test]
fn native_programs_run() {
    let interpreters = Interpreters::new(host());
    for name in ["/usr/bin/true", "/usr/bin/ls", "/usr/bin/git", "/usr/bin/curl"] {
        let program = Path::new(name);
        if !program.exists() {
            skipped(&format!("no {name}"));
            continue;
        }
        let runtime = interpreters.native(program).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_minimal(&runtime);
        assert!(!runtime.mounts.contains(&program.to_path_buf()), "the program is the skill's");
        assert!(!runtime.mounts.is_empty());
        let mut with_itself = Runtime::clone(&runtime);
        with_itself.mounts.push(fs::canonicalize(program).expect("real"));
        if has_bwrap() {
            same_inside(name, &with_itself, &["--version"], "/usr/bin");
        }
    }
    let busybox = Path::new("/usr/bin/busybox");
    if busybox.exists() {
        let runtime = interpreters.native(busybox).expect("static");
        assert_eq!((runtime.mounts.len(), runtime.symlinks.len()), (0, 0), "{runtime:#?}");
    } else {
        skipped("no static busybox");
    }
}

#[test]
fn native_errors_have_a_status() {
    let directory = tempfile::tempdir().expect("tempdir");
    let interpreters = Interpreters::new(host());
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("write");
        path
    };
    let truth = fs::read("/bin/true").expect("/bin/true");
    let mut other_machine = truth.clone();
    other_machine[18] = 8;
    for (path, status, words) in [
        (directory.path().join("missing"), Status::Io, "missing"),
        (file("script", b"#!/bin/sh\n"), Status::InterpreterNotFound, "no ELF executable"),
        (file("empty", b""), Status::InterpreterNotFound, "no ELF executable"),
        (file("magic", b"\x7fELF"), Status::InterpreterNotFound, "truncated"),
        (file("cut", &truth[..200]), Status::InterpreterNotFound, "truncated"),
        (file("32", b"\x7fELF\x01\x01").clone(), Status::InterpreterNotFound, "truncated"),
        (file("mips", &other_machine), Status::InterpreterNotFound, "another processor"),
        (directory.path().to_path_buf(), Status::InterpreterNotFound, "not a regular file"),
    ] {
        let error = interpreters.native(&path).expect_err("unusable");
        assert_eq!(error.status, status, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn a_skill_s_program_cannot_name_files_of_the_host() {
    let directory = tempfile::tempdir().expect("tempdir");
    let secret = directory.path().join("k");
    fs::copy("/bin/true", &secret).expect("copy");
    let mut program = fs::read("/bin/true").expect("/bin/true");
    // The loader's name is replaced by that of a private file.
    let loader = b"/lib";
    let at = program.windows(loader.len()).position(|window| window == loader).expect("a loader");
    let mut name = secret.to_str().expect("UTF-8").as_bytes().to_vec();
    name.push(0);
    let room = program[at..].iter().position(|byte| *byte == 0).expect("an end") + 1;
    if name.len() > room {
        return skipped("the temporary directory's name is too long to patch in");
    }
    program[at..at + name.len()].copy_from_slice(&name);
    let path = directory.path().join("program");
    fs::write(&path, program).expect("write");
    let error = Interpreters::new(host()).native(&path).expect_err("refused");
    assert!(error.message.contains("outside the system's library directories"), "{error}");
}

#[test]
fn damaged_executables_are_errors_and_never_panics() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("program");
    let original = fs::read("/bin/true").expect("/bin/true");
    let interpreters = Interpreters::new(host());
    // xorshift64*, seeded: a failure can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from((state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below.max(1) as u64).expect("fits")
    };
    // Where it hurts: the headers, the dynamic section (found by its offset in the program headers), its strings.
    let dynamic = (0..usize::from(original[56]))
        .map(|index| 64 + index * 56)
        .find(|at| original[*at] == 2 && original[at + 1..at + 4] == [0, 0, 0])
        .map(|at| u64::from_le_bytes(original[at + 8..at + 16].try_into().expect("8 bytes")))
        .map_or(0, |offset| usize::try_from(offset).expect("fits"));
    let (mut fine, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut bytes = original.clone();
        for _ in 0..=random(4) {
            let (start, length) = match round % 3 {
                0 => (0, 64 + 13 * 56),
                1 => (dynamic, 512),
                _ => (0, bytes.len()),
            };
            let at = (start + random(length)).min(bytes.len() - 1);
            bytes[at] = [0, 0xff, 0x7f, 0x80, u8::try_from(random(256)).expect("byte")][random(5)];
        }
        if random(8) == 0 {
            bytes.truncate(random(original.len()));
        }
        fs::write(&path, &bytes).expect("write");
        match interpreters.native(&path) {
            Ok(_) => fine += 1,
            Err(error) => {
                assert!(matches!(error.status, Status::InterpreterNotFound | Status::Io), "round {round}: {error}");
                refused += 1;
            }
        }
    }
    assert!(fine > 100 && refused > 100, "the damage is one-sided: {fine} fine, {refused} refused");
}

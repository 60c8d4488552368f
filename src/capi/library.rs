//! The library itself: versions, features, and what this host can give.

use std::ffi::c_char;

use super::buffer::skl_buffer;
use super::error::{skl_error, skl_status};
use super::handle::Out;
use super::panic::{boundary, boundary_or};
use super::text::text;
use crate::engine;

/// Major version of the library this header belongs to.
pub const SKL_VERSION_MAJOR: u32 = 0;
/// Minor version.
pub const SKL_VERSION_MINOR: u32 = 1;
/// Patch version.
pub const SKL_VERSION_PATCH: u32 = 0;
/// The version as one number: major * 1000000 + minor * 1000 + patch.
pub const SKL_VERSION_NUMBER: u32 = 1000;
/// The ABI this header describes. A library whose `skl_abi_version()` is at least this has every function of it.
pub const SKL_ABI_VERSION: u32 = 1;

/// The optional features, and whether this build has them.
const FEATURES: &[(&str, bool)] = &[
    // The loop between a model and the tools.
    ("agent", cfg!(feature = "agent")),
    // Dialects of vendors other than OpenAI Chat Completions.
    ("dialects", cfg!(feature = "dialects")),
    // Three generic tools for all skills, and a prompt block that tells of them.
    ("dependencies", cfg!(all(feature = "dependencies", target_os = "linux"))),
    ("disclosure", cfg!(feature = "disclosure")),
    // Argument schemas inferred from a script's source.
    ("inference", cfg!(feature = "inference")),
    // JSON Schema 2020-12 in full for call arguments.
    ("validation", cfg!(feature = "validation")),
    // Network allow-lists in the policy.
    ("network", cfg!(all(feature = "network", target_os = "linux"))),
    // Advice on what scripts look like they might do.
    ("scan", cfg!(feature = "scan")),
    // Processes started ahead.
    ("warm", false),
];

/// The ABI version of the loaded library. It grows when functions are added; what is there does not change while the
/// library's SONAME stays the same. Compare it with SKL_ABI_VERSION at load. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn skl_abi_version() -> u32 {
    SKL_ABI_VERSION
}

/// The version of the loaded library, "major.minor.patch". A static string. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn skl_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Whether the loaded library has an optional feature: "agent", "dependencies", "dialects", "disclosure", "inference", "network",
/// "scan", "validation", "warm". False for any other name, and for one that is no UTF-8. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_has_feature(name: *const c_char, name_len: usize) -> bool {
    boundary_or(false, || {
        // SAFETY: the host's contract.
        let name = unsafe { text(name, name_len, "name") };
        name.is_ok_and(|name| FEATURES.iter().any(|(known, is_there)| *known == name && *is_there))
    })
}

/// Finds out by trying what isolation this host can give. It starts a supervisor process and ends it again.
///
/// On SKL_OK the caller owns `*report`: `{"tier", "tiers", "layers", "obstacles", "platform", "version"}`; "tier" is the
/// strongest tier or null, and each obstacle says which tier it puts out of reach, its cause and the remedy.
/// Statuses: NULL_ARGUMENT, RESOURCES, UNSUPPORTED, SUPERVISOR. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_probe(report: *mut *mut skl_buffer, err: *mut *mut skl_error) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let report = Out::new(report, "report")?;
            report.give(skl_buffer::of_document(&engine::probe()?));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_same_everywhere() {
        // SAFETY: a static string.
        let version = unsafe { std::ffi::CStr::from_ptr(skl_version()) }.to_str().unwrap();
        assert_eq!(version, format!("{SKL_VERSION_MAJOR}.{SKL_VERSION_MINOR}.{SKL_VERSION_PATCH}"));
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        assert_eq!(SKL_VERSION_NUMBER, SKL_VERSION_MAJOR * 1_000_000 + SKL_VERSION_MINOR * 1_000 + SKL_VERSION_PATCH);
        assert_eq!(skl_abi_version(), SKL_ABI_VERSION);
    }

    #[test]
    fn features_are_told_by_name() {
        // SAFETY: each pointer comes with its length.
        let has = |name: &[u8]| unsafe { skl_has_feature(name.as_ptr().cast(), name.len()) };
        assert_eq!(has(b"inference"), cfg!(feature = "inference"));
        assert_eq!(has(b"network"), cfg!(feature = "network"));
        assert!(!has(b"teleport") && !has(b"\xff") && !has(b""));
        // SAFETY: NULL is allowed.
        assert!(!unsafe { skl_has_feature(std::ptr::null(), 3) });
    }
}

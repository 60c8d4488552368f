//! Builds what cargo does not: the supervisor executable that the library embeds, and the SONAME of the shared library.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let target_os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os == "linux" {
        supervisor();
        let major = env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libskilllite.so.{major}");
        // Thread-local destructors of Rust outlive dlclose; the library stays mapped instead.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// Compiles `src/sandbox/supervisor` with the compiler that builds the crate: static, without std, without libc.
fn supervisor() {
    let source = Path::new("src/sandbox/supervisor");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-changed=src/sandbox/wire.rs");
    let variable = |name| env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"));
    let output = PathBuf::from(variable("OUT_DIR")).join("supervisor");
    let mut command = Command::new(variable("RUSTC"));
    command
        .args(["--edition", "2024", "--crate-type", "bin", "--crate-name", "supervisor", "--target"])
        .arg(variable("TARGET"))
        .args(["-Cpanic=abort", "-Copt-level=2", "-Cstrip=symbols", "-Crelocation-model=static", "-Cdebuginfo=0"])
        .args(["-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib", "-Clink-arg=-static"])
        .args(["-Clink-arg=-Wl,--build-id=none", "-Clink-arg=-Wl,-z,noexecstack"])
        .arg(source.join("main.rs"))
        .arg("-o")
        .arg(&output);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut argument = std::ffi::OsString::from("-Clinker=");
        argument.push(linker);
        command.arg(argument);
    }
    let status = command.status().expect("the Rust compiler runs");
    assert!(status.success(), "building the supervisor failed: {status}");
}

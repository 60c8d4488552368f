//! The committed header: current, accepted by strict compilers, and neither more nor less than the library exports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of `src/capi` with something for the header, in the header's order.
const SOURCES: &[&str] =
    &["library.rs", "error.rs", "buffer.rs", "engine.rs", "skills.rs", "call.rs", "stream.rs", "agent.rs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header_path() -> PathBuf {
    root().join("include/skilllite.h")
}

fn committed() -> String {
    std::fs::read_to_string(header_path()).unwrap_or_default()
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is read");
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(root().join("src/capi").join(source))
    });
    let mut bytes = Vec::new();
    builder.generate().expect("the header is generated").write(&mut bytes);
    String::from_utf8(bytes).expect("the header is UTF-8")
}

/// The functions that a text declares: every `skl_…(` outside comments.
fn functions(header: &str) -> BTreeSet<String> {
    let mut code = String::new();
    for (number, part) in header.split("/*").enumerate() {
        code.push_str(if number == 0 { part } else { part.split_once("*/").map_or("", |(_, after)| after) });
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices('(')
        .filter_map(|(at, _)| code[..at].rsplit(|c| !is_name(c)).next())
        .filter(|name| name.starts_with("skl_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_header_is_current() {
    let generated = generated();
    if std::env::var_os("SKILLLITE_BLESS").is_some() {
        std::fs::write(header_path(), &generated).expect("the header is written");
    }
    assert!(
        committed() == generated,
        "include/skilllite.h is not what src/capi says; run: SKILLLITE_BLESS=1 cargo test --test header"
    );
}

#[test]
fn no_source_is_left_out() {
    for entry in std::fs::read_dir(root().join("src/capi")).expect("src/capi is there").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a source is UTF-8");
        let name = entry.file_name().to_string_lossy().into_owned();
        assert_eq!(text.contains("no_mangle"), SOURCES.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn the_header_compiles_as_c99_and_as_cpp11() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let source = "#include <skilllite.h>\n#include <skilllite.h>\n\
                  skl_status use(skl_engine **engine);\n\
                  skl_status use(skl_engine **engine) { return skl_engine_new(\"{}\", 2, engine, NULL); }\n\
                  typedef char status_is_32_bits[sizeof(skl_status) == 4 ? 1 : -1];\n\
                  extern status_is_32_bits unused;\n";
    let compilers: &[(&str, &str, &[&str])] = &[
        ("cc", "use.c", &["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wstrict-prototypes", "-Werror"]),
        ("c++", "use.cc", &["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror"]),
    ];
    for (compiler, file, flags) in compilers {
        let path = folder.path().join(file);
        std::fs::write(&path, source).expect("a source is written");
        let output = Command::new(compiler)
            .args(*flags)
            .arg("-I")
            .arg(root().join("include"))
            .args(["-c", "-o"])
            .arg(folder.path().join("use.o"))
            .arg(&path)
            .output();
        match output {
            Err(error) => println!("skipped: no {compiler} here: {error}"),
            Ok(output) => assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

#[test]
fn the_library_exports_what_the_header_declares() {
    // The shared library lies beside this test's executable.
    let executable = std::env::current_exe().expect("this test has a path");
    let library = executable.with_file_name("libskilllite.so");
    assert!(library.is_file(), "{} is built together with this test", library.display());
    let output = match Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: no nm here: {error}"),
    };
    assert!(output.status.success(), "nm: {}", String::from_utf8_lossy(&output.stderr));
    let exported: BTreeSet<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|l| l.split_whitespace().last())
        .map(str::to_owned)
        .collect();
    let declared = functions(&committed());
    assert!(declared.len() > 20, "{declared:?}");
    assert_eq!(exported, declared);
}

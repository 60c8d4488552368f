//! Interpreters: which program runs a script, and what it must be able to see.

//! The migrations are embedded: a changed one must be compiled in again.

#![allow(clippy::print_stdout, reason = "a build script talks to cargo on standard output")]

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}

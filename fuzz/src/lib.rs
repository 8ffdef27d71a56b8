//! The targets, for libFuzzer. `tests/fuzz_targets.rs` of the repository runs the
//! same functions over their corpora and what comes of them by chance, so that they
//! are as good as the day they were written.
pub mod targets;

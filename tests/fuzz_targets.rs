//! The fuzz targets, over their corpora and over what comes of them by chance: the
//! same every time, so that a failure can be seen again. What finds new inputs is
//! `cargo fuzz`, and in a small way this with `FUZZ_SECONDS=60`; see SECURITY.md.
#![allow(
    dropping_copy_types,
    dropping_references,
    unreachable_pub,
    missing_docs,
    clippy::collapsible_if,
    clippy::drop_non_drop,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../fuzz/src/targets.rs"]
mod targets;

/// Inputs of chance, for each target.
const MUTATED: u32 = 2_000;
/// Longest input.
const LONGEST: usize = 4_096;

/// Numbers by chance: xorshift.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 16] = [
    b"\0",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"[",
    b"}",
    b"]",
    b"%",
    b"\xff\xfe",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"\r\n",
    b"{{",
    b"</",
];

fn mutate(mut bytes: Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(6) {
            0 if !bytes.is_empty() => {
                let last = bytes.len() - 1;
                bytes[at.min(last)] = chance.next() as u8;
            }
            1 => bytes.truncate(at),
            2 => {
                let piece = PIECES[chance.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            3 => {
                let end = (at + chance.below(32)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                for _ in 0..chance.below(20) {
                    bytes.splice(at..at, copy.iter().copied());
                }
            }
            4 => {
                let other = &others[chance.below(others.len())];
                let from = chance.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let end = (at + chance.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// How long each target is to be tried besides.
fn seconds() -> Duration {
    let wanted = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(wanted.unwrap_or(0))
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_bears_its_corpus_and_what_comes_of_it() {
    std::thread::scope(|scope| {
        for (name, target) in targets::TARGETS {
            scope.spawn(move || {
                let seeds = seeds(name);
                assert!(!seeds.is_empty(), "{name} has no corpus");
                seeds.iter().for_each(|seed| target(seed));
                target(b"");
                let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
                let (began, seconds) = (Instant::now(), seconds());
                let mut inputs = 0;
                while inputs < MUTATED || began.elapsed() < seconds {
                    let seed = seeds[chance.below(seeds.len())].clone();
                    let input = mutate(seed, &seeds, &mut chance);
                    let done = std::panic::catch_unwind(|| target(&input));
                    assert!(done.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&input));
                    inputs += 1;
                }
                if !seconds.is_zero() {
                    println!("{name}: {inputs} inputs in {:?}", began.elapsed());
                }
            });
        }
    });
}

#[test]
fn every_target_is_one_of_the_fuzzers() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    for (name, _) in targets::TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in fuzz/Cargo.toml"
        );
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(file.exists(), "{name} has no program");
    }
}

//! Log lines: one for each event, whatever is in it.
//!
//! Much of what is logged was written by strangers: a path, an error that quotes
//! it, a number that is none. A line break in it would make two lines of one, the
//! second as forged as its author likes; an escape sequence would act on the
//! terminal of whoever reads it; marks of writing direction would show it in
//! another order. So each line is looked at on its way out.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Installs the log. A second installation, as in a test, changes nothing.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that cannot be written is lost. To complain of it on the same standard
    // error would panic, and a full disk would end the process.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Ours could not be told from those in what is logged.
        .with_ansi(false)
        .with_writer(|| Line(io::stderr()))
        .log_internal_errors(false);
    let installed = match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    if let Err(error) = installed {
        tracing::debug!(%error, "the log was installed before");
    }
}

/// One event's line: it comes in one piece.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&tame(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The line without anything that would make more of it than a line of text. What
/// is replaced is written as JSON would, which is right in both formats.
fn tame(line: &[u8]) -> Cow<'_, [u8]> {
    let (text, end) = match line.strip_suffix(b"\n") {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let text = String::from_utf8_lossy(text);
    if matches!(text, Cow::Borrowed(_)) && !text.contains(is_wild) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in text.chars() {
        if is_wild(c) {
            // Writing to a text does not fail.
            write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default();
        } else {
            out.push(c);
        }
    }
    out.push_str(end);
    Cow::Owned(out.into_bytes())
}

/// Control characters, line and paragraph separators, and marks of direction.
fn is_wild(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a stranger may want to have logged.
    const FORGED: &str =
        "x\r\nERROR all is lost\n\u{1b}[2Jgone\u{7}\u{9b}31m \u{202e}txt.exe \u{2028}next";

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool) -> String {
        let page = Page::default();
        let to = page.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || Line(to.clone()));
        let say = || {
            let error = io::Error::other(FORGED);
            tracing::warn!(text = FORGED, debug = ?FORGED, %error, "it says {FORGED}");
        };
        if json {
            tracing::subscriber::with_default(log.json().finish(), say);
        } else {
            tracing::subscriber::with_default(log.finish(), say);
        }
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_a_line_in_both_formats() {
        for json in [false, true] {
            let page = logged(json);
            assert_eq!(page.matches('\n').count(), 1, "{page:?}");
            assert!(page.ends_with('\n') && page.contains("all is lost"), "{page:?}");
            let wild: Vec<char> = page.trim_end().chars().filter(|c| is_wild(*c)).collect();
            assert!(wild.is_empty(), "{wild:?} in {page:?}");
        }
        serde_json::from_str::<serde_json::Value>(&logged(true)).unwrap();
    }

    #[test]
    fn a_plain_line_is_not_copied() {
        assert!(matches!(tame("as it is — é\n".as_bytes()), Cow::Borrowed(_)));
        assert_eq!(*tame(b"\xff\n"), *"\u{fffd}\n".as_bytes());
    }
}

//! How much of what strangers do is written down. Their requests are counted to
//! the last one, but each written line takes a place in the queue for the
//! database, which is there for calls.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines a minute: enough to see who and where, too few to crowd anything out.
const LINES: u32 = 120;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Window {
    began: Instant,
    written: u32,
    left_out: u64,
}

/// See the module's text.
#[derive(Debug)]
pub struct AuditQuota(Mutex<Window>);

impl Default for AuditQuota {
    fn default() -> Self {
        Self(Mutex::new(Window { began: Instant::now(), written: 0, left_out: 0 }))
    }
}

impl AuditQuota {
    /// Whether one more may be written down; and if so, how many before it were
    /// left out.
    pub fn take(&self) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() >= MINUTE {
            window.began = Instant::now();
            window.written = 0;
        }
        if window.written >= LINES {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_written_down_in_part() {
        let quota = AuditQuota::default();
        let written = (0..1_000).filter(|_| quota.take().is_some()).count();
        assert_eq!(written, LINES as usize);
    }
}

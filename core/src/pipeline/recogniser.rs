//! Hearing: the caller's audio on its way to a recogniser, and what comes back.
//!
//! What has not been turned into final words is kept, so that a recogniser that
//! is lost costs a moment and no word: the next one hears it again.

use std::collections::VecDeque;

use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::playback::mulaw_time;

use super::pool::Pool;

/// Audio kept while the caller may be speaking, in bytes: half a minute.
const MOST_KEPT: u64 = 30 * 8_000;
/// Audio kept while nobody speaks, as far as is known, in bytes: two seconds.
const QUIET_KEPT: u64 = 2 * 8_000;
/// Waits before dialling again, by the failures in a row before.
const BACKOFF: [Micros; 4] =
    [Micros::ZERO, Micros::from_millis(100), Micros::from_millis(500), Micros::from_millis(1_000)];
/// Failures in a row after which hearing is given up.
const MOST_FAILURES: u32 = 6;
/// Longest a recogniser may say nothing about speech that it reported.
const MUTE: Micros = Micros::from_secs(4);

/// What the recogniser tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It listens.
    Up,
    /// The caller began to speak.
    SpeechStarted,
    /// Words that may still change, of the audio since the last final ones.
    Interim {
        /// The words.
        text: Personal,
    },
    /// Words that stay.
    Final {
        /// The words; may be none.
        text: Personal,
        /// Where their audio ends, in milliseconds of this connection's audio.
        to_ms: u64,
        /// Whether the caller has stopped speaking.
        ends: bool,
    },
    /// The caller has stopped speaking, for all that it can tell.
    UtteranceEnd,
    /// It is gone.
    Lost {
        /// In words, without secrets.
        reason: String,
        /// Whether asking it again could help.
        retry: bool,
    },
}

/// What hearing wants done, or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Dial this recogniser.
    Dial {
        /// Number of the connection, which tells its events from others'.
        connection: u32,
        /// Which, in the tenant's order.
        provider: usize,
        /// How long to wait first.
        delay: Micros,
    },
    /// Send it this audio, μ-law.
    Audio(Vec<u8>),
    /// It listens, for the first time.
    Ready,
    /// The caller began to speak.
    Started,
    /// More words, to be appended.
    Partial(Personal),
    /// The caller stopped speaking, and said this; nothing where no words were
    /// made out.
    Stopped(Personal),
    /// Nobody hears the caller.
    Deaf {
        /// In words, without secrets.
        reason: String,
        /// Whether trying again could help.
        retry: bool,
    },
}

/// See the module's text.
#[derive(Debug)]
pub struct Recogniser {
    pool: Pool,
    provider: usize,
    connection: u32,
    up: bool,
    was_up: bool,
    gone: bool,
    failures: u32,
    kept: VecDeque<Vec<u8>>,
    /// Bytes of the call's audio before the first that is kept.
    kept_from: u64,
    kept_bytes: u64,
    /// Where the call's audio was when the present connection began.
    began_at: u64,
    speaking: bool,
    /// Final words of the run of speech so far.
    words: String,
    /// Words that were told already.
    told: String,
    last_event: Micros,
    /// When the audio came that the last final words go up to.
    final_at: Option<Micros>,
    outputs: VecDeque<Hearing>,
}

impl Recogniser {
    /// One that has yet to dial; `providers` may be asked.
    #[must_use]
    pub fn new(providers: usize) -> Self {
        Self {
            pool: Pool::new(providers),
            provider: 0,
            connection: 0,
            up: false,
            was_up: false,
            gone: false,
            failures: 0,
            kept: VecDeque::new(),
            kept_from: 0,
            kept_bytes: 0,
            began_at: 0,
            speaking: false,
            words: String::new(),
            told: String::new(),
            last_event: Micros::ZERO,
            final_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Dials the first one.
    pub fn start(&mut self, now: Micros) {
        self.dial(Micros::ZERO, now);
    }

    /// The next thing to do or to tell.
    pub fn poll_output(&mut self) -> Option<Hearing> {
        self.outputs.pop_front()
    }

    /// Which provider is listened to.
    #[must_use]
    pub fn provider(&self) -> usize {
        self.provider
    }

    /// When the audio came up to which the recogniser had listened when it said that
    /// the caller stopped; none where it did not say how far that was.
    #[must_use]
    pub fn stopped_at(&self) -> Option<Micros> {
        self.final_at
    }

    /// A piece of the caller's audio, μ-law.
    pub fn audio(&mut self, audio: Vec<u8>) {
        // An empty message would close the stream.
        if audio.is_empty() || self.gone {
            return;
        }
        self.kept_bytes += audio.len() as u64;
        if self.up {
            self.outputs.push_back(Hearing::Audio(audio.clone()));
        }
        self.kept.push_back(audio);
        let quiet = self.up && !self.speaking;
        self.keep(if quiet { QUIET_KEPT } else { MOST_KEPT });
    }

    /// Forgets the oldest, so that at most so many bytes are kept.
    fn keep(&mut self, most: u64) {
        while self.kept_bytes > most
            && let Some(oldest) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.len() as u64;
            self.kept_from += oldest.len() as u64;
        }
    }

    /// Forgets what lies before `at`, in bytes of the call's audio.
    fn forget_before(&mut self, at: u64) {
        self.keep((self.kept_from + self.kept_bytes).saturating_sub(at));
    }

    /// A recogniser tells something. What comes from an earlier connection is late.
    pub fn handle(&mut self, connection: u32, event: Heard, now: Micros) {
        if connection != self.connection || self.gone {
            return;
        }
        self.last_event = now;
        match event {
            Heard::Up => self.listens(),
            Heard::SpeechStarted => self.speech(),
            Heard::Interim { text } => self.interim(text.expose()),
            Heard::Final { text, to_ms, ends } => self.final_words(text.expose(), to_ms, ends),
            Heard::UtteranceEnd => {
                self.final_at = None;
                self.stopped();
            }
            Heard::Lost { reason, retry } => self.lost(&reason, retry, now),
        }
    }

    fn listens(&mut self) {
        self.up = true;
        self.began_at = self.kept_from;
        self.outputs.extend(self.kept.iter().cloned().map(Hearing::Audio));
        if !std::mem::replace(&mut self.was_up, true) {
            self.outputs.push_back(Hearing::Ready);
        }
    }

    fn works(&mut self) {
        self.failures = 0;
        self.pool.worked(self.provider);
    }

    fn speech(&mut self) {
        self.works();
        if !std::mem::replace(&mut self.speaking, true) {
            self.outputs.push_back(Hearing::Started);
        }
    }

    fn interim(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.speech();
        let all = join(&self.words, text);
        self.tell_more(&all);
    }

    /// Tells what is new, where the words told before have not changed: what has
    /// been appended cannot be taken back.
    fn tell_more(&mut self, all: &str) {
        if let Some(more) = all.strip_prefix(self.told.as_str()).filter(|more| !more.is_empty()) {
            self.outputs.push_back(Hearing::Partial(Personal::new(more)));
            all.clone_into(&mut self.told);
        }
    }

    fn final_words(&mut self, text: &str, to_ms: u64, ends: bool) {
        self.works();
        let to = self.began_at + to_ms.saturating_mul(8);
        // Audio comes as fast as it is spoken.
        let since = mulaw_time((self.kept_from + self.kept_bytes).saturating_sub(to));
        self.final_at = Some(Micros(self.last_event.0.saturating_sub(since.0)));
        self.forget_before(to);
        if !text.trim().is_empty() {
            self.speech();
            self.words = join(&self.words, text);
            let all = self.words.clone();
            self.tell_more(&all);
        } else if self.words.is_empty() {
            // What was taken for speech was a noise.
            self.stopped();
        }
        if ends {
            self.stopped();
        }
    }

    fn stopped(&mut self) {
        if !std::mem::take(&mut self.speaking) {
            return;
        }
        self.told.clear();
        let words = std::mem::take(&mut self.words);
        self.outputs.push_back(Hearing::Stopped(Personal::new(words)));
    }

    fn lost(&mut self, reason: &str, retry: bool, now: Micros) {
        self.up = false;
        self.failures += 1;
        let permanent = !retry;
        self.pool.failed(self.provider, permanent, now);
        if (permanent && self.pool.len() == 1) || self.failures >= MOST_FAILURES {
            self.gone = true;
            self.stopped();
            self.outputs.push_back(Hearing::Deaf { reason: reason.to_owned(), retry });
            return;
        }
        let step = usize::try_from(self.failures.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = BACKOFF.get(step).or(BACKOFF.last()).copied().unwrap_or_default();
        self.dial(delay, now);
    }

    fn dial(&mut self, delay: Micros, now: Micros) {
        self.connection += 1;
        self.provider = self.pool.pick(now);
        self.last_event = now;
        let (connection, provider) = (self.connection, self.provider);
        self.outputs.push_back(Hearing::Dial { connection, provider, delay });
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let waits = self.up && self.speaking && !self.gone;
        waits.then(|| self.last_event + MUTE)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.lost("the recogniser is mute", true, now);
        }
    }
}

fn join(before: &str, text: &str) -> String {
    let text = text.trim();
    if before.is_empty() { text.to_owned() } else { format!("{before} {text}") }
}

#[cfg(test)]
mod tests;

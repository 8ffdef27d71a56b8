//! Hearing: the caller's audio on its way to a recogniser, and what comes back.
//!
//! What has not been turned into final words is kept, so that a recogniser that
//! is lost costs a moment and no word: the next one hears it again.

use std::collections::VecDeque;

use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::playback::mulaw_time;

use super::pool::Pool;

/// Audio kept that nobody has answered for, in bytes: half a minute.
const MOST_KEPT: u64 = 30 * 8_000;
/// Silence behind final words after which the speaker has stopped, in bytes: a second.
const PAUSE: u64 = 8_000;
/// Waits before dialling again, by the failures in a row before.
const BACKOFF: [Micros; 4] =
    [Micros::ZERO, Micros::from_millis(100), Micros::from_millis(500), Micros::from_millis(1_000)];
/// Failures in a row after which hearing is given up.
const MOST_FAILURES: u32 = 6;
/// Longest a recogniser may say nothing about speech that it reported.
const MUTE: Micros = Micros::from_secs(4);
/// Longest one that took over may say nothing where another had final words, beside
/// the time that it takes to hear again what was kept.
const RESUMED: Micros = Micros::from_millis(1_500);
/// A connection that stood so long did its work, whatever ends it.
const STOOD: Micros = Micros::from_secs(5);

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
    /// This audio has not become words, in pieces of μ-law: told before
    /// [`Hearing::Deaf`], so that whoever listens next may hear it.
    Unheard(Vec<Vec<u8>>),
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
    /// When it began to listen.
    up_at: Micros,
    /// When it will have heard again what was kept; none once it has told of speech.
    again_by: Option<Micros>,
    speaking: bool,
    /// Final words of the run of speech so far.
    words: String,
    /// Where they end, in bytes of the call's audio.
    words_to: u64,
    /// Words that were told already.
    told: String,
    /// All words of the run of speech so far, any of which may still change.
    so_far: String,
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
            up_at: Micros::ZERO,
            again_by: None,
            speaking: false,
            words: String::new(),
            words_to: 0,
            told: String::new(),
            so_far: String::new(),
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

    /// What the run of speech is heard as by now; none where nobody speaks.
    #[must_use]
    pub fn so_far(&self) -> &str {
        &self.so_far
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
        if self.kept_bytes > MOST_KEPT {
            self.keep(MOST_KEPT);
        }
    }

    /// Forgets the oldest, so that no more is kept than is needed for so many bytes. A
    /// piece of which a part is needed is kept whole.
    fn keep(&mut self, needed: u64) {
        while let Some(oldest) = self.kept.front().map(|oldest| oldest.len() as u64)
            && self.kept_bytes - oldest >= needed
        {
            self.kept.pop_front();
            self.kept_bytes -= oldest;
            self.kept_from += oldest;
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
            Heard::Up => self.listens(now),
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

    fn listens(&mut self, now: Micros) {
        self.up = true;
        self.up_at = now;
        self.again_by = self.speaking.then(|| now + mulaw_time(self.kept_bytes));
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
        self.again_by = None;
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
        all.clone_into(&mut self.so_far);
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
            self.words_to = to;
            let all = self.words.clone();
            self.tell_more(&all);
        } else if self.words.is_empty() || to >= self.words_to + PAUSE {
            // What was taken for speech was a noise, or the words that another
            // recogniser made final were the last.
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
        self.so_far.clear();
        self.again_by = None;
        let words = std::mem::take(&mut self.words);
        self.outputs.push_back(Hearing::Stopped(Personal::new(words)));
    }

    fn lost(&mut self, reason: &str, retry: bool, now: Micros) {
        if std::mem::take(&mut self.up) && now.since(self.up_at) >= STOOD {
            self.works();
        }
        self.failures += 1;
        let permanent = !retry;
        self.pool.failed(self.provider, permanent, now);
        if (permanent && self.pool.len() == 1) || self.failures >= MOST_FAILURES {
            self.gone = true;
            self.stopped();
            self.kept_bytes = 0;
            self.outputs.push_back(Hearing::Unheard(std::mem::take(&mut self.kept).into()));
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
        let mute = self.last_event.max(self.again_by.unwrap_or(Micros::ZERO)) + MUTE;
        waits.then(|| self.silent_at().unwrap_or(mute).min(mute))
    }

    /// When final words of a lost recogniser count as the last, where the one that took
    /// over tells of no speech behind them.
    fn silent_at(&self) -> Option<Micros> {
        let again = self.again_by.filter(|_| self.up && !self.words.is_empty());
        again.map(|by| by + RESUMED)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.stopped();
        } else if self.poll_timeout().is_some_and(|at| at <= now) {
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

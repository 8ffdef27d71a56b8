//! The ears of one call: the four questions in their order.

use std::fmt;

use super::echo::EchoGuard;
use super::framer::{Frame, Framer};
use super::gate::EnergyGate;
use super::pitch::{VOICED, periodicity};
use super::power::{level_dbfs, sum_of_squares};
use super::run::{Course, Evidence, Run};
use super::settings::EarsSettings;
use super::sound::{EarsSnapshot, Sound};
use super::tone::is_digit;
use super::voice::{Earshot, VoiceActivity};
use crate::audio::FRAME_BYTES;
use crate::audio::g711::SILENCE;
use crate::time::Micros;

/// Sounds that wait to be told. A run tells at most four in half a second.
const WAITING: usize = 8;

/// See the module's text. About 17 KB a call.
pub struct Ears<V = Earshot> {
    settings: EarsSettings,
    framer: Framer,
    listener: Listener<V>,
    waiting: Waiting,
}

impl Ears {
    /// Ears that know of a line what `snapshot` says.
    #[must_use]
    pub fn new(settings: EarsSettings, snapshot: EarsSnapshot) -> Self {
        Self::with_voice(settings, snapshot, Earshot::default())
    }
}

impl<V> fmt::Debug for Ears<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (gate, run) = (&self.listener.gate, &self.listener.run);
        f.debug_struct("Ears").field("gate", gate).field("run", run).finish_non_exhaustive()
    }
}

impl<V: VoiceActivity> Ears<V> {
    /// The same with another judge of what is a voice.
    pub fn with_voice(settings: EarsSettings, snapshot: EarsSnapshot, voice: V) -> Self {
        let listener = Listener::new(&settings, snapshot, voice);
        Self { settings, framer: Framer::new(), listener, waiting: Waiting::default() }
    }

    /// Takes in what the caller's side sent at `at`: μ-law of any length, mostly
    /// one frame. `agent_audible` is whether the caller may just now be hearing
    /// the agent.
    ///
    /// Answers the oldest sound that was not told yet. One frame makes at most
    /// one; after longer pieces the others come with the next frames, or at once
    /// from [`Self::next_sound`].
    pub fn caller_frame(&mut self, mulaw: &[u8], at: Micros, agent_audible: bool) -> Option<Sound> {
        let Self { settings, framer, listener, waiting } = self;
        framer.push(mulaw, at, |frame, at| {
            if let Some(sound) = listener.frame(frame, at, agent_audible, settings) {
                waiting.push(sound);
            }
        });
        self.next_sound()
    }

    /// The oldest sound that was not told yet.
    pub fn next_sound(&mut self) -> Option<Sound> {
        self.waiting.pop()
    }

    /// The agent's audio, as it is handed to the carrier: μ-law of any length that
    /// begins to play at `plays_at`, as far as the playout knows. It may be a few
    /// seconds ahead; each piece is given once.
    pub fn agent_audio(&mut self, mulaw: &[u8], plays_at: Micros) {
        let now = self.listener.heard_until.unwrap_or(plays_at);
        self.listener.echo.played(mulaw, plays_at, now);
    }

    /// The carrier was told at `at` to throw away what it has not played.
    pub fn agent_cleared(&mut self, at: Micros) {
        self.listener.echo.cleared(at);
    }

    /// What new ears need to go on from here.
    #[must_use]
    pub fn snapshot(&self) -> EarsSnapshot {
        let Listener { gate, echo, run, .. } = &self.listener;
        EarsSnapshot {
            floor_dbfs: gate.has_learned().then(|| gate.floor_dbfs()),
            echo: echo.path(),
            run: run.as_ref().and_then(Run::snapshot),
        }
    }
}

/// What looks at whole frames.
struct Listener<V> {
    gate: EnergyGate,
    echo: EchoGuard,
    voice: V,
    /// Whether the network hears this run.
    asked: bool,
    /// Whether the last run had no pitch at all: then the line makes noise, and the
    /// network, which costs more than all the rest together, is asked about the next
    /// run from its first pitch on. Nothing is told of a run before that.
    noise_before: bool,
    /// The two frames before this one, the older first.
    before: [Frame; 2],
    run: Option<Run>,
    /// When the last frame ended; none before the first.
    heard_until: Option<Micros>,
}

impl<V: VoiceActivity> Listener<V> {
    fn new(settings: &EarsSettings, snapshot: EarsSnapshot, voice: V) -> Self {
        Self {
            gate: EnergyGate::new(settings, snapshot.floor_dbfs),
            echo: EchoGuard::new(settings, snapshot.echo),
            voice,
            asked: false,
            noise_before: false,
            before: [[SILENCE; FRAME_BYTES]; 2],
            run: snapshot.run.map(Run::resumed),
            heard_until: None,
        }
    }

    fn frame(
        &mut self,
        frame: &Frame,
        at: Micros,
        agent_audible: bool,
        settings: &EarsSettings,
    ) -> Option<Sound> {
        self.heard_until = Some(at);
        let sound = self.listen(frame, at, agent_audible, settings);
        let [_, newer] = self.before;
        self.before = [newer, *frame];
        sound
    }

    fn listen(
        &mut self,
        frame: &Frame,
        at: Micros,
        agent_audible: bool,
        settings: &EarsSettings,
    ) -> Option<Sound> {
        let (first, second) = frame.split_at(FRAME_BYTES / 2);
        let (a, b) = (sum_of_squares(first), sum_of_squares(second));
        let level = level_dbfs(a + b, FRAME_BYTES);
        let gate = self.gate.frame(level);
        let halves_dbfs = [level_dbfs(a, first.len()), level_dbfs(b, second.len())];
        let echo_dbfs = self.echo.frame(halves_dbfs, at);

        let loud = gate.open && level > echo_dbfs;
        if !loud && self.run.is_none() {
            self.asked = false;
            return None;
        }
        let voiced = loud && periodicity(self.newer(), frame) >= VOICED;
        let sustained = self.run.as_ref().is_some_and(Run::is_sustained);
        let evidence = Evidence {
            loud,
            hidden: gate.open && !loud,
            score: self.score(frame, agent_audible, voiced),
            voiced,
            digit: voiced && !sustained && is_digit(frame),
            level_dbfs: level,
            power: (a + b) as f32,
            clear_by_db: gate.above_floor_db.min(level - echo_dbfs),
            at,
        };
        self.follow(&evidence, settings)
    }

    fn newer(&self) -> &Frame {
        let [_, newer] = &self.before;
        newer
    }

    /// What the network says, where it is to be asked; 0 where it need not be. At
    /// first it is given the two frames before as well, to know the line.
    fn score(&mut self, frame: &Frame, agent_audible: bool, voiced: bool) -> Option<f32> {
        if !agent_audible {
            self.asked = false;
            return None;
        }
        if !self.asked {
            if self.noise_before && !voiced {
                return Some(0.0);
            }
            self.asked = true;
            self.voice.reset();
            for before in &self.before {
                self.voice.frame(before);
            }
        }
        Some(self.voice.frame(frame))
    }

    fn follow(&mut self, evidence: &Evidence, settings: &EarsSettings) -> Option<Sound> {
        let run = self.run.get_or_insert_with(|| Run::new(evidence.at));
        match run.frame(evidence, settings) {
            Course::On(sound) => sound,
            Course::Over(sound) => {
                self.noise_before = !run.had_pitch();
                self.run = None;
                self.asked = false;
                sound
            }
        }
    }
}

/// A short queue that allocates nothing. What does not fit pushes out the oldest.
#[derive(Debug, Default)]
struct Waiting {
    sounds: [Option<Sound>; WAITING],
    count: usize,
}

impl Waiting {
    fn push(&mut self, sound: Sound) {
        if self.count == WAITING {
            self.pop();
        }
        if let Some(place) = self.sounds.get_mut(self.count) {
            *place = Some(sound);
            self.count += 1;
        }
    }

    fn pop(&mut self) -> Option<Sound> {
        let oldest = self.sounds.first_mut().and_then(Option::take)?;
        self.sounds.rotate_left(1);
        self.count = self.count.saturating_sub(1);
        Some(oldest)
    }
}

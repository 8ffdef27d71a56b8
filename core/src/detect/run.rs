//! One run of speech, from its first frame to the quiet after it, and what is
//! told of it.

use super::settings::EarsSettings;
use super::sound::{RunSnapshot, Sound};
use crate::audio::FRAME_MS;
use crate::time::Micros;

const FRAME: u32 = FRAME_MS as u32;

/// What must be heard before a run is told to have begun, in milliseconds: two
/// frames, so that no click is told.
const BEGAN_MS: u32 = 40;

/// The network knows a voice after two to three frames. What was loud just before
/// it did counts as speech from then on.
const WARM_UP_MS: u32 = 60;

/// Two frames that differ by less than this are equally loud.
const EQUAL_DB: f32 = 1.5;

/// Where so many of a hundred frames are equally loud, it is a tone or a hum. Of
/// speech it is 10 to 40.
const STEADY_PERCENT: u32 = 65;

/// So much of what follows speech is its last sound, though it is no louder than
/// the line: for as long as the network still hears a voice.
const DYING_MS: u32 = 60;

/// While the echo may hide the caller, a run is not over: for so long.
const HIDDEN_MS: u32 = 100;

/// What is not sustained speech after so much of it is something else.
const UNPROVEN_MS: u32 = 800;

/// What was found out about one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// Louder than the line's noise and than the echo.
    pub(super) loud: bool,
    /// Louder than the line's noise, and no louder than the echo may be.
    pub(super) hidden: bool,
    /// The voice network's score, where it was asked.
    pub(super) score: Option<f32>,
    /// It has a pitch.
    pub(super) voiced: bool,
    /// It is a dialled digit, which is nobody's voice.
    pub(super) digit: bool,
    /// Its level, in dB below full scale, and as a mean square.
    pub(super) level_dbfs: f32,
    pub(super) power: f32,
    /// How far it is above noise and echo, in dB.
    pub(super) clear_by_db: f32,
    /// When it ended.
    pub(super) at: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Began,
    Sustained,
    Strong,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Run {
    since: Micros,
    speech_ms: u32,
    voiced_ms: u32,
    /// Loud, and not taken for a voice so far; how much of it had a pitch.
    waiting_ms: u32,
    waiting_voiced_ms: u32,
    quiet_ms: u32,
    hidden_ms: u32,
    /// Of the quiet, what was counted as the end of a syllable.
    hung_ms: u32,
    /// Sums over the loud frames, and over those of them that have a pitch.
    loud_power: f32,
    voiced_power: f32,
    loud_frames: u32,
    steady_frames: u32,
    last_dbfs: f32,
    best_score: f32,
    /// Frames of speech, and the sum over them.
    frames: u32,
    clear_by_db: f32,
    last_speech_at: Micros,
    told: Told,
}

/// What became of a run.
pub(super) enum Course {
    /// It goes on; there may be something to tell.
    On(Option<Sound>),
    /// It is over; there may be something to tell.
    Over(Option<Sound>),
}

impl Run {
    /// A run that begins with the frame that ended at `at`.
    pub(super) fn new(at: Micros) -> Self {
        Self {
            since: at - Micros::from_millis(FRAME_MS),
            speech_ms: 0,
            voiced_ms: 0,
            waiting_ms: 0,
            waiting_voiced_ms: 0,
            quiet_ms: 0,
            hidden_ms: 0,
            hung_ms: 0,
            loud_power: 0.0,
            voiced_power: 0.0,
            loud_frames: 0,
            steady_frames: 0,
            last_dbfs: f32::NEG_INFINITY,
            best_score: 0.0,
            frames: 0,
            clear_by_db: 0.0,
            last_speech_at: at,
            told: Told::Nothing,
        }
    }

    /// The run of ears that were replaced.
    pub(super) fn resumed(run: RunSnapshot) -> Self {
        let told = match run {
            RunSnapshot { strong: true, .. } => Told::Strong,
            RunSnapshot { sustained: true, .. } => Told::Sustained,
            RunSnapshot { .. } => Told::Began,
        };
        let lasted = Micros::from_millis(run.speech_ms.into());
        Self {
            speech_ms: run.speech_ms,
            voiced_ms: run.voiced_ms,
            last_speech_at: run.since + lasted,
            since: run.since,
            told,
            ..Self::new(run.since)
        }
    }

    /// Whether it was told as sustained.
    pub(super) fn is_sustained(&self) -> bool {
        self.told >= Told::Sustained
    }

    /// Whether anything in it had a pitch.
    pub(super) fn had_pitch(&self) -> bool {
        self.voiced_ms > 0 || self.voiced_power > 0.0
    }

    /// What new ears must know of it: nothing while nothing was told.
    pub(super) fn snapshot(&self) -> Option<RunSnapshot> {
        (self.told >= Told::Began).then_some(RunSnapshot {
            since: self.since,
            speech_ms: self.speech_ms,
            voiced_ms: self.voiced_ms,
            sustained: self.told >= Told::Sustained,
            strong: self.told == Told::Strong,
        })
    }

    /// Takes in the next frame.
    pub(super) fn frame(&mut self, frame: &Evidence, settings: &EarsSettings) -> Course {
        if frame.digit {
            return self.over();
        }
        self.count_steady(frame);
        self.best_score = frame.score.unwrap_or(0.0).max(self.best_score);
        if frame.loud && frame.score.is_none_or(|score| score >= settings.voice_score) {
            self.speech(frame, settings);
            let sound = self.tell(frame, settings);
            return if self.is_unproven() { self.over() } else { Course::On(sound) };
        }
        if frame.hidden && self.speech_ms > 0 && self.hidden_ms < HIDDEN_MS {
            self.hidden_ms += FRAME;
            return Course::On(None);
        }
        if frame.loud {
            self.waiting_ms += FRAME;
            self.waiting_voiced_ms += if frame.voiced { FRAME } else { 0 };
        }
        self.quiet_ms += FRAME;
        if self.is_dying_away(frame, settings) {
            self.speech_ms += FRAME;
            self.hung_ms += FRAME;
            return Course::On(self.tell(frame, settings));
        }
        let patience =
            if self.told >= Told::Sustained { settings.quiet_ms } else { settings.gap_ms };
        if self.quiet_ms > patience {
            return self.over();
        }
        Course::On(None)
    }

    /// What has not sounded like speech for so long begins again, or the little of
    /// a voice that is in any noise would add up.
    fn is_unproven(&self) -> bool {
        self.told < Told::Sustained && self.speech_ms >= UNPROVEN_MS
    }

    fn over(&self) -> Course {
        Course::Over((self.told >= Told::Began).then_some(self.ended()))
    }

    /// A syllable's last frames are below the line's noise.
    fn is_dying_away(&self, frame: &Evidence, settings: &EarsSettings) -> bool {
        self.speech_ms > 0
            && self.quiet_ms <= DYING_MS
            && frame.score.is_none_or(|score| score >= settings.voice_score)
    }

    fn count_steady(&mut self, frame: &Evidence) {
        if frame.loud && self.told < Told::Sustained {
            self.loud_frames += 1;
            self.loud_power += frame.power;
            self.voiced_power += if frame.voiced { frame.power } else { 0.0 };
            let steady = (frame.level_dbfs - self.last_dbfs).abs() < EQUAL_DB;
            self.steady_frames += u32::from(steady);
        }
        self.last_dbfs = frame.level_dbfs;
    }

    fn speech(&mut self, frame: &Evidence, settings: &EarsSettings) {
        // A short pause between two pieces of speech is a part of it; what was
        // loud without being a voice so far is, as far as it can be.
        let pause_ms = if self.speech_ms == 0 {
            self.waiting_ms.min(WARM_UP_MS)
        } else {
            self.quiet_ms.min(settings.gap_ms).saturating_sub(self.hung_ms)
        };
        let voiced_ms = if frame.voiced { FRAME } else { 0 };
        self.speech_ms = self.speech_ms.saturating_add(FRAME + pause_ms);
        self.voiced_ms =
            self.voiced_ms.saturating_add(voiced_ms + self.waiting_voiced_ms.min(WARM_UP_MS));
        (self.waiting_ms, self.waiting_voiced_ms) = (0, 0);
        (self.quiet_ms, self.hidden_ms, self.hung_ms) = (0, 0, 0);
        self.clear_by_db += frame.clear_by_db.min(60.0);
        self.frames += 1;
        self.last_speech_at = frame.at;
    }

    fn tell(&mut self, frame: &Evidence, settings: &EarsSettings) -> Option<Sound> {
        let sounds_so = self.sounds_like_speech(frame, settings);
        let strong = sounds_so && self.is_strong(settings);
        match self.told {
            Told::Nothing if self.speech_ms >= BEGAN_MS && self.voiced_ms > 0 => {
                self.told = Told::Began;
                Some(Sound::Began { at: self.since, level_db: frame.level_dbfs })
            }
            Told::Began if sounds_so => Some(self.sustained(frame, strong)),
            Told::Sustained if strong => Some(self.sustained(frame, strong)),
            Told::Nothing | Told::Began | Told::Sustained | Told::Strong => None,
        }
    }

    fn sounds_like_speech(&self, frame: &Evidence, settings: &EarsSettings) -> bool {
        self.speech_ms >= settings.sustained_ms
            && self.voiced_ms >= settings.voiced_ms
            && self.is_mostly_voiced(settings)
            && (frame.score.is_none() || self.best_score >= settings.sustained_score)
            && self.clear_by_db >= settings.clear_db * self.frames.max(1) as f32
            && self.steady_frames * 100 < self.loud_frames * STEADY_PERCENT
    }

    fn is_mostly_voiced(&self, settings: &EarsSettings) -> bool {
        self.voiced_ms >= settings.surely_voiced_ms
            || self.voiced_power * 100.0 >= self.loud_power * settings.voiced_percent
    }

    fn is_strong(&self, settings: &EarsSettings) -> bool {
        self.voiced_ms >= settings.strong_voiced_ms
            && self.clear_by_db >= settings.strong_db * self.frames.max(1) as f32
    }

    fn sustained(&mut self, frame: &Evidence, strong: bool) -> Sound {
        self.told = if strong { Told::Strong } else { Told::Sustained };
        Sound::Sustained { at: frame.at, since: self.since, speech_ms: self.speech_ms, strong }
    }

    fn ended(&self) -> Sound {
        let (speech_ms, voiced_ms) = (self.speech_ms, self.voiced_ms);
        Sound::Ended { at: self.last_speech_at, speech_ms, voiced_ms }
    }
}

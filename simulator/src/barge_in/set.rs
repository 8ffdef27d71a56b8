//! The set: which scenes there are of each kind, and how they are mixed.

use super::chance::Chance;
use super::line::{PER_MS, add, leveled, mulaw};
use super::noises::{Colour, bursts, clicks, cough, noise, tone};
use super::room::Room;
use super::scene::{Echo, Label, Scene};
use super::sounds::{Part, Sound, Sounds};

/// Scenes of each sound of the caller's that is recorded.
const EACH_INTERRUPTION: usize = 4;
const EACH_BACKCHANNEL: usize = 4;
const EACH_COUGH: usize = 4;
const EACH_NOISE: usize = 6;

/// Scenes of sounds that are made.
const COUGHS: usize = 100;
const CLICKS: usize = 40;
const BURSTS: usize = 40;
const TONES: usize = 60;
const QUIET_LINES: usize = 40;
const ECHOES: usize = 120;

/// How long the sentence is that may be interrupted.
const SENTENCE_MS: usize = 5_000;

/// In three of four scenes the agent has said something before; the others are
/// the first seconds of a call.
const LATER: f32 = 0.75;
const EARLIER_MS: usize = 2_500;
const PAUSE_MS: usize = 700;

/// The quietest and the loudest speech of the set, in dB below full scale.
const SPEECH_DBFS: (f32, f32) = (-35.0, -10.0);

/// The line's noise in a scene, in dB below full scale. −75 is a digital line.
const NOISE_DBFS: (f32, f32) = (-75.0, -42.0);

/// How far speech is above the line's noise and above the agent's echo, at least.
const ABOVE_NOISE_DB: f32 = 12.0;
const ABOVE_ECHO_DB: f32 = 12.0;

/// All scenes of one part, in the order of [`Label::ALL`].
#[must_use]
pub fn scenes(sounds: &Sounds, part: Part, seed: u64) -> Vec<Scene> {
    let mut mixer = Mixer { sounds, part, chance: Chance::new(seed), scenes: Vec::new() };
    mixer.recorded(Label::Interruption, "interruption", EACH_INTERRUPTION);
    mixer.recorded(Label::Backchannel, "backchannel", EACH_BACKCHANNEL);
    mixer.recorded(Label::Cough, "cough", EACH_COUGH);
    mixer.made(Label::Cough, "cough", COUGHS, cough);
    mixer.recorded(Label::Noise, "noise", EACH_NOISE);
    mixer.made(Label::Noise, "clicks", CLICKS, clicks);
    mixer.made(Label::Noise, "bursts", BURSTS, bursts);
    mixer.made(Label::Tone, "tone", TONES, tone);
    for n in 0..QUIET_LINES {
        mixer.quiet_line(n);
    }
    for n in 0..ECHOES {
        mixer.echo(n);
    }
    mixer.scenes
}

struct Mixer<'a> {
    sounds: &'a Sounds,
    part: Part,
    chance: Chance,
    scenes: Vec<Scene>,
}

impl Mixer<'_> {
    fn recorded(&mut self, label: Label, kind: &str, each: usize) {
        for sound in self.sounds.of(kind, self.part) {
            for n in 0..each {
                let level = self.level(label);
                let gain = level - self.sounds.level_dbfs;
                let name = format!("{} #{n}", sound.file);
                self.over_agent(label, name, sound, level, gain);
            }
        }
    }

    fn made(&mut self, label: Label, kind: &str, count: usize, make: fn(&mut Chance) -> Vec<f32>) {
        for n in 0..count {
            let samples = leveled(make(&mut self.chance), self.sounds.level_dbfs);
            let name = format!("{kind} #{n}");
            let (file, kind) = (name.clone(), kind.to_owned());
            let sound = Sound::made(file, kind, samples);
            let level = self.level(label);
            self.over_agent(label, name, &sound, level, level - self.sounds.level_dbfs);
        }
    }

    fn level(&mut self, label: Label) -> f32 {
        let (quiet, loud) = SPEECH_DBFS;
        // What is quieter than speech is easy to tell from it.
        let quiet = if label == Label::Interruption { quiet } else { quiet + 5.0 };
        self.chance.between(quiet, loud)
    }

    /// A sound while the agent speaks, on a line with noise and, in one of three
    /// scenes, an echo.
    fn over_agent(
        &mut self,
        label: Label,
        name: String,
        sound: &Sound,
        level_dbfs: f32,
        gain_db: f32,
    ) {
        let noisiest = NOISE_DBFS.1.min(level_dbfs - ABOVE_NOISE_DB);
        let noise_dbfs = self.chance.between(NOISE_DBFS.0, noisiest);
        let echo = self.chance.happens(0.33).then(|| {
            let loudest = (level_dbfs - ABOVE_ECHO_DB - self.sounds.level_dbfs).min(-12.0);
            self.some_echo((loudest - 25.0, loudest))
        });
        let Line { mut line, agent, sentence, echo: coming, room } = self.line(noise_dbfs, echo);
        let from = sentence + self.chance.whole(500 * PER_MS, 3_000 * PER_MS);
        let onset_ms = (from / PER_MS) as u32 + sound.onset_ms;
        add(&mut line, &sound.samples, from, gain_db);
        let jitter_ms = self.jitter();
        self.scenes.push(Scene {
            name,
            label,
            caller: coming.sent_with(&line),
            dry: mulaw(&line),
            room,
            agent,
            onset_ms: Some(onset_ms),
            length_ms: (sound.samples.len() / PER_MS) as u32 - sound.onset_ms,
            text: sound.text.clone(),
            level_dbfs,
            noise_dbfs,
            echo,
            jitter_ms,
        });
    }

    /// Nothing but the line's noise, which is up to −40 dBFS, and in half of the
    /// scenes grows by 3 to 12 dB in the middle.
    fn quiet_line(&mut self, n: usize) {
        let noise_dbfs = self.chance.between(-65.0, -40.0);
        let Line { mut line, agent, room, .. } = self.line(noise_dbfs, None);
        if self.chance.happens(0.5) {
            let more = self.chance.between(3.0, 12.0);
            let middle = line.len() / 2;
            line.iter_mut().skip(middle).for_each(|s| *s *= super::line::factor(more));
        }
        let jitter_ms = self.jitter();
        self.scenes.push(Scene {
            name: format!("line #{n}"),
            label: Label::ComfortNoise,
            caller: mulaw(&line),
            dry: mulaw(&line),
            room,
            agent,
            onset_ms: None,
            length_ms: 0,
            text: String::new(),
            level_dbfs: noise_dbfs,
            noise_dbfs,
            echo: None,
            jitter_ms,
        });
    }

    fn echo(&mut self, n: usize) {
        let noise_dbfs = self.chance.between(NOISE_DBFS.0, -48.0);
        let echo = self.some_echo((-35.0, -10.0));
        let Line { line, agent, echo: coming, room, .. } = self.line(noise_dbfs, Some(echo));
        let jitter_ms = self.jitter();
        self.scenes.push(Scene {
            name: format!("echo #{n}"),
            label: Label::Echo,
            caller: coming.sent_with(&line),
            dry: mulaw(&line),
            room,
            agent,
            onset_ms: None,
            length_ms: 0,
            text: String::new(),
            level_dbfs: self.sounds.level_dbfs + echo.gain_db,
            noise_dbfs,
            echo: Some(echo),
            jitter_ms,
        });
    }

    fn some_echo(&mut self, gain_db: (f32, f32)) -> Echo {
        let delay_ms = self.chance.whole(20, 440) as u32;
        Echo { delay_ms, gain_db: self.chance.between(gain_db.0, gain_db.1) }
    }

    fn jitter(&mut self) -> u32 {
        if self.chance.happens(0.5) { 0 } else { self.chance.whole(3, 16) as u32 }
    }

    /// The line before anybody but the agent makes a sound, and the agent.
    fn line(&mut self, noise_dbfs: f32, echo: Option<Echo>) -> Line {
        let colour = self.chance.pick(&Colour::ALL).copied().unwrap_or(Colour::White);
        let mut agent = Vec::new();
        if self.chance.happens(LATER) {
            agent = self.sentence(EARLIER_MS);
            agent.resize((EARLIER_MS + PAUSE_MS) * PER_MS, 0.0);
        }
        let sentence = agent.len();
        agent.extend(self.sentence(SENTENCE_MS));
        let samples = sentence + SENTENCE_MS * PER_MS;
        let line = leveled(noise(colour, samples, &mut self.chance), noise_dbfs);
        let room = echo.map(|echo| Room::new(&agent, echo, &mut self.chance));
        let echo = Coming(room.clone().map(|mut room| room.echo_of(&agent)));
        Line { line, agent: mulaw(&agent), sentence, echo, room }
    }

    fn sentence(&mut self, most_ms: usize) -> Vec<f32> {
        let agents = self.sounds.of("agent", self.part);
        let sound = self.chance.pick(&agents);
        let samples = sound.map(|s| s.samples.iter().copied().take(most_ms * PER_MS));
        samples.map(Iterator::collect).unwrap_or_default()
    }
}

/// What there is before the caller makes a sound.
struct Line {
    line: Vec<f32>,
    agent: Vec<u8>,
    /// The sample at which the sentence begins that may be interrupted.
    sentence: usize,
    echo: Coming,
    room: Option<Room>,
}

/// The echo of all that the agent says, where there is one.
struct Coming(Option<Vec<f32>>);

impl Coming {
    /// What the carrier sends, with it.
    fn sent_with(&self, line: &[f32]) -> Vec<u8> {
        let mut all = line.to_vec();
        if let Some(echo) = &self.0 {
            add(&mut all, echo, 0, 0.0);
        }
        mulaw(&all)
    }
}

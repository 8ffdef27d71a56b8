#!/usr/bin/env python3
"""Makes the sounds from which the labelled set of interruptions is mixed.

Usage: tests/sounds/make.py

Needs espeak-ng and sox (apt-get install espeak-ng sox). Writes raw 8 kHz mu-law
files (KIND/NAME.ul) and manifest.json beside this file. What they are for, and
the versions that made them, is in docs/barge-in.md. The same versions of both tools
make the same bytes: nothing here is left to chance.
"""
import json
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RATE = 8_000
# All speech has this RMS level over its loud parts, so that a scene's levels
# mean something. dB below full scale.
LEVEL_DBFS = -20.0
# Speech begins where it is first this far below its loudest 20 ms.
ONSET_DB = 30.0

# Voices. The settings of the ears were chosen on the part "tune" alone; "test"
# has other voices, and nobody looked at it while choosing.
TUNE_VOICES = [
    ("en-us", 165), ("en-us+f1", 175), ("en-us+m1", 150), ("en-gb+f2", 185),
    ("en-gb+m2", 170), ("en-us+m3", 205), ("en-gb-scotland+m4", 160), ("de+f1", 170),
    ("fr-fr+m2", 175), ("en-us+klatt2", 165), ("en-us+Andrea", 170), ("en-gb-x-rp+Alex", 160),
]
TEST_VOICES = [
    ("en-us+f3", 170), ("en-us+f4", 190), ("en-gb+f5", 160), ("en-us+m5", 155),
    ("en-gb+m6", 180), ("en-us+m7", 170), ("en-029+m8", 165), ("es+f3", 185),
    ("it+m7", 180), ("en-us+klatt3", 170), ("en-us+Annie", 175), ("en-us+linda", 165),
    ("en-gb-x-gbcwmd+steph", 170), ("nl+m5", 170), ("en-us+belinda", 215), ("en-us+paul", 140),
    ("en-us+grandma", 150), ("en-us+victor", 170), ("pt-br+f4", 175), ("en-us+Mike", 200),
]

# Every way a word can begin: vowels, nasals, stops, and the fricatives that
# begin softly on a telephone.
INTERRUPTIONS = [
    "Wait, wait.", "Stop, please.", "No, no, that is wrong.", "Sorry, can I ask something?",
    "Hold on a second.", "Excuse me, I have a question.", "Actually, I want a person.",
    "How much does it cost?", "That is not what I said.", "I need to cancel it.",
    "Hello, are you there?", "So what about Saturday?", "Can we do Friday instead?",
    "My number has changed.", "Just a moment, please.", "First I need to know the price.",
    "Thank you, that is enough.", "Which day was that?", "Let me stop you there.",
    "Could you repeat that?", "Please speak slower.", "It should be at seven.",
    "Okay, but not on Monday.", "You got my name wrong.",
]
BACKCHANNELS = [
    "mm-hm", "[[m'm_h'm]]", "uh-huh", "yeah", "okay", "right", "[[m'm]]", "yes", "I see", "sure",
    "aha", "got it",
]
AGENT = [
    ("en-us+f2", "Thank you for calling. We are open from nine in the morning until six in the evening, Monday to Friday, and until two on Saturdays."),
    ("en-us+m3", "I have three appointments left next week: Tuesday at ten, Wednesday at a quarter past four, and Friday at noon. Which of them would suit you best?"),
    ("en-gb+f4", "Of course. A full service takes about an hour and costs eighty five pounds. That includes the inspection, new filters, and a written report."),
    ("en-us+klatt2", "Let me just check that for you. Your order left our warehouse yesterday afternoon and it should reach you before the end of the week."),
]

# Throats, without a voice: whispered syllables, and noise with a cough's
# envelope. The last are followed by a short voiced tail, as half of coughs are.
WHISPERED_COUGHS = ["[[k'h@]]", "[[kh'V_]]", "[[k'h@_kh'@]]", "[[h'@kh]]", "[[kx'a]]", "[[p'h@]]"]
SOX_SOUNDS = {
    # name: (label, seconds, sox synth and effects after `-n`)
    "cough-a": ("cough", 0.34, "synth 0.34 whitenoise band -n 1100 1500 fade h 0.006 0.34 0.28 overdrive 12"),
    "cough-b": ("cough", 0.26, "synth 0.26 pinknoise equalizer 900 0.8q 14 fade h 0.004 0.26 0.22"),
    "cough-c": ("cough", 0.42, "synth 0.42 pinknoise equalizer 1600 1q 16 tremolo 38 60 fade l 0.008 0.42 0.36"),
    "cough-d": ("cough", 0.30, "synth 0.30 brownnoise equalizer 700 1q 18 highpass 250 fade h 0.005 0.30 0.25"),
    "sneeze": ("cough", 0.40, "synth 0.40 whitenoise bandpass 2400 1.2q fade q 0.05 0.40 0.3"),
    "breath-a": ("noise", 0.60, "synth 0.6 pinknoise bandpass 1300 0.7q fade h 0.25 0.6 0.3"),
    "breath-b": ("noise", 0.45, "synth 0.45 whitenoise lowpass 900 fade h 0.1 0.45 0.3"),
    "door": ("noise", 0.70, "synth 0.05 brownnoise fade h 0.001 0.05 0.04 pad 0 0.65 reverb 60 30 40 100 0"),
    "rustle": ("noise", 0.80, "synth 0.8 whitenoise highpass 900 tremolo 17 95 fade h 0.05 0.8 0.1"),
    "car": ("noise", 2.00, "synth 2.0 brownnoise lowpass 800 fade h 0.9 2.0 0.9"),
    "wind": ("noise", 1.50, "synth 1.5 pinknoise lowpass 500 tremolo 3 80 fade h 0.3 1.5 0.4"),
    "water": ("noise", 1.50, "synth 1.5 whitenoise bandpass 1800 0.6q fade h 0.1 1.5 0.1"),
    "clatter": ("noise", 0.60, "synth 0.02 whitenoise fade h 0.0005 0.02 0.015 pad 0 0.58 echos 0.8 0.9 90 0.7 170 0.5 reverb 30"),
}


def quiet(command):
    """SoX warns of clipped single samples and of files shorter than asked for."""
    return ["sox", "-V1", *command[1:]] if command[0] == "sox" else command


def run(*command):
    subprocess.run([str(part) for part in quiet(command)], check=True, stdout=subprocess.DEVNULL)


def samples(path):
    """16-bit samples of a raw file."""
    data = path.read_bytes()
    return struct.unpack(f"<{len(data) // 2}h", data)


def power(values):
    return sum(v * v for v in values) / max(1, len(values)) / 32768.0 ** 2


def loudness(audio):
    """Power of the loud parts: the mean over 20 ms frames within 15 dB of the loudest."""
    frames = [power(audio[i:i + 160]) for i in range(0, len(audio) - 159, 160)]
    limit = max(frames) * 10 ** -1.5
    loud = [p for p in frames if p >= limit]
    return sum(loud) / len(loud)


def onset_ms(audio):
    """The first of 5 ms that is within ONSET_DB of the loudest 20 ms."""
    frames = [power(audio[i:i + 160]) for i in range(0, len(audio) - 159, 160)]
    limit = max(frames) * 10 ** (-ONSET_DB / 10)
    for i in range(0, len(audio) - 39, 40):
        if power(audio[i:i + 40]) >= limit:
            return i * 1000 // RATE
    return 0


def finish(raw_wav, target, work, seconds, effects=()):
    """Telephone band, one level, mu-law. Answers onset and length in milliseconds."""
    plain = work / "plain.raw"
    run("sox", "-D", raw_wav, "-r", RATE, "-c", 1, "-b", 16, "-e", "signed", "-t", "raw", plain,
        "norm", -3, *effects, "sinc", "200-3600", "silence", 1, "0.005", "-45d",
        "trim", 0, seconds, "fade", "l", 0.002, -0, 0.01)
    gain = LEVEL_DBFS - 10 * math.log10(loudness(samples(plain)))
    leveled = work / "leveled.raw"
    raw = ["-r", RATE, "-c", 1, "-b", 16, "-e", "signed", "-t", "raw"]
    run("sox", "-D", *raw, plain, *raw, leveled, "gain", f"{gain:.2f}")
    target.parent.mkdir(exist_ok=True)
    run("sox", "-D", *raw, leveled, "-t", "ul", target)
    audio = samples(leveled)
    return onset_ms(audio), len(audio) * 1000 // RATE


def through_gsm(source, work):
    """What a mobile telephone of the nineties makes of it: GSM 06.10 and back."""
    coded, back = work / "coded.gsm", work / "back.wav"
    run("sox", "-D", source, "-r", RATE, "-c", 1, "-t", "gsm", coded, "norm", -4, "lowpass", 3500)
    run("sox", "-D", coded, back)
    return back


class Set:
    def __init__(self, work):
        self.work, self.entries = work, []

    def speak(self, voice, speed, text, pitch=50):
        path = self.work / "spoken.wav"
        run("espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "-w", path, text)
        return path

    def add(self, kind, name, part, wav, seconds, effects=(), **notes):
        file = f"{kind}/{name}.ul"
        onset, length = finish(wav, HERE / file, self.work, seconds, effects)
        self.entries.append({"file": file, "label": kind, "part": part,
                             "onset_ms": onset, "length_ms": length, **notes})

    def interruptions(self, part, voices, count):
        for n in range(count):
            voice, speed = voices[n % len(voices)]
            text = INTERRUPTIONS[(n * 7 + n // len(voices) + (5 if part == "test" else 0)) % len(INTERRUPTIONS)]
            wav, notes = self.speak(voice, speed, text, 35 + (n * 13) % 35), {"codec": "mulaw"}
            if n % 4 == 3:
                wav, notes = through_gsm(wav, self.work), {"codec": "gsm"}
            effects = ["reverb", 25, 50, 30, 100, 0, "remix", 1] if n % 5 == 4 else []
            self.add("interruption", f"{part}-{n:02}", part, wav, 1.2, effects, voice=voice, text=text,
                     room=bool(effects), **notes)

    def backchannels(self, part, voices):
        for n, text in enumerate(BACKCHANNELS):
            voice, speed = voices[(n * 5) % len(voices)]
            self.add("backchannel", f"{part}-{n:02}", part, self.speak(voice, speed, text), 0.8,
                     voice=voice, text=text)

    def coughs(self):
        for n, text in enumerate(WHISPERED_COUGHS):
            part = "test" if n % 2 else "tune"
            voice = "en-us+whisper" if n % 3 else "en-us+whisperf"
            self.add("cough", f"throat-{n}", part, self.speak(voice, 220 + 10 * n, text, 20 + 6 * n), 0.6,
                     ["overdrive", 8], text=text)

    def sounds(self):
        for n, (name, (label, seconds, recipe)) in enumerate(SOX_SOUNDS.items()):
            wav = self.work / "sound.wav"
            # -R: sox draws the same noise in every run.
            run("sox", "-D", "-R", "-n", "-r", RATE, "-c", 1, "-b", 16, wav, *recipe.split())
            self.add(label, name, "test" if n % 2 else "tune", wav, seconds)

    def agent(self):
        for n, (voice, text) in enumerate(AGENT):
            self.add("agent", f"{n}", "both", self.speak(voice, 165, text), 6.0, voice=voice, text=text)


def main():
    for tool in ("espeak-ng", "sox"):
        if not shutil.which(tool):
            sys.exit(f"make.py: {tool} is missing; apt-get install espeak-ng sox")
    with tempfile.TemporaryDirectory() as folder:
        made = Set(pathlib.Path(folder))
        made.interruptions("tune", TUNE_VOICES, 36)
        made.interruptions("test", TEST_VOICES, 80)
        made.backchannels("tune", TUNE_VOICES)
        made.backchannels("test", TEST_VOICES)
        made.coughs()
        made.sounds()
        made.agent()
    lines = ",\n".join("    " + json.dumps(entry, ensure_ascii=False) for entry in made.entries)
    text = f'{{\n  "rate_hz": {RATE},\n  "level_dbfs": {LEVEL_DBFS},\n  "sounds": [\n{lines}\n  ]\n}}\n'
    (HERE / "manifest.json").write_text(text, encoding="utf-8")
    size = sum((HERE / entry["file"]).stat().st_size for entry in made.entries)
    print(f"{len(made.entries)} sounds, {size} bytes")


main()

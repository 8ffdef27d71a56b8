//! Runs a recording again.

use std::collections::VecDeque;
use std::fmt;

use serde_json::{Value, json};

use crate::call::{Call, Explanation};
use crate::time::Micros;

use super::entry::{Decided, Digest, Ending, Entry, Preamble};
use super::say::say;
use super::show::{Words, show};

/// One thing that the call was told, and what it decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: Micros,
    /// What happened, as [`show`] shows it.
    pub happened: Value,
    /// What was decided, one output each, likewise.
    pub decided: Vec<Value>,
}

/// Where a replay and its recording part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// When.
    pub at: Micros,
    /// What happened before it.
    pub happened: Value,
    /// Which of the call's outputs it is, from 1.
    pub output: usize,
    /// What was decided then; none where nothing was.
    pub then: Option<Value>,
    /// What is decided now; none where nothing is.
    pub now: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |what: &Option<Value>| what.as_ref().map_or("nothing".to_owned(), say);
        let (then, now) = (one(&self.then), one(&self.now));
        let at = say(&show(&self.at, Words::Hidden));
        writeln!(f, "at {at}, after \"{}\", output {}", say(&self.happened), self.output)?;
        writeln!(f, "  then: {then}")?;
        write!(f, "  now:  {now}")?;
        if then == now {
            write!(f, "\n  they differ in words that are not shown")?;
        }
        Ok(())
    }
}

/// What the replay has decided and the recording has not confirmed yet.
struct Pending {
    at: Micros,
    happened: Value,
    decided: Decided,
}

/// See the module's text.
pub struct Replayer {
    call: Call,
    words: Words,
    now: Micros,
    pending: VecDeque<Pending>,
    scratch: Vec<u8>,
    last: (Micros, Value),
    outputs: usize,
    fingerprint: Digest,
    ending: Option<Ending>,
}

impl Replayer {
    /// A call with what the recorded one began with.
    #[must_use]
    pub fn new(preamble: Preamble, words: Words) -> Self {
        let at = preamble.at;
        Self {
            call: Call::new(preamble.settings, at),
            words,
            now: at,
            pending: VecDeque::new(),
            scratch: Vec::new(),
            last: (at, json!("the beginning")),
            outputs: 0,
            fingerprint: Digest::of(&[]),
            ending: None,
        }
    }

    /// Takes the next entry. Something that happened is told to the call, and
    /// answered with what the call decides now; something that was decided is
    /// compared.
    ///
    /// # Errors
    /// With the first difference. The replay ends there: what follows would differ
    /// because of it.
    pub fn feed(&mut self, entry: Entry) -> Result<Option<Step>, Box<Difference>> {
        match entry {
            Entry::Preamble(_) => Ok(None),
            Entry::Input(at, input) => {
                let happened = show(&input, self.words);
                self.now = at;
                self.call.handle(*input, at);
                Ok(Some(self.decide(happened)))
            }
            Entry::Timeout(at, due) => self.wake(at, due).map(Some),
            Entry::Decided(then) => self.compare(then).map(|()| None),
            Entry::Ending(ending) => {
                self.ending = Some(ending);
                let whole = matches!(ending, Ending::Complete);
                self.pending.pop_front().filter(|_| whole).map_or(Ok(None), |now| {
                    Err(Box::new(Difference {
                        at: now.at,
                        happened: now.happened,
                        output: self.outputs + 1,
                        then: None,
                        now: Some(now.decided.shown),
                    }))
                })
            }
        }
    }

    /// What the call knows, as of the last thing that it was told.
    #[must_use]
    pub fn explain(&self, now: Micros) -> Explanation {
        self.call.explain(now.max(self.now), self.words)
    }

    /// How the recording ended; none where it was cut off, or goes on.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Outputs compared so far.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The digest of all outputs compared so far. Two machines on which it is the
    /// same decided the same, to the byte.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// That the call wants to be woken at another time is a difference as well.
    fn wake(&mut self, at: Micros, due: Option<Micros>) -> Result<Step, Box<Difference>> {
        let next = self.call.poll_timeout().map(|(at, timer)| (at, show(timer, self.words)));
        let due_now = next.as_ref().map(|(at, _)| *at);
        if due_now != due {
            let wake = |at: Micros| json!({ "wake": show(&at, self.words) });
            let (then, now) = (due.map(wake), due_now.map(wake));
            return Err(Box::new(self.difference(then, now)));
        }
        self.now = at;
        self.call.handle_timeout(at);
        let timer = next.map_or_else(|| json!("nothing"), |(_, timer)| timer);
        Ok(self.decide(json!({ "woken for": timer })))
    }

    /// A difference behind the last thing that happened.
    fn difference(&self, then: Option<Value>, now: Option<Value>) -> Difference {
        let (at, happened) = self.last.clone();
        Difference { at, happened, output: self.outputs, then, now }
    }

    fn decide(&mut self, happened: Value) -> Step {
        let mut decided = Vec::new();
        while let Some(output) = self.call.poll_output() {
            decided.push(show(&output, self.words));
            self.pending.push_back(Pending {
                at: self.now,
                happened: happened.clone(),
                decided: Decided::of(&output, &mut self.scratch),
            });
        }
        self.last = (self.now, happened.clone());
        Step { at: self.now, happened, decided }
    }

    fn compare(&mut self, then: Decided) -> Result<(), Box<Difference>> {
        self.outputs += 1;
        let Some(now) = self.pending.pop_front() else {
            return Err(Box::new(self.difference(Some(then.shown), None)));
        };
        if now.decided.digest != then.digest {
            return Err(Box::new(Difference {
                at: now.at,
                happened: now.happened,
                output: self.outputs,
                then: Some(then.shown),
                now: Some(now.decided.shown),
            }));
        }
        self.fingerprint = self.fingerprint.then(then.digest);
        Ok(())
    }
}

impl fmt::Debug for Replayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayer").field("now", &self.now).finish_non_exhaustive()
    }
}

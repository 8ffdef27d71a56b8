//! A persona's texts: templates whose variables are filled in for each call.
//!
//! The syntax is Jinja's. The variables are those of [`Vars`]: `company`,
//! `persona`, `caller_last4`, `date`, `time`, `weekday`, and the list
//! `tangents`. Two functions bring in chance, which comes from the call's seed
//! alone, so that a call run again says the same:
//!
//! * `pick(list)` is one item of the list.
//! * `tangent()` is one of the persona's tangents, another one at each use
//!   until all have been used; nothing where there are none.
//!
//! A variable that does not exist is an error rather than a gap in a sentence.

mod check;
mod rng;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

pub use check::check;
pub use rng::Rng;

/// What a template may mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars {
    /// What callers know the business as.
    pub company: String,
    /// The persona's name.
    pub persona: String,
    /// The last four digits of the caller's number; empty when withheld.
    pub caller_last4: String,
    /// Today, in words, such as `5 March 2026`.
    pub date: String,
    /// The time of day in words or digits, such as `14:05`.
    pub time: String,
    /// The day of the week, such as `Thursday`.
    pub weekday: String,
    /// Stories to wander off into.
    pub tangents: Vec<String>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonaError {
    /// It cannot be read, or fails while it is filled in.
    #[error("line {line}: {message}")]
    Template {
        /// Line of the template, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It mentions something that does not exist.
    #[error("line {line}: there is no `{name}`; there are: {known}")]
    UnknownName {
        /// Line of the template, from 1.
        line: usize,
        /// What it mentions.
        name: String,
        /// What it may mention, separated by commas.
        known: String,
    },
}

impl From<Error> for PersonaError {
    fn from(error: Error) -> Self {
        let message = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self::Template { line: error.line().unwrap_or(1), message }
    }
}

/// Fills in a template. The same template, variables and seed always give the
/// same text.
///
/// # Errors
/// When the template cannot be read, mentions what does not exist, or uses
/// something wrongly; the error names the line.
pub fn render(template: &str, vars: &Vars, seed: u64) -> Result<String, PersonaError> {
    let env = environment(vars, seed);
    Ok(env.render_str(template, variables(vars))?)
}

fn variables(vars: &Vars) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("company", Value::from(vars.company.as_str())),
        ("persona", Value::from(vars.persona.as_str())),
        ("caller_last4", Value::from(vars.caller_last4.as_str())),
        ("date", Value::from(vars.date.as_str())),
        ("time", Value::from(vars.time.as_str())),
        ("weekday", Value::from(vars.weekday.as_str())),
        ("tangents", Value::from(vars.tangents.clone())),
    ])
}

/// Steps that a template may take: a long one takes a thousand. Without a bound, two
/// loops within each other could hold up a call for ever.
const FUEL: u64 = 100_000;

fn environment(vars: &Vars, seed: u64) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    // The text is spoken or read by a model: `&` stays `&`.
    env.set_auto_escape_callback(|_| AutoEscape::None);
    add_pick(&mut env, seed);
    add_tangent(&mut env, vars.tangents.clone(), seed);
    env
}

fn add_pick(env: &mut Environment<'static>, seed: u64) {
    // A function's state must be shareable, so the generator's counter stands
    // here and each use takes one number from it.
    let state = AtomicU64::new(seed);
    env.add_function("pick", move |items: Vec<Value>| {
        let mut rng = Rng::new(state.fetch_add(rng::STEP, Ordering::Relaxed));
        rng.pick(&items).cloned().ok_or_else(|| {
            Error::new(ErrorKind::InvalidOperation, "pick() needs a list that is not empty")
        })
    });
}

fn add_tangent(env: &mut Environment<'static>, tangents: Vec<String>, seed: u64) {
    // Another stream than that of `pick`, or the two would choose in step.
    let first = Rng::new(!seed).below(tangents.len() as u64);
    let next = AtomicUsize::new(usize::try_from(first).unwrap_or(0));
    env.add_function("tangent", move || {
        let index = next.fetch_add(1, Ordering::Relaxed).checked_rem(tangents.len());
        index.and_then(|index| tangents.get(index)).cloned().unwrap_or_default()
    });
}

//! Finding a template's mistakes when the configuration is read, rather than
//! in the call that first reaches them.

use std::collections::BTreeSet;

use super::{PersonaError, Vars, environment, variables};

/// Checks a template: that it can be read, that every name in it exists (also
/// in a branch that is not taken today), and that it can be filled in.
///
/// # Errors
/// The first mistake, with its line.
pub fn check(template: &str) -> Result<(), PersonaError> {
    let vars = sample();
    let env = environment(&vars, 0);
    let parsed = env.template_from_str(template)?;
    let known = known_names(&env);
    let unknown = parsed
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !known.contains(name))
        .map(|name| (line_of(template, &name), name))
        .min();
    if let Some((line, name)) = unknown {
        let known: Vec<String> = known.into_iter().collect();
        return Err(PersonaError::UnknownName { line, name, known: known.join(", ") });
    }
    parsed.render(variables(&vars))?;
    Ok(())
}

fn sample() -> Vars {
    Vars {
        company: "Acme".to_owned(),
        persona: "Alex".to_owned(),
        caller_last4: "0100".to_owned(),
        date: "5 March 2026".to_owned(),
        time: "14:05".to_owned(),
        weekday: "Thursday".to_owned(),
        tangents: vec!["the great flood of 1962".to_owned()],
    }
}

fn known_names(env: &minijinja::Environment<'_>) -> BTreeSet<String> {
    let functions = env.globals().map(|(name, _)| name.to_owned());
    let variables = variables(&Vars::default()).into_keys().map(str::to_owned);
    functions.chain(variables).collect()
}

/// The line on which a name stands inside a tag; 1 if it is not found.
fn line_of(template: &str, name: &str) -> usize {
    let mut line = 1;
    // Every piece but the first begins inside a tag and leaves it at `}`.
    for (index, piece) in template.split('{').enumerate() {
        let tag = if index == 0 { "" } else { piece.split('}').next().unwrap_or("") };
        for (offset, text) in tag.split('\n').enumerate() {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| word == name) {
                return line + offset;
            }
        }
        line += piece.matches('\n').count();
    }
    1
}

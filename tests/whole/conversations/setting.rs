//! What is given, as a tenant's file.

use super::token::Token::{self, T, W};
use super::token::{number, time, unknown};

/// The tenant's number.
pub const NUMBER: &str = "+15550170004";
/// Who a caller is put through to.
const HUMAN: &str = "+15550170099";

/// How the agent greets.
pub const GREETING: &str = "Thank you for calling Elm Plumbing, how can I help?";

/// The texts of the calls in virtual time.
pub const PERSONA: &str = r#"+++
name = "Sarah"
voice = "marin"
greeting = "Thank you for calling Elm Plumbing, how can I help?"
farewell = "Goodbye and thank you."
wrap_up = "I am afraid our time is over, goodbye."
fillers = ["One moment please."]
nudge = "Are you still there?"
bridging = "Bear with me."
+++
You answer the phone.
"#;

/// What the server can do of what tools of a script do.
const TOOLS: [&str; 4] = ["collect_digits", "end_call", "look_up", "transfer_to_human"];

/// See the module's text.
#[derive(Debug, Default)]
pub struct Setting {
    no_human: bool,
    ears: bool,
    mode: Option<String>,
    greeting: Option<String>,
    silence: Vec<String>,
    limits: Vec<String>,
    tools: Vec<String>,
    /// Tools that leave the model to say something about their result.
    pub answered_tools: Vec<String>,
}

impl Setting {
    /// Takes in what follows `given`, replies aside.
    pub fn take(&mut self, tokens: &[Token<'_>]) -> Result<(), String> {
        match tokens {
            // There is nothing kept yet: the model speaks the greeting of a first call.
            [W("greeting"), W("kept" | "spoken")] | [W("turns"), W("ours")] => {}
            [W("greeting"), W(mode)] => self.greeting = Some(mode.replace('-', "_")),
            [W("ears")] => self.ears = true,
            [W("barge-in"), W(mode)] => self.mode = Some(mode.replace('-', "_")),
            [W("no"), W("human")] => self.no_human = true,
            [W("silence"), rest @ ..] => self.silence(rest)?,
            [W("limit"), W(name), W(value)] => self.limit(name, value)?,
            [W("tool"), W(name), W("takes"), W(_), effect @ ..] => self.tool(name, effect)?,
            _ => return Err(unknown_given(tokens)),
        }
        Ok(())
    }

    fn silence(&mut self, rest: &[Token<'_>]) -> Result<(), String> {
        let line = match rest {
            [W("left"), W("alone")] => "nudge_ms = 0\ngive_up_ms = 0".to_owned(),
            [W("asked"), W("after"), W(value)] => format!("nudge_ms = {}", in_ms(value)?),
            [W("ended"), W("after"), W(value)] => format!("give_up_ms = {}", in_ms(value)?),
            [W("leads"), W("to"), W("human")] => "then = \"human\"".to_owned(),
            _ => return Err(unknown_given(rest)),
        };
        self.silence.push(line);
        Ok(())
    }

    fn limit(&mut self, name: &str, value: &str) -> Result<(), String> {
        let line = match name {
            "call" => format!("max_call_duration_ms = {}", in_ms(value)?),
            "turns" => format!("max_turns = {}", number::<u32>(value)?),
            "farewell" => format!("farewell_timeout_ms = {}", in_ms(value)?),
            "slow-tool" => format!("slow_tool_ms = {}", in_ms(value)?),
            "tool" => format!("tool_timeout_ms = {}", in_ms(value)?),
            _ => return Err(format!("the limit {name:?} is nothing that can be given here")),
        };
        self.limits.push(line);
        Ok(())
    }

    /// How long it takes is the tool's own business here.
    fn tool(&mut self, name: &str, effect: &[Token<'_>]) -> Result<(), String> {
        if !TOOLS.contains(&name) {
            return Err(format!("the server has no tool {name:?}"));
        }
        let does = match (name, effect) {
            ("look_up", []) => true,
            ("collect_digits", [W("and"), W("collects"), W("10"), W("keys")]) => true,
            ("end_call", [W("and"), W("ends")]) => false,
            ("transfer_to_human", [W("and"), W("transfers")]) => false,
            _ => return Err(format!("the server's {name:?} does something else")),
        };
        if does {
            self.answered_tools.push(name.to_owned());
        }
        self.tools.push(name.to_owned());
        Ok(())
    }

    /// The tenant's file, with further lines at its top.
    pub fn tenant(&self, lines: &str) -> String {
        let human = if self.no_human { "none" } else { HUMAN };
        let mode = |mode: &Option<String>| mode.as_deref().unwrap_or("immediate").to_owned();
        format!(
            "company = \"Elm Plumbing\"\nnumbers = [\"{NUMBER}\"]\npersona = \"elm\"\n\
             human_number = \"{human}\"\ntools = {:?}\n{lines}\n\
             [barge_in]\nears = {}\nmode = \"{}\"\ngreeting = \"{}\"\n\
             [silence]\n{}\n[limits]\n{}\n[facts]\n\"prices\" = \"A visit costs nothing.\"\n",
            self.tools,
            self.ears,
            mode(&self.mode),
            mode(&self.greeting),
            self.silence.join("\n"),
            self.limits.join("\n"),
        )
    }
}

fn unknown_given(tokens: &[Token<'_>]) -> String {
    let given: Vec<Token<'_>> = [W("given")].iter().chain(tokens).copied().collect();
    unknown(&given, "nothing that can be given over sockets")
}

fn in_ms(value: &str) -> Result<u64, String> {
    time(value).map(|time| time.as_millis())
}

/// What the model says and calls.
#[derive(Clone, Debug)]
pub struct Line {
    pub words: String,
    pub calls: Option<String>,
}

impl Line {
    /// Reads what follows `given reply`.
    pub fn read(tokens: &[Token<'_>]) -> Result<Self, String> {
        let (words, rest) = match tokens {
            [T(words), rest @ ..] => ((*words).to_owned(), rest),
            rest => (String::new(), rest),
        };
        match rest {
            [] => Ok(Self { words, calls: None }),
            [W("calls"), W(tool), T("{}")] => Ok(Self { words, calls: Some((*tool).to_owned()) }),
            _ => Err(unknown(rest, "nothing that a reply does over sockets")),
        }
    }
}

/// The dialogue in which the caller's words, in order, are answered by the script's
/// replies, in order. A tool whose result wants an answer takes the next one. Those
/// that are left are what the agent is asked to say word for word.
pub fn dialogue(said: &[String], replies: &[Line], answered_tools: &[String]) -> String {
    let mut text = "greeting = \"Hello.\"\ndefault = [\"I see, go on please.\"]\n".to_owned();
    let mut results = String::new();
    let mut replies = replies.iter();
    for words in said {
        let Some(reply) = replies.next() else {
            break;
        };
        text.push_str(&format!("[[rule]]\nheard = [{words:?}]\n"));
        if !reply.words.is_empty() {
            text.push_str(&format!("say = {:?}\n", reply.words));
        }
        let Some(tool) = &reply.calls else {
            continue;
        };
        let arguments = arguments(tool);
        text.push_str(&format!("call = [{{ tool = {tool:?}, arguments = {{ {arguments} }} }}]\n"));
        if answered_tools.contains(tool)
            && let Some(answer) = replies.next()
        {
            results.push_str(&format!("[[result]]\ntool = {tool:?}\nsay = {:?}\n", answer.words));
        }
    }
    text + &results
}

/// The least that the server's tools want to be told.
fn arguments(tool: &str) -> &'static str {
    match tool {
        "look_up" => "topic = \"prices\"",
        "end_call" | "transfer_to_human" => "reason = \"the caller wants it\"",
        _ => "",
    }
}

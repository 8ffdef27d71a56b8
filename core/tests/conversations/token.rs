//! The words and quoted texts of a line. Shared with the tests that play scripts over
//! real sockets.

use trunkline_core::time::Micros;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A word.
    W(&'a str),
    /// A text in double quotes. There is no way to write a quote inside.
    T(&'a str),
}

/// Takes a line apart. What follows `#` outside of a text is a remark.
pub fn tokens(line: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"').ok_or("a text has no closing quote")?;
            tokens.push(Token::T(text));
            rest = after.trim_start();
        } else {
            let end = rest.find([' ', '\t', '"', '#']).unwrap_or(rest.len());
            tokens.push(Token::W(&rest[..end]));
            rest = rest[end..].trim_start();
        }
    }
    Ok(tokens)
}

/// Reads `900ms`, `4.5s` or `2s`.
pub fn time(word: &str) -> Result<Micros, String> {
    let wrong = || format!("{word:?} is no time; write 900ms or 4.5s");
    let (number, unit_ms) = match word.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (word.strip_suffix('s').ok_or_else(wrong)?, 1_000),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 || (unit_ms == 1 && number.contains('.')) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let thousandths: u64 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    Ok(Micros::from_millis(whole * unit_ms + thousandths * unit_ms / 1_000))
}

pub fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("{word:?} is no number that fits here"))
}

/// What is said of a line that cannot be read.
pub fn unknown(tokens: &[Token<'_>], wanted: &str) -> String {
    let shown: Vec<String> = tokens
        .iter()
        .map(|token| match token {
            Token::W(word) => (*word).to_owned(),
            Token::T(text) => format!("{text:?}"),
        })
        .collect();
    format!("`{}` is {wanted}; see tests/conversations/README.md", shown.join(" "))
}

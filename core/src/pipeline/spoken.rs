//! How a written sentence is read aloud: markup and pictures go, addresses and
//! telephone numbers are put into words that a voice gets right. Decimals, times
//! and ordinals are left: voices know them.

/// What a digit string must have at least to be a telephone number.
const TELEPHONE_DIGITS: usize = 7;

/// The sentence as it is remembered, and as it is to be read.
pub(super) fn spoken(text: &str) -> (String, String) {
    let plain = without_links(text);
    let plain: String = plain.chars().filter(|c| !is_picture(*c)).collect();
    let plain = plain.replace("**", "").replace("__", "").replace(['`', '#', '~'], "");
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    if words.first().is_some_and(|word| matches!(*word, "-" | "*" | "•" | "–")) {
        words.remove(0);
    }
    let words: Vec<&str> = words.into_iter().map(without_stars).filter(|w| !w.is_empty()).collect();
    let written = words.join(" ");
    let read: Vec<String> = grouped(&words).iter().map(|word| read(word)).collect();
    (written, read.join(" "))
}

fn without_stars(word: &str) -> &str {
    word.strip_prefix('*').unwrap_or(word).trim_end_matches('*')
}

/// `[words](address)` as its words.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, words, after)) = link(rest) {
        plain.push_str(before);
        plain.push_str(words);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (head, after) = text.split_once("](")?;
    let (before, words) = head.rsplit_once('[')?;
    let (_, after) = after.split_once(')')?;
    Some((before, words, after))
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c),
        0x200D | 0x20E3 | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF
        | 0xFE00..=0xFE0F | 0x1_F000..=0x1_FAFF | 0xE_0020..=0xE_007F)
}

/// Words, with the groups of one telephone number as one.
fn grouped(words: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        let group = |text: &str| {
            let text = text.trim_end_matches(['.', ',', '?', '!', ';', ':']);
            let body = text.trim_start_matches(['+', '(']).replace(['-', ')', '(', '.'], "");
            body.len() >= 2 && body.bytes().all(|b| b.is_ascii_digit())
        };
        let goes_on = all.last().is_some_and(|last| {
            let open = last.ends_with(|c: char| c.is_ascii_digit() || c == ')');
            let telephone = last.contains(['+', '(', '-', ' ']) || word.contains('-');
            open && telephone && group(last.rsplit(' ').next().unwrap_or_default())
        });
        match all.last_mut().filter(|_| goes_on && group(word)) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => all.push((*word).to_owned()),
        }
    }
    all
}

fn read(word: &str) -> String {
    let body = word.trim_end_matches(['.', ',', '?', '!', ';', ':']);
    let tail = word.get(body.len()..).unwrap_or_default();
    let read = if is_address(body) {
        body.replace('@', " at ")
            .replace('.', " dot ")
            .replace('_', " underscore ")
            .replace('-', " dash ")
    } else if is_telephone(body) {
        telephone(body)
    } else {
        return word.to_owned();
    };
    format!("{read}{tail}")
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.')
    })
}

fn is_telephone(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let shaped = word.starts_with('+') || word.contains(['-', '(', ' ']);
    let only =
        word.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' ' | '.'));
    // A date has dashes too, and eight digits: its first group is a year.
    let date = word.split('-').map(str::len).eq([4, 2, 2]);
    only && !date && (TELEPHONE_DIGITS..=15).contains(&digits) && shaped
}

/// Digit by digit, with a breath between the groups.
fn telephone(number: &str) -> String {
    let plus = if number.starts_with('+') { "plus " } else { "" };
    let groups: Vec<&str> =
        number.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let pieces = match groups.as_slice() {
        // Written in one go: in threes, and four at the end.
        [one] => in_threes(one),
        several => several.iter().map(|group| (*group).to_owned()).collect(),
    };
    let read = |group: &String| group.chars().map(String::from).collect::<Vec<_>>().join(" ");
    format!("{plus}{}", pieces.iter().map(read).collect::<Vec<_>>().join(", "))
}

fn in_threes(digits: &str) -> Vec<String> {
    let digits: Vec<char> = digits.chars().collect();
    let tail = digits.len().saturating_sub(4);
    let (head, last) = digits.split_at(tail);
    let first = head.len() % 3;
    let (start, threes) = head.split_at(first);
    let mut groups: Vec<String> = vec![start.iter().collect()];
    groups.extend(threes.chunks(3).map(|group| group.iter().collect()));
    groups.push(last.iter().collect());
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn what_cannot_be_said_goes() {
        for (text, written) in [
            ("**Bold** and *this* `code` 😀!", "Bold and this code !"),
            ("# Heading", "Heading"),
            ("- an item", "an item"),
            ("See [our page](https://example.com/a) now.", "See our page now."),
            ("🎉🎉", ""),
            ("2 * 3 is 6", "2 3 is 6"),
        ] {
            assert_eq!(spoken(text).0, written, "{text}");
        }
    }

    #[test]
    fn addresses_and_numbers_are_read_well() {
        for (text, read) in [
            ("Write to jo.b@example.com.", "Write to jo dot b at example dot com."),
            ("Call 555-010-0199, please.", "Call 5 5 5, 0 1 0, 0 1 9 9, please."),
            ("Call +15550100199.", "Call plus 1, 5 5 5, 0 1 0, 0 1 9 9."),
            ("Call (555) 010-0199 now", "Call 5 5 5, 0 1 0, 0 1 9 9 now"),
            ("It is 3.50, at 10:30 on the 3rd.", "It is 3.50, at 10:30 on the 3rd."),
            ("In 2024 we had 1500 guests.", "In 2024 we had 1500 guests."),
            ("On 2026-11-21 at noon.", "On 2026-11-21 at noon."),
        ] {
            assert_eq!(spoken(text).1, read, "{text}");
        }
    }
}

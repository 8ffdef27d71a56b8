//! Writing XML: elements, attributes and text that cannot break out of their place.

/// Whether XML 1.0 can hold a character at all, escaped or not.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Appends a text, or the value of an attribute; illegal characters are left out.
pub(in crate::wire) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars().filter(|c| is_legal(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A parser turns bare ones into spaces or newlines.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}

/// One attribute: a name from this program and a value from anywhere.
pub(in crate::wire) type Attribute<'a> = (&'static str, &'a str);

/// Appends `<name a="b">`.
pub(in crate::wire) fn open(out: &mut String, name: &'static str, attributes: &[Attribute<'_>]) {
    start(out, name, attributes);
    out.push('>');
}

/// Appends `<name a="b"/>`.
pub(in crate::wire) fn empty(out: &mut String, name: &'static str, attributes: &[Attribute<'_>]) {
    start(out, name, attributes);
    out.push_str("/>");
}

/// Appends `</name>`.
pub(in crate::wire) fn close(out: &mut String, name: &'static str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends `<name a="b">text</name>`.
pub(in crate::wire) fn element(
    out: &mut String,
    name: &'static str,
    attributes: &[Attribute<'_>],
    text: &str,
) {
    open(out, name, attributes);
    push_escaped(out, text);
    close(out, name);
}

fn start(out: &mut String, name: &'static str, attributes: &[Attribute<'_>]) {
    out.push('<');
    out.push_str(name);
    for (attribute, value) in attributes {
        out.push(' ');
        out.push_str(attribute);
        out.push_str("=\"");
        push_escaped(out, value);
        out.push('"');
    }
}

//! Plots as SVG: one line over time, or bars over bands. No script.

use std::fmt::{Arguments, Write as _};

use super::times::Band;

/// Size of a plot, in the picture's own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 170.0;
/// Room for the numbers at its left, and for what is at its other sides.
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 10.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 24.0;

const COLOUR: &str = "#1b6ac9";

/// One line over time in seconds, from zero up. Nothing for a line at zero.
pub(super) fn line(out: &mut String, name: &str, points: &[(f64, f64)]) {
    let most = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let top = round_up(most);
    let end = points.iter().map(|(at, _)| *at).fold(0.0, f64::max).max(1e-9);
    let x = |at: f64| LEFT + at / end * (RIGHT - LEFT);
    begin(out, name, top);
    add(
        out,
        format_args!("<polyline fill=\"none\" stroke=\"{COLOUR}\" stroke-width=\"1.6\" points=\""),
    );
    for (at, value) in points {
        add(out, format_args!("{:.1},{:.1} ", x(*at), y(*value, top)));
    }
    out.push_str("\"/>");
    let step = round_up(end / 10.0);
    let marks = (0..=10).map(|n| step * f64::from(n)).take_while(|at| *at <= end);
    marks.for_each(|at| foot(out, x(at), &format!("{} s", number(at))));
    out.push_str("</svg>");
}

/// A bar for each band of times in microseconds. The bars' heights are logarithms:
/// the few slow frames are what is looked for.
pub(super) fn bars(out: &mut String, name: &str, bands: &[Band]) {
    let height = |count: u64| (count as f64 + 1.0).log10();
    let most = bands.iter().map(|band| height(band.count)).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let top = most.ceil();
    begin_with(out, name, [0.0, (top / 2.0).floor(), top].map(|log| (log, power(log))), top);
    let width = (RIGHT - LEFT) / bands.len() as f64;
    let every = bands.len().div_ceil(10);
    for (n, band) in bands.iter().enumerate() {
        let (left, head) = (LEFT + n as f64 * width, y(height(band.count), top));
        add(
            out,
            format_args!(
                "<rect x=\"{left:.1}\" y=\"{head:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{COLOUR}\"><title>{} up to {} ms</title></rect>",
                (width - 1.5).max(0.5),
                BOTTOM - head,
                band.count,
                number(band.up_to as f64 / 1_000.0)
            ),
        );
        if n % every == 0 {
            foot(out, left + width / 2.0, &number(band.up_to as f64 / 1_000.0));
        }
    }
    out.push_str("</svg>");
}

fn power(log: f64) -> String {
    if log <= 0.0 { "0".to_owned() } else { number(10_f64.powf(log)) }
}

fn begin(out: &mut String, name: &str, top: f64) {
    begin_with(out, name, [0.0, top / 2.0, top].map(|value| (value, number(value))), top);
}

/// The heading, and a line across at each of three heights.
fn begin_with(out: &mut String, name: &str, heights: [(f64, String); 3], top: f64) {
    add(
        out,
        format_args!(
            "<h2>{name}</h2><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name}\">"
        ),
    );
    for (value, label) in heights {
        let at = y(value, top);
        let (left, base) = (LEFT - 6.0, at + 4.0);
        add(
            out,
            format_args!(
                "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{left}\" y=\"{base:.1}\" text-anchor=\"end\">{label}</text>"
            ),
        );
    }
}

/// A label below the plot, kept within the picture.
fn foot(out: &mut String, x: f64, text: &str) {
    let anchor = if x > RIGHT - 12.0 { "end" } else { "middle" };
    let base = HEIGHT - 8.0;
    add(
        out,
        format_args!("<text x=\"{x:.1}\" y=\"{base}\" text-anchor=\"{anchor}\">{text}</text>"),
    );
}

fn y(value: f64, top: f64) -> f64 {
    BOTTOM - value / top * (BOTTOM - TOP)
}

/// The next one, two or five followed by noughts.
fn round_up(value: f64) -> f64 {
    let scale = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * scale);
    steps.into_iter().find(|step| *step >= value).unwrap_or(value)
}

/// A number as short as it can be: three digits that tell something.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn add(out: &mut String, text: Arguments<'_>) {
    // Writing to a String cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_scales_round() {
        let numbers = [0.0, 0.25, 1.5, 2.0, 12.34, 250.0, 10_000.0].map(number);
        assert_eq!(numbers, ["0", "0.25", "1.5", "2", "12.3", "250", "10000"]);
        assert_eq!([0.3, 1.0, 7.0, 501.0].map(round_up), [0.5, 1.0, 10.0, 1_000.0]);
    }

    #[test]
    fn what_is_always_zero_is_not_drawn() {
        let mut out = String::new();
        line(&mut out, "a", &[(1.0, 0.0), (2.0, 0.0)]);
        bars(&mut out, "b", &[]);
        assert_eq!(out, "");
        line(&mut out, "a", &[(1.0, 3.0)]);
        bars(&mut out, "b", &[Band { up_to: 100, count: 5 }]);
        assert_eq!((out.matches("<svg").count(), out.matches("</svg>").count()), (2, 2));
        assert!(!out.contains("NaN") && !out.contains("inf"), "{out}");
    }
}

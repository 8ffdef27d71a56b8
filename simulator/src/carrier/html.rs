//! The report of a load run as one page: no script, nothing fetched.

use std::fmt::Write as _;

use super::sampler::Sample;
use super::summary::LoadReport;

/// Size of a plot, in the picture's own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
/// Room for the numbers at its left.
const LEFT: f64 = 60.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .9em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto}\
.bad{color:#a00;font-weight:bold}text{font-size:11px;fill:#555}h2{font-size:1.05em;margin:1.4em 0 .2em}";

/// The page.
pub(super) fn page(report: &LoadReport) -> String {
    let mut out = String::new();
    out.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Load run</title><style>");
    out.push_str(STYLE);
    out.push_str("</style></head><body><h1>Load run</h1>");
    verdict(&mut out, report);
    numbers(&mut out, report);
    times(&mut out, report);
    plots(&mut out, &report.samples);
    out.push_str("</body></html>\n");
    out
}

fn verdict(out: &mut String, report: &LoadReport) {
    let seconds = report.wall_ms / 1_000;
    add(
        out,
        format_args!("<p>{} calls, {} failed, in {seconds} s.</p>", report.calls, report.failed),
    );
    let limited = report.limited.iter().map(|why| format!("Limited by the simulator: {why}"));
    let broken = report.broken.iter().map(|broken| format!("Broken: {broken}"));
    for text in limited.chain(broken) {
        add(out, format_args!("<p class=\"bad\">{}</p>", escaped(&text)));
    }
    for (reason, count) in &report.failures {
        add(out, format_args!("<p>{count} × {}</p>", escaped(reason)));
    }
}

fn numbers(out: &mut String, report: &LoadReport) {
    let counts = &report.echo.counts;
    let mut rows = vec![
        ("Frames sent", report.frames_sent.to_string()),
        ("Frames discarded: the server did not read", report.frames_discarded.to_string()),
        ("Frames returned", counts.returned.to_string()),
        ("Frames lost", counts.lost.to_string()),
        ("Frames duplicated", counts.duplicated.to_string()),
        ("Frames reordered", counts.reordered.to_string()),
        ("Own frames 20 ms late or later", report.lateness.over_20_ms.to_string()),
    ];
    let uses = [("Server", report.server), ("Simulator", report.own)];
    let mut texts = Vec::new();
    for (who, used) in uses {
        let Some(used) = used else { continue };
        let cpu = format!("{:.3}", used.cpu_ms_per_call_second);
        texts.push((format!("{who}: CPU per call-second, ms"), cpu));
        texts.push((
            format!("{who}: memory per call, KiB"),
            format!("{:.1}", used.rss_per_call_kib),
        ));
    }
    rows.extend(texts.iter().map(|(name, value)| (name.as_str(), value.clone())));
    out.push_str("<table>");
    for (name, value) in rows {
        add(out, format_args!("<tr><td>{name}</td><td>{value}</td></tr>"));
    }
    out.push_str("</table>");
}

fn times(out: &mut String, report: &LoadReport) {
    out.push_str("<table><tr><th>ms</th><th>count</th><th>p50</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr>");
    let rows = [
        ("Round trip", &report.echo.round_trip_us, 1_000.0),
        ("First media after start", &report.first_media_us, 1_000.0),
        ("Voice webhook", &report.webhook_ms, 1.0),
        ("Set-up", &report.setup_ms, 1.0),
        ("First audio heard", &report.first_audio_ms, 1.0),
        ("Interruption to clear", &report.interruption_ms, 1.0),
    ];
    for (name, times, per_ms) in rows {
        if times.count() == 0 {
            continue;
        }
        add(out, format_args!("<tr><td>{name}</td><td>{}</td>", times.count()));
        for percent in [50.0, 95.0, 99.0, 99.9, 100.0] {
            add(out, format_args!("<td>{:.2}</td>", times.percentile(percent) as f64 / per_ms));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

fn plots(out: &mut String, samples: &[Sample]) {
    let ms = |us: u64| us as f64 / 1_000.0;
    type Plot = (&'static str, fn(&Sample) -> f64);
    let all: [Plot; 5] = [
        ("Calls live", |s| s.live.into()),
        ("Round trip p99, ms", |s| s.round_trip_p99_us as f64 / 1_000.0),
        ("Server, cores", |s| s.server_cores),
        ("Server memory, MiB", |s| s.server_rss_kib as f64 / 1_024.0),
        ("Simulator, cores", |s| s.own_cores),
    ];
    for (name, of) in all {
        let points: Vec<_> = samples.iter().map(|s| (ms(s.at_ms), of(s))).collect();
        if points.iter().any(|(_, value)| *value > 0.0) {
            plot(out, name, &points);
        }
    }
}

/// One line over time in seconds, from zero up.
fn plot(out: &mut String, name: &str, points: &[(f64, f64)]) {
    let top = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let end = points.iter().map(|(at, _)| *at).fold(0.0, f64::max).max(1e-9);
    let x = |at: f64| LEFT + at / end * (WIDTH - LEFT - 10.0);
    let y = |value: f64| HEIGHT - 20.0 - value / top * (HEIGHT - 35.0);
    add(
        out,
        format_args!(
            "<h2>{name}</h2><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name}\">"
        ),
    );
    for value in [0.0, top / 2.0, top] {
        let (at, right) = (y(value), WIDTH - 10.0);
        add(
            out,
            format_args!(
                "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>"
            ),
        );
        let (left, base) = (LEFT - 6.0, at + 4.0);
        add(
            out,
            format_args!(
                "<text x=\"{left}\" y=\"{base:.1}\" text-anchor=\"end\">{value:.4}</text>"
            ),
        );
    }
    out.push_str("<polyline fill=\"none\" stroke=\"#1b6ac9\" stroke-width=\"1.6\" points=\"");
    for (at, value) in points {
        add(out, format_args!("{:.1},{:.1} ", x(*at), y(*value)));
    }
    let (right, bottom) = (WIDTH - 10.0, HEIGHT - 4.0);
    add(
        out,
        format_args!(
            "\"/><text x=\"{right}\" y=\"{bottom}\" text-anchor=\"end\">{end:.0} s</text></svg>"
        ),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_plots_escapes_what_it_quotes_and_runs_nothing() {
        let mut report = LoadReport::default();
        report.failures.insert("<script>".to_owned(), 2);
        report.samples = vec![
            Sample { at_ms: 1_000, live: 3, ..Sample::default() },
            Sample { at_ms: 2_000, live: 9, ..Sample::default() },
        ];
        let page = page(&report);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
        assert_eq!(page.matches("<svg").count(), 1, "only what was measured is plotted");
        assert!(!page.contains("http"));
    }
}

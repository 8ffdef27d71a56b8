//! The report of a load run as one page: no script, nothing fetched.

use std::fmt::Write as _;

use super::plot;
use super::sampler::Sample;
use super::summary::LoadReport;

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
    plots(&mut out, report);
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
    let ends = report.ended.iter().map(|(how, count)| format!("{count} {how}"));
    add(out, format_args!("<p>Ended by: {}.</p>", ends.collect::<Vec<_>>().join(", ")));
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
            format!("{who}: CPU of the whole run per call, ms"),
            format!("{:.2}", used.cpu_ms_per_call),
        ));
        texts.push((
            format!("{who}: memory per call, KiB"),
            format!("{:.1}", used.rss_per_call_kib),
        ));
    }
    if let Some(growth) = &report.growth {
        texts.push((
            "Server: growth of memory, KiB per 1000 calls".to_owned(),
            format!("{:.0}", growth.kib_per_1000_calls),
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
        ("End of speech to answer", &report.reply_us, 1_000.0),
        ("Interruption to clear", &report.interruption_ms, 1.0),
        ("Begun later than planned", &report.begun_late_ms, 1.0),
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

fn plots(out: &mut String, report: &LoadReport) {
    let ms = |us: u64| us as f64 / 1_000.0;
    type Plot = (&'static str, fn(&Sample) -> f64);
    let all: [Plot; 8] = [
        ("Calls live", |s| s.live.into()),
        ("Calls over", |s| s.over.into()),
        ("Round trip, median, ms", |s| s.round_trip_p50_us as f64 / 1_000.0),
        ("Round trip, 99th percentile, ms", |s| s.round_trip_p99_us as f64 / 1_000.0),
        ("Server, cores", |s| s.server_cores),
        ("Server memory, MiB", |s| s.server_rss_kib as f64 / 1_024.0),
        ("Server, open files and sockets", |s| s.server_files as f64),
        ("Simulator, cores", |s| s.own_cores),
    ];
    plot::bars(
        out,
        "Round trips: frames that took up to so many ms (logarithmic)",
        &report.echo.bands,
    );
    for (name, of) in all {
        let points: Vec<_> = report.samples.iter().map(|s| (ms(s.at_ms), of(s))).collect();
        plot::line(out, name, &points);
    }
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

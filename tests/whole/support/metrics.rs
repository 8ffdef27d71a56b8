//! Metrics as a scraper reads them.

/// One scrape.
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// Reads Prometheus text.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect())
    }

    /// The sum of a metric over all its labels.
    pub fn sum(&self, name: &str) -> f64 {
        self.with(name, &[])
    }

    /// The sum of a metric over the series that have all of these labels.
    pub fn with(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |series: &str| {
            let (own, rest) = series.split_once('{').unwrap_or((series, ""));
            own == name && labels.iter().all(|(k, v)| rest.contains(&format!("{k}=\"{v}\"")))
        };
        // A sum of nothing is -0 in IEEE 754; a metric that is not there is 0.
        self.0.iter().filter(|(series, _)| has(series)).map(|(_, value)| value).sum::<f64>() + 0.0
    }
}

//! "Did you mean …?"

/// The candidate that `word` is probably a slip of, if any is near enough.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |s: &str| s.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(word);
    // A third of the letters may differ: more than that and the advice is noise.
    let most = (wanted.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A sentence that leads from `word` to what may stand there.
pub(crate) fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean {candidate}?"),
        None if candidates.is_empty() => "remove it".to_owned(),
        None => format!("use one of {}", candidates.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let keys = ["concurrent_calls", "max_turns", "watchdog_ms"];
        assert_eq!(nearest("concurent_cals", keys), Some("concurrent_calls"));
        assert_eq!(nearest("Max-Turns", keys), Some("max_turns"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(
            did_you_mean("colour", &keys),
            "use one of concurrent_calls, max_turns, watchdog_ms"
        );
    }
}

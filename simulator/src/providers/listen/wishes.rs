//! What a connection asks for, in its URL.

/// The query, as far as it changes anything here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    /// `name=value`, decoded, in order.
    pub(super) told: Vec<String>,
    pub(super) interim_results: bool,
    pub(super) vad_events: bool,
    pub(super) endpointing_ms: u64,
    pub(super) utterance_end_ms: Option<u64>,
}

impl Wishes {
    /// Reads the query.
    ///
    /// # Errors
    /// The words of the service's refusal.
    pub(super) fn read(query: &str) -> Result<Self, &'static str> {
        let mut wishes = Self {
            told: Vec::new(),
            interim_results: false,
            vad_events: false,
            endpointing_ms: 10,
            utterance_end_ms: None,
        };
        let (mut encoding, mut rate) = (String::new(), String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            wishes.told.push(format!("{name}={value}"));
            match name.as_ref() {
                "encoding" => encoding = value.into_owned(),
                "sample_rate" => rate = value.into_owned(),
                "interim_results" => wishes.interim_results = value == "true",
                "vad_events" => wishes.vad_events = value == "true",
                "endpointing" => {
                    wishes.endpointing_ms = value.parse().map_err(|_| "Invalid endpointing.")?;
                }
                "utterance_end_ms" => {
                    let ms = value.parse().map_err(|_| "Invalid utterance_end_ms.")?;
                    wishes.utterance_end_ms = Some(ms);
                }
                _ => {}
            }
        }
        if encoding != "mulaw" || rate != "8000" {
            return Err("The simulated service knows mulaw at 8000 only.");
        }
        match wishes.utterance_end_ms {
            Some(ms) if ms < 1_000 => Err("utterance_end_ms must be 1000 at least."),
            Some(_) if !wishes.interim_results => Err("utterance_end_ms needs interim_results."),
            Some(_) | None => Ok(wishes),
        }
    }

    /// All that was asked for as one text, in which a marker can be found.
    pub(super) fn as_text(&self) -> String {
        self.told.join("\n")
    }
}

//! The two dialects of the protocol: GA, and the beta that was switched off.

/// Which names and shapes a session uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Ga,
    Beta,
}

impl Dialect {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ga => "ga",
            Self::Beta => "beta",
        }
    }

    const fn pick(self, ga: &'static str, beta: &'static str) -> &'static str {
        match self {
            Self::Ga => ga,
            Self::Beta => beta,
        }
    }

    pub(crate) const fn audio_delta(self) -> &'static str {
        self.pick("response.output_audio.delta", "response.audio.delta")
    }

    pub(crate) const fn audio_done(self) -> &'static str {
        self.pick("response.output_audio.done", "response.audio.done")
    }

    pub(crate) const fn transcript_delta(self) -> &'static str {
        self.pick("response.output_audio_transcript.delta", "response.audio_transcript.delta")
    }

    pub(crate) const fn transcript_done(self) -> &'static str {
        self.pick("response.output_audio_transcript.done", "response.audio_transcript.done")
    }

    pub(crate) const fn text_delta(self) -> &'static str {
        self.pick("response.output_text.delta", "response.text.delta")
    }

    pub(crate) const fn text_done(self) -> &'static str {
        self.pick("response.output_text.done", "response.text.done")
    }

    /// Type of an assistant's spoken content within an item.
    pub(crate) const fn audio_content(self) -> &'static str {
        self.pick("output_audio", "audio")
    }

    /// Type of an assistant's written content within an item.
    pub(crate) const fn text_content(self) -> &'static str {
        self.pick("output_text", "text")
    }

    /// Name of the field that says whether a response is spoken or written.
    pub(crate) const fn modalities(self) -> &'static str {
        self.pick("output_modalities", "modalities")
    }
}

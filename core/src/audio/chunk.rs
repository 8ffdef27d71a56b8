//! Arithmetic on base64 text, for audio that is passed on without being decoded.

/// Whether a text could be the base64 of some audio: not empty, the standard
/// alphabet, a length that is a multiple of four, and `=` only as the last one
/// or two characters.
///
/// One pass, no decoding and no allocation: cheap enough for every frame, and
/// enough to be sure that the text can be spliced into a JSON string as it is.
#[must_use]
pub fn is_plausible_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(4) {
        return false;
    }
    let body = match bytes {
        [body @ .., b'=', b'='] | [body @ .., b'='] => body,
        body => body,
    };
    // Without branches, so that sixteen bytes are looked at in one go.
    body.iter().fold(true, |all, b| all & is_in_alphabet(*b))
}

const fn is_in_alphabet(b: u8) -> bool {
    let letter = (b | 0x20).wrapping_sub(b'a') < 26;
    let digit = b.wrapping_sub(b'0') < 10;
    letter | digit | (b == b'+') | (b == b'/')
}

/// How many bytes a base64 text stands for. Exact for text that passes
/// [`is_plausible_base64`]; for anything else an estimate that is never more
/// than three quarters of the text's length.
#[must_use]
pub fn decoded_len(text: &str) -> usize {
    let padding = match text.as_bytes() {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    (text.len() / 4 * 3).saturating_sub(padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    #[test]
    fn tells_base64_from_other_text() {
        for good in ["AAAA", "AA==", "AAA=", "/+9z", "////"] {
            assert!(is_plausible_base64(good), "{good}");
        }
        for bad in ["", "A", "AAA", "A===", "====", "AA=A", "AAAA\n", "AA\"A", "AAÄ=", "A-_A"] {
            assert!(!is_plausible_base64(bad), "{bad}");
        }
    }

    #[test]
    fn the_alphabet_is_the_standard_one() {
        let mut alphabet: Vec<u8> = (0..=u8::MAX).filter(|b| is_in_alphabet(*b)).collect();
        alphabet.sort_by_key(|b| {
            (!b.is_ascii_uppercase(), !b.is_ascii_lowercase(), !b.is_ascii_digit(), *b)
        });
        let expected = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        assert_eq!(alphabet, expected);
    }

    proptest! {
        #[test]
        fn every_encoding_is_plausible_and_its_length_known(bytes in prop::collection::vec(any::<u8>(), 1..600)) {
            let text = STANDARD.encode(&bytes);
            prop_assert!(is_plausible_base64(&text));
            prop_assert_eq!(decoded_len(&text), bytes.len());
        }

        #[test]
        fn any_text_is_measured_without_panic(text in any::<String>()) {
            prop_assert!(decoded_len(&text) <= text.len());
            if is_plausible_base64(&text) {
                prop_assert!(text.is_ascii());
            }
        }
    }
}

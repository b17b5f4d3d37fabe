//! What a window was answered, as the JSON object that a gateway's pipeline publishes too.

use core::fmt::{self, Write as _};

use heapless::String;

use crate::capacity::ANSWER_JSON_BYTES;
use crate::meta;

/// The text of an answer.
pub(crate) type Text = String<ANSWER_JSON_BYTES>;

/// One answer. Labels are indices; names are looked up where it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answer {
    /// The number of the window's last sample.
    pub(crate) sequence: u64,
    /// The version that answered.
    pub(crate) version: u64,
    /// The winning label of a classifier, 1 or 0 of a single score with a threshold.
    pub(crate) label: Option<usize>,
    /// The winner's score, or the single score.
    pub(crate) score: f32,
    /// What is decided after debouncing.
    pub(crate) decision: Option<usize>,
    /// Whether that has changed with this window.
    pub(crate) changed: bool,
    /// The time it took, in microseconds.
    pub(crate) latency_us: u32,
}

impl Answer {
    /// Writes the object. `meta` is that of the model that answered, empty where it has gone.
    pub(crate) fn write(&self, sensor: &str, model: &str, meta: &str) -> Result<Text, fmt::Error> {
        let mut text = Text::new();
        let Self { sequence, version, label, score, decision, changed, latency_us } = *self;
        write!(text, r#"{{"sensor":"{sensor}","seq":{sequence},"model":"{model}","version":{version},"label":"#)?;
        write_label(&mut text, meta, label)?;
        text.write_str(r#","score":"#)?;
        // JSON has no word for these.
        if score.is_finite() { write!(text, "{score:?}") } else { text.write_str("null") }?;
        text.write_str(r#","decision":"#)?;
        write_label(&mut text, meta, decision)?;
        write!(text, r#","changed":{changed},"latency_us":{latency_us}}}"#)?;
        Ok(text)
    }
}

/// A label's name, or its index where it has none.
fn write_label(text: &mut Text, meta: &str, label: Option<usize>) -> fmt::Result {
    let Some(index) = label else { return text.write_str("null") };
    match meta::label(meta, index) {
        Some(name) => text.write_str(name),
        None => write!(text, "{index}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_json_object() {
        let answer = Answer {
            sequence: 63,
            version: 2,
            label: Some(1),
            score: 0.75,
            decision: None,
            changed: false,
            latency_us: 1200,
        };
        let text = answer.write("press-4", "activity", r#"{"labels":["rest","walk"]}"#).unwrap();
        let expected = r#"{"sensor":"press-4","seq":63,"model":"activity","version":2,"label":"walk","score":0.75,"decision":null,"changed":false,"latency_us":1200}"#;
        assert_eq!(text, expected);
        let unnamed = Answer { score: f32::INFINITY, decision: Some(3), ..answer };
        let text = unnamed.write("press-4", "activity", "").unwrap();
        assert!(text.contains(r#""label":1,"score":null,"decision":3"#), "{text}");
    }
}

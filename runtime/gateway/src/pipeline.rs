//! A sensor stream through a model: samples in, windows, predictions, decisions out.
//!
//! A sample is a JSON number, an array of numbers, or `{"seq": N, "values": [..]}`. Each window that a model answers is
//! published as one JSON object; a decision that changed stands in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use mote_abi::DType;
use mote_fleet::Outcomes;
use mote_host::{EntryPorts, StreamState};
use mote_seal::Digest;
use mote_stream::{Debounce, Order, Quality, Rule, Shape, Windows, top};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Pipeline;
use crate::link::{Delivery, Link, Message};
use crate::metrics::StreamLabels;
use crate::models::{Models, Served, Unanswered};
use crate::update::Input;

/// Sensors that one pipeline follows; samples of further ones are refused, so that invented names cannot fill memory.
pub(crate) const MAX_SENSORS: usize = 4096;

/// A sample as it arrived.
pub(crate) struct Sample {
    /// Topic.
    pub(crate) topic: String,
    /// JSON.
    pub(crate) payload: Vec<u8>,
}

/// How one window went, for telemetry and for the trial of an update.
pub(crate) struct Answered {
    /// Model that was asked.
    pub(crate) model: String,
    /// Whether it answered.
    pub(crate) outcomes: Outcomes,
    /// Time it took, in microseconds.
    pub(crate) latency_us: u32,
    /// The winning class.
    pub(crate) class: Option<usize>,
}

/// Why a sample or a window gave no answer.
#[derive(Debug, thiserror::Error)]
enum Skipped {
    #[error("the sample is not a number, an array of numbers or {{\"seq\", \"values\"}}")]
    NotASample,
    #[error("the sample has {got} values, the pipeline takes {expected}")]
    Channels { expected: usize, got: usize },
    #[error("more than {MAX_SENSORS} sensors")]
    TooManySensors,
    #[error("window length or hop is neither configured nor stated by the model")]
    NoWindow,
    #[error("no model of this name is loaded")]
    NoModel,
    #[error("the model takes {input:?}, not one f32 input of {window} values")]
    Input { input: Vec<u32>, window: usize },
}

/// One pipeline with the streams of all its sensors.
pub(crate) struct Worker {
    config: Pipeline,
    rule: Rule,
    order: Order,
    models: Arc<Models>,
    link: Link,
    update: Option<Sender<Input>>,
    labels: StreamLabels,
    sensors: BTreeMap<String, Stream>,
}

/// What is remembered of one sensor.
struct Stream {
    windows: Windows<Box<[f32]>>,
    debounce: Debounce,
    /// What a model with state carries from window to window, and the release that it belongs to.
    state: Option<(Digest, StreamState)>,
    /// Lost samples that the counter has seen.
    lost: u64,
}

/// A window ready for the model.
struct Ready {
    /// Number of its last sample, if samples are numbered.
    last: Option<u64>,
    /// Its values in the model's order, little-endian.
    input: Vec<u8>,
}

impl Worker {
    /// A worker without sensors.
    pub(crate) fn new(
        config: Pipeline,
        rule: Rule,
        models: Arc<Models>,
        link: Link,
        update: Option<Sender<Input>>,
    ) -> Self {
        let labels = StreamLabels { model: config.model.clone() };
        let order = config.order.into();
        Self { config, rule, order, models, link, update, labels, sensors: BTreeMap::new() }
    }

    /// Takes samples until the sender is dropped.
    pub(crate) fn run(mut self, samples: &Receiver<Sample>) {
        while let Ok(sample) = samples.recv() {
            self.models.metrics().samples.get_or_create(&self.labels).inc();
            if self.take(&sample).is_err() {
                self.models.metrics().bad_samples.get_or_create(&self.labels).inc();
            }
        }
    }

    fn take(&mut self, sample: &Sample) -> Result<(), Skipped> {
        let (sequence, values) = decode(&sample.payload).ok_or(Skipped::NotASample)?;
        let expected = self.config.channels;
        if values.len() != expected {
            return Err(Skipped::Channels { expected, got: values.len() });
        }
        let sensor = captured(&self.config.subscribe, &sample.topic).ok_or(Skipped::NotASample)?;
        let served = self.models.get(&self.config.model).ok_or(Skipped::NoModel)?;
        if !self.sensors.contains_key(sensor) {
            let stream = self.open_stream(&served)?;
            self.sensors.insert(sensor.to_owned(), stream);
        }
        let order = self.order;
        let Some(stream) = self.sensors.get_mut(sensor) else { return Ok(()) };
        let ready = stream.push(sequence, &values, order);
        let lost = stream.windows.stats().lost;
        self.models.metrics().lost_samples.get_or_create(&self.labels).inc_by(lost - stream.lost);
        stream.lost = lost;
        match ready {
            Some(Ok(ready)) => self.answer(sensor, &served, &ready),
            Some(Err(NotFinite)) => {
                stream.debounce.abstain();
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn open_stream(&self, served: &Served) -> Result<Stream, Skipped> {
        if self.sensors.len() >= MAX_SENSORS {
            return Err(Skipped::TooManySensors);
        }
        let stated = |value: Option<u32>| value.map(|value| value as usize);
        let length = self.config.window.or(stated(served.meta().window));
        let hop = self.config.hop.or(stated(served.meta().hop)).or(length);
        let (Some(length), Some(hop)) = (length, hop) else { return Err(Skipped::NoWindow) };
        let shape = Shape::new(self.config.channels, length, hop).map_err(|_| Skipped::NoWindow)?;
        let ring = vec![0.0; shape.ring_len()].into_boxed_slice();
        let windows = Windows::new(shape, ring).map_err(|_| Skipped::NoWindow)?;
        Ok(Stream { windows, debounce: Debounce::new(self.rule), state: None, lost: 0 })
    }

    fn answer(&mut self, sensor: &str, served: &Served, ready: &Ready) -> Result<(), Skipped> {
        let entry = served.entry_for(|entry| takes(entry, ready.input.len()));
        let entry = entry.ok_or_else(|| Skipped::Input {
            input: served
                .entries()
                .first()
                .and_then(|entry| entry.given().next())
                .map(|port| port.dims.clone())
                .unwrap_or_default(),
            window: ready.input.len() / 4,
        })?;
        let start = Instant::now();
        let Some(stream) = self.sensors.get_mut(sensor) else { return Ok(()) };
        let outputs = stream.ask(served, entry, &ready.input);
        let latency_us = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
        let scores: Option<Vec<f32>> = outputs.ok().and_then(|outputs| outputs.first().map(|bytes| floats(bytes)));
        let verdict = scores.as_deref().and_then(|scores| self.judge(sensor, served, scores));
        let outcomes = match &verdict {
            Some(_) => Outcomes { answered: 1, failed: 0 },
            None => Outcomes { answered: 0, failed: 1 },
        };
        let class = verdict.as_ref().and_then(|verdict| verdict.class);
        let model = self.config.model.clone();
        if let Some(update) = &self.update {
            // Telemetry ends where the update thread has ended; answers go on.
            let _ = update.send(Input::Answered(Answered { model, outcomes, latency_us, class }));
        }
        if let Some(verdict) = verdict {
            self.publish(sensor, served, ready, &verdict, latency_us);
        }
        Ok(())
    }

    /// What the scores say: the winning label of a classifier, or the level of a single score.
    fn judge(&mut self, sensor: &str, served: &Served, scores: &[f32]) -> Option<Verdict> {
        let stream = self.sensors.get_mut(sensor)?;
        let (class, score, change) = match (scores, served.meta().threshold) {
            (&[score], Some(threshold)) => {
                let high = score >= threshold;
                (Some(usize::from(high)), score, stream.debounce.label(usize::from(high), score))
            }
            (&[score], None) => (None, score, None),
            (scores, _) => {
                let winner = top(scores)?;
                (Some(winner.label), winner.score, stream.debounce.label(winner.label, winner.score))
            }
        };
        if change.is_some() {
            self.models.metrics().decisions.get_or_create(&self.labels).inc();
        }
        Some(Verdict { class, score, changed: change.is_some(), decided: stream.debounce.decided() })
    }

    fn publish(&self, sensor: &str, served: &Served, ready: &Ready, verdict: &Verdict, latency_us: u32) {
        let label = |class: Option<usize>| -> Value {
            class.map_or(Value::Null, |class| served.meta().labels.get(class).map_or(json!(class), |name| json!(name)))
        };
        let answer = json!({
            "sensor": sensor,
            "seq": ready.last,
            "model": served.name(),
            "version": served.version(),
            "label": label(verdict.class),
            "score": verdict.score,
            "decision": label(verdict.decided),
            "changed": verdict.changed,
            "latency_us": latency_us,
        });
        let message = Message {
            topic: self.config.publish.replace("{sensor}", sensor),
            payload: answer.to_string().into_bytes(),
            delivery: Delivery::AtLeastOnce,
            retain: false,
        };
        // A full outbox means a broker that is away; the sample's loss is the backlog's, not the stream's.
        if self.link.publish(message).is_err() {
            self.models.metrics().dropped_answers.get_or_create(&self.labels).inc();
        }
    }
}

/// A window that holds a value which is not finite.
struct NotFinite;

impl Stream {
    /// Asks the model; another release begins with a state of its own.
    fn ask(&mut self, served: &Served, entry: u32, input: &[u8]) -> Result<Vec<Vec<u8>>, Unanswered> {
        let Some(ports) = served.entries().get(entry as usize).filter(|ports| !ports.state.is_empty()) else {
            return served.infer(entry, &[input]);
        };
        let release = served.release();
        let kept = self.state.take().filter(|(of, _)| *of == release);
        let (_, state) = self.state.insert(kept.unwrap_or_else(|| (release, StreamState::new(entry, ports))));
        served.advance(state, &[input])
    }

    fn push(&mut self, sequence: Option<u64>, values: &[f32], order: Order) -> Option<Result<Ready, NotFinite>> {
        let length = self.windows.shape().ring_len();
        let window = self.windows.push(sequence, values).ok()??;
        if window.quality() == Quality::NotFinite {
            return Some(Err(NotFinite));
        }
        let mut dense = vec![0.0; length];
        window.copy_to(order, &mut dense).ok()?;
        Some(Ok(Ready { last: window.last(), input: dense.iter().flat_map(|value| value.to_le_bytes()).collect() }))
    }
}

/// What the model and the debouncing say of one window.
struct Verdict {
    class: Option<usize>,
    score: f32,
    changed: bool,
    decided: Option<usize>,
}

fn takes(entry: &EntryPorts, bytes: usize) -> bool {
    let mut given = entry.given();
    given.next().is_some_and(|port| port.dtype == DType::F32 && port.bytes == bytes) && given.next().is_none()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect()
}

/// What the `+` of a filter stands for in a topic, if the topic fits.
fn captured<'t>(filter: &str, topic: &'t str) -> Option<&'t str> {
    let mut found = None;
    let mut levels = topic.split('/');
    for pattern in filter.split('/') {
        let level = levels.next()?;
        if pattern == "+" {
            found = Some(level);
        } else if pattern != level {
            return None;
        }
    }
    if levels.next().is_some() { None } else { found }
}

/// Whether a topic belongs to a pipeline.
pub(crate) fn fits(config: &Pipeline, topic: &str) -> bool {
    captured(&config.subscribe, topic).is_some()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Numbered { seq: u64, values: Vec<Option<f32>> },
    Bare { values: Vec<Option<f32>> },
    Array(Vec<Option<f32>>),
    Number(f32),
}

/// Sequence number and values; null stands for "not a number", which JSON cannot say.
fn decode(payload: &[u8]) -> Option<(Option<u64>, Vec<f32>)> {
    let numbers = |values: Vec<Option<f32>>| values.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect();
    Some(match serde_json::from_slice(payload).ok()? {
        Payload::Numbered { seq, values } => (Some(seq), numbers(values)),
        Payload::Bare { values } | Payload::Array(values) => (None, numbers(values)),
        Payload::Number(value) => (None, vec![value]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_in_three_forms() {
        assert_eq!(decode(b"1.5"), Some((None, vec![1.5])));
        assert_eq!(decode(b"[1, 2]"), Some((None, vec![1.0, 2.0])));
        assert_eq!(decode(br#"{"seq": 7, "values": [1], "unit": "g"}"#), Some((Some(7), vec![1.0])));
        assert_eq!(decode(br#"{"values": [1]}"#), Some((None, vec![1.0])));
        assert!(decode(b"[null]").is_some_and(|(_, values)| values[0].is_nan()));
        for bad in [&b"{}"[..], b"\"1\"", b"[[1]]", b"", b"nan", br#"{"seq": -1, "values": 1}"#] {
            assert_eq!(decode(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn one_level_of_the_topic_is_the_sensor() {
        assert_eq!(captured("a/+/c", "a/b/c"), Some("b"));
        for other in ["a/b", "a/b/c/d", "x/b/c", "a/b/d"] {
            assert_eq!(captured("a/+/c", other), None, "{other}");
        }
    }
}

//! `/metrics`: the gateway's numbers in OpenMetrics text, in base units.

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Which model a number speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelLabels {
    /// Name.
    pub model: String,
    /// Version.
    pub version: u64,
}

/// Which model, and how a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Name.
    pub model: String,
    /// Version.
    pub version: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// Answered.
    Success,
    /// The input was refused.
    Refused,
    /// The guest trapped or answered an error.
    Failure,
}

/// Which pipeline a number speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StreamLabels {
    /// Model that watches.
    pub model: String,
}

/// Every number of the gateway.
pub struct Metrics {
    registry: Registry,
    /// Requests, by outcome.
    pub requests: Family<RequestLabels, Counter>,
    /// Time in the guest.
    pub duration: Family<ModelLabels, Histogram, fn() -> Histogram>,
    /// Linear memory of one instance.
    pub memory: Family<ModelLabels, Gauge>,
    /// Samples that arrived on MQTT.
    pub samples: Family<StreamLabels, Counter>,
    /// Samples that could not be read.
    pub bad_samples: Family<StreamLabels, Counter>,
    /// Samples that the sender counted and that never arrived.
    pub lost_samples: Family<StreamLabels, Counter>,
    /// Answers that found the outbox full.
    pub dropped_answers: Family<StreamLabels, Counter>,
    /// Decisions that changed.
    pub decisions: Family<StreamLabels, Counter>,
    /// Model swaps.
    pub swaps: Counter,
    /// Code of the update state.
    pub update_state: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("mote"),
            requests: Family::default(),
            duration: Family::new_with_constructor(duration_histogram),
            memory: Family::default(),
            samples: Family::default(),
            bad_samples: Family::default(),
            lost_samples: Family::default(),
            dropped_answers: Family::default(),
            decisions: Family::default(),
            swaps: Counter::default(),
            update_state: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// The exposition text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("inference_requests", "Requests by outcome", self.requests.clone());
        let help = "Time in the guest";
        registry.register_with_unit("inference_duration", help, Unit::Seconds, self.duration.clone());
        let help = "Linear memory of one instance";
        registry.register_with_unit("guest_memory", help, Unit::Bytes, self.memory.clone());
        registry.register("stream_samples", "Samples that arrived", self.samples.clone());
        registry.register("stream_bad_samples", "Samples that could not be read", self.bad_samples.clone());
        registry.register("stream_lost_samples", "Samples that never arrived", self.lost_samples.clone());
        registry.register("stream_dropped_answers", "Answers that found the outbox full", self.dropped_answers.clone());
        registry.register("stream_decisions", "Decisions that changed", self.decisions.clone());
        registry.register("model_swaps", "Models replaced while serving", self.swaps.clone());
        registry.register("update_state", "Code of the update state", self.update_state.clone());
    }
}

/// 10 microseconds to about 10 seconds.
fn duration_histogram() -> Histogram {
    Histogram::new(exponential_buckets(10e-6, 2.0, 21))
}

//! The recorded stream: what each device sends, and what its wearer really did.

use std::path::Path;

use mote_release::Stream;

use crate::report::Failure;

/// The stream, device by device.
pub(super) struct Recording {
    pub(super) devices: Vec<Device>,
    /// Samples per second as they were recorded.
    pub(super) rate: f64,
    pub(super) window: u64,
    pub(super) hop: u64,
    /// Part of the labelled windows that each version gets right, as its training measured.
    pub(super) stated: Vec<f64>,
}

/// What one device sends, over and over.
pub(super) struct Device {
    pub(super) name: String,
    rows: Vec<Row>,
}

struct Row {
    /// The values as JSON holds them between its brackets.
    values: String,
    label: String,
}

impl Recording {
    /// Reads the file that the facts name.
    pub(super) fn read(folder: &Path, facts: &Stream) -> Result<Self, Failure> {
        let path = folder.join(&facts.file);
        let broken = |why: &dyn ToString| Failure::model("demo.stream", why.to_string()).at(path.display());
        let mut reader = csv::Reader::from_path(&path).map_err(|error| broken(&error))?;
        let header = reader.headers().map_err(|error| broken(&error))?.clone();
        let column = |name: &str| {
            header.iter().position(|title| title == name).ok_or_else(|| broken(&format!("no column {name}")))
        };
        let (series, label) = (column("series")?, column("label")?);
        let channels: Vec<usize> = facts.channels.iter().map(|name| column(name)).collect::<Result<_, _>>()?;

        let mut devices: Vec<Device> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            let field = |at: usize| record.get(at).unwrap_or_default();
            let values: Vec<&str> = channels.iter().map(|&at| field(at)).collect();
            let row = Row { values: values.join(","), label: field(label).into() };
            match devices.iter_mut().find(|device| device.name == field(series)) {
                Some(device) => device.rows.push(row),
                None => devices.push(Device { name: field(series).into(), rows: vec![row] }),
            }
        }
        let (window, hop) = (u64::from(facts.window), u64::from(facts.hop));
        let whole = |device: &Device| device.len() >= window && device.len().is_multiple_of(hop);
        if devices.is_empty() || hop == 0 || !devices.iter().all(whole) {
            return Err(broken(&"each device needs a whole number of hops, and at least one window"));
        }
        Ok(Self { devices, rate: facts.sample_rate_hz, window, hop, stated: facts.accuracy.clone() })
    }

    /// The device of this name.
    pub(super) fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// Windows that end within one pass over a device's recording.
    pub(super) fn cycle(&self, device: &Device) -> u64 {
        device.len() / self.hop
    }

    /// The number of a device's first window's last sample; each further window ends a hop later.
    pub(super) fn first_window(&self) -> u64 {
        self.window - 1
    }

    /// What the wearer did in the window that ends with sample `last`. `None` where two exercises meet.
    pub(super) fn truth<'r>(&self, device: &'r Device, last: u64) -> Option<&'r str> {
        let label = device.label(last);
        let samples = (last + 1).saturating_sub(self.window)..=last;
        samples.into_iter().all(|sample| device.label(sample) == label).then_some(label)
    }
}

impl Device {
    /// Samples in the recording.
    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The message of the sample of this number; the recording is repeated without end.
    pub(super) fn message(&self, sequence: u64) -> String {
        format!(r#"{{"seq":{sequence},"values":[{}]}}"#, self.row(sequence).map_or("", |row| &row.values))
    }

    /// The same sample without its number, for somebody who sends it as a device of their own.
    pub(super) fn values(&self, sequence: u64) -> String {
        format!("[{}]", self.row(sequence).map_or("", |row| &row.values))
    }

    fn label(&self, sequence: u64) -> &str {
        self.row(sequence).map_or("", |row| &row.label)
    }

    fn row(&self, sequence: u64) -> Option<&Row> {
        self.rows.get((sequence % self.len().max(1)) as usize)
    }
}

#[cfg(test)]
impl Recording {
    /// One device that is four samples at `a` and four at `b`, in windows of three that end every two.
    pub(super) fn sample() -> Self {
        let row = |label: char| Row { values: "1,-2".into(), label: label.into() };
        let device = Device { name: "d".into(), rows: "aaaabbbb".chars().map(row).collect() };
        Self { devices: vec![device], rate: 1.0, window: 3, hop: 2, stated: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_a_truth_where_one_exercise_fills_them() {
        let recording = Recording::sample();
        let device = recording.device("d").unwrap();
        // Ends at 2, 4, 6, then over the joint of two passes.
        let truths: Vec<_> = [2, 4, 6, 8, 10].map(|last| recording.truth(device, last)).into();
        assert_eq!(truths, [Some("a"), None, Some("b"), None, Some("a")]);
        assert_eq!((recording.cycle(device), recording.first_window()), (4, 2));
        assert_eq!(device.message(9), r#"{"seq":9,"values":[1,-2]}"#);
    }
}

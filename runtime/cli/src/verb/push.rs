use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mote_gateway::background::Background;
use mote_gateway::campaign::{Devices, End, Goal, bring};
use mote_gateway::link::rumqtt::{Broker, connect};
use mote_gateway::publisher::{DeviceTwin, Offer, OfferError, Publisher};
use mote_release::Package;
use mote_seal::{Assignment, Keyring, Purpose, Role, SigningKey, Stamp, sign_assignment};
use serde_json::{Value, json};

use crate::console::Console;
use crate::keys;
use crate::report::Failure;

/// Where brokers listen.
const PORT: u16 = 1883;

/// How long the broker may take to answer.
const CONNECT: Duration = Duration::from_secs(10);

/// Options of `mote push`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A folder of releases, as `mote release` writes it
    folder: PathBuf,
    /// The model; the only one in the folder if not given
    #[arg(long)]
    model: Option<String>,
    /// The version; the newest in the folder if not given
    #[arg(long)]
    version: Option<u64>,
    /// The broker
    #[arg(long, value_name = "HOST[:PORT]", value_parser = address)]
    broker: (String, u16),
    /// User name at the broker
    #[arg(long)]
    user: Option<String>,
    /// Environment variable that holds the password
    #[arg(long, value_name = "NAME", requires = "user")]
    password_env: Option<String>,
    /// The fleet
    #[arg(long)]
    fleet: String,
    /// The devices; * for every one of the fleet that runs this model or none
    #[arg(long, value_name = "DEVICE,..", value_delimiter = ',', required = true)]
    device: Vec<String>,
    /// Secret key file of role assignment
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File of public keys that the release is checked with before it is sent; trusted.keys in mote's folder if not given
    #[arg(long = "keys", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Order a version below the one that runs
    #[arg(long)]
    rollback: bool,
    /// Say what every device says of itself
    #[arg(long)]
    watch: bool,
    /// How long it may take in all, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    within: u64,
}

fn address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| format!("{port:?} is not a port"))?),
        None => (text, PORT),
    };
    if host.is_empty() { Err("expected HOST or HOST:PORT".into()) } else { Ok((host.into(), port)) }
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let key = keys::read_secret(&options.key)?;
    if key.role() != Role::Assignment {
        return Err(Failure::usage("key.role", "only an assignment key gives orders")
            .at(options.key.display())
            .hint("mote keygen --role assignment makes one"));
    }
    let trusted = keys::ring(&options.keys)?;
    let ring = Keyring::new(&trusted);
    let package = Package::read(&options.folder, options.model.as_deref(), options.version, &ring)?;
    let background = Background::start().map_err(|error| Failure::execution("push.thread", error))?;
    let ends = background.wait(push(options, &package, &key, console))?;
    let committed = ends.values().filter(|end| end.is_committed()).count();
    console.data(|| described(&package, &ends), || shown(&package, &ends))?;
    if committed < ends.len() || ends.is_empty() {
        let message = format!("{committed} of {} devices committed the release", ends.len());
        return Err(Failure::execution("push.uncommitted", message)
            .at(format_args!("{} version {}", package.model, package.version))
            .hint("a device that failed keeps what it ran; --watch shows how it came to that"));
    }
    Ok(())
}

async fn push(
    options: &Options,
    package: &Package,
    key: &SigningKey,
    console: Console,
) -> Result<BTreeMap<String, End>, Failure> {
    let refused = |error: OfferError| Failure::execution("push.refused", error);
    let (link, events) = connect(broker(options)?);
    let publisher = Publisher::start(link, events, &options.fleet).map_err(|error| refused(error.into()))?;

    let purpose = if options.rollback { Purpose::Rollback } else { Purpose::Update };
    let sign = |device: &str, stamp: Stamp| {
        let order = Assignment {
            fleet: &options.fleet,
            device,
            stamp,
            model: &package.model,
            version: package.version,
            release: package.digest,
            nonce: stamp.generation,
            purpose,
        };
        sign_assignment(&order, key)
    };
    let every = options.device.iter().any(|device| device == "*");
    let devices = if every {
        Devices::Every
    } else {
        // Whatever is wrong with a name or the key shows here, before anything is sent.
        let first = Stamp { epoch: 1, generation: 1 };
        let signed = options.device.iter().try_for_each(|device| sign(device, first).map(drop));
        signed.map_err(|error| Failure::usage("push.order", error))?;
        Devices::Named(options.device.iter().cloned().collect::<BTreeSet<String>>())
    };
    let within = Duration::from_secs(options.within);
    let (host, port) = &options.broker;
    publisher.connected(CONNECT.min(within)).await.map_err(|why| {
        Failure::execution("push.broker", why)
            .at(format_args!("{host}:{port}"))
            .hint("is there a broker, and does it take this user and password?")
    })?;
    publisher.offer(offer(package)).map_err(refused)?;
    let goal = Goal { model: package.model.clone(), release: package.digest, within };
    let see = |device: &str, twin: &DeviceTwin| {
        if options.watch {
            console.note(told(device, twin));
        }
    };
    bring(&publisher, &devices, &goal, sign, see).await.map_err(|error| Failure::execution("push.refused", error))
}

/// A package as a publisher takes it.
pub(crate) fn offer(package: &Package) -> Offer {
    Offer {
        model: package.model.clone(),
        version: package.version,
        manifest: package.manifest.clone(),
        blobs: package.blobs().into_iter().map(|(_, bytes)| bytes.to_vec()).collect(),
    }
}

fn broker(options: &Options) -> Result<Broker, Failure> {
    let password = options.password_env.as_ref().map(std::env::var).transpose();
    let password = password.map_err(|error| Failure::usage("push.password", error).at("--password-env"))?;
    let login = options.user.clone().map(|user| (user, password.unwrap_or_default()));
    let mut id = [0; 4];
    getrandom::fill(&mut id).map_err(|error| Failure::usage("push.random", error))?;
    let client = format!("mote-push-{:08x}", u32::from_le_bytes(id));
    let (host, port) = &options.broker;
    Ok(Broker { login, ..Broker::plain(host, *port, &client) })
}

/// What a device says of itself, in one line.
fn told(device: &str, twin: &DeviceTwin) -> String {
    let runs = twin.version().map_or_else(|| "nothing".into(), |version| format!("version {version}"));
    let mut text = format!("{device:<16} {:<10} runs {runs}", twin.state.name());
    if let Some(progress) = twin.progress {
        text += &format!(", {} of {} chunks", progress.held, progress.total);
    }
    if let Some(failure) = twin.failure {
        text += &format!(", code {} in {}", failure.code, failure.stage);
    }
    text
}

fn end_text(end: End) -> String {
    match end {
        End::Committed => "committed".into(),
        End::Failed { state, failure: Some(failure) } => format!("{state}: code {} in {}", failure.code, failure.stage),
        End::Failed { state, failure: None } => state.to_string(),
        End::Refused { failure } => format!("refused the order: code {}", failure.code),
        End::Overtaken => "has accepted a newer order from elsewhere".into(),
        End::Unfinished { state } => format!("still in {state} when the time was over"),
        End::Silent => "never seen".into(),
    }
}

fn described(package: &Package, ends: &BTreeMap<String, End>) -> Value {
    let device = |(name, &end): (&String, &End)| {
        let (word, code) = match end {
            End::Committed => ("committed", None),
            End::Failed { state, failure } => (state.name(), failure.map(|failure| failure.code)),
            End::Refused { failure } => ("refused", Some(failure.code)),
            End::Overtaken => ("overtaken", None),
            End::Unfinished { .. } => ("unfinished", None),
            End::Silent => ("silent", None),
        };
        (name.clone(), json!({ "end": word, "code": code }))
    };
    let devices: serde_json::Map<String, Value> = ends.iter().map(device).collect();
    json!({
        "model": package.model,
        "version": package.version,
        "release": package.digest.to_string(),
        "devices": devices,
    })
}

fn shown(package: &Package, ends: &BTreeMap<String, End>) -> String {
    let mut text = format!("{} version {}\n", package.model, package.version);
    for (device, &end) in ends {
        text += &format!("  {device:<16} {}\n", end_text(end));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_have_a_usual_port() {
        for (text, want) in [
            ("localhost", Some(("localhost", 1883))),
            ("10.0.0.7:8883", Some(("10.0.0.7", 8883))),
            (":1883", None),
            ("host:port", None),
        ] {
            let want = want.map(|(host, port): (&str, u16)| (host.to_owned(), port));
            assert_eq!(address(text).ok(), want, "{text}");
        }
    }
}

use std::path::PathBuf;

use clap::Args;
use mote_gateway::background::{Background, asked_to_stop};
use mote_gateway::config::Config;
use mote_gateway::serve::{self, ServeError};
use serde_json::{Value, json};

use crate::console::Console;
use crate::report::Failure;
use crate::source::guest_image;

/// Options of `mote serve`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The gateway's configuration
    #[arg(long, value_name = "FILE", default_value = "mote.toml")]
    config: PathBuf,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    // These errors name the file at fault themselves.
    let wrong = |error: &dyn ToString| Failure::usage("serve.settings", error.to_string());
    let config = Config::load(&options.config).map_err(|error| wrong(&error))?;
    let broker = config.mqtt.as_ref().map(|mqtt| format!("{}:{}", mqtt.host, mqtt.port));
    let page = config.http.pages.is_some();
    let managed = config.update.as_ref().map(|update| update.model.clone());
    let background = Background::start().map_err(|error| Failure::execution("serve.thread", error))?;
    let started = background.wait(serve::start(config, guest_image()));
    let gateway = started.map_err(|error| match &error {
        ServeError::Models(_) => Failure::model("serve.model", &error),
        ServeError::Update(_) | ServeError::Thread(_) => Failure::execution("serve.start", &error),
        _ => wrong(&error),
    })?;

    let (http, serving) = (gateway.http, gateway.serving());
    console.data(
        || {
            let models: Vec<Value> =
                serving.iter().map(|(model, version)| json!({ "model": model, "version": version })).collect();
            json!({ "http": http.to_string(), "page": page, "mqtt": broker, "managed": managed, "models": models })
        },
        || {
            let mut text = format!("http://{http}/v2\n");
            if page {
                text += &format!("page http://{http}/\n");
            }
            if let Some(broker) = &broker {
                text += &format!("mqtt {broker}\n");
            }
            for (model, version) in &serving {
                text += &format!("serving {model} version {version}\n");
            }
            if let Some(managed) = &managed {
                text += &format!("{managed} is replaced over MQTT\n");
            }
            text
        },
    )?;
    let asked = background.wait(asked_to_stop());
    console.note("stopping");
    background.wait(gateway.shutdown());
    asked.map_err(|error| Failure::execution("serve.signal", error))
}

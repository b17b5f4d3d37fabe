//! Starts a gateway's parts, hands each arriving message to the part it is for, and ends them in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use mote_host::{Host, HostConfig, HostError};
use mote_seal::{KeyTextError, TrustedKey, parse_keys};
use mote_weld::Image;
use mote_wire::{Alive, Body, Filter, Presence, Topic, Up};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::{Config, ConfigError, Mqtt, Pipeline};
use crate::directory;
use crate::http::{self, Pages, PagesError};
use crate::link::{Delivery, Events, Link, LinkEvent, Message, rumqtt};
use crate::models::{Models, ModelsError};
use crate::pipeline::{self, Sample, Worker};
use crate::store::count_boot;
use crate::update::{Input, UpdateError, Updater};

/// How long a closing gateway waits for the broker to take what is still in the outbox.
const CLOSING: Duration = Duration::from_secs(5);

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The key file cannot be read.
    #[error("{}: {source}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the key file is no key.
    #[error("{}: {why}", path.display())]
    KeyText {
        /// The file.
        path: PathBuf,
        /// What is wrong with the line.
        why: KeyTextError,
    },
    /// The wasm host cannot be set up.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The state directory cannot be written.
    #[error("{}: {source}", dir.display())]
    State {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A sealed model of the directory is not served.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The update state is not usable.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The directory of pages is not usable.
    #[error("[http] pages: {0}")]
    Pages(#[from] PagesError),
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Updates or pipelines are configured and no broker is.
    #[error("[update] and [[pipeline]] need an [mqtt] broker")]
    NoBroker,
    /// The environment variable of the password is not set.
    #[error("the environment variable {0} that mqtt.password_env names is not set")]
    NoPassword(String),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A running gateway.
pub struct Gateway {
    /// Where HTTP is answered.
    pub http: SocketAddr,
    models: Arc<Models>,
    link: Option<Link>,
    stop_http: oneshot::Sender<()>,
    http_task: tokio::task::JoinHandle<()>,
    router: Option<tokio::task::JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    update: Option<Sender<Input>>,
}

/// Starts everything on the present tokio runtime. Models of the directory answer when this returns.
///
/// # Errors
/// The first part that does not start, see [`ServeError`].
pub async fn start(config: Config, image: Image<'static>) -> Result<Gateway, ServeError> {
    let keys = read_keys(&config.gateway.keys)?;
    let dir = &config.gateway.state;
    let boot = count_boot(dir).map_err(|source| ServeError::State { dir: dir.clone(), source })?;
    let host = Host::new(&HostConfig {
        slots: config.gateway.slots,
        cache_dir: Some(config.gateway.state.join("code")),
        foreign: None,
    })?;
    let models = Arc::new(Models::new(host, image));
    let shelf = directory::load(&config, &keys, &models)?;
    let pages = config.http.pages.as_deref().map(Pages::read).transpose()?;

    let mut parts = Parts { models: Arc::clone(&models), threads: Vec::new(), update: None, pipelines: Vec::new() };
    let (link, router) = match &config.mqtt {
        Some(mqtt) => {
            let (link, events) = rumqtt::connect(broker(&config, mqtt, boot)?);
            parts.start_update(&config, &keys, &link, boot)?;
            parts.start_pipelines(&config.pipelines, &link)?;
            let own = Own::new(&config, boot);
            own.subscribe(&link, &config);
            let routes = Routes { own, link: link.clone(), pipelines: parts.pipelines, update: parts.update.clone() };
            (Some(link), Some(tokio::spawn(routes.run(events))))
        }
        None if config.update.is_some() || !config.pipelines.is_empty() => return Err(ServeError::NoBroker),
        None => (None, None),
    };

    let address = config.http.listen;
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let http = listener.local_addr().map_err(listen)?;
    let (stop_http, stopped) = oneshot::channel();
    let service = http::router(&models, shelf, pages, config.http.max_body_bytes);
    let http_task = tokio::spawn(async move {
        let ended = async { stopped.await.unwrap_or(()) };
        // Serving ends by the signal; the listener itself does not fail.
        let _ = axum::serve(listener, service).with_graceful_shutdown(ended).await;
    });
    Ok(Gateway { http, models, link, stop_http, http_task, router, threads: parts.threads, update: parts.update })
}

impl Gateway {
    /// Name and version of every model that answers.
    pub fn serving(&self) -> Vec<(String, u64)> {
        self.models.all().iter().map(|served| (served.name().to_owned(), served.version())).collect()
    }

    /// Ends requests under way, publishes what is still to be published, and stops.
    pub async fn shutdown(self) {
        let _ = self.stop_http.send(());
        let _ = tokio::time::timeout(CLOSING, self.http_task).await;
        if let Some(router) = self.router {
            router.abort();
            let _ = router.await;
        }
        if let Some(update) = self.update {
            let _ = update.send(Input::Stop);
        }
        // The senders of samples went with the router, so the workers end as well.
        let threads = self.threads;
        let _ = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await;
        if let Some(link) = self.link {
            link.close();
            let drained = async {
                while link.backlog() > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let _ = tokio::time::timeout(CLOSING, drained).await;
        }
    }
}

fn read_keys(path: &PathBuf) -> Result<Vec<TrustedKey>, ServeError> {
    let text = std::fs::read_to_string(path).map_err(|source| ServeError::Keys { path: path.clone(), source })?;
    let keys: Result<Vec<_>, _> = parse_keys(&text).collect();
    keys.map_err(|why| ServeError::KeyText { path: path.clone(), why })
}

/// What starts in threads of its own.
struct Parts {
    models: Arc<Models>,
    threads: Vec<JoinHandle<()>>,
    update: Option<Sender<Input>>,
    pipelines: Vec<(Pipeline, Sender<Sample>)>,
}

impl Parts {
    fn start_update(&mut self, config: &Config, keys: &[TrustedKey], link: &Link, boot: u64) -> Result<(), ServeError> {
        let Some(update) = config.update.clone() else { return Ok(()) };
        let seed = draw();
        let updater = Updater {
            gateway: config.gateway.clone(),
            update,
            keys: keys.to_vec(),
            models: Arc::clone(&self.models),
            link: link.clone(),
            boot,
            seed,
        };
        let (store, record) = updater.prepare()?;
        let (sender, inputs) = channel();
        self.spawn("update", move || {
            // The state directory was usable a moment ago; a gateway whose disk is gone goes on with what it runs.
            let _ = updater.run(store, record, &inputs);
        })?;
        self.update = Some(sender);
        Ok(())
    }

    fn start_pipelines(&mut self, pipelines: &[Pipeline], link: &Link) -> Result<(), ServeError> {
        for config in pipelines {
            let (sender, samples) = channel();
            let rule = config.rule()?;
            let worker = Worker::new(config.clone(), rule, Arc::clone(&self.models), link.clone(), self.update.clone());
            self.spawn(&format!("pipeline {}", config.model), move || worker.run(&samples))?;
            self.pipelines.push((config.clone(), sender));
        }
        Ok(())
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), ServeError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run).map_err(ServeError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

/// The gateway's own place in the fleet's topics.
struct Own {
    fleet: String,
    device: String,
    boot: u64,
}

impl Own {
    fn new(config: &Config, boot: u64) -> Self {
        Self { fleet: config.gateway.fleet.clone(), device: config.gateway.name.clone(), boot }
    }

    fn subscribe(&self, link: &Link, config: &Config) {
        if config.update.is_some()
            && let Ok(filter) = (Filter::Device { fleet: &self.fleet, device: &self.device }).text()
        {
            link.subscribe(&*filter);
        }
        for pipeline in &config.pipelines {
            link.subscribe(&pipeline.subscribe);
        }
    }

    /// Birth or will.
    fn alive(&self, presence: Presence, session: u64) -> Option<Message> {
        let topic = Topic::up(&self.fleet, &self.device, Up::Alive).text().ok()?;
        let mut payload = vec![0; 64];
        let length = Alive { presence, boot: self.boot, session }.encode(&mut payload).ok()?;
        payload.truncate(length);
        Some(Message { topic: topic.to_string(), payload, delivery: Delivery::AtLeastOnce, retain: true })
    }
}

fn broker(config: &Config, mqtt: &Mqtt, boot: u64) -> Result<rumqtt::Broker, ServeError> {
    let password = match &mqtt.password_env {
        Some(name) => std::env::var(name).map_err(|_| ServeError::NoPassword(name.clone()))?,
        None => String::new(),
    };
    let own = Own::new(config, boot);
    Ok(rumqtt::Broker {
        host: mqtt.host.clone(),
        port: mqtt.port,
        client: format!("{}-{}", config.gateway.fleet, config.gateway.name),
        login: mqtt.user.clone().map(|user| (user, password)),
        will: Some(Box::new(move |session| own.alive(Presence::Offline, session))),
        session: Mutex::new(draw()),
    })
}

/// Hands each message to the part it is for.
struct Routes {
    own: Own,
    link: Link,
    pipelines: Vec<(Pipeline, Sender<Sample>)>,
    update: Option<Sender<Input>>,
}

impl Routes {
    async fn run(self, mut events: Events) {
        while let Some(event) = events.recv().await {
            match event {
                LinkEvent::Connected { session } => {
                    if let Some(birth) = self.own.alive(Presence::Online, session) {
                        // The outbox has room after a connection, or the birth is not what is missing.
                        let _ = self.link.publish(birth);
                    }
                    self.tell(Input::Connected { session });
                }
                LinkEvent::Disconnected { .. } => self.tell(Input::Disconnected),
                LinkEvent::Arrived { topic, payload } => self.route(topic, payload),
            }
        }
    }

    fn route(&self, topic: String, payload: Vec<u8>) {
        if Topic::parse(&topic).is_ok() {
            return self.tell(Input::Arrived { topic, payload });
        }
        for (config, samples) in &self.pipelines {
            if pipeline::fits(config, &topic) {
                // A worker ends only with the gateway.
                let _ = samples.send(Sample { topic: topic.clone(), payload: payload.clone() });
            }
        }
    }

    fn tell(&self, input: Input) {
        if let Some(update) = &self.update {
            let _ = update.send(input);
        }
    }
}

/// A number that differs between gateways and between starts. Not secret.
fn draw() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

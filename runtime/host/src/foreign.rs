use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use wasmtime::{Engine, ExternType, Linker, Module, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
use wasmtime_wasi::{WasiCtxBuilder, p2::pipe::MemoryOutputPipe};

use crate::engine::plain_config;
use crate::{EngineFault, HostError, Limits, LoadError};

/// The module name under which WASI preview 1 is imported.
const WASI: &str = "wasi_snapshot_preview1";

/// Every import that a foreign guest may be given: standard error, clocks and random bytes, and what a language's
/// start-up code asks for and finds empty. No files, no sockets.
pub const FOREIGN_IMPORTS: [&str; 9] = [
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "args_get",
    "args_sizes_get",
    "proc_exit",
    "random_get",
];

/// How often guests are asked whether their time is over. Deadlines are rounded up to it.
const TICK: Duration = Duration::from_millis(10);

/// Bytes of standard error that one instance may write; a guest that writes more traps.
const STDERR_BYTES: usize = 64 * 1024;

/// Whether foreign guests may import anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wasi {
    /// Nothing: the strongest sandbox.
    #[default]
    Refused,
    /// [`FOREIGN_IMPORTS`].
    Subset,
}

/// How foreign guests run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignConfig {
    /// What they may import.
    pub wasi: Wasi,
}

/// The engine that can stop its guests, and the thread that does.
pub(crate) struct ForeignEngine {
    pub(crate) engine: Engine,
    wasi: Wasi,
    clock: Clock,
}

/// Keeps the thread alive that asks guests whether their time is over. Whatever can call a guest holds one: without it a
/// call would never be stopped.
#[derive(Clone)]
pub(crate) struct Clock {
    /// The thread ends when the last of these is dropped.
    _running: Arc<Sender<()>>,
}

impl Clock {
    fn start(engine: &Engine) -> std::io::Result<Self> {
        let (running, ended) = channel::<()>();
        let ticking = engine.weak();
        std::thread::Builder::new().name("mote-deadline".into()).spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = ticking.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { _running: Arc::new(running) })
    }
}

/// What a store carries beside the guest.
pub(crate) struct Guest {
    limits: StoreLimits,
    wasi: Option<Box<WasiP1Ctx>>,
    stderr: Option<MemoryOutputPipe>,
}

impl Guest {
    /// A guest without imports. Its memory cannot grow, so there is nothing to limit while it runs.
    pub(crate) fn derived() -> Self {
        Self { limits: StoreLimits::default(), wasi: None, stderr: None }
    }

    pub(crate) fn foreign(limits: &Limits, wasi: Wasi) -> Self {
        let memory = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new().memory_size(memory).memories(1).instances(1).build();
        let mut guest = Self { limits, wasi: None, stderr: None };
        if wasi == Wasi::Subset {
            let pipe = MemoryOutputPipe::new(STDERR_BYTES);
            guest.wasi = Some(Box::new(WasiCtxBuilder::new().stderr(pipe.clone()).build_p1()));
            guest.stderr = Some(pipe);
        }
        guest
    }

    pub(crate) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }

    /// What the guest wrote to its standard error.
    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stderr.as_ref().map(|pipe| pipe.contents().to_vec()).unwrap_or_default()
    }
}

impl ForeignEngine {
    pub(crate) fn new(config: &ForeignConfig) -> Result<Self, HostError> {
        let fault = |e| HostError::Engine(EngineFault::from(e));
        let mut settings = plain_config();
        settings.epoch_interruption(true);
        let engine = Engine::new(&settings).map_err(fault)?;
        let clock = Clock::start(&engine).map_err(|error| fault(error.into()))?;
        Ok(Self { engine, wasi: config.wasi, clock })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub(crate) fn wasi(&self) -> Wasi {
        self.wasi
    }

    /// A linker that gives the module its imports, all of which are allowed.
    pub(crate) fn link(&self, module: &Module) -> Result<Linker<Guest>, LoadError> {
        for import in module.imports() {
            let known = import.module() == WASI && FOREIGN_IMPORTS.contains(&import.name());
            if self.wasi == Wasi::Refused || !known || !matches!(import.ty(), ExternType::Func(_)) {
                return Err(LoadError::ImportRefused { module: import.module().into(), name: import.name().into() });
            }
        }
        let mut linker = Linker::new(&self.engine);
        if self.wasi == Wasi::Subset {
            add_to_linker_sync(&mut linker, |guest: &mut Guest| {
                guest.wasi.get_or_insert_with(|| Box::new(WasiCtxBuilder::new().build_p1()))
            })
            .map_err(|e| LoadError::Engine(EngineFault::from(e)))?;
        }
        Ok(linker)
    }
}

/// Ticks of the clock after which a call has had its time.
pub(crate) fn ticks(deadline: Duration) -> u64 {
    let whole = deadline.as_nanos().div_ceil(TICK.as_nanos());
    // One more, because the current tick may be almost over.
    u64::try_from(whole).unwrap_or(u64::MAX / 2).min(u64::MAX / 2) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_never_gets_less_than_its_deadline() {
        for (deadline, expected) in [(0, 1), (1, 2), (10, 2), (11, 3), (1_000, 101)] {
            assert_eq!(ticks(Duration::from_millis(deadline)), expected, "{deadline} ms");
        }
        assert_eq!(ticks(Duration::MAX), u64::MAX / 2 + 1);
    }
}

use std::path::PathBuf;
use std::sync::OnceLock;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::cache::CodeCache;
use crate::foreign::{ForeignConfig, ForeignEngine};
use crate::{EngineFault, HostError};

/// What a host is given.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Instances that should fit at once. Each slot reserves 4 GiB of address space; where that many are not to be had
    /// the number is halved until they are. 0 makes every instance on demand.
    pub slots: u32,
    /// Where compiled code is kept between runs; `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// Whether hand-written guests may run; `None` refuses them.
    pub foreign: Option<ForeignConfig>,
}

impl Default for HostConfig {
    /// 64 slots, no cache, no foreign guests.
    fn default() -> Self {
        Self { slots: 64, cache_dir: None, foreign: None }
    }
}

/// How many instances the machine's address space holds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Slots that were asked for.
    pub configured: u32,
    /// Slots that there are; 0 means that instances are made on demand.
    pub slots: u32,
}

/// Two wasm engines and what they share: one at full speed for code that this host derived itself, one that can stop
/// its guests for code that somebody wrote.
pub struct Host {
    pub(crate) derived: Engine,
    pub(crate) foreign: Option<ForeignEngine>,
    pub(crate) cache: Option<CodeCache>,
    pub(crate) ns_per_op: OnceLock<f64>,
    pool: Pool,
}

impl Host {
    /// Sets the engines up.
    ///
    /// # Errors
    /// No code generator for this machine, or a cache directory that others can write to.
    pub fn new(config: &HostConfig) -> Result<Self, HostError> {
        let (derived, pool) = derived_engine(config.slots)?;
        let foreign = config.foreign.as_ref().map(ForeignEngine::new).transpose()?;
        let cache = config.cache_dir.clone().map(CodeCache::open).transpose()?;
        Ok(Self { derived, foreign, cache, ns_per_op: OnceLock::new(), pool })
    }

    /// What the address space held.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.pool
    }
}

/// The pooling engine with as many slots as the address space holds, halving down to none.
fn derived_engine(configured: u32) -> Result<(Engine, Pool), HostError> {
    let mut slots = configured;
    while slots > 0 {
        let mut pooling = PoolingAllocationConfig::new();
        pooling.total_core_instances(slots).total_memories(slots).total_tables(slots).max_memories_per_module(1);
        let mut config = derived_config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
        if let Ok(engine) = Engine::new(&config) {
            return Ok((engine, Pool { configured, slots }));
        }
        slots /= 2;
    }
    let engine = Engine::new(&derived_config()).map_err(|e| HostError::Engine(EngineFault::from(e)))?;
    Ok((engine, Pool { configured, slots: 0 }))
}

/// No epochs and no fuel: either costs 1.7 times the run time in tight loops (DESIGN section 4), and
/// every loop of derived code has a constant bound that was checked before.
fn derived_config() -> Config {
    let mut config = plain_config();
    config.epoch_interruption(false).consume_fuel(false);
    config
}

/// Guard pages instead of bounds checks, vectors, copy-on-write images; the proposals no guest of ABI 1 uses are off.
pub(crate) fn plain_config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .memory_init_cow(true)
        .signals_based_traps(true)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .wasm_backtrace_max_frames(None);
    config
}

//! Where this user's keys and compiled code live.

use std::path::PathBuf;

/// Keys: `$MOTE_HOME`, else `$XDG_CONFIG_HOME/mote`, else `~/.config/mote`.
pub(crate) fn config_dir() -> Option<PathBuf> {
    variable("MOTE_HOME").or_else(|| standard("XDG_CONFIG_HOME", ".config"))
}

/// Compiled code: `$MOTE_HOME/code`, else `$XDG_CACHE_HOME/mote/code`, else `~/.cache/mote/code`.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    variable("MOTE_HOME").or_else(|| standard("XDG_CACHE_HOME", ".cache")).map(|dir| dir.join("code"))
}

fn standard(name: &str, below_home: &str) -> Option<PathBuf> {
    let base = variable(name).or_else(|| variable("HOME").map(|home| home.join(below_home)));
    base.map(|dir| dir.join("mote"))
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

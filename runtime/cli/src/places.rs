//! Where this user's keys and compiled code live.

use std::path::PathBuf;

/// Keys: `$MOTE_HOME`, else `$XDG_CONFIG_HOME/mote`, else `~/.config/mote`.
pub(crate) fn config_dir() -> Option<PathBuf> {
    place("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("mote"))
}

/// Compiled code: `$MOTE_HOME/code`, else `$XDG_CACHE_HOME/mote/code`, else `~/.cache/mote/code`.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    place("XDG_CACHE_HOME", ".cache").map(|dir| dir.join("mote").join("code"))
}

fn place(variable: &str, below_home: &str) -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("MOTE_HOME").or_else(|| from(variable)).or_else(|| from("HOME").map(|home| home.join(below_home)))
}

//! mote-engine

//! mote-host

//! mote-wire

//! mote-weld

//! mote-stream

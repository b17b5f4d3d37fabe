//! mote-compiler

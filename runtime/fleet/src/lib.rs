//! mote-fleet

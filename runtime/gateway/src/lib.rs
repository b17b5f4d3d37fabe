//! mote-gateway

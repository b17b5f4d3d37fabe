//! mote-kernels

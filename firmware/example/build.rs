//! Puts the Plan into the program.

fn main() -> Result<(), mote_firmware_build::BuildError> {
    mote_firmware_build::include("cancer-mlp.plan")
}

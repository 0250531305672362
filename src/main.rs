//! Chooses a face.
fn main() {}

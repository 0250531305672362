//! What was written is read back.

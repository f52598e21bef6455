//! Records of a history in words.

//! The page that opens from the report folder.

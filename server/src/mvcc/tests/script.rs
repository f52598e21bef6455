//! Damage and failing disks: the store stops, it never guesses.

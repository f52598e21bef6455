//! The list of names is that of the probes.

use std::fs;
use std::path::Path;

use super::*;

fn sources(folder: &Path, texts: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else {
            texts.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_name_is_of_a_probe_that_exists() {
    let mut texts = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    for name in NAMES {
        assert!(texts.contains(&format!("probe!(\"{name}\")")), "nobody reaches {name}");
    }
    for bug in CORE_ONLY {
        assert!(texts.contains(&format!("planted!(\"{bug}\")")), "nobody plants {bug}");
    }
    assert!(contains("abc", "bc") && contains("abc", "") && !contains("abc", "ca"));
    assert!(NAMES.is_sorted() && is_known("log cut") && !is_known("log cutt"));
}

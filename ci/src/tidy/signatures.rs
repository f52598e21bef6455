//! Signatures name what they take: a tuple as a parameter is a struct without a name.

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::{Finding, Source};

/// A finding for each parameter that is a tuple.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.path.contains("/src/") || !source.text.contains("fn ") {
        return Vec::new();
    }
    // A file that cannot be parsed is told by the rule on rooms, and by the compiler.
    let Ok(file) = syn::parse_file(&source.text) else { return Vec::new() };
    let mut tuples = Tuples { path: &source.path, findings: Vec::new() };
    tuples.visit_file(&file);
    tuples.findings
}

struct Tuples<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Tuples<'_> {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        for input in &signature.inputs {
            let syn::FnArg::Typed(input) = input else { continue };
            if is_tuple(&input.ty) {
                let line = input.ty.span().start().line;
                let function = &signature.ident;
                self.findings.push(Finding {
                    place: format!("{}:{line}", self.path),
                    what: format!("`{function}` takes a tuple: give its parts a struct, or pass them one by one"),
                });
            }
        }
        visit::visit_signature(self, signature);
    }
}

/// Whether a type is a tuple with parts, or a reference to one.
fn is_tuple(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Tuple(tuple) => !tuple.elems.is_empty(),
        syn::Type::Reference(reference) => is_tuple(&reference.elem),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source { path: "server/src/a.rs".into(), text: text.into() };
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tuple_parameter_is_found() {
        let told = "server/src/a.rs:1: `f` takes a tuple: give its parts a struct, or pass them \
                    one by one";
        assert_eq!(found("fn f((a, b): (u8, u8)) {}"), [told]);
        assert_eq!(found("impl A {\n  fn f(&self, pair: &(u8, u8)) {}\n}").len(), 1);
        assert!(
            found("fn f(nothing: (), list: &[(u8, u8)]) -> (u8, u8) { g(|(a, b)| a) }").is_empty()
        );
    }
}

//! Mistakes in the use of the tables do not compile, and say in our words what to do.
//!
//! Here and not in the package `tests`, because the cases are compiled with all dependencies of their package.

#[test]
fn mistakes_are_explained_by_the_compiler() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("../tests/ui/*.rs");
}

//! Programs that must not compile, and what the compiler says of them.

#[test]
fn absent_scopes_and_databases_are_compile_errors() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

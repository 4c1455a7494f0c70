//! Programs that must not compile, and what the compiler says of them.

#[test]
fn wrong_uses_are_compile_errors() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

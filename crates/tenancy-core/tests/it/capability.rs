//! Nothing is called supported without a run that shows it.

use tenancy_core::{
    Capability, CapabilityReport, Enforcement, Evidence, InvalidEvidence, Strategy, Support,
};

fn planned() -> Capability {
    Capability::planned(
        "sqlx",
        "postgresql",
        Strategy::RowLevel,
        Enforcement::Database,
    )
}

fn evidence() -> Evidence {
    Evidence::new("conformance", "18.6", 214, 0).unwrap()
}

#[test]
fn evidence_is_a_run_without_failures() {
    let failed = Evidence::new("conformance", "18.6", 213, 1);
    assert_eq!(failed, Err(InvalidEvidence::Failures { failed: 1 }));
    assert_eq!(
        Evidence::new("conformance", "18.6", 0, 0),
        Err(InvalidEvidence::NothingRan)
    );
    assert_eq!(
        Evidence::new(" ", "18.6", 1, 0),
        Err(InvalidEvidence::Unnamed)
    );
    assert_eq!(
        Evidence::new("conformance", "", 1, 0),
        Err(InvalidEvidence::Unnamed)
    );
}

#[test]
fn what_is_lowered_loses_its_evidence() {
    let supported = planned().supported(evidence());
    assert_eq!(supported.support(), Support::Supported);
    assert_eq!(supported.server_version(), Some("18.6"));
    assert_eq!(supported.clone().experimental().evidence(), None);
    assert_eq!(supported.unavailable().evidence(), None);
}

#[test]
fn written_reports_are_checked_when_read() {
    let report = CapabilityReport::from_iter([planned().supported(evidence()), planned()]);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<CapabilityReport>(&json).unwrap(),
        report
    );
    for (from, to) in [
        (r#""passed":214"#, r#""passed":0"#),
        (r#""passed":214"#, r#""passed":214,"failed":1"#),
        (r#""support":"supported""#, r#""support":"experimental""#),
        (r#""support":"planned""#, r#""support":"supported""#),
        (r#""support":"planned""#, r#""support":"proven""#),
    ] {
        let changed = json.replace(from, to);
        assert_ne!(changed, json, "{from}");
        assert!(
            serde_json::from_str::<CapabilityReport>(&changed).is_err(),
            "{to}"
        );
    }
}

#[test]
fn a_report_is_a_table() {
    let report = CapabilityReport::from_iter([planned().supported(evidence()), planned()]);
    let expected = "\
adapter  database    strategy   enforcement  support    evidence
sqlx     postgresql  row-level  database     supported  conformance: 214 passed on 18.6
sqlx     postgresql  row-level  database     planned    -
";
    assert_eq!(report.to_string(), expected);
}

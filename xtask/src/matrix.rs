//! The README's table of what works, written from what passed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

const BEGIN: &str =
    "<!-- matrix: written by `cargo xtask test --write-matrix` from what passed -->\n";
const END: &str = "<!-- end of matrix -->";

/// The table's rows, from the lines that the conformance tests noted down:
/// `ADAPTER<tab>DATABASE<tab>VERSION<tab>STRATEGY<tab>BINDING<tab>ENFORCEMENT`, one for each clean
/// run.
pub(crate) fn table(evidence: &str) -> String {
    let mut versions: BTreeMap<[&str; 5], BTreeSet<&str>> = BTreeMap::new();
    for line in evidence.lines() {
        let [adapter, database, version, strategy, binding, enforcement] =
            line.split('\t').collect::<Vec<_>>()[..]
        else {
            continue;
        };
        versions
            .entry([adapter, database, strategy, binding, enforcement])
            .or_default()
            .insert(version);
    }
    let mut table = String::from(
        "| adapter | database | strategy | binding | enforced by | support |\n|---|---|---|---|---|---|\n",
    );
    for ([adapter, database, strategy, binding, enforcement], versions) in versions {
        let versions: Vec<&str> = versions.into_iter().collect();
        // Writing into a string can't fail.
        let _ = writeln!(
            table,
            "| `{adapter}` | {database} {} | {strategy} | {binding} | the {enforcement} | supported |",
            versions.join(", ")
        );
    }
    table
}

/// Whether the README says what `table` does.
///
/// # Errors
/// Where it can't be read, or its marks are gone.
pub(crate) fn is_current(table: &str) -> io::Result<bool> {
    let text = fs::read_to_string(readme())?;
    Ok(replaced(&text, table)? == text)
}

/// Writes `table` into the README.
///
/// # Errors
/// Where it can't be read or written, or its marks are gone.
pub(crate) fn write(table: &str) -> io::Result<()> {
    let text = fs::read_to_string(readme())?;
    fs::write(readme(), replaced(&text, table)?)
}

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

fn replaced(text: &str, table: &str) -> io::Result<String> {
    let marks = || io::Error::other("the README has lost the marks around its matrix");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(marks)?;
    let (_, after) = rest.split_once(END).ok_or_else(marks)?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, replaced, table};

    #[test]
    fn clean_runs_become_one_row_for_each_combination() {
        let evidence = "b\tPostgreSQL\t18.6\trow-level\tsealed\tdatabase\n\
                        a\tPostgreSQL\t18.6\trow-level\tsealed\tdatabase\n\
                        a\tPostgreSQL\t15.19\trow-level\tsealed\tdatabase\n\
                        a\tPostgreSQL\t18.6\trow-level\tsealed\tdatabase\n\
                        a\tPostgreSQL\t18.6\trow-level\tlogin\tdatabase\n\
                        a\tPostgreSQL\t18.6\trow-level\tdatabase\nnonsense\n";
        assert_eq!(
            table(evidence),
            "| adapter | database | strategy | binding | enforced by | support |\n\
             |---|---|---|---|---|---|\n\
             | `a` | PostgreSQL 18.6 | row-level | login | the database | supported |\n\
             | `a` | PostgreSQL 15.19, 18.6 | row-level | sealed | the database | supported |\n\
             | `b` | PostgreSQL 18.6 | row-level | sealed | the database | supported |\n"
        );
    }

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}old\n{END}\nafter\n");
        assert_eq!(
            replaced(&text, "new\n").unwrap(),
            format!("before\n{BEGIN}new\n{END}\nafter\n")
        );
        assert!(replaced("no marks", "new").is_err());
    }
}

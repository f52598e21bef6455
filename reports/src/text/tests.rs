//! The terminal page, golden.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::expect;

use super::{Palette, page};
use crate::fixture::{broken, history, passed};

#[test]
fn a_pass_fits_a_dozen_lines() {
    let page = page(&passed(), None, &Palette::plain());
    assert!(page.lines().count() <= 12);
    expect![[r#"
        PASS  faults/leader-partition  seed 7
          time       64.2 s simulated in 0.61 s (0.55 CPU-seconds, 31 MB)
          operations 1204 ok, 3 fail, 17 unknown
          faults     partition 4/4 (effect 3), kill 1/1 (effect 1)
          leaders    5 elected, 2 rare paths reached
          hash       3f2a9c0d5e6b71844aa0192837465bcd
          report     target/reports/faults-leader-partition-7/index.html
    "#]]
    .assert_eq(&page);
}

#[test]
fn a_failure_shows_reason_evidence_and_command() {
    expect![[r#"
        BROKEN  faults/leader-partition  seed 7  planted C3 R2@m1

          linearizable
          get /a began 5 ms after put /a=v2 was acknowledged at revision 3, and was answered from revision
          2

          evidence
            #3      0.030000 s to 0.031000 s, process 2 at m3
                    get /a
                    ok revision 2: /a=</script> @2
            #2      0.020000 s to 0.025000 s, process 1 at m1
                    put /a=v2
                    ok revision 3: done

          also
            converge: m2 never answered

          time       64.2 s simulated in 0.61 s (0.55 CPU-seconds, 31 MB)
          operations 1204 ok, 3 fail, 17 unknown
          faults     partition 4/4 (effect 3), kill 1/1 (effect 1)
          leaders    5 elected, 2 rare paths reached
          hash       3f2a9c0d5e6b71844aa0192837465bcd
          reproduce  cargo sim run scenarios/faults/leader-partition.toml --seed 7 --plant C3 --plant R2@m1
          report     target/reports/faults-leader-partition-7/index.html
    "#]]
    .assert_eq(&page(&broken(), Some(&history()), &Palette::plain()));
}

#[test]
fn without_a_history_the_evidence_is_named_by_id() {
    let page = page(&broken(), None, &Palette::plain());
    assert!(page.contains("    #3\n    #2\n"), "{page}");
}

#[test]
fn colours_add_nothing_but_colours() {
    let coloured = page(&broken(), Some(&history()), &Palette::coloured());
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, page(&broken(), Some(&history()), &Palette::plain()));
}

//! A persona's texts: variables, chance by seed, mistakes found early.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;
use trunkline_core::persona::{PersonaError, Vars, check, render};

fn vars() -> Vars {
    Vars {
        company: "Smith & Sons".to_owned(),
        persona: "Sarah".to_owned(),
        caller_last4: "0100".to_owned(),
        date: "5 March 2026".to_owned(),
        time: "14:05".to_owned(),
        weekday: "Thursday".to_owned(),
        tangents: vec!["one".to_owned(), "two".to_owned(), "three".to_owned()],
    }
}

#[test]
fn variables_are_filled_in_and_nothing_is_escaped() {
    let template = "{{ persona }} of {{ company }}, {{ weekday }} {{ date }} {{ time }}, …{{ caller_last4 }}\n";
    check(template).unwrap();
    assert_eq!(
        render(template, &vars(), 1).unwrap().trim_end(),
        "Sarah of Smith & Sons, Thursday 5 March 2026 14:05, …0100"
    );
}

#[test]
fn chance_is_the_seeds_alone() {
    let template = "{{ pick(['a','b','c','d']) }}{{ pick(['a','b','c','d']) }}{{ tangent() }}";
    let texts: Vec<String> = (0..50).map(|seed| render(template, &vars(), seed).unwrap()).collect();
    for (seed, text) in (0..50).zip(&texts) {
        assert_eq!(&render(template, &vars(), seed).unwrap(), text);
    }
    let different: std::collections::BTreeSet<_> = texts.iter().collect();
    assert!(different.len() > 20, "{different:?}");
    // A call run again years later must say the same.
    let first = ["dbthree", "ccthree", "ccthree", "acthree", "bdone", "bdthree", "cbtwo", "batwo"];
    assert_eq!(texts[..8], first);
}

#[test]
fn tangents_do_not_repeat_until_all_were_used() {
    for seed in 0..20 {
        let text =
            render("{{ tangent() }} {{ tangent() }} {{ tangent() }}", &vars(), seed).unwrap();
        let mut told: Vec<&str> = text.split(' ').collect();
        told.sort_unstable();
        assert_eq!(told, ["one", "three", "two"]);
    }
    assert_eq!(render("<{{ tangent() }}>", &Vars::default(), 3).unwrap(), "<>");
}

#[test]
fn an_unknown_name_is_found_with_its_line_also_in_a_branch_not_taken() {
    let template = "Hello, compnay!\n{% if weekday == 'Sunday' %}\n{{ compnay }}\n{% endif %}";
    let error = check(template).unwrap_err();
    assert_eq!(error.to_string().split(';').next(), Some("line 3: there is no `compnay`"));
    assert!(error.to_string().contains("company"));
    assert!(matches!(check("a\n{{ tangnet() }}"), Err(PersonaError::UnknownName { line: 2, .. })));
    assert!(matches!(
        render("a\nb\n{{ compnay }}", &vars(), 0),
        Err(PersonaError::Template { line: 3, .. })
    ));
}

#[test]
fn other_mistakes_are_found_with_their_line() {
    for (template, line) in [
        ("a\n{% if %}", 2),
        ("a\n\n{{ company", 3),
        ("{{ pick([]) }}", 1),
        ("a\n{{ pick('text', 1) }}", 2),
        ("a\n{{ company | shuot }}", 2),
        ("a\n{{ persona.age }}", 2),
    ] {
        match check(template) {
            Err(PersonaError::Template { line: found, message }) => {
                assert_eq!(found, line, "{template}: {message}");
            }
            other => panic!("{template}: {other:?}"),
        }
    }
}

#[test]
fn names_that_a_template_sets_itself_are_known() {
    check("{% set mood = pick(['glad', 'sad']) %}{{ mood }}").unwrap();
    check("{% for story in tangents %}{{ loop.index }} {{ story }}{% endfor %}").unwrap();
    check("{% for n in range(3) %}{{ n }}{% endfor %}").unwrap();
    check("plain text, { braces } and 100 % of it").unwrap();
}

proptest! {
    #[test]
    fn any_template_is_rendered_or_refused(template in "([a-z {}%'\\n.|()]|\\{\\{|\\}\\}|company|pick){0,40}", seed in any::<u64>()) {
        let first = render(&template, &vars(), seed);
        prop_assert_eq!(&first, &render(&template, &vars(), seed));
        drop(check(&template));
    }

    #[test]
    fn any_text_is_checked_without_panic(template in ".*") {
        drop(check(&template));
    }
}

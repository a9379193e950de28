use proptest::prelude::*;
use serde_json::json;

use super::*;

const LISTS: &[&str] = &["a", "b"];

type Items = Vec<(&'static str, usize, Option<Vec<u8>>)>;
type Split = (Items, Map<String, Value>, Vec<&'static str>);

fn split(json: &[u8], size: usize) -> Result<Split, SplitError> {
    let mut items = Items::new();
    let mut splitter = Splitter::new(LISTS);
    for bytes in json.chunks(size) {
        let mut each =
            |piece: Piece<'_>| items.push((piece.list, piece.index, piece.json.map(<[u8]>::to_vec)));
        splitter.write(bytes, &mut each)?;
    }
    let (rest, seen) = splitter.finish()?;
    Ok((items, rest, seen))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "[ -~\\PC\n\"\\\\{}\\[\\],:]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab\"\\\\]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn an_item_that_is_no_json_spoils_only_itself() {
    let (items, ..) = split(br#"{"a":[{"x":1},{"x":NaN},{"x" 2},tru,{"x":3}]}"#, 7).unwrap();
    let json: Vec<_> = items.iter().map(|item| String::from_utf8(item.2.clone().unwrap()).unwrap()).collect();
    assert_eq!(json, [r#"{"x":1}"#, r#"{"x":NaN}"#, r#"{"x" 2}"#, "tru", r#"{"x":3}"#], "each as it came");
}

#[test]
fn what_is_cut_is_told_from_what_is_wrong() {
    let whole = br#" {"a":[1,{"b":"]}\""}],"n":null,"b":[]} "#;
    assert!(split(whole, 3).is_ok());
    for end in 0..whole.len() - 2 {
        assert_eq!(
            split(&whole[..end], 5).unwrap_err(),
            SplitError::Cut,
            "after {end} bytes it was only cut"
        );
    }
    for wrong in [
        "[]",
        "null",
        "<html>",
        "{]",
        "{,}",
        "{\"a\":[,]}",
        "{\"a\":[1,]}",
        "{\"x\":tru}",
        "{}{}",
        "{\"a\" 1}",
        "{1:2}",
    ] {
        assert_eq!(
            split(wrong.as_bytes(), 2).unwrap_err(),
            SplitError::NotJson,
            "{wrong} gets no better with more"
        );
    }
}

#[test]
fn an_endless_item_is_not_kept_and_the_next_one_is_read() {
    let long = "x".repeat(3 * MAX_ITEM);
    let json = format!(r#"{{"a":["{long}",1],"huge":"{long}","n":2}}"#);
    let (items, rest, _) = split(json.as_bytes(), 60_000).unwrap();
    assert_eq!(items, [("a", 0, None), ("a", 1, Some(b"1".to_vec()))], "told as too long, then the next");
    assert_eq!(rest.keys().collect::<Vec<_>>(), ["n"], "a field nobody can want is left out");
}

#[test]
fn a_list_that_is_none_is_kept_as_it_is() {
    let (items, rest, seen) = split(br#"{"a":null,"b":[],"c":[1]}"#, 100).unwrap();
    assert!(items.is_empty());
    assert_eq!(seen, ["b"], "only real lists count as seen");
    assert_eq!(Value::Object(rest), json!({"a": null, "c": [1]}), "the reader decides what null means");
}

proptest! {
    #[test]
    fn pieces_of_any_size_hold_what_a_parser_finds(
        value in any_json(),
        list in prop::collection::vec(any_json(), 0..5),
        size in 1..40_usize,
        pretty: bool,
    ) {
        let whole = json!({"other": value, "a": list, "z": 1});
        let text = if pretty { format!("{whole:#}") } else { whole.to_string() };
        let (items, rest, seen) = split(text.as_bytes(), size).unwrap();
        let read = |json: &Option<Vec<u8>>| serde_json::from_slice::<Value>(json.as_ref().unwrap()).unwrap();
        let parsed: Vec<Value> = items.iter().map(|item| read(&item.2)).collect();
        let whole: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Value::from(parsed), whole["a"].clone());
        prop_assert_eq!(&rest["other"], &whole["other"]);
        prop_assert_eq!(seen, ["a"]);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\ab1 ".to_vec())],
            0..200,
        ),
        size in 1..20_usize,
    ) {
        let _ = split(&bytes, size);
    }

    #[test]
    fn whatever_comes_whole_items_stay_whole(prefix in prop::collection::vec(any_json(), 0..4), junk in "[ -~]{0,20}") {
        let mut text = serde_json::to_string(&json!({ "a": prefix })).unwrap();
        text.truncate(text.len() - 2);
        let mut items = 0;
        let mut splitter = Splitter::new(LISTS);
        let _ = splitter.write((text + &junk).as_bytes(), &mut |_| items += 1);
        prop_assert!(items + 1 >= prefix.len(), "all but the last were told before the junk came");
    }
}

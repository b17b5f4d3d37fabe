//! Files that lie, and forms that are refused: each by its reason, none by a panic.

use mote_compiler::Precision;

use super::{build, file};

/// Compiles a file whose every such text is another.
fn refusal(file: &[u8], columns: usize, from: &str, to: &str) -> String {
    let text = std::str::from_utf8(file).unwrap();
    assert!(text.contains(from), "{from}");
    let error = build(text.replace(from, to).as_bytes(), 2, columns, Precision::F32).unwrap_err();
    assert_eq!(error.code(), "E-BOOSTER", "{error}");
    error.to_string()
}

#[test]
fn what_xgboost_cannot_have_written_is_refused() {
    let file = file("xgboost-binary");
    for (from, to, why) in [
        ("\"learner\"", "\"Learner\"", "`learner` is missing"),
        ("\"left_children\":[1,", "\"left_children\":[0,", "node 0 of tree"),
        ("\"left_children\":[1,", "\"left_children\":[2,", "reached twice"),
        ("\"left_children\":[1,", "\"left_children\":[9000000000,", "does not exist"),
        ("\"left_children\":[1,", "\"left_children\":[-7,", "does not exist"),
        ("\"left_children\":[1,", "\"left_children\":[1,1,", "lists of one length"),
        ("\"split_indices\":[", "\"split_indices\":[7000,", "lists of one length"),
        ("\"tree_info\":[0,", "\"tree_info\":[5,", "target 5"),
        ("\"tree_info\":[0,", "\"tree_info\":[", "an output for each tree"),
        ("\"split_type\":[0,", "\"split_type\":[1,", "categorical splits"),
        ("\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"", "several outputs"),
        ("\"num_feature\":\"30\"", "\"num_feature\":\"99999999999\"", "than the limit"),
        ("\"num_feature\":\"30\"", "\"num_feature\":\"-1\"", "`num_feature` is not a number"),
        ("\"num_class\":\"0\"", "\"num_class\":\"3\"", "number of classes"),
        ("\"name\":\"binary:logistic\"", "\"name\":\"binary:other\"", "objective `binary:other`"),
        ("\"name\":\"gbtree\"", "\"name\":\"gbforest\"", "booster `gbforest`"),
        ("\"base_score\":\"", "\"base_score\":\"[2],", "`base_score` is not"),
        ("\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"3\"}", "stopped early"),
        ("\"default_left\":[", "\"default_left\":[null,", "a list of whole numbers"),
    ] {
        let error = refusal(&file, 30, from, to);
        assert!(error.contains(why), "{to}: {error}");
    }
    let deep = format!("{{\"learner\":{}", "[".repeat(1 << 20));
    assert_eq!(build(deep.as_bytes(), 2, 4, Precision::F32).unwrap_err().code(), "E-BOOSTER");
}

#[test]
fn what_lightgbm_cannot_have_written_is_refused() {
    let file = file("lightgbm-regression");
    for (from, to, why) in [
        ("version=v4", "version=v9", "version `v9`"),
        ("left_child=1 ", "left_child=0 ", "reached twice"),
        ("left_child=1 ", "left_child=700 ", "does not exist"),
        ("left_child=1 ", "left_child=-9223372036854775808 ", "does not exist"),
        ("left_child=1 ", "left_child=1 1 ", "a number for each node"),
        ("num_leaves=8", "num_leaves=0", "a number for each node"),
        ("num_leaves=8", "num_leaves=18446744073709551615", "a number for each node"),
        ("split_feature=", "split_feature=10 ", "a number for each node"),
        ("max_feature_idx=9", "max_feature_idx=1", "`split_feature` is not columns"),
        ("max_feature_idx=9", "max_feature_idx=18446744073709551615", "than the limit"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "than the limit"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3", "its last iteration lacks a tree"),
        ("decision_type=2 ", "decision_type=14 ", "`decision_type` is not known"),
        ("decision_type=2 ", "decision_type=3 ", "`cat_boundaries` is not sets"),
        ("threshold=", "threshold=nan ", "a number for each node"),
        ("leaf_value=", "leaf_value=inf ", "a number for each node"),
        ("is_linear=0", "is_linear=1", "linear trees"),
        ("objective=regression", "objective=other", "objective `other`"),
        ("end of trees", "end", "`end of trees` is missing"),
    ] {
        let error = refusal(&file, 10, from, to);
        assert!(error.contains(why), "{to}: {error}");
    }
}

#[test]
fn damaged_files_never_panic() {
    for (name, columns) in [("xgboost-gamma", 10), ("xgboost-dart", 10), ("lightgbm-categories", 4)] {
        let whole = file(name);
        for step in 1..40 {
            let cut = &whole[..whole.len() * step / 40];
            if build(cut, 1, columns, Precision::F32).is_ok() {
                assert!(name.starts_with("lightgbm"), "{name} of {step} parts");
            }
        }
        let mut damaged = whole.clone();
        for place in (0..whole.len()).step_by(whole.len() / 150) {
            damaged[place] ^= 0x15;
            _ = build(&damaged, 1, columns, Precision::F32);
            damaged[place] = whole[place];
        }
    }
}

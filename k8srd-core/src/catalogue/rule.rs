//! What is about the matching itself.

rows! {
after k8smeta;

Util from Pipeline {
    UTIL_CNT "util.cnt" Uint nobody COUNTER: "counts how often it was printed";
}

Rule from Matcher {
    RULE_WEIGHT "rule.weight" Uint only OutputOnly: "weight of the rule that matched, 0 to 1000; not a field of Falco";
}
}

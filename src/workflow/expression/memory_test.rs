//! Hostile expressions stay under a memory ceiling, whatever they are given.
//!
//! One test alone in its process, because the allocator counts all of it.

use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::workflow::expression::{Expression, Facts, Scope};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What one evaluation may take beyond its scope, in MiB: the ceiling that is documented.
const CEILING: f32 = 256.0;

/// The expressions, and whether the budget must stop them.
const HOSTILE: &[(&str, Ends)] = &[
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 40)))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f([$s, $s], $n - 1) }; $count($f([1], 40)))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $string($f(1, 90)))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $f(1, 90))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $f(1, 90) = $f(1, 90))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f({'a': $s, 'b': $s}, $n - 1) }; $count($f({}, 90).**))",
        Ends::Refused,
    ),
    (
        "($f := function($s, $n) { $n = 0 ? $s : $f({'a': [$s, $s]}, $n - 1) }; $f({}, 60).a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a)",
        Ends::Refused,
    ),
    (
        "$join([1..400000].('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'), '-')",
        Ends::Refused,
    ),
    (
        "$join($map([1..100000], function() { blob }))",
        Ends::Refused,
    ),
    ("$pad('x', 300000000)", Ends::Refused),
    ("$pad('x', -1e300, 'é')", Ends::Refused),
    ("$map([1..900000], $string)", Ends::Refused),
    ("[1..1000000000]", Ends::Refused),
    ("[1..10000000]", Ends::Refused),
    ("$range(0, 1e12, 1)", Ends::Refused),
    ("$range(0, 1, 1e-300)", Ends::Refused),
    ("[1..100000].[1..100000]", Ends::Refused),
    ("[1..1000].(($x := [1..1000]; $x.($x)))", Ends::Refused),
    (
        "($b := [1..100000]; $map([1..100000], function() { {'a': $b} }).a)",
        Ends::Refused,
    ),
    (
        "($b := [1..100000]; $reduce([1..100000], $append))",
        Ends::Refused,
    ),
    (
        "$reduce([1..100000], function($a, $i) { [[$a]] })",
        Ends::Refused,
    ),
    (
        "$reduce([1..100000], function($a, $i) { {'a': $a} })",
        Ends::Refused,
    ),
    (
        "$reduce([1..100000], function($f, $i) { $f ~> $f }, $uppercase)",
        Ends::Refused,
    ),
    (
        "$reduce([1..100000], function($f, $i) { $f(?) }, $uppercase)",
        Ends::Refused,
    ),
    (
        "$$.rows@$a.$$.rows@$b.$$.rows@$c.{'x': $a.id & $b.id & $c.id}",
        Ends::Refused,
    ),
    (
        "[1..1000]#$i.([1..1000])#$j.([1..1000])#$k.($i + $j + $k)",
        Ends::Refused,
    ),
    ("$split(blob, '')", Ends::Refused),
    ("$split(blob, /x/)", Ends::Refused),
    ("$match(blob, /x/)", Ends::Refused),
    (
        "$replace(blob, 'x', '0123456789012345678901234567890123456789')",
        Ends::Refused,
    ),
    (
        "$replace(blob, /x/, '$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0')",
        Ends::Refused,
    ),
    (
        "$replace(blob, /x+/, '$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0')",
        Ends::Refused,
    ),
    (
        "$map([1..10000], function() { $contains(blob, /(x+x+)+y/) })",
        Ends::Refused,
    ),
    ("$contains(blob, /(x+x+)+y/)", Ends::Either),
    (
        "$contains($substring(blob, 0, 100000), /^(\\w+\\s?)*$/)",
        Ends::Either,
    ),
    (
        "$map([1..100000], function() { $uppercase(blob) })",
        Ends::Refused,
    ),
    (
        "$map([1..100000], function() { $encodeUrlComponent(blob) })",
        Ends::Refused,
    ),
    (
        "$map([1..100000], function() { $string(rows) })",
        Ends::Refused,
    ),
    (
        "$map([1..100000], function() { $parse('[[],[],[],[],[],[],[],[]]') })",
        Ends::Refused,
    ),
    (
        "$parse('[' & $join([1..300000].('[]'), ',') & ']')",
        Ends::Refused,
    ),
    ("$map([1..400000], function() { {} })", Ends::Refused),
    ("$map([1..400000], function() { {'a': 1} })", Ends::Refused),
    (
        "$map([1..400000], function($i) { function() { $i } })",
        Ends::Refused,
    ),
    (
        "$zip(rows, rows, rows).$zip($$.rows, $$.rows, $$.rows)",
        Ends::Refused,
    ),
    ("rows.rows.rows.id", Ends::Either),
    (
        "$distinct($map([1..200000], function($i) { {'k': $i, 'v': [$i, $i]} }))",
        Ends::Refused,
    ),
    (
        "$sort([1..500000], function($a, $b) { $a < $b })",
        Ends::Refused,
    ),
    ("[1..400000]^(>$)", Ends::Refused),
    ("$merge([1..400000].{'k' & $: $})", Ends::Refused),
    ("[1..300000]{'k' & $: $}", Ends::Refused),
    ("$spread($merge([1..100000].{'k' & $: $}))", Ends::Refused),
    ("$shuffle([1..900000])", Ends::Refused),
    ("$partition([1..900000], 1)", Ends::Refused),
    ("$formatInteger(1e15, 'I')", Ends::Refused),
    ("$fromMillis(0, '[Y,1000000000]')", Ends::Refused),
    ("$fromMillis(0, '[f,*-999999999]')", Ends::Refused),
    ("$formatNumber(1, $pad('', 10000000, '0'))", Ends::Refused),
    (
        "$map([1..400000], function() { $formatNumber(1e300, $pad('', 900, '0')) })",
        Ends::Refused,
    ),
    ("$formatInteger(1e300, 'w')", Ends::Either),
    (
        "$fromMillis(8640000000000000, '[YI] [MI] [Yw]')",
        Ends::Either,
    ),
    ("$fromMillis(1e300)", Ends::Refused),
    ("$round(1e300, 2147483647)", Ends::Either),
    ("$power(10, 1e300)", Ends::Refused),
    ("$error(blob)", Ends::Refused),
    ("1 + blob", Ends::Refused),
    ("($f := function() { $f() }; $f())", Ends::Refused),
    ("($f := function() { 1 + $f() }; $f())", Ends::Refused),
    (
        "($f := function($x) { $map([1], $f) }; $f(1))",
        Ends::Refused,
    ),
    (
        "($f := function($x) { {'a': {'b': [[[$f($x)]]]}} }; $f(1))",
        Ends::Refused,
    ),
    (
        "($f := function() { $sort([1, 2], $f) }; $f())",
        Ends::Refused,
    ),
    ("($y := function($f) { $f($f) }; $y($y))", Ends::Refused),
    ("$eval('[1..10000000]')", Ends::Refused),
    ("$map(['[1..10000000]'], $eval)", Ends::Refused),
    (
        "rows ~> |$|{'a': $$.rows}| ~> |**|{'b': $$.rows}|",
        Ends::Refused,
    ),
    (
        "[rows, rows, rows, rows, rows, rows].($$.rows.$$.rows)",
        Ends::Refused,
    ),
    ("$map([1..300000], function() { $$ })", Ends::Refused),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Refused,
    Either,
}

fn scope() -> Value {
    let rows: Vec<_> = (0..1_000)
        .map(|id| json!({"id": id, "name": "row"}))
        .collect();
    json!({"blob": "x".repeat(4_000_000), "rows": rows})
}

/// On the stack that a worker thread of the runtime has.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the size of a stack can only be chosen for a thread of one's own"
)]
fn on_a_small_stack(run: impl FnOnce() + Send) {
    std::thread::scope(|threads| {
        let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        small
            .spawn_scoped(threads, run)
            .expect("a thread can be started");
    });
}

#[test]
fn hostile_expressions_stay_below_the_ceiling() {
    evaluations_stay_below_the_ceiling();
    hostile_sources_are_refused_below_the_ceiling();
}

fn evaluations_stay_below_the_ceiling() {
    let scope = scope();
    let facts = Facts::new(Timestamp::from_millis(0), &[]);
    let wide = format!("[{}]", vec!["blob & 'x'"; 5_000].join(","));
    let deep = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    let literals = format!(
        "$map([1..100000], function() {{ '{}' & 'x' }})",
        "x".repeat(60_000)
    );
    let made = [
        (wide.as_str(), Ends::Refused),
        (deep.as_str(), Ends::Refused),
        (literals.as_str(), Ends::Refused),
    ];
    on_a_small_stack(|| {
        for (source, ends) in HOSTILE.iter().chain(&made) {
            let shown: String = source.chars().take(90).collect();
            let before = MEMORY.current_usage_as_mb();
            MEMORY.reset_peak_usage();
            let expression = Expression::parse(source).unwrap_or_else(|error| {
                panic!("{shown}: {error}");
            });
            let outcome = expression.evaluate(&Scope::of(&scope), &facts);
            let used = MEMORY.peak_usage_as_mb() - before;
            assert!(used < CEILING, "{shown}: {used} MiB");
            if *ends == Ends::Refused {
                let message = outcome.err().map(|error| error.message);
                assert!(message.is_some(), "{shown} is not refused");
                assert!(message.is_some_and(|message| message.chars().count() <= 501));
            }
        }
    });
}

fn hostile_sources_are_refused_below_the_ceiling() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let sources = [
        deep("(", ")"),
        deep("[", "]"),
        deep("{'a':", "}"),
        deep("$f(", ")"),
        deep("-", ""),
        deep("function(){", "}"),
        deep("a.(", ")"),
        deep("a[", "]"),
        deep("|a|", "|"),
        deep("true?", ":1"),
        deep("1+", ""),
        deep("$x:=", ""),
        deep("a.", ""),
        "(".repeat(60_000),
        "/(((((((((a{20}){20}){20}){20}){20}){20}){20}){20}){20}/".to_owned(),
        vec!["/\\pL{50}/"; 3_000].join(";"),
        format!("/{}a{}/", "(".repeat(30_000), ")".repeat(30_000)),
        "a".repeat(70_000),
        format!("$x(1)<{}>", "a?".repeat(10_000)),
        format!("function($x)<{}:n>{{1}}", "n?".repeat(10_000)),
    ];
    on_a_small_stack(|| {
        for source in &sources {
            let shown: String = source.chars().take(40).collect();
            let before = MEMORY.current_usage_as_mb();
            MEMORY.reset_peak_usage();
            let refused = Expression::parse(source).is_err();
            let used = MEMORY.peak_usage_as_mb() - before;
            assert!(used < CEILING, "{shown}: {used} MiB");
            assert!(refused, "{shown}");
        }
    });
}

"""Frames and expectations to ask Great Expectations about: every type, with ordinary and awkward arguments."""

WORDS = ["Oslo", "Bergen", "Narvik", "oslo", "", " Oslo", "Å", "日本", "o'x", "a%b", "a_b", "NaN", "null"]
DAYS = ["2026-01-01", "2026-02-29", "2026-2-3", "01/02/2026", "13/01/2026", "1 Mar 2026", "n/a", "Mar 2026",
        "2026-01-01T10:00:00Z", "10:30", "2026", "yesterday", "2026-01-01 25:00", "20260101", "Jan 5, 2026", "3"]
JSONS = ['{"a": 1}', '{"a": "x"}', "[]", "1", '"s"', "null", '{"a": 1.0}', '{"b": 2}', '{"a": 1, "c": []}']
BAD_JSONS = ["{bad", "", "{'a': 1}", "NaN", "[1,]", "tru", " 1 ", '{"a": 1} x', "Infinity", "-Infinity"]
EMAILS = ["ann@ex.org", "bob@ex.com", "bad.mail", "a b@c", "X@Y.Z", "line\nbreak@ex.org"]


def frame(rng, rows, nulls):
    def maybe(make):
        return [None if rng.random() < nulls else make() for _ in range(rows)]

    start = "2026-01-%02dT%02d:00:00"
    inc = sorted(rng.randrange(rows + 3) for _ in range(rows))
    columns = {
        "i": ("number", maybe(lambda: rng.randrange(-5, 12))),
        "x": ("number", maybe(lambda: round(rng.gauss(50, 20), 2))),
        "n": ("number", list(range(rows))),
        "inc": ("number", [None if rng.random() < nulls else v for v in inc]),
        "dec": ("number", [None if rng.random() < nulls else -v for v in inc]),
        "c": ("number", [3.5] * rows),
        "w": ("string", maybe(lambda: rng.choice(WORDS))),
        "t": ("string", maybe(lambda: rng.choice(["gold", "silver", "silver"]))),
        "e": ("string", maybe(lambda: rng.choice(EMAILS))),
        "d": ("string", maybe(lambda: rng.choice(DAYS))),
        "j": ("string", maybe(lambda: rng.choice(JSONS))),
        "bj": ("string", maybe(lambda: rng.choice(JSONS + BAD_JSONS))),
        "f": ("boolean", [rng.random() < 0.4 for _ in range(rows)]),
        "ts": ("datetime", maybe(lambda: start % (rng.randrange(1, 10), rng.choice([0, 6, 12])))),
        "day": ("datetime", sorted("2026-03-%02dT00:00:00" % rng.randrange(1, 20) for _ in range(rows))),
        "p": ("number", maybe(lambda: rng.randrange(0, 4))),
        "q": ("number", maybe(lambda: rng.randrange(0, 4))),
        "r": ("number", maybe(lambda: rng.randrange(0, 4))),
        "u": ("string", maybe(lambda: rng.choice("abc"))),
        "v": ("string", maybe(lambda: rng.choice("abcd"))),
    }
    return {"columns": {name: kind for name, (kind, _) in columns.items()}, "rows": rows,
            "data": {name: values for name, (_, values) in columns.items()}}


def datasets(rng):
    all_null = frame(rng, 6, 1.0)
    return {
        "some": frame(rng, 45, 0.12), "full": frame(rng, 30, 0.0), "sparse": frame(rng, 20, 0.6),
        "one": frame(rng, 1, 0.0), "two": frame(rng, 2, 0.0), "empty": frame(rng, 0, 0.0), "nulls": all_null,
    }


NUMBERS, TEXTS, MOMENTS = ["i", "x", "n", "inc", "dec", "c", "p", "q", "r"], ["w", "t", "e", "d", "j", "u", "v"], ["ts", "day"]
COLUMNS = NUMBERS + TEXTS + MOMENTS + ["f"]
FORMATS = ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "SUMMARY", "COMPLETE", "COMPLETE"]
STRFTIME = ["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%Y", "%b %Y", "%d %b %Y", "%H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Q", "%Y-%m-%d %H:%M"]
REGEXES = [r"@", r"^[a-z]+@", r"\.org$", r"^\w+$", r"(?i)x", r"^$", r"o", r"[^a-z]", r"\d+", r"^.*@.*\.(org|com)$", r"a\sb", r"(?=a)", r"^.{4}$", r"(a)\1", "(", r"^Oslo", r"\bex\b", r"é|Å", r"break$", r"\Aann", r"org\Z"]
SCHEMAS = [{"type": "object"}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
           {"type": "object", "properties": {"a": {"type": "number", "minimum": 1}}}, {"type": ["array", "null"]}, {"enum": [1, "s"]},
           {"anyOf": [{"type": "string"}, {"type": "integer"}]}, {}, {"type": "object", "additionalProperties": False, "properties": {"a": {}}},
           {"not": {"type": "object"}}, {"type": "object", "minProperties": 2}]
TYPES = ["float64", "int64", "object", "object_", "str", "bool", "bool_", "datetime64[ns]", "datetime64", "Timestamp", "float", "int", "Int64", "float32", "string", "number", "nope", "str_", "list", "dict", "datetime", "date"]


def cases(rng, data):
    names = ["some"] * 9 + ["full"] * 4 + ["sparse"] * 3 + ["one", "two", "empty", "nulls"] * 1

    def chance(p): return rng.random() < p

    def mostly():
        return {"mostly": rng.choice([0, 0.1, 0.5, 0.75, 0.8, 0.9, 0.95, 1, 1.0, round(rng.random(), 3)])} if chance(0.4) else {}

    def number(): return rng.choice([rng.randrange(-6, 13), round(rng.uniform(0, 90), 1), 0, 3.5])

    def value_of(dataset, column):
        present = [v for v in data[dataset]["data"][column] if v is not None]
        if present and chance(0.8): return rng.choice(present)
        if column in NUMBERS: return number()
        if column in MOMENTS: return "2026-01-05T00:00:00"
        if column == "f": return True
        return rng.choice(WORDS + ["gold", "a"])

    def set_of(dataset, column, low=0, high=6):
        return [value_of(dataset, column) for _ in range(rng.randrange(low, high))]

    def bounds(make):
        kwargs = {}
        if chance(0.8): kwargs["min_value"] = make()
        if chance(0.8): kwargs["max_value"] = make()
        if len(kwargs) == 2 and chance(0.8) and type(kwargs["min_value"]) == type(kwargs["max_value"]) and kwargs["min_value"] > kwargs["max_value"]:
            kwargs = {"min_value": kwargs["max_value"], "max_value": kwargs["min_value"]}
        if chance(0.25): kwargs["strict_min"] = chance(0.8)
        if chance(0.25): kwargs["strict_max"] = chance(0.8)
        if chance(0.1): kwargs[rng.choice(["min_value", "max_value"])] = None
        return kwargs

    def simple_condition(dataset):
        operator = rng.choice(["==", "!=", "<", "<=", ">", ">=", "in", "not_in", "is_null", "is_not_null"])
        if operator.startswith("is_"): return {"column": rng.choice(COLUMNS), "operator": operator}
        column = rng.choice(NUMBERS + ["t", "w", "u"]) if operator in ("==", "!=", "in", "not_in") else rng.choice(NUMBERS)
        value = set_of(dataset, column, 1, 4) if operator.endswith("in") else value_of(dataset, column)
        return {"column": column, "operator": operator, "value": value}

    def condition(dataset):
        if not chance(0.22): return {}
        kind = rng.random()
        if kind < 0.72: return {"row_condition": simple_condition(dataset)}
        if kind < 0.86:
            which = rng.choice(["and", "or"])
            return {"row_condition": {which: [simple_condition(dataset) for _ in range(rng.randrange(2, 4))]}}
        parser, text = rng.choice([
            ("pandas", 't == "gold"'), ("pandas", "i > 2"), ("pandas", "i>2 and t=='silver'"), ("pandas", "x >= 50 or p == 1"),
            ("pandas", "not (i < 3)"), ("pandas", 'u in ["a", "b"]'), ("pandas", "t.notnull()"), ("pandas", "w.isnull()"), ("pandas", "p == q"),
            ("pandas", "`i` != 3"), ("pandas", "2 < i < 8"), ("pandas", "i > 1 & p < 3"), ("pandas", "(i > 1) & (p < 3)"), ("pandas", "f"),
            ("pandas", "ts > '2026-01-04'"), ("pandas", 'u not in ["a"]'), ("pandas", "i == i"),
            ("great_expectations", 'col("i") > 2'), ("great_expectations", 'col("t") == "gold"'), ("great_expectations", 'col("t").notNull()'),
            ("great_expectations", 'col("x")<=50.5'), ("great_expectations", "col(\"u\") != 'a'"), ("great_expectations__experimental__", 'col("i") >= -1'),
        ])
        return {"row_condition": text, "condition_parser": parser}

    def out(dataset, type_, kwargs, format_=None):
        return {"dataset": dataset, "expectation": {"type": "expect_" + type_, "kwargs": kwargs}, "resultFormat": format_ or rng.choice(FORMATS)}

    def one(type_, columns, more, with_mostly=True):
        dataset = rng.choice(names)
        column = rng.choice(columns)
        kwargs = {"column": column, **(mostly() if with_mostly else {}), **condition(dataset), **more(dataset, column)}
        return out(dataset, type_, kwargs)

    none = lambda dataset, column: {}
    for _ in range(25):
        yield one("column_values_to_not_be_null", COLUMNS, none)
        yield one("column_values_to_be_null", COLUMNS, none)
        yield one("column_values_to_be_unique", COLUMNS, none)
    for _ in range(60):
        yield one("column_values_to_be_between", NUMBERS, lambda d, c: bounds(lambda: value_of(d, c) if chance(0.5) else number()))
        yield one("column_values_to_be_between", MOMENTS, lambda d, c: bounds(lambda: value_of(d, c)))
        yield one("column_values_to_be_between", TEXTS, lambda d, c: bounds(lambda: value_of(d, c)))
    for _ in range(10):
        yield one("column_values_to_be_between", COLUMNS, lambda d, c: bounds(lambda: rng.choice([1, "a", 2.5, "2026-01-02", "2026-01-02T00:00:00", "3"])))
    for _ in range(40):
        yield one("column_values_to_be_in_set", COLUMNS, lambda d, c: {"value_set": set_of(d, c)})
        yield one("column_values_to_not_be_in_set", COLUMNS, lambda d, c: {"value_set": set_of(d, c)})
    for _ in range(8):
        for t in ["column_values_to_be_in_set", "column_values_to_not_be_in_set", "column_distinct_values_to_be_in_set", "column_distinct_values_to_contain_set", "column_distinct_values_to_equal_set"]:
            yield one(t, COLUMNS, lambda d, c: {"value_set": rng.choice([None, [], [1, "a"], ["1", "3"], [True], [1], [None], [0, 1], ["2026-01-05"], ["2026-03-05T00:00:00"]])}, False)
    for _ in range(45):
        yield one("column_values_to_be_of_type", COLUMNS, lambda d, c: {"type_": rng.choice(TYPES)})
        yield one("column_values_to_be_in_type_list", COLUMNS, lambda d, c: {"type_list": [rng.choice(TYPES) for _ in range(rng.randrange(0, 4))]})
    for _ in range(45):
        yield one("column_values_to_match_regex", ["e", "w", "t", "d", "e"], lambda d, c: {"regex": rng.choice(REGEXES)})
        yield one("column_values_to_not_match_regex", ["e", "w", "t"], lambda d, c: {"regex": rng.choice(REGEXES)})
        yield one("column_values_to_match_regex_list", ["e", "w", "t"], lambda d, c: {"regex_list": [rng.choice(REGEXES) for _ in range(rng.randrange(1, 4))], **({"match_on": rng.choice(["any", "all"])} if chance(0.7) else {})})
        yield one("column_values_to_not_match_regex_list", ["e", "w", "t"], lambda d, c: {"regex_list": [rng.choice(REGEXES) for _ in range(rng.randrange(1, 4))]})
    for _ in range(10):
        yield one("column_values_to_match_regex", ["i", "f", "ts"], lambda d, c: {"regex": rng.choice(["^1", "True", "2026", ""])})
        yield one("column_values_to_not_match_regex", ["i", "f", "ts"], lambda d, c: {"regex": rng.choice(["^1", "True", "2026", ""])})
    for _ in range(30):
        yield one("column_value_lengths_to_be_between", TEXTS, lambda d, c: bounds(lambda: rng.choice([rng.randrange(0, 9), float(rng.randrange(0, 9))])))
        yield one("column_value_lengths_to_equal", TEXTS, lambda d, c: {"value": rng.choice([rng.randrange(0, 9), 4, 4.0, 4.5])})
    for _ in range(6):
        yield one("column_value_lengths_to_be_between", ["i", "ts", "f"], lambda d, c: {"min_value": 1})
        yield one("column_value_lengths_to_equal", ["i", "ts", "f"], lambda d, c: {"value": 1})
    for _ in range(40):
        yield one("column_values_to_match_strftime_format", ["d", "d", "d", "t", "i", "ts"], lambda d, c: {"strftime_format": rng.choice(STRFTIME)})
    for _ in range(14):
        yield one("column_values_to_be_dateutil_parseable", ["d", "d", "w", "t", "j", "i", "ts"], none)
        yield one("column_values_to_be_json_parseable", ["j", "bj", "bj", "w", "d", "i"], none)
    for _ in range(30):
        yield one("column_values_to_match_json_schema", ["j", "j", "j", "bj"], lambda d, c: {"json_schema": rng.choice(SCHEMAS)})
    for _ in range(25):
        yield one("column_values_to_be_increasing", ["inc", "i", "n", "day", "ts", "dec", "u", "c"], lambda d, c: rng.choice([{}, {"strictly": True}, {"strictly": False}]))
        yield one("column_values_to_be_decreasing", ["inc", "i", "n", "day", "ts", "dec", "u", "c"], lambda d, c: rng.choice([{}, {"strictly": True}, {"strictly": False}]))
    for _ in range(30):
        yield one("column_value_z_scores_to_be_less_than", NUMBERS + ["t"], lambda d, c: {"threshold": rng.choice([0, 0.5, 1, 1.5, 2, 3]), "double_sided": chance(0.5)})
    for _ in range(25):
        for statistic, columns in [("mean", NUMBERS), ("median", NUMBERS), ("stdev", NUMBERS), ("sum", NUMBERS), ("unique_value_count", COLUMNS)]:
            yield one(f"column_{statistic}_to_be_between", columns, lambda d, c: bounds(number), False)
        yield one("column_min_to_be_between", NUMBERS + MOMENTS + TEXTS, lambda d, c: bounds(lambda: value_of(d, c)), False)
        yield one("column_max_to_be_between", NUMBERS + MOMENTS + TEXTS, lambda d, c: bounds(lambda: value_of(d, c)), False)
        share = lambda d, c: bounds(lambda: rng.choice([0, 0.1, 0.25, 0.5, 0.8, 0.9, 1]))
        yield one("column_proportion_of_unique_values_to_be_between", COLUMNS, share, False)
        yield one("column_proportion_of_non_null_values_to_be_between", COLUMNS, share, False)
    for _ in range(5):
        for statistic in ["mean", "median", "stdev", "sum", "min", "max"]:
            yield one(f"column_{statistic}_to_be_between", ["f", "ts", "t"], lambda d, c: bounds(lambda: rng.choice([0, 1, 5])), False)
    for _ in range(40):
        def quantiles(d, c):
            qs = sorted(rng.choice([0, 0.05, 0.1, 0.25, 0.33, 0.5, 0.75, 0.9, 0.95, 1]) for _ in range(rng.randrange(1, 5)))
            ranges = []
            for _ in qs:
                pair = sorted([number(), number()])
                if chance(0.2): pair[0] = None
                if chance(0.2): pair[1] = None
                ranges.append(pair)
            return {"quantile_ranges": {"quantiles": qs, "value_ranges": ranges}, **({"allow_relative_error": rng.choice([True, False, "lower", "higher", "midpoint", "linear", "nearest"])} if chance(0.3) else {})}
        yield one("column_quantile_values_to_be_between", NUMBERS, quantiles, False)
    for _ in range(25):
        for t in ["be_in", "contain", "equal"]:
            yield one(f"column_distinct_values_to_{t}_set", ["t", "u", "v", "p", "q", "f", "i", "w", "ts", "c"], lambda d, c: {"value_set": (lambda s: s)(list(dict.fromkeys([v for v in data[d]["data"][c] if v is not None]))[: rng.randrange(0, 30)] + (set_of(d, c, 0, 3) if chance(0.5) else []))}, False)
        yield one("column_most_common_value_to_be_in_set", ["t", "u", "v", "p", "f", "i", "c", "ts", "w"], lambda d, c: {"value_set": set_of(d, c, 0, 5), **rng.choice([{}, {"ties_okay": True}, {"ties_okay": False}])}, False)
    for _ in range(30):
        def partition(d, c):
            if c in ("t", "u", "p", "v"):
                values = {"t": ["gold", "silver"], "u": list("abc"), "v": list("abcd"), "p": [0, 1, 2, 3]}[c]
                if chance(0.2): values = values[:-1]
                if chance(0.2): values = values + (["zz"] if c != "p" else [9])
                parts, key = len(values), {"values": values}
            else:
                bins = rng.choice([[0, 20, 40, 60, 80, 100], [-10, 0, 10, 50, 150], [30, 50, 70], [0, 50, 100]])
                parts, key = len(bins) - 1, {"bins": bins}
            raw = [rng.choice([0, 1, 1, 2, 3]) for _ in range(parts)]
            raw[0] = raw[0] or 1
            weights = [v / sum(raw) for v in raw]
            if chance(0.08): weights = [v * 1.2 for v in weights]
            kwargs = {"partition_object": {**key, "weights": weights}, "threshold": rng.choice([0.01, 0.1, 0.5, 2, None])}
            if chance(0.5): kwargs["internal_weight_holdout"] = rng.choice([0, 0.01, 0.1])
            if chance(0.5): kwargs["tail_weight_holdout"] = rng.choice([0, 0.01, 0.1])
            return kwargs
        yield one("column_kl_divergence_to_be_less_than", ["t", "u", "v", "p", "x", "i"], partition, False)
    for _ in range(30):
        ignore = lambda: ({"ignore_row_if": rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"])} if chance(0.7) else {})
        def pair(type_, pairs, more):
            dataset = rng.choice(names)
            a, b = rng.choice(pairs)
            return out(dataset, "column_pair_values_" + type_, {"column_A": a, "column_B": b, **mostly(), **ignore(), **condition(dataset), **more(dataset, a, b)})
        numbers = [("p", "q"), ("q", "r"), ("i", "p"), ("inc", "n"), ("x", "i")]
        yield pair("to_be_equal", numbers + [("u", "v"), ("ts", "day"), ("u", "p"), ("f", "p")], lambda d, a, b: {})
        yield pair("a_to_be_greater_than_b", numbers + [("ts", "day"), ("day", "ts")] + ([("u", "v"), ("u", "p")] if chance(0.2) else []), lambda d, a, b: rng.choice([{}, {"or_equal": True}, {"or_equal": False}]))
        yield pair("to_be_in_set", [("p", "q"), ("u", "v"), ("t", "u")], lambda d, a, b: {"value_pairs_set": [[value_of(d, a), value_of(d, b)] for _ in range(rng.randrange(0, 9))] + ([[None, value_of(d, b)]] if chance(0.3) else [])})
    for _ in range(25):
        def several(type_, lists, more):
            dataset = rng.choice(names)
            kwargs = {"column_list": rng.choice(lists), **mostly(), **condition(dataset), **more}
            if chance(0.7): kwargs["ignore_row_if"] = rng.choice(["all_values_are_missing", "any_value_is_missing", "never"])
            return out(dataset, type_, kwargs)
        lists = [["p", "q"], ["p", "q", "r"], ["u", "v"], ["t", "u", "v"], ["p", "u"], ["i", "p"], ["ts", "t"], ["n", "x"]]
        yield several("compound_columns_to_be_unique", lists, {})
        yield several("select_column_values_to_be_unique_within_record", lists, {})
        yield several("multicolumn_sum_to_equal", [["p", "q"], ["p", "q", "r"], ["i", "p"], ["n", "x"]] + ([["p", "u"], ["f", "p"]] if chance(0.2) else []), {"sum_total": rng.choice([0, 3, 4, 5, 6.0, 2.5])})
        yield several("multicolumn_values_to_be_equal", lists, {})
    for _ in range(25):
        yield one("column_values_to_not_be_outliers", NUMBERS, lambda d, c: {**rng.choice([{}, {"method": "iqr"}, {"method": "std"}]), **({"multiplier": rng.choice([0, 0.5, 1, 1.5, 2, 3])} if chance(0.7) else {})})
    for _ in range(18):
        yield one("column_type_to_be", COLUMNS, lambda d, c: {"type_": rng.choice(TYPES)}, False)
    for _ in range(12):
        dataset = rng.choice(names)
        total = data[dataset]["rows"]
        rows = lambda: rng.choice([total, total, 0, 1, 20, 45, total + 1])
        yield out(dataset, "table_row_count_to_equal", {"value": rows(), **condition(dataset)})
        yield out(dataset, "table_row_count_to_be_between", {**bounds(rows), **condition(dataset)})
        yield out(dataset, "table_column_count_to_equal", {"value": rng.choice([20, 3, 19])})
        yield out(dataset, "table_column_count_to_be_between", bounds(lambda: rng.choice([20, 3, 19, 25])))
    for _ in range(14):
        dataset = rng.choice(names)
        all_names = list(data[dataset]["columns"])
        some = all_names[:]
        if chance(0.4): rng.shuffle(some)
        if chance(0.3): some = some[: rng.randrange(0, 20)]
        if chance(0.3): some.append("zz")
        if chance(0.15): some.append(some[0] if some else "zz")
        yield out(dataset, "table_columns_to_match_ordered_list", {"column_list": rng.choice([some, some, some, None]) if chance(0.3) else some})
        yield out(dataset, "table_columns_to_match_set", {"column_set": rng.choice([some, some, None]) if chance(0.2) else some, **rng.choice([{}, {"exact_match": True}, {"exact_match": False}])})
        yield out(dataset, "column_to_exist", {"column": rng.choice(all_names + ["zz", "I", "X"]), **rng.choice([{}, {}, {"column_index": rng.randrange(0, 25)}])})
    for type_, kwargs in [
        ("column_values_to_be_between", {"min_value": 0}), ("column_values_to_not_be_null", {}), ("column_values_to_be_unique", {}), ("column_mean_to_be_between", {"min_value": 0}),
        ("column_values_to_be_in_set", {"value_set": [1]}), ("column_min_to_be_between", {"min_value": 0}), ("column_values_to_match_regex", {"regex": "a"}), ("column_values_to_be_of_type", {"type_": "float64"}),
        ("column_distinct_values_to_be_in_set", {"value_set": [1]}), ("column_quantile_values_to_be_between", {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
        ("column_unique_value_count_to_be_between", {"min_value": 0}), ("column_values_to_be_increasing", {}), ("column_type_to_be", {"type_": "float64"}), ("column_proportion_of_unique_values_to_be_between", {"min_value": 0}),
        ("column_kl_divergence_to_be_less_than", {"partition_object": {"values": ["a"], "weights": [1]}, "threshold": 1}), ("column_values_to_be_in_type_list", {"type_list": ["float64"]}),
        ("column_value_z_scores_to_be_less_than", {"threshold": 2, "double_sided": True}), ("column_most_common_value_to_be_in_set", {"value_set": ["a"]}),
    ]:
        for format_ in ["BOOLEAN_ONLY", "SUMMARY", "COMPLETE"]:
            yield out("some", type_, {"column": "gone", **kwargs}, format_)
    yield out("some", "column_pair_values_to_be_equal", {"column_A": "gone", "column_B": "p"}, "SUMMARY")
    yield out("some", "compound_columns_to_be_unique", {"column_list": ["p", "gone"]}, "SUMMARY")
    yield out("some", "column_values_to_be_between", {"column": "p", "min_value": 0, "row_condition": {"column": "gone", "operator": "==", "value": 1}}, "SUMMARY")

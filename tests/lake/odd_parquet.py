"""Writes Parquet files of all kinds with pyarrow, and says of which: `odd_parquet.py FOLDER SEED COUNT`."""
import decimal, json, os, random, struct, sys
import pyarrow as pa
import pyarrow.parquet as pq

folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)

WORDS = ["", "a", "ü" * 40, "x" * 33, "\U0010ffff" * 33, "null", "NaN", "'q\"", "line\nbreak", "z" * 200, "\0", "0", "\ud7ff" * 33]
NAMES = ["a", "b", "c", "d", "g", "n", "read", "told", "file_row_number", "filename", "q\"t", "ü", "a.b", "min_0", "count_0",
         "e%20", "p", "__file", "select", "A b", "x,y", ""]


def text():
    return rng.choice([rng.choice(WORDS), str(rng.random()), f"k{rng.randint(0, 9)}"])


def whole(bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return lambda: rng.choice([low, high, 0, 1, rng.randint(low, high)])


def real():
    return rng.choice([0.0, -0.0, 1.5, -1e308, 1e-310, rng.random(), rng.gauss(0, 1e9)])


def odd_real():
    return rng.choice([real(), real(), real(), float("inf"), float("-inf"), float("nan") if rng.random() < 0.3 else 1.0])


def single():
    return struct.unpack("f", struct.pack("f", rng.choice([0.0, -0.0, 1.5, 3e38, 1e-40, rng.random()])))[0]


def exact(precision, scale):
    most = 10**precision - 1
    digits = decimal.Context(prec=60)
    return lambda: decimal.Decimal(rng.choice([0, 1, -1, most, -most, rng.randint(-most, most)])).scaleb(-scale, digits)


def day():
    return rng.randint(-719162, 2932896)


def moment(unit):
    second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    low, high = (-(2**62), 2**62) if unit == "ns" else (-62135596800 * second, 253402300799 * second)
    recent = lambda: rng.randint(0, 2_000_000_000) * second + rng.randint(0, second - 1)
    return lambda: rng.choice([rng.randint(low, high), rng.randint(-5, 5), recent()])


# Of each kind: its type, what makes a value, and the type of that value where it is another one.
KINDS = {
    "int8": (pa.int8(), whole(8)),
    "int16": (pa.int16(), whole(16)),
    "int32": (pa.int32(), whole(32)),
    "int64": (pa.int64(), whole(64)),
    "uint8": (pa.uint8(), whole(8, False)),
    "uint16": (pa.uint16(), whole(16, False)),
    "uint32": (pa.uint32(), whole(32, False)),
    "uint64": (pa.uint64(), whole(62, False)),
    "double": (pa.float64(), real),
    "odd double": (pa.float64(), odd_real),
    "float": (pa.float32(), single),
    "half": (pa.float16(), rng.random),
    "string": (pa.string(), text),
    "large string": (pa.large_string(), text),
    "string view": (pa.string_view(), text),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), text, pa.string()),
    "dictionary of numbers": (pa.dictionary(pa.int32(), pa.int64()), lambda: rng.randint(0, 50), pa.int64()),
    "binary": (pa.binary(), lambda: rng.randbytes(rng.randint(0, 50))),
    "large binary": (pa.large_binary(), lambda: rng.randbytes(3)),
    "fixed binary": (pa.binary(4), lambda: rng.randbytes(4)),
    "boolean": (pa.bool_(), lambda: rng.random() < 0.5),
    "date": (pa.date32(), day, pa.int32()),
    "date64": (pa.date64(), lambda: day() * 86_400_000, pa.int64()),
    "time": (pa.time64("us"), lambda: rng.randint(0, 86_399_999_999), pa.int64()),
    "duration": (pa.duration("us"), whole(40), pa.int64()),
    "duration of seconds": (pa.duration("s"), whole(30), pa.int64()),
    "null": (pa.null(), lambda: None),
    "list": (pa.list_(pa.int64()), lambda: [1, 2]),
    "struct": (pa.struct([("a", pa.int64())]), lambda: {"a": 1}),
    "map": (pa.map_(pa.string(), pa.int64()), lambda: [("a", 1)]),
    "uuid": (pa.uuid(), lambda: rng.randbytes(16)),
    "json": (pa.json_(), lambda: '{"a": 1}'),
    "decimal256": (pa.decimal256(38, 3), exact(38, 3)),
}
for precision, scale in [(1, 0), (5, 2), (9, 2), (9, 9), (10, 2), (18, 4), (19, 2), (30, 10), (38, 0), (38, 38)]:
    KINDS[f"decimal({precision},{scale})"] = (pa.decimal128(precision, scale), exact(precision, scale))
for unit in ["s", "ms", "us", "ns"]:
    for zone in [None, "UTC", "+00:00", "Europe/Berlin"]:
        KINDS[f"timestamp {unit} {zone}"] = (pa.timestamp(unit, zone), moment(unit), pa.int64())


def column(kind, rows, share_of_nulls):
    type_, make, *made = KINDS[kind]
    values = [None if rng.random() < share_of_nulls else make() for _ in range(rows)]
    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, pa.array(values, type_.storage_type))
    array = pa.array(values, made[0] if made else type_)
    if isinstance(type_, pa.DictionaryType):
        return array.dictionary_encode()
    return array.cast(type_) if made else array


def options(fields):
    chosen = dict(
        compression=rng.choice(["snappy"] * 5 + ["gzip", "zstd", "none", "lz4", "brotli"]),
        version=rng.choice(["1.0", "2.4", "2.6", "2.6"]),
        data_page_version=rng.choice(["1.0", "1.0", "2.0"]),
        use_dictionary=rng.random() < 0.7,
        write_statistics=rng.choice([True, True, False]),
        store_schema=rng.random() < 0.8,
        write_page_index=rng.random() < 0.3,
        store_decimal_as_integer=rng.random() < 0.4,
        use_deprecated_int96_timestamps=rng.random() < 0.1,
        allow_truncated_timestamps=True,
    )
    if rng.random() < 0.3:
        chosen["coerce_timestamps"] = rng.choice(["ms", "us"])
    if rng.random() < 0.15:
        encodings = {}
        for field in fields:
            if pa.types.is_integer(field.type):
                encodings[field.name] = "DELTA_BINARY_PACKED"
            elif pa.types.is_string(field.type):
                encodings[field.name] = rng.choice(["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
            elif pa.types.is_floating(field.type) and field.type != pa.float16():
                encodings[field.name] = rng.choice(["BYTE_STREAM_SPLIT", "PLAIN"])
        if encodings:
            chosen.update(use_dictionary=False, column_encoding=encodings)
    return chosen


files = []
for nth in range(count):
    width = rng.choice([1, 1, 2, 3, 4])
    kinds = [rng.choice(list(KINDS)) for _ in range(width)]
    if nth < len(KINDS):
        kinds[0] = list(KINDS)[nth]
    rows = rng.choice([0, 1, 5, 100, 1000]) if rng.random() < 0.9 else 25_000
    names = rng.sample(NAMES[:4] if rng.random() < 0.6 else NAMES, width)
    if rng.random() < 0.05:
        names = [rng.choice(["a", "A"]) for _ in range(width)]
    columns, fields = [], []
    for kind, name in zip(kinds, names):
        nullable = kind == "null" or rng.random() < 0.7
        columns.append(column(kind, rows, rng.choice([0, 0.1, 0.5, 1]) if nullable else 0))
        field_id = {"PARQUET:field_id": str(rng.randint(0, 9))} if rng.random() < 0.2 else None
        fields.append(pa.field(name, columns[-1].type, nullable=nullable, metadata=field_id))
    path = os.path.join(folder, f"{nth}.parquet")
    chosen = options(fields)
    size = rng.choice([1_000_000, 1_000_000, 10_000, 12_345, 3]) if rows <= 1000 else rng.choice([1_000_000, 10_000, 12_345])
    try:
        pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), path, row_group_size=size, **chosen)
    except (pa.ArrowException, OSError):
        continue  # What this version of Parquet cannot hold.
    files.append({"path": path, "what": f"{list(zip(names, kinds))} of {rows} rows, row groups of {size}, {chosen}"})
print(json.dumps(files))

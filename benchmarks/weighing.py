"""The size of a database on disk."""

from benchmarks.testbed import Testbed

SIZES = """
    SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY pg_total_relation_size(oid) DESC LIMIT 12"""


def weigh(testbed: Testbed, database: str, count: int, of: str) -> None:
    """Print the bytes for each row of a kind, table by table."""
    print(f"\nbytes that {of} takes: rows, indexes")
    with testbed.connect(database) as connection:
        for name, rows, indexes in connection.execute(SIZES):
            print(f"{int(str(rows)) / count:9.0f} {int(str(indexes)) / count:9.0f}  {name}")

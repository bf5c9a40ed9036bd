"""Sales as Arrow tables, streams and Parquet snapshots."""

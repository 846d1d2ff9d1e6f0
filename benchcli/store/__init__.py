"""A store of results: a folder of Parquet files, which DuckDB queries as tables."""

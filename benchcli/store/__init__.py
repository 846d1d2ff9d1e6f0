"""A store of results: a folder of Parquet files, one for each run, which DuckDB queries as tables."""

module github.com/dagstergen/dagstergen/parquet

go 1.26.0

// Package parquet stands in for the module with codec=parquet: the generator wants it to be imported, and nothing of it.
package parquet

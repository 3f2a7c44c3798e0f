// Package parquet is codec=parquet: tables that ops and assets return, []T and streams of T where T is a struct, stored as Apache Parquet. Import it for that alone:
//
//	import _ "github.com/dagstergen/dagstergen/parquet"
//
//	//dag:asset codec=parquet
//	func Flights(ctx context.Context) ([]Flight, error) { ... }
//
// Stage: a module of its own, so that only who wants Parquet has its libraries. It imports runtime/dag and parquet-go.
//
// Columns are the fields of T by their Go names, or by a tag `parquet:"name"`:
//
//	bool, float32, float64           BOOLEAN, FLOAT, DOUBLE; all bits of a NaN are kept
//	int8 ... int64, int              INT32 or INT64 with the logical type INT(bits, signed)
//	uint8 ... uint64, uint           the same, unsigned
//	string                           BYTE_ARRAY (STRING); text that is not UTF-8 is an error
//	[]byte                           optional BYTE_ARRAY: null is nil
//	[N]byte                          FIXED_LEN_BYTE_ARRAY(N)
//	time.Time                        INT64 TIMESTAMP(NANOS, UTC); one in another zone, or outside of 1677 to 2262, is an error
//	*T                               optional T: null is nil
//	[]T                              optional LIST: null is nil, a list without elements is empty
//	[N]T                             required LIST
//	map[K]V                          optional MAP, in the order of keys: K is a string, an integer or a bool
//	a struct                         a group
//
// Invariants: what a reader gives is deeply equal to what a writer was given, or there is an error, of the type or of the value. Equal rows give equal bytes: nothing of the time, the machine
// or the order of a map is in a file. Rows are held for one row group, of some 32 MiB, when they are written, and for a page of each column when they are read.
package parquet

package partition

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// A listing is an axis of given keys.
type listing struct {
	keys  []string
	index map[string]int
}

func newListing(keys []string) (*listing, error) {
	l := &listing{keys, make(map[string]int, len(keys))}
	var errs []error
	for i, key := range keys {
		if _, ok := l.index[key]; ok {
			errs = append(errs, fmt.Errorf("partition key %q is given twice", key))
			continue
		}
		l.index[key] = i
	}
	return l, errors.Join(errs...)
}

func (l *listing) len() int                       { return len(l.keys) }
func (l *listing) key(i int) string               { return l.keys[i] }
func (l *listing) window(int) (w Window, ok bool) { return w, false }

func (l *listing) find(key string) (int, bool) {
	i, ok := l.index[key]
	return i, ok
}

// print identifies the first n keys: what an encoded set of indexes below n rests on.
func (l *listing) print(n int) string {
	h := sha256.New()
	var size [8]byte
	for _, key := range l.keys[:n] {
		binary.BigEndian.PutUint64(size[:], uint64(len(key)))
		h.Write(size[:])
		h.Write([]byte(key))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

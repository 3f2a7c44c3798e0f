package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// A time is an array of
//
//	[seconds since 1970, nanoseconds]                                      in UTC
//	[seconds, nanoseconds, offset, name]                                   in a zone with a fixed offset
//	[seconds, nanoseconds, offset, abbreviation, location]                 in a location such as "Europe/Berlin" or "Local"
//
// The offset in seconds east and the abbreviation are those in force at that time. Where the location is not known when the time is
// read, or its rules are others, they make a fixed zone of it: the same instant, shown the same way. The monotonic reading of
// a clock is no part of a time that is stored.
func encodeTime(e *encoder, v reflect.Value) error {
	t := *addressable(v).Addr().Interface().(*time.Time)
	loc := t.Location()
	if loc == time.UTC {
		e.head(majorArray, 2)
		e.instant(t)
		return nil
	}
	abbreviation, offset := t.Zone()
	start, end := t.ZoneBounds()
	if fixed := start.IsZero() && end.IsZero() && loc.String() == abbreviation && loc != time.Local; fixed {
		e.head(majorArray, 4)
		e.instant(t)
		e.int(int64(offset))
		e.buf = appendText(e.buf, abbreviation)
		return nil
	}
	name := loc.String()
	if loc == time.Local {
		name = localName
	}
	e.head(majorArray, 5)
	e.instant(t)
	e.int(int64(offset))
	e.buf = appendText(e.buf, abbreviation)
	e.buf = appendText(e.buf, name)
	return nil
}

const localName = "Local"

func (e *encoder) instant(t time.Time) {
	e.int(t.Unix())
	e.head(majorUint, uint64(t.Nanosecond()))
}

func decodeTime(d *decoder, v reflect.Value) error {
	n, err := d.expect(majorArray)
	if err != nil {
		return err
	}
	if n != 2 && n != 4 && n != 5 {
		return fmt.Errorf("a time of %d parts", n)
	}
	sec, err := d.int()
	if err != nil {
		return err
	}
	nsec, err := d.expect(majorUint)
	if err != nil {
		return err
	}
	if nsec > 999_999_999 {
		return errors.New("a time of more than a second's nanoseconds")
	}
	t := time.Unix(sec, int64(nsec)).UTC()
	if n > 2 {
		if t, err = d.zone(t, n == 5); err != nil {
			return err
		}
	}
	*v.Addr().Interface().(*time.Time) = t
	return nil
}

type zoneKey struct {
	name   string
	offset int
}

// zone reads the rest of a time and moves t there.
func (d *decoder) zone(t time.Time, located bool) (time.Time, error) {
	offset, err := d.int()
	if err != nil {
		return t, err
	}
	if int64(int32(offset)) != offset {
		return t, errors.New("an offset of more than 32 bits")
	}
	abbreviation, err := d.text()
	if err != nil {
		return t, err
	}
	if located {
		name, err := d.text()
		if err != nil {
			return t, err
		}
		if loc := location(string(name)); loc != nil {
			there := t.In(loc)
			if a, o := there.Zone(); a == string(abbreviation) && o == int(offset) {
				return there, nil
			}
		}
	}
	key := zoneKey{string(abbreviation), int(offset)}
	loc, ok := d.zones[key]
	if !ok {
		loc = time.FixedZone(key.name, key.offset)
		if d.zones == nil {
			d.zones = map[zoneKey]*time.Location{}
		}
		d.zones[key] = loc
	}
	return t.In(loc), nil
}

// locations caches what LoadLocation found: it reads a file each time. Only names of the time zone database get in.
var locations sync.Map // string -> *time.Location

// location returns a location by its name; nil if this machine has none of this name.
func location(name string) *time.Location {
	if name == localName {
		return time.Local
	}
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location)
	}
	if name == "" || name == "UTC" {
		return nil // LoadLocation takes both for UTC, which is written in another way
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	locations.Store(name, loc)
	return loc
}

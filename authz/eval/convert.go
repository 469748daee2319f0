// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
)

// FromCedar gives a value of cedar-go the form of this package, for constants
// and entities that live as long as the policies. It is false for a type that
// is not known.
func FromCedar(v types.Value) (Value, bool) {
	switch v := v.(type) {
	case types.Boolean:
		return Truth(bool(v)), true
	case types.Long:
		return Number(int64(v)), true
	case types.String:
		return Text(string(v)), true
	case types.EntityUID:
		return UID(string(v.Type), string(v.ID)), true
	case types.IPAddr:
		return Value{Kind: IP, X: &v}, true
	case types.Decimal:
		return decimalOf(v), true
	case types.Datetime:
		return Value{Kind: Datetime, N: v.Milliseconds()}, true
	case types.Duration:
		return Value{Kind: Duration, N: v.ToMilliseconds()}, true
	case types.Set:
		return setFrom(v)
	case types.Record:
		return recordFrom(v)
	}
	return Value{}, false
}

func setFrom(v types.Set) (Value, bool) {
	var list []Value
	for el := range v.All() {
		one, ok := FromCedar(el)
		if !ok {
			return Value{}, false
		}
		list = append(list, one)
	}
	return NewSet(list...), true
}

func recordFrom(v types.Record) (Value, bool) {
	var names []string
	for name := range v.Keys() {
		names = append(names, string(name))
	}
	slices.Sort(names)
	list := make([]Value, len(names))
	for i, name := range names {
		of, _ := v.Get(types.String(name))
		one, ok := FromCedar(of)
		if !ok {
			return Value{}, false
		}
		list[i] = one
	}
	return NewRecord(names, list), true
}

// decimalOf counts in ten thousandths, as a decimal does; its text has one to
// four digits behind the point.
func decimalOf(d types.Decimal) Value {
	whole, fraction, _ := strings.Cut(d.String(), ".")
	negative := strings.HasPrefix(whole, "-")
	var n int64
	for _, c := range strings.TrimPrefix(whole, "-") + fraction + strings.Repeat("0", 4-len(fraction)) {
		// Counted downwards, since the least decimal has no positive twin.
		n = n*10 - int64(c-'0')
	}
	if !negative {
		n = -n
	}
	return Value{Kind: Decimal, N: n}
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"

	"github.com/cedar-policy/cedar-go/types"
)

// asBool passes on errors, and makes anything but a Bool one.
func asBool(v Value) Value {
	if v.Kind == Bool || v.Kind == Error {
		return v
	}
	return errNotBool
}

func and(l, r part) part {
	if l.constant && !l.value.True() {
		return constantly(asBool(l.value))
	}
	a, b, s, t := l.fn, r.fn, l.tester(), r.tester()
	if l.constant { // true
		if r.constant {
			return constantly(asBool(r.value))
		}
		return tested(t, func(e *Env) Value { return asBool(b(e)) })
	}
	return tested(func(e *Env) verdict {
		if v := s(e); v != yes {
			return v
		}
		return t(e)
	}, func(e *Env) Value {
		if v := a(e); !v.True() {
			return asBool(v)
		}
		return asBool(b(e))
	})
}

func or(l, r part) part {
	a, b, s, t := l.fn, r.fn, l.tester(), r.tester()
	if l.constant {
		if v := asBool(l.value); v.Kind == Error || v.True() {
			return constantly(v)
		}
		if r.constant {
			return constantly(asBool(r.value))
		}
		return tested(t, func(e *Env) Value { return asBool(b(e)) })
	}
	return tested(func(e *Env) verdict {
		if v := s(e); v != no {
			return v
		}
		return t(e)
	}, func(e *Env) Value {
		if v := asBool(a(e)); v.Kind == Error || v.True() {
			return v
		}
		return asBool(b(e))
	})
}

func not(p part) part {
	fn, test := p.fn, p.tester()
	slow := func(e *Env) Value {
		v := asBool(fn(e))
		if v.Kind == Error {
			return v
		}
		return Truth(!v.True())
	}
	if p.constant {
		return constantly(slow(new(Env)))
	}
	return tested(func(e *Env) verdict {
		switch test(e) {
		case yes:
			return no
		case no:
			return yes
		}
		return failed
	}, slow)
}

func choose(test, then, otherwise part) part {
	i, t, o := test.fn, then.fn, otherwise.fn
	return simple(func(e *Env) Value {
		v := asBool(i(e))
		switch {
		case v.Kind == Error:
			return v
		case v.True():
			return t(e)
		}
		return o(e)
	}, test, then, otherwise)
}

func equals(l, r part, want bool) part {
	a, b := l.fn, r.fn
	return quick(l, r, func(v, c *Value) verdict {
		return truth((v.Kind == c.Kind && v.S == c.S && v.T == c.T && v.N == c.N && (!hasParts(*c) || v.Equal(*c))) == want)
	}, func(e *Env) Value {
		x := a(e)
		if x.Kind == Error {
			return x
		}
		y := b(e)
		if y.Kind == Error {
			return y
		}
		return Truth(x.Equal(y) == want)
	})
}

// compare orders longs, and datetimes and durations among themselves.
func compare(l, r part, ordered func(a, b int64) bool) part {
	a, b := l.fn, r.fn
	return quick(l, r, func(v, c *Value) verdict {
		if v.Kind != c.Kind || v.Kind != Long && v.Kind != Datetime && v.Kind != Duration {
			return failed
		}
		return truth(ordered(v.N, c.N))
	}, func(e *Env) Value {
		x := a(e)
		switch x.Kind {
		case Error:
			return x
		case Long, Datetime, Duration:
		default:
			return errNotOrdered
		}
		y := b(e)
		if y.Kind == Error {
			return y
		}
		if x.Kind != y.Kind {
			return errNotOrdered
		}
		return Truth(ordered(x.N, y.N))
	})
}

func arithmetic(l, r part, op func(a, b int64) (int64, bool)) part {
	a, b := l.fn, r.fn
	return simple(func(e *Env) Value {
		x := kindOf(a(e), Long, errNotLong)
		if x.Kind == Error {
			return x
		}
		y := kindOf(b(e), Long, errNotLong)
		if y.Kind == Error {
			return y
		}
		n, ok := op(x.N, y.N)
		if !ok {
			return errOverflow
		}
		return Number(n)
	}, l, r)
}

// kindOf passes on errors, and makes anything but the kind the given error.
func kindOf(v Value, k Kind, otherwise Value) Value {
	if v.Kind == k || v.Kind == Error {
		return v
	}
	return otherwise
}

func add(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func subtract(a, b int64) (int64, bool) {
	c := a - b
	return c, (c < a) == (b > 0)
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	if a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		return 0, false
	}
	c := a * b
	return c, c/b == a
}

func contains(l, r part) part {
	a, b := l.fn, r.fn
	return quick(l, r, func(v, c *Value) verdict {
		if v.Kind != SetOf {
			return failed
		}
		if t, ok := v.X.(*Texts); ok {
			return truth(t.Has(*c))
		}
		return truth(v.X.(Set).Has(*c))
	}, func(e *Env) Value {
		x := kindOf(a(e), SetOf, errNotSet)
		if x.Kind == Error {
			return x
		}
		y := b(e)
		if y.Kind == Error {
			return y
		}
		return Truth(x.X.(Set).Has(y))
	})
}

// overlap is containsAll and containsAny.
func overlap(l, r part, all bool) part {
	a, b := l.fn, r.fn
	return simple(func(e *Env) Value {
		x := kindOf(a(e), SetOf, errNotSet)
		if x.Kind == Error {
			return x
		}
		y := kindOf(b(e), SetOf, errNotSet)
		if y.Kind == Error {
			return y
		}
		whole, wanted := x.X.(Set), y.X.(Set)
		for i := range wanted.Len() {
			if whole.Has(wanted.At(i)) != all {
				return Truth(!all)
			}
		}
		return Truth(all)
	}, l, r)
}

func isEmpty(p part) part {
	fn := p.fn
	return simple(func(e *Env) Value {
		v := kindOf(fn(e), SetOf, errNotSet)
		if v.Kind == Error {
			return v
		}
		return Truth(v.X.(Set).Len() == 0)
	}, p)
}

func like(p part, pattern types.Pattern) part {
	fn := p.fn
	return simple(func(e *Env) Value {
		v := kindOf(fn(e), String, errNotString)
		if v.Kind == Error {
			return v
		}
		return Truth(pattern.Match(types.String(v.S)))
	}, p)
}

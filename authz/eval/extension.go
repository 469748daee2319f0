// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

var (
	errNotIP       = Failure("type error: not an ipaddr")
	errNotDecimal  = Failure("type error: not a decimal")
	errNotDatetime = Failure("type error: not a datetime")
	errNotDuration = Failure("type error: not a duration")
	errNoIP        = Failure("the text is no ipaddr")
	errNoDecimal   = Failure("the text is no decimal")
	errNoDatetime  = Failure("the text is no datetime")
	errNoDuration  = Failure("the text is no duration")
)

const millisPerDay = 24 * 60 * 60 * 1000

func (c *compiler) extension(n ast.NodeTypeExtensionCall) part {
	args := make([]part, len(n.Args))
	for i, a := range n.Args {
		args[i] = c.compile(a)
	}
	f, ok := functions[string(n.Name)]
	if !ok {
		return c.unknown(fmt.Sprintf("function %s", n.Name))
	}
	if len(args) != len(f.takes) {
		return constantly(errArity)
	}
	first := args[0].fn
	if len(args) == 1 {
		return simple(func(e *Env) Value {
			v := f.takes[0].check(first(e))
			if v.Kind == Error {
				return v
			}
			return f.call(v, Value{})
		}, args...)
	}
	second := args[1].fn
	slow := func(e *Env) Value {
		v := f.takes[0].check(first(e))
		if v.Kind == Error {
			return v
		}
		w := f.takes[1].check(second(e))
		if w.Kind == Error {
			return w
		}
		return f.call(v, w)
	}
	if f.test == nil || args[1].constant && args[1].value.Kind != f.takes[1].kind {
		return simple(slow, args...)
	}
	return quick(args[0], args[1], func(v, constant *Value) verdict {
		if v.Kind != f.takes[0].kind {
			return failed
		}
		return truth(f.test(v, constant))
	}, slow)
}

type argument struct {
	kind  Kind
	wrong Value
}

func (a argument) check(v Value) Value { return kindOf(v, a.kind, a.wrong) }

type function struct {
	takes []argument
	call  func(a, b Value) Value
	test  func(a, b *Value) bool // the same, of some that give a Bool
}

var (
	text     = argument{String, errNotString}
	address  = argument{IP, errNotIP}
	decimal  = argument{Decimal, errNotDecimal}
	datetime = argument{Datetime, errNotDatetime}
	duration = argument{Duration, errNotDuration}
)

// functions are Cedar's extension functions and methods.
var functions = map[string]function{
	"ip":       {takes: []argument{text}, call: parseIP},
	"decimal":  {takes: []argument{text}, call: parseDecimal},
	"datetime": {takes: []argument{text}, call: parseDatetime},
	"duration": {takes: []argument{text}, call: parseDuration},

	"lessThan":           {takes: []argument{decimal, decimal}, call: func(a, b Value) Value { return Truth(a.N < b.N) }},
	"lessThanOrEqual":    {takes: []argument{decimal, decimal}, call: func(a, b Value) Value { return Truth(a.N <= b.N) }},
	"greaterThan":        {takes: []argument{decimal, decimal}, call: func(a, b Value) Value { return Truth(a.N > b.N) }},
	"greaterThanOrEqual": {takes: []argument{decimal, decimal}, call: func(a, b Value) Value { return Truth(a.N >= b.N) }},

	"isIpv4":      {takes: []argument{address}, call: func(a, _ Value) Value { return Truth(ipOf(a).IsIPv4()) }},
	"isIpv6":      {takes: []argument{address}, call: func(a, _ Value) Value { return Truth(ipOf(a).IsIPv6()) }},
	"isLoopback":  {takes: []argument{address}, call: func(a, _ Value) Value { return Truth(ipOf(a).IsLoopback()) }},
	"isMulticast": {takes: []argument{address}, call: func(a, _ Value) Value { return Truth(ipOf(a).IsMulticast()) }},
	"isInRange":   {takes: []argument{address, address}, call: func(a, b Value) Value { return Truth(inRange(&a, &b)) }, test: inRange},

	"toDate":        {takes: []argument{datetime}, call: func(a, _ Value) Value { return Value{Kind: Datetime, N: a.N - a.N%millisPerDay} }},
	"toTime":        {takes: []argument{datetime}, call: func(a, _ Value) Value { return Value{Kind: Duration, N: a.N % millisPerDay} }},
	"offset":        {takes: []argument{datetime, duration}, call: func(a, b Value) Value { return shifted(Datetime, add, a, b) }},
	"durationSince": {takes: []argument{datetime, datetime}, call: func(a, b Value) Value { return shifted(Duration, subtract, a, b) }},

	"toMilliseconds": {takes: []argument{duration}, call: func(a, _ Value) Value { return Number(a.N) }},
	"toSeconds":      {takes: []argument{duration}, call: func(a, _ Value) Value { return Number(a.N / 1000) }},
	"toMinutes":      {takes: []argument{duration}, call: func(a, _ Value) Value { return Number(a.N / (60 * 1000)) }},
	"toHours":        {takes: []argument{duration}, call: func(a, _ Value) Value { return Number(a.N / (60 * 60 * 1000)) }},
	"toDays":         {takes: []argument{duration}, call: func(a, _ Value) Value { return Number(a.N / millisPerDay) }},
}

func inRange(a, b *Value) bool { return b.X.(*types.IPAddr).Contains(*a.X.(*types.IPAddr)) }

func ipOf(v Value) *types.IPAddr { return v.X.(*types.IPAddr) }

func shifted(k Kind, op func(a, b int64) (int64, bool), a, b Value) Value {
	n, ok := op(a.N, b.N)
	if !ok {
		return errOverflow
	}
	return Value{Kind: k, N: n}
}

func parseIP(a, _ Value) Value {
	ip, err := types.ParseIPAddr(a.S)
	if err != nil {
		return errNoIP
	}
	return Value{Kind: IP, X: &ip}
}

func parseDecimal(a, _ Value) Value {
	d, err := types.ParseDecimal(a.S)
	if err != nil {
		return errNoDecimal
	}
	return decimalOf(d)
}

func parseDatetime(a, _ Value) Value {
	d, err := types.ParseDatetime(a.S)
	if err != nil {
		return errNoDatetime
	}
	return Value{Kind: Datetime, N: d.Milliseconds()}
}

func parseDuration(a, _ Value) Value {
	d, err := types.ParseDuration(a.S)
	if err != nil {
		return errNoDuration
	}
	return Value{Kind: Duration, N: d.ToMilliseconds()}
}

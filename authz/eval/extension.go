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
	return simple(func(e *Env) Value {
		v := f.takes[0].check(first(e))
		if v.Kind == Error {
			return v
		}
		w := f.takes[1].check(second(e))
		if w.Kind == Error {
			return w
		}
		return f.call(v, w)
	}, args...)
}

type argument struct {
	kind  Kind
	wrong Value
}

func (a argument) check(v Value) Value { return kindOf(v, a.kind, a.wrong) }

type function struct {
	takes []argument
	call  func(a, b Value) Value
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
	"ip":       {[]argument{text}, parseIP},
	"decimal":  {[]argument{text}, parseDecimal},
	"datetime": {[]argument{text}, parseDatetime},
	"duration": {[]argument{text}, parseDuration},

	"lessThan":           {[]argument{decimal, decimal}, func(a, b Value) Value { return Truth(a.N < b.N) }},
	"lessThanOrEqual":    {[]argument{decimal, decimal}, func(a, b Value) Value { return Truth(a.N <= b.N) }},
	"greaterThan":        {[]argument{decimal, decimal}, func(a, b Value) Value { return Truth(a.N > b.N) }},
	"greaterThanOrEqual": {[]argument{decimal, decimal}, func(a, b Value) Value { return Truth(a.N >= b.N) }},

	"isIpv4":      {[]argument{address}, func(a, _ Value) Value { return Truth(ipOf(a).IsIPv4()) }},
	"isIpv6":      {[]argument{address}, func(a, _ Value) Value { return Truth(ipOf(a).IsIPv6()) }},
	"isLoopback":  {[]argument{address}, func(a, _ Value) Value { return Truth(ipOf(a).IsLoopback()) }},
	"isMulticast": {[]argument{address}, func(a, _ Value) Value { return Truth(ipOf(a).IsMulticast()) }},
	"isInRange":   {[]argument{address, address}, func(a, b Value) Value { return Truth(ipOf(b).Contains(*ipOf(a))) }},

	"toDate":        {[]argument{datetime}, func(a, _ Value) Value { return Value{Kind: Datetime, N: a.N - a.N%millisPerDay} }},
	"toTime":        {[]argument{datetime}, func(a, _ Value) Value { return Value{Kind: Duration, N: a.N % millisPerDay} }},
	"offset":        {[]argument{datetime, duration}, func(a, b Value) Value { return shifted(Datetime, add, a, b) }},
	"durationSince": {[]argument{datetime, datetime}, func(a, b Value) Value { return shifted(Duration, subtract, a, b) }},

	"toMilliseconds": {[]argument{duration}, func(a, _ Value) Value { return Number(a.N) }},
	"toSeconds":      {[]argument{duration}, func(a, _ Value) Value { return Number(a.N / 1000) }},
	"toMinutes":      {[]argument{duration}, func(a, _ Value) Value { return Number(a.N / (60 * 1000)) }},
	"toHours":        {[]argument{duration}, func(a, _ Value) Value { return Number(a.N / (60 * 60 * 1000)) }},
	"toDays":         {[]argument{duration}, func(a, _ Value) Value { return Number(a.N / millisPerDay) }},
}

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

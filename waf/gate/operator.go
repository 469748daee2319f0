// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	libinjection "github.com/corazawaf/libinjection-go"

	"durward/waf/match"
	"durward/waf/seclang"
	"durward/waf/transform"
)

// operator is a rule's condition on one value.
type operator struct {
	name    string
	negated bool
	always  bool          // an action, or @unconditionalMatch
	text    string        // argument, when it is constant
	macro   seclang.Macro // argument, when it is not
	number  int           // text as a number
	pattern *match.Pattern
	set     *match.Set // of pattern alone
	re      *regexp.Regexp
	groups  int               // that re captures, the whole match among them
	whole   bool              // the expression matches any value, as a whole
	invalid transform.ByteSet // of validateByteRange
	nets    []net.IPNet
	unknown string // why it is not understood
}

// newOperator compiles an operator, but for its set.
func newOperator(o *seclang.Operator) (operator, error) {
	if o == nil {
		return operator{always: true}, nil
	}
	op := operator{name: o.Name, negated: o.Negated, text: o.Argument, macro: o.Macro}
	op.number, _ = strconv.Atoi(op.text)
	switch o.Name {
	case "rx":
		p := match.RX(o.Argument)
		op.pattern = &p
		op.whole = o.Argument == "^.*$"
		if !p.Binary {
			re, err := regexp.Compile(p.Expr)
			if err != nil {
				return op, err
			}
			op.re, op.groups = re, re.NumSubexp()+1
		}
	case "pm", "pmfromfile", "pmf", "pmfromdataset":
		phrases := o.Data
		if phrases == nil {
			phrases = []string{}
		}
		op.pattern = &match.Pattern{Phrases: phrases}
	case "beginswith", "contains", "endswith", "eq", "ge", "gt", "le", "lt", "streq", "strmatch", "within",
		"detectsqli", "detectxss", "validateurlencoding", "validateutf8encoding", "nomatch":
	case "unconditionalmatch":
		op.always = true
	case "validatebyterange":
		op.always = op.text == ""
		if err := op.byteRange(); err != nil {
			return op, err
		}
	case "ipmatch":
		op.nets = subnets(strings.Split(o.Argument, ","))
	case "ipmatchfromfile", "ipmatchf", "ipmatchfromdataset":
		op.nets = subnets(o.Data)
	default:
		op.unknown = "the operator @" + o.Name + " is not modelled"
	}
	return op, nil
}

func (op *operator) byteRange() error {
	if op.text == "" {
		return nil
	}
	for i := range 256 {
		op.invalid.Add(byte(i))
	}
	for part := range strings.SplitSeq(op.text, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.ParseUint(low, 10, 8)
		to := from
		if err == nil && ranged {
			to, err = strconv.ParseUint(high, 10, 8)
		}
		if err != nil {
			return fmt.Errorf("byte range %q: %w", part, err)
		}
		for ; from <= to; from++ {
			op.invalid[from>>6] &^= 1 << (from & 63)
		}
	}
	return nil
}

func subnets(list []string) (nets []net.IPNet) {
	for _, s := range list {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if strings.Contains(s, ":") && !strings.Contains(s, "/") {
			s += "/128"
		} else if strings.Contains(s, ".") && !strings.Contains(s, "/") {
			s += "/32"
		}
		if _, n, err := net.ParseCIDR(s); err == nil {
			nets = append(nets, *n)
		}
	}
	return nets
}

// holds evaluates the operator. arg is the argument with its macros expanded.
func (op *operator) holds(sc *match.Scratch, val, arg string) bool {
	if op.always {
		return !op.negated
	}
	return op.plain(sc, val, arg) != op.negated
}

// plain evaluates the operator before negation.
func (op *operator) plain(sc *match.Scratch, val, arg string) bool {
	switch op.name {
	case "rx", "pm", "pmfromfile", "pmf", "pmfromdataset":
		if op.whole {
			return true
		}
		var hits [1]uint64
		return op.set.Match(sc, val, hits[:])
	case "beginswith":
		return strings.HasPrefix(val, arg)
	case "endswith":
		return strings.HasSuffix(val, arg)
	case "contains", "strmatch":
		return strings.Contains(val, arg)
	case "within":
		return strings.Contains(arg, val)
	case "streq":
		return val == arg
	case "eq", "ge", "gt", "le", "lt":
		return op.compare(val, arg)
	case "detectsqli":
		return sqlInjection(val)
	case "detectxss":
		return libinjection.IsXSS(val)
	case "validatebyterange":
		var bytes transform.ByteSet
		bytes.AddAll([]byte(val))
		return op.invalid.Intersects(&bytes)
	case "validateurlencoding":
		return !validEscapes(val)
	case "validateutf8encoding":
		return !utf8.ValidString(val)
	case "ipmatch", "ipmatchfromfile", "ipmatchf", "ipmatchfromdataset":
		ip := net.ParseIP(val)
		for i := range op.nets {
			if op.nets[i].Contains(ip) {
				return true
			}
		}
	}
	return false
}

// compare takes what is no number for 0, as Coraza does.
func (op *operator) compare(val, arg string) bool {
	a, _ := strconv.Atoi(val)
	b := op.number
	if op.macro != nil {
		b, _ = strconv.Atoi(arg)
	}
	switch op.name {
	case "eq":
		return a == b
	case "ge":
		return a >= b
	case "gt":
		return a > b
	case "le":
		return a <= b
	}
	return a < b
}

func validEscapes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) || unhex[s[i+1]] > 15 || unhex[s[i+2]] > 15 {
			return false
		}
		i += 2
	}
	return true
}

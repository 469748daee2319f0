// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"errors"
	"strconv"
	"strings"
)

var errExpression = errors.New("malformed expression")

// evaluate is a calculator of whole numbers with + - * / and parentheses, and
// texts in quotes that can be repeated by a number ("'ab'*2"), as template
// languages have them.
func evaluate(text string) (string, error) {
	p := &calculator{text: strings.TrimSpace(text)}
	if s, ok := p.quoted(); ok {
		if !p.take('*') {
			if p.text != "" {
				return "", errExpression
			}
			return s, nil
		}
		n, err := p.sum(0)
		if err != nil || p.text != "" || n < 0 || n > 100 {
			return "", errExpression
		}
		return strings.Repeat(s, int(n)), nil
	}
	n, err := p.sum(0)
	if err != nil || p.text != "" {
		return "", errExpression
	}
	return strconv.FormatInt(n, 10), nil
}

type calculator struct{ text string }

func (p *calculator) take(c byte) bool {
	p.text = strings.TrimLeft(p.text, " ")
	if p.text == "" || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

func (p *calculator) quoted() (string, bool) {
	if p.text == "" || p.text[0] != '\'' && p.text[0] != '"' {
		return "", false
	}
	s, rest, ok := strings.Cut(p.text[1:], p.text[:1])
	if !ok {
		return "", false
	}
	p.text = strings.TrimLeft(rest, " ")
	return s, true
}

func (p *calculator) sum(depth int) (int64, error) {
	n, err := p.product(depth)
	for err == nil {
		var m int64
		switch {
		case p.take('+'):
			m, err = p.product(depth)
			n += m
		case p.take('-'):
			m, err = p.product(depth)
			n -= m
		default:
			return n, nil
		}
	}
	return n, err
}

func (p *calculator) product(depth int) (int64, error) {
	n, err := p.number(depth)
	for err == nil {
		var m int64
		switch {
		case p.take('*'):
			m, err = p.number(depth)
			n *= m
		case p.take('/'):
			if m, err = p.number(depth); err == nil && m == 0 {
				err = errExpression
			} else if err == nil {
				n /= m
			}
		default:
			return n, nil
		}
	}
	return n, err
}

func (p *calculator) number(depth int) (int64, error) {
	if p.take('(') {
		if depth > 50 {
			return 0, errExpression
		}
		n, err := p.sum(depth + 1)
		if err == nil && !p.take(')') {
			err = errExpression
		}
		return n, err
	}
	p.text = strings.TrimLeft(p.text, " ")
	end := 0
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(p.text[:end], 10, 64)
	p.text = strings.TrimLeft(p.text[end:], " ")
	return n, err
}

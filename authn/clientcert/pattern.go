// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"errors"
	"strings"
)

const maxPattern = 2048

// captured is how a pattern writes the part that is the consumer's id.
const captured = "{consumer}"

// pattern is a name with wildcards. It takes a value in one way or not at all:
// a part has at most one wildcard, and no wildcard goes over a separator.
type pattern struct {
	kind     kind
	parts    []part
	captures bool
}

// part is what stands between two separators.
type part struct {
	before, after string
	wild, capture bool
}

// separators of each kind. In a distinguished name they are all characters that
// have a meaning there, so that no value can look like two.
var separators = [kinds]string{bySubject: ",+=", byDNS: ".", byEmail: "@", byURI: "/?#", bySPIFFE: "/"}

var (
	errPatternSize     = errors.New("is longer than 2048 bytes")
	errPatternWild     = errors.New("has more than one wildcard in a part")
	errPatternCapture  = errors.New("has {consumer} more than once")
	errPatternBrace    = errors.New("has a brace that is not {consumer}")
	errPatternText     = errors.New("is not printable text")
	errPatternDNS      = errors.New("is not a DNS name")
	errPatternEmail    = errors.New("is not an address of the form local@domain")
	errPatternURI      = errors.New("is not a URI that begins with its scheme")
	errPatternSPIFFE   = errors.New("is not a SPIFFE id with a path")
	errPatternWildHead = errors.New("has a wildcard where the scheme or trust domain must stand")
)

// compile reads a pattern.
func compile(k kind, text string) (*pattern, error) {
	switch {
	case len(text) > maxPattern:
		return nil, errPatternSize
	case strings.Count(text, captured) > 1:
		return nil, errPatternCapture
	case !isText(text):
		return nil, errPatternText
	case strings.ContainsAny(strings.Replace(text, captured, "", 1), "{}"):
		return nil, errPatternBrace
	}
	p := &pattern{kind: k}
	for rest, more := text, true; more; {
		var one string
		one, rest, more = cutPart(k, rest)
		q, err := readPart(one)
		if err != nil {
			return nil, err
		}
		p.captures = p.captures || q.capture
		p.parts = append(p.parts, q)
	}
	return p, p.check(text)
}

// cutPart cuts the first part off, with its separator.
func cutPart(k kind, s string) (first, rest string, more bool) {
	i := -1
	if separators[k] != "" {
		i = strings.IndexAny(s, separators[k])
	}
	if i < 0 {
		return s, "", false
	}
	return s[:i+1], s[i+1:], true
}

func readPart(s string) (part, error) {
	star, brace := strings.Count(s, "*"), strings.Count(s, captured)
	switch {
	case star+brace > 1:
		return part{}, errPatternWild
	case star == 1:
		before, after, _ := strings.Cut(s, "*")
		return part{before: before, after: after, wild: true}, nil
	case brace == 1:
		before, after, _ := strings.Cut(s, captured)
		return part{before: before, after: after, wild: true, capture: true}, nil
	}
	return part{before: s}, nil
}

// check holds the pattern, with letters for its wildcards, against what its
// kind of name looks like: one that nothing can match is a mistake.
func (p *pattern) check(text string) error {
	sample := strings.Replace(strings.ReplaceAll(text, "*", "x"), captured, "x", 1)
	switch p.kind {
	case byDNS:
		if !isDNSName(sample) || strings.ToLower(text) != text {
			return errPatternDNS
		}
	case byEmail:
		if folded, ok := foldEmail(sample); !ok || folded != sample {
			return errPatternEmail
		}
	case byURI:
		if scheme, _, ok := strings.Cut(text, ":"); !ok || !isScheme(scheme) {
			return errPatternURI
		}
	case bySPIFFE:
		if !isSPIFFE(sample) {
			return errPatternSPIFFE
		}
		for _, q := range p.parts[:3] { // "spiffe:/", "/", "trust-domain/"
			if q.wild {
				return errPatternWildHead
			}
		}
	}
	return nil
}

// match tells whether value fits, and what it gives for {consumer}.
func (p *pattern) match(value string) (consumer string, ok bool) {
	rest, more := value, true
	for i := range p.parts {
		q := &p.parts[i]
		if !more {
			return "", false
		}
		var one string
		one, rest, more = cutPart(p.kind, rest)
		if !q.wild {
			if one != q.before {
				return "", false
			}
			continue
		}
		if len(one) <= len(q.before)+len(q.after) || !strings.HasPrefix(one, q.before) || !strings.HasSuffix(one, q.after) {
			return "", false
		}
		wild := one[len(q.before) : len(one)-len(q.after)]
		if strings.ContainsAny(wild, separators[p.kind]) || p.kind == bySubject && strings.Contains(wild, "\\") {
			return "", false
		}
		if q.capture {
			consumer = wild
		}
	}
	return consumer, !more
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "durward"

// scalars gives the languages of values that are no array and no object. ok is
// false when nothing is known of some of them.
func scalars(either []conjunction) (out []durward.Language, ok bool) {
	for _, k := range [...]kind{kNull, kBool, kNumber, kString} {
		ways, ok := waysOf(either, k)
		if !ok {
			return nil, false
		}
		for _, way := range ways {
			l := way.language(k)
			if l.Texts == nil && len(l.Exprs) == 0 && l.Most == 0 {
				return nil, false
			}
			if out = append(out, l); len(out) > 2*maxWays {
				return nil, false
			}
		}
	}
	return out, true
}

// language holds the texts of the values of kind k that fit all schemas.
func (way conjunction) language(k kind) (l durward.Language) {
	switch k {
	case kNull:
		l.Texts = []string{""} // as rules see it
	case kBool:
		l.Texts = []string{}
		for _, text := range [...]string{"false", "true"} {
			if takesScalar(way, kBool, text) {
				l.Texts = append(l.Texts, text)
			}
		}
	case kNumber:
		l.Exprs, l.Most = []string{durward.NumberExpr}, maxNumberLength
	case kString:
		l.Texts = way.constants()
		for _, s := range way {
			s.bounds(&l)
		}
	}
	return l
}

// constants lists the strings that all enums of the schemas have; nil when there
// is no enum, or a long one.
func (way conjunction) constants() (texts []string) {
	for _, s := range way {
		if s.enum == nil || texts != nil || s.enum.nodes[0].count > maxTexts {
			continue
		}
		texts = []string{}
		for e := s.enum.nodes[0].first; e != 0; e = s.enum.nodes[e].next {
			if n := &s.enum.nodes[e]; n.kind == kString && takesScalar(way, kString, n.text) {
				texts = append(texts, n.text)
			}
		}
	}
	return texts
}

// bounds adds to a language what s says of strings.
func (s *schema) bounds(l *durward.Language) {
	most := func(characters int) {
		if bytes := 4 * characters; characters < 1<<24 && (l.Most == 0 || bytes < l.Most) {
			l.Most = max(bytes, 1) // 0 would be no bound
		}
	}
	if s.maxLength >= 0 {
		most(s.maxLength)
	}
	if s.pattern != nil {
		if s.pattern.counted && s.pattern.max >= 0 {
			most(s.pattern.max)
		}
		l.Exprs = append(l.Exprs, s.pattern.re.String())
		for i := range s.pattern.also {
			if c := &s.pattern.also[i]; c.want {
				l.Exprs = append(l.Exprs, c.re.String())
			}
		}
	}
	if expr := formatExprs[s.formatName]; expr != "" && s.format != nil {
		l.Exprs = append(l.Exprs, expr)
	}
}

const (
	fullDate = `[0-9]{4}-[0-9]{2}-[0-9]{2}`
	fullTime = `[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})`
)

// formatExprs are expressions that every string of a format matches, as far as
// its check is strict (format.go).
var formatExprs = map[string]string{
	"uuid":      `\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\z`,
	"date":      `\A` + fullDate + `\z`,
	"time":      `\A` + fullTime + `\z`,
	"date-time": `\A` + fullDate + `[Tt]` + fullTime + `\z`,
	"duration":  `\AP[0-9YMWDTHS]+\z`,
	"hostname":  `\A[0-9A-Za-z.-]+\z`,
	"ipv4":      `\A[0-9]+(?:\.[0-9]+){3}\z`,
	"ipv6":      `\A[0-9A-Fa-f:.]+\z`,
	"byte":      `\A[0-9A-Za-z+/=]*\z`,
	"email":     `\A[ -~]+@[0-9A-Za-z:.\[\]-]+\z`,
	// Of both, any character that RFC 3986 knows, wherever it stands.
	"uri":           `\A[0-9A-Za-z._~:/?#\[\]@!$&'()*+,;=%-]+\z`,
	"uri-reference": `\A[0-9A-Za-z._~:/?#\[\]@!$&'()*+,;=%-]*\z`,
}

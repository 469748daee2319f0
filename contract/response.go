// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"strconv"
	"strings"

	"durward"
)

// ResponseStageName is the name of the stage that holds answers against the
// document, in the trail and in metrics.
const ResponseStageName = "response-contract"

// declaredAnswer is what an operation declares for a status or a range of them.
type declaredAnswer struct {
	status string // "200", "2XX" or "default"
	silent bool   // nothing is said of content
	media  []answerMedia
}

type answerMedia struct {
	base    string   // in lower case; may be a range
	json    bool     // its content is one JSON value
	outline *outline // nil for what is not looked into
}

// Answers holds the answers of one operation against the document: as a
// durward.Stage, which comes last, it keeps the upstream from answering in
// forms that cannot be looked into, and as a durward.ResponseStage it judges
// the answer. It is immutable and safe for concurrent use.
type Answers struct {
	declared []declaredAnswer
	rules    guardRules
	cfg      ResponseConfig
	limit    int64
	report   bool
	json     bool // some answer is JSON that is looked into
	errors   bool // answers of class 5 are somebody else's to replace
	base     string
}

// ResponseOptions is what a stage for answers needs to know of the gateway.
type ResponseOptions struct {
	// ProblemBase is the base of problem types, as for durward.NewProblem.
	ProblemBase string
	// ErrorsMasked tells that a later stage replaces all answers of class 5,
	// so that they may be undeclared.
	ErrorsMasked bool
}

// Response makes the stage that holds the answers of one operation, named by
// its ID, against the document; nil when cfg is off. It fails when cfg does,
// when the document has no such operation, or when an x-durward-sensitive of its
// schemas is malformed.
func (d *Document) Response(op string, cfg *ResponseConfig, o ResponseOptions) (*Answers, error) {
	if err := cfg.Check(); err != nil || cfg.Mode == durward.Off {
		return nil, err
	}
	declared, err := d.answers(op)
	if err != nil {
		return nil, err
	}
	s := &Answers{
		declared: declared, cfg: *cfg, limit: cfg.bodyLimit(), report: cfg.Mode == durward.Report,
		errors: o.ErrorsMasked, base: o.ProblemBase,
	}
	s.rules = guardRules{
		allow: cfg.UndeclaredFields == Allow, block: cfg.UndeclaredFields == Block,
		writeOnly: cfg.WriteOnly == Allow, keep: s.report,
	}
	for _, a := range declared {
		for _, m := range a.media {
			s.json = s.json || m.outline != nil
		}
	}
	return s, nil
}

// answers compiles what an operation declares, once.
func (d *Document) answers(id string) ([]declaredAnswer, error) {
	op := d.find(id)
	if op == nil {
		return nil, errUnknownOperation
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outlines == nil {
		d.outlines, d.answersOf = newOutliner(d), map[string][]declaredAnswer{}
	}
	if out, ok := d.answersOf[id]; ok {
		return out, nil
	}
	out := []declaredAnswer{}
	for status, c := range op.at.get("responses").members() {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		if !isAnswerStatus(status) {
			return nil, c.fail("a response must be named by a status (200), a range (2XX) or default")
		}
		c, err := c.follow()
		if err != nil {
			return nil, err
		}
		a := declaredAnswer{status: strings.ToUpper(status), silent: !c.get("content").exists()}
		if status == "default" {
			a.status = status
		}
		for name, m := range c.get("content").members() {
			one := answerMedia{base: mediaBase(name)}
			one.json = isJSONType(one.base)
			if schema := m.get("schema"); schema.v != nil && (one.json || strings.Contains(one.base, "*")) {
				if one.outline, err = d.outlines.at(schema); err != nil {
					return nil, err
				}
			}
			a.media = append(a.media, one)
		}
		out = append(out, a)
	}
	d.answersOf[id] = out
	return out, nil
}

func isAnswerStatus(s string) bool {
	if s == "default" {
		return true
	}
	return len(s) == 3 && s[0] >= '1' && s[0] <= '5' &&
		(strings.EqualFold(s[1:], "XX") || s[1]-'0' <= 9 && s[2]-'0' <= 9)
}

func mediaBase(name string) string {
	base, _, _ := strings.Cut(name, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// find gives what is declared for a status: itself, its range, or the default.
func (s *Answers) find(status int) *declaredAnswer {
	var inRange, byDefault *declaredAnswer
	for i := range s.declared {
		a := &s.declared[i]
		switch {
		case a.status == "default":
			byDefault = a
		case a.status[1] == 'X':
			if int(a.status[0]-'0') == status/100 {
				inRange = a
			}
		case int(a.status[0]-'0')*100+int(a.status[1]-'0')*10+int(a.status[2]-'0') == status:
			return a
		}
	}
	if inRange != nil {
		return inRange
	}
	return byDefault
}

// match finds what is declared for a media type: itself, its range, or any.
func (a *declaredAnswer) match(base string) *answerMedia {
	var best *answerMedia
	rank := 0
	for i := range a.media {
		m := &a.media[i]
		switch kind, isRange := strings.CutSuffix(m.base, "/*"); {
		case m.base == base:
			return m
		case m.base == "*/*":
			if rank < 1 {
				best, rank = m, 1
			}
		case isRange && strings.HasPrefix(base, kind) && base[len(kind)] == '/':
			best, rank = m, 2
		}
	}
	return best
}

// Name is the stage's name in the trail.
func (s *Answers) Name() string { return ResponseStageName }

// Asks tells that Request has something to do.
func (s *Answers) Asks() bool { return s.json }

// Request changes what the upstream is asked for: only content codings that can
// be undone here, and the whole of a representation rather than a part of it.
func (s *Answers) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	coding := "identity"
	if takesGzip(x.Out.Header) {
		coding = "gzip"
	}
	x.Out.Header.Set("Accept-Encoding", coding)
	x.Out.Header.Del("Range")
	x.Out.Header.Del("If-Range")
	return durward.Proceed()
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func takesGzip(h durward.Header) bool {
	for _, f := range h {
		if f.Name != "Accept-Encoding" {
			continue
		}
		for one := range strings.SplitSeq(f.Value, ",") {
			coding, weight, _ := strings.Cut(one, ";")
			if coding = strings.Trim(coding, " \t"); strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip") {
				_, q, _ := strings.Cut(weight, "=")
				v, err := strconv.ParseFloat(strings.Trim(q, " \t"), 64)
				return q == "" || err == nil && v > 0
			}
		}
	}
	return false
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/report"
	"durward/probe/world"
)

// at tells where the run is.
func (r *run) at(phase, what string, done, total int) {
	if r.cfg.Progress == nil {
		return
	}
	r.mu.Lock()
	p := Progress{Phase: phase, What: what, Done: done, Total: total, Requests: r.client.Stats().Requests, Findings: len(r.findings)}
	r.mu.Unlock()
	r.cfg.Progress(p)
}

func (r *run) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.out.Notes, s) && len(r.out.Notes) < 200 {
		r.out.Notes = append(r.out.Notes, s)
	}
}

// env is what one part of a check works with.
func (r *run) env(k *check.Check, id string) *check.Env {
	return &check.Env{API: r.cfg.API, World: r.world, Origin: r.origin, Users: r.users, Rand: world.Rand(r.cfg.Seed, k.Name, id),
		ReadOnly: r.cfg.ReadOnly, Destructive: r.cfg.Destructive, Expect: r.cfg.Expect, Listener: r.cfg.Listener,
		Report: r.report, Step: r.step}
}

// report takes a finding. Of those with one fingerprint the surest is kept.
func (r *run) report(f finding.Finding) {
	if f.Severity == "" {
		f.Severity = f.Kind.Severity
	}
	if f.Confidence == "" {
		f.Confidence = finding.Tentative
	}
	f.Detail = r.mask(f.Detail)
	for _, op := range r.cfg.API.Operations {
		if op.ID == f.Operation && op.Path == f.Path {
			f.Path = op.Template()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, had := r.has[f.Fingerprint()]; had {
		if sure(f.Confidence) > sure(r.findings[i].Confidence) {
			r.findings[i] = f
		}
		return
	}
	r.has[f.Fingerprint()] = len(r.findings)
	r.findings = append(r.findings, f)
}

func sure(c finding.Confidence) int {
	return slices.Index([]finding.Confidence{finding.Tentative, finding.Firm, finding.Certain}, c)
}

// maxExcerpt is how much of an answer is shown.
const maxExcerpt = 500

// step makes a step of evidence; secrets are masked.
func (r *run) step(why string, e *check.Exchange) finding.Step {
	s := finding.Step{Why: why}
	if e == nil || e.Request == nil {
		return s
	}
	q := e.Request.Clone()
	for v, t := range r.secrets() {
		q.Hide(v, t)
	}
	s.Method, s.Curl = q.Method, r.mask(r.client.Curl(q))
	if e.Answer == nil {
		return s
	}
	s.Status, s.Took = e.Answer.Status, e.Answer.Took
	text := q.Mask(veil(r.mask(strings.ToValidUTF8(string(e.Answer.Body[:min(len(e.Answer.Body), 4*maxExcerpt)]), "\ufffd"))))
	if len(text) > maxExcerpt {
		cut := maxExcerpt
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	s.Excerpt = text
	return s
}

// trace writes one exchange as a line.
func (r *run) trace(q *client.Request, a *client.Answer, err error) {
	line := "unanswered"
	switch {
	case err != nil:
		line = "unanswered: " + err.Error()
	case a != nil:
		line = fmt.Sprint(a.Status)
	}
	who := q.As
	if who == "" {
		who = "nobody"
	}
	q = q.Clone()
	for v, t := range r.secrets() {
		q.Hide(v, t)
	}
	r.cfg.Trace(fmt.Sprintf("%s %s: %s", line, who, r.mask(client.Curl(r.origin, q))))
}

// secrets are the users' present ones, by their shell variables.
func (r *run) secrets() map[string]string {
	out := map[string]string{}
	for _, u := range r.users {
		q := &client.Request{}
		u.Apply(q)
		for v, t := range q.Secrets {
			if len(t) >= 6 {
				out[v] = t
			}
		}
	}
	return out
}

var jws = regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.)[A-Za-z0-9_-]{16,}`)

// mask takes the users' secrets and the signatures of tokens out of a text.
func (r *run) mask(s string) string {
	for v, t := range r.secrets() {
		s = strings.ReplaceAll(s, t, "$"+v)
	}
	return jws.ReplaceAllString(s, "$1…")
}

// secretMember is a member of JSON whose name says that its value is a secret: of
// a login, or of another user whose record is shown.
var secretMember = regexp.MustCompile(`(?i)("[^"\\]*(?:passw|pwd|secret|token|api[_-]?key|private[_-]?key|credential|hash|session)[^"\\]*"\s*:\s*")(?:[^"\\]|\\.)+`)

// veil takes the values of such members out of an answer that is shown: a report
// is kept, and read by more people than may know them.
func veil(s string) string { return secretMember.ReplaceAllString(s, "${1}…") }

// stopped notes why the run ended.
func (r *run) stopped(ctx context.Context, err error) {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		r.out.Stopped = "interrupted"
	case errors.Is(err, client.ErrBudget):
		r.out.Stopped = "budget of requests"
	case errors.Is(err, client.ErrTime):
		r.out.Stopped = "time"
	case errors.Is(err, client.ErrDown):
		r.out.Stopped = "the server does not answer any more: " + r.client.Stats().LastNetError
	default:
		r.out.Failed = r.mask(err.Error())
	}
}

// cleanTime bounds the deletion of what was made.
const cleanTime = 30 * time.Second

// clean deletes what the run made, also after an interruption or at the end of
// the budget.
func (r *run) clean(ctx context.Context) {
	if r.world == nil || r.client.Down() {
		return
	}
	r.at("clean up", "", 0, 1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	r.client.Extend(2000, time.Now().Add(cleanTime))
	for _, left := range r.world.Clean(ctx) {
		r.note(left)
	}
}

// finish fills the report.
func (r *run) finish() {
	r.out.Requests = r.client.Stats().Requests
	for _, u := range r.users {
		r.out.Users = append(r.out.Users, u.Name)
	}
	for _, op := range r.ops {
		o := report.Operation{ID: op.ID, Method: op.Method, Path: op.Template(), Why: "never called"}
		if r.world != nil {
			a := r.world.Account(op)
			o.Reached, o.Why, o.Answers = a.Reached, r.mask(a.Why), a.Answers
		}
		r.out.Operations = append(r.out.Operations, o)
	}
	reached, all := r.out.Reached()
	if reached == 0 && r.out.Failed == "" && all > 0 {
		r.out.Failed = "no operation was answered with success"
	}
	r.out.Findings = report.Rank(r.findings)
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/corazawaf/coraza/v3/types"

	"durward"
	"durward/internal/inflate"
	"durward/waf/gate"
)

// answerLimit is how many bytes of an answer are inspected; the rest follows
// unseen, as the settings that Coraza recommends have it.
const answerLimit = 512 << 10

// ResponseStage is the firewall for the answers of one operation; nil where
// they are not inspected.
func (s *Set) ResponseStage(d *Demand) durward.ResponseStage {
	if d.cfg.Responses != on || s.shared.answers == nil {
		return nil
	}
	return &responseStage{inspector: s.inspector(d), proceed: d.cfg.OnError == durward.ProceedOnError}
}

type responseStage struct {
	inspector
	proceed bool // when the rules cannot be run
}

func (*responseStage) Name() string { return StageName }

// Answer is what is inspected of an answer.
type Answer struct {
	Proto  string
	Status int
	Header durward.Header
	Body   []byte // nil where it is a stream, or of a type that rules do not read
}

// Response shows the answer to the rules, before anything else is done to it.
func (s *responseStage) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	r := x.Response
	if r.Status < 200 || r.Upgraded != nil {
		return durward.Proceed()
	}
	a := Answer{Proto: x.In.Proto, Status: r.Status, Header: r.Header}
	if r.Body != nil && !r.Stream && answerType(r.Header.Get("Content-Type")) {
		content, _, err := r.Buffer(answerLimit)
		if err != nil { // the upstream broke off: what came is sent, and cut where it ends
			return durward.Proceed()
		}
		a.Body = plainAnswer(&a, content)
	}
	q := requests.Get().(*seen)
	defer q.release()
	q.fill(x)
	settings, _, _ := s.now()
	v, err := s.set.shared.answers.InspectAnswer(&q.Request, &a, &settings)
	if err != nil {
		s.set.stats.count(&s.set.stats.answers, OutcomeFailed, &v, s.mode)
		if s.proceed {
			return durward.Decision{Verdict: durward.Allow, Err: err}
		}
		return durward.Failed(durward.CodeInternal, err)
	}
	return s.decide(x, &v)
}

func (s *responseStage) decide(x *durward.Exchange, v *Verdict) durward.Decision {
	x.Findings = append(x.Findings, v.Findings...)
	switch {
	case v.Interrupted:
		s.set.stats.count(&s.set.stats.answers, OutcomeRefused, v, s.mode)
		return durward.Refuse(durward.CodeUpstreamInvalid, v.because(s.settings.Outbound))
	case len(v.Rules) > 0:
		s.set.stats.count(&s.set.stats.answers, OutcomeFound, v, s.mode)
	default:
		s.set.stats.count(&s.set.stats.answers, OutcomeClean, v, s.mode)
	}
	return durward.Proceed()
}

// answerType tells whether the rules for answers read a media type.
func answerType(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.Trim(kind, " \t")) {
	case "text/plain", "text/html", "text/xml", "application/json", "application/problem+json", "application/xml":
		return true
	}
	return false
}

// plainAnswer undoes gzip. Content that cannot be undone is inspected as it is.
func plainAnswer(a *Answer, content []byte) []byte {
	if !isGzip(a.Header.Get("Content-Encoding")) {
		return content
	}
	plain, err := inflate.Bytes(content, answerLimit)
	if err != nil {
		return content
	}
	header := make(durward.Header, 0, len(a.Header))
	for _, f := range a.Header {
		if f.Name != "Content-Encoding" {
			header = append(header, f)
		}
	}
	a.Header = header
	return plain
}

// InspectAnswer runs the response phases of an engine for answers, for the
// request that led to it. Of the request the head is shown, not the content.
func (e *Engine) InspectAnswer(r *gate.Request, a *Answer, s *Settings) (Verdict, error) {
	return e.transaction(s, func(tx types.Transaction) (Verdict, error) {
		head(tx, r)
		if tx.ProcessRequestHeaders() == nil {
			if _, err := tx.ProcessRequestBody(); err != nil {
				return Verdict{}, fmt.Errorf("waf: the request could not be processed: %T", err)
			}
		}
		if tx.IsInterrupted() { // by a rule of the operator's for requests, which has had its say
			return Verdict{}, nil
		}
		before := len(tx.MatchedRules())
		if err := answer(tx, a); err != nil {
			return Verdict{}, err
		}
		return verdictOf(tx, "blocking_outbound_anomaly_score", before)
	})
}

func answer(tx types.Transaction, a *Answer) error {
	for i := range a.Header {
		tx.AddResponseHeader(a.Header[i].Name, a.Header[i].Value)
	}
	if tx.ProcessResponseHeaders(a.Status, a.Proto) != nil {
		return nil
	}
	if len(a.Body) > 0 {
		if it, _, err := tx.WriteResponseBody(a.Body); err != nil {
			return errors.New("waf: an answer's content could not be taken")
		} else if it != nil {
			return nil
		}
	}
	if _, err := tx.ProcessResponseBody(); err != nil {
		return errors.New("waf: an answer's content could not be processed")
	}
	return nil
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"durward"
)

// request is a request in one line: "POST /path?query", with header lines and
// content.
type request struct {
	params map[string]string
	query  string
	header []string // "Name: value"
	body   string
	noType bool
	mime   string // default application/json when there is a body
	length int64  // declared; 0: the body's
}

func exchange(r request) *durward.Exchange {
	x := &durward.Exchange{Operation: &durward.Operation{}}
	for name, value := range r.params {
		x.Params = append(x.Params, durward.Param{Name: name, Value: value})
	}
	x.In.RawQuery = r.query
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ": ")
		x.In.Header.Add(durward.CanonicalName(name), value)
	}
	if r.body != "" {
		if r.mime == "" {
			r.mime = "application/json"
		}
		if !r.noType {
			x.In.Header.Add("Content-Type", r.mime)
		}
		length := int64(len(r.body))
		if r.length != 0 {
			length = r.length
		}
		x.In.Body.Init(strings.NewReader(r.body), length)
	} else {
		x.In.Body.Init(nil, 0)
	}
	x.In.Body.SetLimit(1 << 20)
	return x
}

func mustParse(t testing.TB, doc string) *Document {
	t.Helper()
	d, err := Parse("test.yaml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustStage(t testing.TB, d *Document, op string, cfg *Config) durward.Stage {
	t.Helper()
	s, err := d.Stage(op, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is a decision in one line: "allow", or the code and the violations.
func answer(d durward.Decision) string {
	if d.Verdict == durward.Allow {
		return "allow"
	}
	var v durward.Violations
	if errors.As(d.Err, &v) {
		return string(d.Code) + ": " + v.Error()
	}
	return d.Verdict.String() + " " + string(d.Code)
}

func ask(s durward.Stage, r request) string {
	return answer(s.Request(context.Background(), exchange(r)))
}

func number(s string) json.Number { return json.Number(s) }

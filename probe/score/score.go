// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"durward/examples/moot"
	"durward/internal/strictyaml"
	"durward/probe"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/listener"
	"durward/probe/report"
	"durward/probe/spec"
	"durward/probe/testdata/injection"
	"durward/probe/testdata/jwtshop"
	mootdata "durward/probe/testdata/moot"
	"durward/probe/testdata/workflow"
)

// app is a service with planted flaws. Without any it is the secure twin.
type app struct {
	Name                   string
	Document, Users, Truth []byte
	Flaws                  []string
	New                    func(flaws ...string) http.Handler
}

func apps() []app {
	var names []string
	for _, f := range moot.Flaws {
		names = append(names, f.Name)
	}
	return []app{
		{"jwtshop", jwtshop.OpenAPI, jwtshop.Users, jwtshop.Truth, jwtshop.Flaws, jwtshop.New},
		{"workflow", workflow.OpenAPI, workflow.Users, workflow.Truth, workflow.Flaws, workflow.New},
		{"injection", injection.Document, injection.Users, injection.Truth, injection.Flaws(), injection.New},
		{"moot", moot.OpenAPI, mootdata.Users, mootdata.Truth, names, newMoot},
	}
}

func newMoot(flaws ...string) http.Handler {
	a, err := moot.New(moot.Options{Flaws: flaws})
	if err != nil {
		panic(err)
	}
	return &mootHandler{a.Handler(), a}
}

type mootHandler struct {
	http.Handler
	api *moot.API
}

func (m *mootHandler) Close() error { m.api.Close(); return nil }

// truth is a truth file.
type truth struct {
	App   string `yaml:"app"`
	Flaws []flaw `yaml:"flaws"`
}

// flaw is planted, and found when one of the kinds is reported for one of the
// operations ("METHOD /path", "*" for any), at Where when that is set.
type flaw struct {
	Name       string   `yaml:"name"`
	Kinds      []string `yaml:"kinds"`
	Operations []string `yaml:"operations"`
	Where      string   `yaml:"where"`
	// With are flaws without which this one does not show from outside.
	With []string `yaml:"with"`
}

func (a *app) truth() (truth, error) {
	var t truth
	if _, err := strictyaml.Decode(a.Truth, &t, strictyaml.Options{Name: a.Name + "/truth.yaml"}); err != nil {
		return t, err
	}
	for _, name := range a.Flaws {
		if !slices.ContainsFunc(t.Flaws, func(f flaw) bool { return f.Name == name }) {
			return t, fmt.Errorf("%s: the truth does not have %s", a.Name, name)
		}
	}
	return t, nil
}

func (f *flaw) shownBy(g *finding.Finding) bool {
	return slices.Contains(f.Kinds, g.Kind.ID) && (f.Where == "" || f.Where == g.Where) &&
		(slices.Contains(f.Operations, "*") || slices.Contains(f.Operations, g.Method+" "+g.Path))
}

// result is a run with what the score prints of it.
type result struct {
	*report.Run
	reached, operations int
	unreached           []string
}

// bounds are those of one run; zero is none.
type bounds struct{ exchange, run time.Duration }

var limits = bounds{10 * time.Second, 3 * time.Minute}

// run tests a service once, on loopback.
func run(ctx context.Context, a app, flaws []string, seed uint64, checks []string) (*result, error) {
	api, err := spec.Parse("openapi.yaml", a.Document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	users, err := identity.Parse("users.yaml", a.Users, func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	handler := a.New(flaws...)
	if c, ok := handler.(io.Closer); ok {
		defer c.Close()
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	defer server.CloseClientConnections()
	heard, err := listener.New()
	if err != nil {
		return nil, err
	}
	defer heard.Close()
	r, err := probe.Run(ctx, probe.Config{URL: server.URL, API: api, Document: "openapi.yaml", Users: users, Seed: seed, Only: checks,
		Listener: heard, Timeout: limits.exchange, Time: limits.run, Trace: tracer()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	if r.Failed != "" {
		return nil, fmt.Errorf("%s: %s", a.Name, r.Failed)
	}
	out := &result{Run: r}
	out.reached, out.operations = r.Reached()
	for _, o := range r.Operations {
		if !o.Reached {
			out.unreached = append(out.unreached, o.Method+" "+o.Path+": "+o.Why)
		}
	}
	if r.Stopped != "" {
		out.Notes = append(out.Notes, "stopped: "+r.Stopped)
	}
	return out, nil
}

// trace has every exchange printed.
var trace bool

func tracer() func(string) {
	if !trace {
		return nil
	}
	return func(line string) { fmt.Println(line) }
}

// counted are the findings that count: firm, and not only worth knowing.
func counted(all []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f finding.Finding) bool {
		return f.Confidence == finding.Tentative || f.Severity == finding.Info
	})
}

type score struct {
	found, missed []string
	other         []finding.Finding
}

// judge compares findings with the truth.
func judge(t truth, planted []string, findings []finding.Finding) score {
	var s score
	explained := map[int]bool{}
	// A flaw that is only worth knowing is found all the same.
	firm := slices.DeleteFunc(slices.Clone(findings), func(f finding.Finding) bool { return f.Confidence == finding.Tentative })
	for _, f := range t.Flaws {
		if !slices.Contains(planted, f.Name) {
			continue
		}
		hit := false
		for i := range firm {
			if f.shownBy(&firm[i]) {
				hit, explained[i] = true, true
			}
		}
		if hit {
			s.found = append(s.found, f.Name)
		} else {
			s.missed = append(s.missed, f.Name)
		}
	}
	for i, f := range firm {
		if !explained[i] && f.Severity != finding.Info {
			s.other = append(s.other, f)
		}
	}
	return s
}

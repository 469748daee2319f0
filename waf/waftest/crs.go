// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"go.yaml.in/yaml/v4"

	"durward"
	"durward/waf/gate"
)

// Case is one regression test of the Core Rule Set.
type Case struct {
	Rule, Test int
	Stages     []Stage
}

// Name is the case's name in the notation of the Core Rule Set: 942100-1.
func (c *Case) Name() string { return fmt.Sprintf("%d-%d", c.Rule, c.Test) }

// Stage is one request of a case, and what it must lead to.
type Stage struct {
	// Raw is the request as bytes. Request is what a server of the standard
	// library makes of it. When that refuses it, with the status Refused, Request
	// is as the test has it, or nil where the test has bytes only.
	Raw     []byte
	Request *gate.Request
	Refused int
	// Expect are ids of rules that must match, Forbid of those that must not.
	Expect, Forbid []int
	// Match and NoMatch are regular expressions on the log that Coraza would
	// write; "" for none.
	Match, NoMatch string
	Status         int // of the answer; 0 for any
	ExpectError    bool
	// Answer is what the server behind the firewall answers.
	Answer Answer

	direct *gate.Request // as it was written, for what no server takes
}

type yamlFile struct {
	Rule  int `yaml:"rule_id"`
	Tests []struct {
		ID     int `yaml:"test_id"`
		Stages []struct {
			Input  yamlInput  `yaml:"input"`
			Output yamlOutput `yaml:"output"`
		} `yaml:"stages"`
	} `yaml:"tests"`
}

type yamlInput struct {
	Headers      map[string]string `yaml:"headers"`
	Method       *string           `yaml:"method"`
	URI          *string           `yaml:"uri"`
	Version      *string           `yaml:"version"`
	Data         string            `yaml:"data"`
	Encoded      string            `yaml:"encoded_request"`
	Autocomplete *bool             `yaml:"autocomplete_headers"`
}

type yamlOutput struct {
	Status      int  `yaml:"status"`
	ExpectError bool `yaml:"expect_error"`
	Log         struct {
		Expect  []int  `yaml:"expect_ids"`
		Forbid  []int  `yaml:"no_expect_ids"`
		Match   string `yaml:"match_regex"`
		NoMatch string `yaml:"no_match_regex"`
	} `yaml:"log"`
}

// Cases reads every regression test of the Core Rule Set, in the order of its
// files. Requests are filled in by Parse.
func Cases() ([]Case, error) {
	paths, err := fs.Glob(tests.FS, "*/*.yaml")
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var out []Case
	for _, path := range paths {
		data, err := fs.ReadFile(tests.FS, path)
		if err != nil {
			return nil, err
		}
		var f yamlFile
		if err := yaml.Unmarshal(data, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, t := range f.Tests {
			c := Case{Rule: f.Rule, Test: t.ID}
			for i := range t.Stages {
				s, err := stage(&t.Stages[i].Input, &t.Stages[i].Output)
				if err != nil {
					return nil, fmt.Errorf("%s: test %d: %w", path, t.ID, err)
				}
				c.Stages = append(c.Stages, s)
			}
			out = append(out, c)
		}
	}
	return out, parse(out)
}

func stage(in *yamlInput, out *yamlOutput) (Stage, error) {
	s := Stage{
		Expect: out.Log.Expect, Forbid: out.Log.Forbid, Match: out.Log.Match, NoMatch: out.Log.NoMatch,
		Status: out.Status, ExpectError: out.ExpectError,
	}
	if in.Encoded != "" {
		raw, err := base64.StdEncoding.DecodeString(in.Encoded)
		s.Raw = raw
		return s, err
	}
	in.Data = expand(in.Data)
	s.Raw = in.raw()
	s.Answer = answerOf(or(in.URI, "/"), in.Data)
	s.direct = in.request()
	return s, nil
}

func or(s *string, byDefault string) string {
	if s == nil {
		return byDefault
	}
	return *s
}

var repeated = regexp.MustCompile(`\{\{ "([^"]*)" \| repeat (\d+) \}\}`)

// expand fills in the one template function that the tests use.
func expand(data string) string {
	return repeated.ReplaceAllStringFunc(data, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2])
		return strings.Repeat(m[1], min(n, 1<<20))
	})
}

// request is the request as it is written, unseen by any server.
func (in *yamlInput) request() *gate.Request {
	q := &gate.Request{
		Method: or(in.Method, "GET"), URI: or(in.URI, "/"), Protocol: or(in.Version, "HTTP/1.1"),
		ClientAddr: "127.0.0.1", ClientPort: 40000, ServerAddr: "127.0.0.1", ServerPort: 80,
		Body: []byte(in.Data), Inspect: in.Data != "",
	}
	for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
		q.Header.Add(durward.CanonicalName(name), in.Headers[name])
		if strings.EqualFold(name, "Host") {
			q.ServerName = in.Headers[name]
		}
	}
	return q
}

// raw writes the request as the tool does that the tests are written for.
func (in *yamlInput) raw() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\n", or(in.Method, "GET"), or(in.URI, "/"), or(in.Version, "HTTP/1.1"))
	has := func(name string) bool {
		for n := range in.Headers {
			if strings.EqualFold(n, name) {
				return true
			}
		}
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, in.Headers[name])
	}
	if in.Autocomplete == nil || *in.Autocomplete {
		if in.Data != "" && !has("Content-Length") {
			b.WriteString("Content-Length: " + strconv.Itoa(len(in.Data)) + "\r\n")
		}
		if !has("Connection") {
			b.WriteString("Connection: close\r\n")
		}
	}
	b.WriteString("\r\n" + in.Data)
	return []byte(b.String())
}

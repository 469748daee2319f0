// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/spec"
)

// traces are what only an error's inside looks like.
var traces = []struct {
	what string
	text *regexp.Regexp
}{
	{"a stack trace of Python", regexp.MustCompile(`Traceback \(most recent call last\)|File \\?"[^"\n]{1,200}\.py\\?", line \d+`)},
	{"a stack trace of Java", regexp.MustCompile(`\bat (?:[a-z][\w$]*\.){2,}[\w$<>]+\([\w$]+\.(?:java|kt|scala):\d+\)|(?:java|javax|org\.springframework|com\.fasterxml\.jackson)\.[\w.]+(?:Exception|Error)\b`)},
	{"a stack trace of Go", regexp.MustCompile(`goroutine \d+ \[[a-z ]+\]:|\b[\w./-]+\.go:\d+ \+0x[0-9a-f]+`)},
	{"a stack trace of JavaScript", regexp.MustCompile(`\bat (?:[\w.<>\[\] ]+ \()?(?:file://|node:|/|[A-Z]:\\)[^\s()]{1,200}\.?(?:js|ts|mjs|cjs)?:\d+:\d+\)?`)},
	{"a stack trace of PHP", regexp.MustCompile(`(?:Fatal error|Warning|Notice|Parse error)(?:</b>)?: .{1,300} in (?:<b>)?/[^\s<]{1,200}\.php|#\d+ /[^\s]{1,200}\.php\(\d+\)`)},
	{"a stack trace of .NET", regexp.MustCompile(`\bat [\w.<>` + "`" + `]+\([^)]{0,200}\) in [^\s]{1,200}\.cs:line \d+|System\.[\w.]+Exception: `)},
	{"a stack trace of Ruby", regexp.MustCompile(`[\w/.-]{1,200}\.rb:\d+:in ['` + "`" + `]`)},
	{"a stack trace of Rust", regexp.MustCompile(`thread '[\w-]+' panicked at |stack backtrace:`)},
	{"a debugger's page", regexp.MustCompile(`Werkzeug Debugger|<title>Whoops! There was an error|You're seeing this error because you have <code>DEBUG = True`)},
	{"a database's error", regexp.MustCompile(`SQLITE_ERROR|SQL logic error|You have an error in your SQL syntax|SQLSTATE\[|psycopg2?\.errors|org\.postgresql\.util\.PSQLException|SequelizeDatabaseError|sqlalchemy\.exc\.|MongoServerError|MongoError|ORA-\d{5}`)},
}

func traceIn(a *client.Answer) string {
	for _, t := range traces {
		if t.text.Match(a.Body) {
			return t.what
		}
	}
	return ""
}

// malformed sends what no honest client sends, and looks at what the errors tell.
func malformed(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !check.Safe(op.Method) || check.EndsSession(op) {
		return nil
	}
	as, e, err := check.Admitted(ctx, env, op)
	if err != nil || e == nil {
		return err
	}
	if what := traceIn(e.Answer); what != "" {
		if e.Answer.Status >= 400 {
			report(env, op, verboseError, finding.Firm, "", "The answer to a call as the document has it is "+what+".", env.Step("the call as it should be", e))
		}
		return nil // its answers are like that, error or not
	}
	for _, m := range mistakes(e) {
		var steps []finding.Step
		var what string
		for range 2 {
			r, err := m.make(ctx, env, e.Call.Clone())
			if err != nil || r == nil {
				break
			}
			got, err := do(ctx, env, r)
			if err != nil {
				return err
			}
			if got == nil {
				break
			}
			got.As = as
			if what = traceIn(got.Answer); what == "" {
				break
			}
			steps = append(steps, env.Step(m.why, got))
		}
		if len(steps) == 2 {
			k := verboseError
			if strings.HasPrefix(what, "a debugger") {
				k.Severity = finding.Medium
			}
			report(env, op, k, finding.Firm, m.where, "The answer to "+m.why+" has "+what+".", append([]finding.Step{env.Step("control: the call as it should be", e)}, steps...)...)
			return nil
		}
	}
	return nil
}

// mistake is one way to get a request wrong.
type mistake struct {
	why, where string
	make       func(context.Context, *check.Env, *call.Call) (*client.Request, error)
}

// mistakes are those that fit a call: a few for its body, a few for one place
// of each part.
func mistakes(e *check.Exchange) []mistake {
	as := e.As
	body := func(why, kind, text string) mistake {
		return mistake{why, "body#", func(ctx context.Context, env *check.Env, c *call.Call) (*client.Request, error) {
			r, err := env.World.Request(ctx, c, as)
			if err == nil {
				r.Body = []byte(text)
				r.Set("Content-Type", kind)
			}
			return r, err
		}}
	}
	var out []mistake
	if e.Call.HasBody || e.Call.Op.Method == http.MethodPost || e.Call.Op.Method == http.MethodPut {
		out = append(out,
			body("JSON that breaks off", "application/json", `{"a": [1, {"b": "`), body("a list in place of an object", "application/json", `[[]]`),
			body("null in place of an object", "application/json", `null`), body("no JSON at all", "application/json", "\xff\xfe<a>"),
			body("an empty object", "application/json", `{}`))
	}
	value := func(why string, at call.Place, v any) mistake {
		return mistake{why, at.String(), func(ctx context.Context, env *check.Env, c *call.Call) (*client.Request, error) {
			c.Set(at, v)
			return env.World.Request(ctx, c, as)
		}}
	}
	seen := map[string]int{}
	for _, at := range e.Call.Places() {
		if _, ok := e.Call.Get(at); !ok || at.In == "body" && at.Name == "" || seen[at.In] >= 2 {
			continue
		}
		seen[at.In]++
		switch at.In {
		case "path":
			out = append(out, value("a number where a word may be", at, "-1e999"), value("bytes that are no text", at, call.Raw("%ff%00%c0")))
		case "query":
			out = append(out, value("a word where a number may be", at, "'\"[]{}"), value("bytes that are no text", at, call.Raw("%ff%00")))
		case "body":
			out = append(out, value("an object where a value should be", at, map[string]any{"a": []any{nil}}), value("a number out of range", at, 1e300), value("null where a value should be", at, nil))
		case "header":
			out = append(out, value("a field that is too odd", at, "\"';,=\t"))
		}
	}
	return append(out, mistake{"a credential that is none", "header.Authorization", func(ctx context.Context, env *check.Env, c *call.Call) (*client.Request, error) {
		r, err := env.World.Request(ctx, c, as)
		if err != nil || r.Get("Authorization") == "" {
			return nil, err
		}
		r.Set("Authorization", "Bearer e30.e30.!")
		return r, nil
	}})
}

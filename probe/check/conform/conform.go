// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conform compares answers with the document: their status, media type
// and content. An answer that the document does not have is no weakness by
// itself, but clients, gateways and testers rely on what it says; all findings
// are info.
//
// It looks at answers to calls that work, to one that breaks a rule, and to one
// without a credential. What an answer has too much is not told here: members
// beside the declared ones are looked at by package property.
package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/gen"
	"durward/probe/identity"
	"durward/probe/spec"
)

// What the package finds.
var (
	UndeclaredStatus = finding.Kind{
		ID: "undeclared-status", Title: "An answer has a status that the document does not have", CWE: 440, OWASP: "API9:2023", Severity: finding.Info,
		Oracle: "The status of an answer is neither declared itself, nor its class, nor default. Those of class 5 are left to other checks.",
		Fix:    "response: {contract: {undeclared_status: replace, undeclared_type: replace, invalid: block}}",
		Advice: "Declare the status, or answer with one that is declared.",
	}
	UndeclaredType = finding.Kind{
		ID: "undeclared-media-type", Title: "An answer has a media type that the document does not have", CWE: 440, OWASP: "API9:2023", Severity: finding.Info,
		Oracle: "The status declares content, and none of the answer's media type.",
		Fix:    "response: {contract: {undeclared_status: replace, undeclared_type: replace, invalid: block}}",
		Advice: "Declare the media type, or answer with one that is declared.",
	}
	BreaksSchema = finding.Kind{
		ID: "answer-breaks-schema", Title: "An answer is not as the document says", CWE: 440, OWASP: "API9:2023", Severity: finding.Info,
		Oracle: "The JSON of an answer is held against the schema that is declared for its status and media type.",
		Fix:    "response: {contract: {undeclared_status: replace, undeclared_type: replace, invalid: block}}",
		Advice: "Mend the document or the service: clients and gateways rely on it.",
	}
)

// Check compares answers with the document.
func Check() check.Check {
	return check.Check{Name: "conform", Kinds: []finding.Kind{UndeclaredStatus, UndeclaredType, BreaksSchema}, Operation: operation}
}

// maxFaults is how many places of one answer are told.
const maxFaults = 5

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if len(op.Answers) == 0 || env.ReadOnly && !check.Safe(op.Method) {
		return nil
	}
	users := []*identity.Identity{nil}
	if len(env.Users) > 0 {
		users = env.Users[:min(len(env.Users), 2)]
	}
	var good *check.Exchange
	for _, as := range users {
		e, err := env.World.Good(ctx, op, as)
		if check.Fatal(ctx, err) {
			return err
		}
		if err == nil && e != nil && e.Answer != nil {
			compare(env, op, e, "a call that works")
			good = e
		}
	}
	if good == nil || check.EndsSession(op) || op.Method == http.MethodDelete {
		return nil
	}
	c := good.Call
	for _, m := range gen.Mutations(env.Rand, c) {
		d, ok := m.Apply(c)
		if !ok {
			continue
		}
		e, err := env.World.Send(ctx, d, good.As)
		if check.Fatal(ctx, err) {
			return err
		}
		if err == nil {
			compare(env, op, e, m.String())
		}
		break
	}
	if good.As == nil || !check.Safe(op.Method) {
		return nil
	}
	e, err := env.World.Send(ctx, c.Clone(), nil)
	if check.Fatal(ctx, err) {
		return err
	}
	if err == nil {
		compare(env, op, e, "the call without a credential")
	}
	return nil
}

// compare holds one answer against the document.
func compare(env *check.Env, op *spec.Operation, e *check.Exchange, why string) {
	if e == nil || e.Answer == nil || e.Answer.Status >= 500 {
		return
	}
	report := func(k finding.Kind, where, detail string) {
		env.Report(finding.Finding{Kind: k, Severity: k.Severity, Confidence: finding.Firm, Operation: op.ID, Method: op.Method, Path: op.Path,
			Where: where, Detail: detail, Steps: []finding.Step{env.Step(why, e)}})
	}
	status := strconv.Itoa(e.Answer.Status)
	declared := op.Answer(status)
	if declared == nil {
		report(UndeclaredStatus, "answer."+status, "The document declares no answer "+status+", which is the one to "+why+".")
		return
	}
	typ, _, err := mime.ParseMediaType(e.Answer.Header.Get("Content-Type"))
	if len(declared.Content) == 0 || len(e.Answer.Body) == 0 || e.Answer.Cut || op.Method == http.MethodHead {
		return
	}
	media := match(declared.Content, typ)
	if err != nil || media == nil {
		report(UndeclaredType, "answer."+status, "The document declares no content of type "+strconv.Quote(typ)+" for "+status+".")
		return
	}
	if typ != "application/json" && !strings.HasSuffix(typ, "+json") {
		return
	}
	for i, f := range faults(media.Schema, e.Answer) {
		if i == maxFaults {
			return
		}
		at := index.ReplaceAllString(f.Pointer, "/*")
		what := "breaks " + f.Keyword
		if f.Member != "" {
			what += " (" + strconv.Quote(f.Member) + ")"
		}
		report(BreaksSchema, "answer."+status+"#"+at, "The content of the answer at "+strconv.Quote(f.Pointer)+" "+what+".")
	}
}

// index is an array's item within a pointer: all items are one place.
var index = regexp.MustCompile(`/\d+\b`)

func faults(s *spec.Schema, a *client.Answer) []gen.Fault {
	var v any
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return []gen.Fault{{Keyword: "JSON"}}
	}
	return gen.Faults(s, v)
}

// match finds what is declared for a media type: itself, or a range that holds
// it.
func match(all []*spec.Media, typ string) *spec.Media {
	whole, _, _ := strings.Cut(typ, "/")
	for _, want := range []string{typ, whole + "/*", "*/*"} {
		for _, m := range all {
			if m.Type == want {
				return m
			}
		}
	}
	return nil
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle tests whether objects that were deleted are gone: one is
// made, read, deleted, and read again. It deletes only what the run itself made.
//
// Standards: CWE-672. Failure: where no object can be made and read first, it
// says nothing.
package lifecycle

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

var afterDelete = finding.Kind{
	ID: "use-after-delete", Title: "A deleted object can still be read", CWE: 672, OWASP: "API8:2023", Severity: finding.Medium,
	Oracle: "the same GET is answered before the deletion, and twice after its success with the same content, unlike a GET of an object that never was",
	Fix:    "# no gateway knows what was deleted: revoke keys and tokens that are bound to the object,\n# and let the service answer 404 or 410",
	Advice: "look the object up at each request, and let deletion also take it out of caches and secondary stores",
}

// Check deletes objects and reads them again.
func Check() check.Check {
	return check.Check{Name: "lifecycle", Kinds: []finding.Kind{afterDelete}, Writes: true, Operation: operation}
}

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if op.Method != http.MethodDelete || env.ReadOnly || !strings.HasSuffix(op.Path, "}") {
		return nil
	}
	reader := env.World.Reader(op)
	if reader == nil || reader.Path != op.Path {
		return nil
	}
	users := env.Users
	if len(users) == 0 {
		users = []*identity.Identity{nil}
	}
	for _, as := range users[:min(len(users), 4)] {
		done, err := try(ctx, env, op, reader, as)
		if check.Fatal(ctx, err) || done {
			return err
		}
	}
	return nil
}

// try makes the test as one user. done tells that it could be made.
func try(ctx context.Context, env *check.Env, op, reader *spec.Operation, as *identity.Identity) (done bool, err error) {
	del, err := env.World.Call(ctx, op, as)
	if err != nil {
		return false, err
	}
	read, err := env.World.Call(ctx, reader, as)
	if err != nil {
		return false, err
	}
	read.Path = append(call.Values(nil), del.Path...)
	before, err := env.World.Send(ctx, read, as)
	if err != nil || !before.Answer.OK() {
		return false, err
	}
	gone, err := env.World.Send(ctx, del, as)
	if err != nil || !gone.Answer.OK() || gone.Answer.Status == http.StatusAccepted {
		return false, err
	}
	var after *check.Exchange
	for range 2 {
		if after, err = env.World.Send(ctx, read.Clone(), as); err != nil {
			return true, err
		}
		if !after.Answer.OK() || !bytes.Equal(after.Answer.Body, before.Answer.Body) || len(after.Answer.Body) == 0 {
			return true, nil
		}
	}
	never, err := control(ctx, env, read, as)
	if err != nil || never.Answer.OK() && bytes.Equal(never.Answer.Body, after.Answer.Body) {
		return true, err // it answers that to everything
	}
	env.Report(finding.Finding{Kind: afterDelete, Confidence: finding.Certain, Operation: op.ID, Method: op.Method, Path: op.Path,
		Detail: fmt.Sprintf("after DELETE was answered %d, GET of the same object is answered %d with the same content as before", gone.Answer.Status, after.Answer.Status),
		Steps: []finding.Step{env.Step("control: it can be read", before), env.Step("it is deleted", gone),
			env.Step("control: what never was is answered otherwise", never), env.Step("it can still be read", after)}})
	return true, nil
}

// control reads an object that never was.
func control(ctx context.Context, env *check.Env, read *call.Call, as *identity.Identity) (*check.Exchange, error) {
	c := read.Clone()
	last := &c.Path[len(c.Path)-1]
	text := fmt.Sprint(last.Value)
	if strings.Trim(text, "0123456789") == "" {
		last.Value = "987654321"
	} else {
		last.Value = flip(text)
	}
	return env.World.Send(ctx, c, as)
}

// flip changes the last letters and digits of an identifier within their kinds.
func flip(s string) string {
	b := []byte(s)
	for i, n := len(b)-1, 0; i >= 0 && n < 6; i-- {
		switch ch := b[i]; {
		case ch >= '0' && ch <= '9':
			b[i] = '0' + (ch-'0'+7)%10
			n++
		case ch >= 'a' && ch <= 'f':
			b[i] = 'a' + (ch-'a'+3)%6
			n++
		case ch >= 'g' && ch <= 'z':
			b[i] = 'g' + (ch-'g'+9)%20
			n++
		}
	}
	return string(b)
}

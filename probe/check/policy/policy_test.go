// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// world answers with the statuses of a table: "caller on owner's".
type world struct {
	check.World
	answers map[string][]int
	sent    map[string]int
	none    bool
}

func (w *world) Call(_ context.Context, op *spec.Operation, as *identity.Identity) (*call.Call, error) {
	if w.none {
		return nil, errors.New("nothing is known")
	}
	return &call.Call{Op: op, Body: as.Name}, nil
}

func (w *world) Request(_ context.Context, c *call.Call, as *identity.Identity) (*client.Request, error) {
	return &client.Request{Method: c.Op.Method, Target: name(as) + " on " + c.Body.(string)}, nil
}

func (w *world) Send(ctx context.Context, c *call.Call, as *identity.Identity) (*check.Exchange, error) {
	r, _ := w.Request(ctx, c, as)
	list := w.answers[r.Target]
	n := w.sent[r.Target]
	w.sent[r.Target]++
	status := 403
	if len(list) > 0 {
		status = list[min(n, len(list)-1)]
	}
	return &check.Exchange{Call: c, As: as, Request: r, Answer: &client.Answer{Status: status}}, nil
}

type promises map[string]check.Verdict

func (p promises) Operation(*spec.Operation, *identity.Identity) check.Verdict { return check.Unknown }

func (p promises) Request(_ context.Context, r *client.Request, _ *identity.Identity) (check.Verdict, string) {
	return p[r.Target], "a rule"
}

func TestAnswersAreHeldAgainstWhatTheConfigurationPromises(t *testing.T) {
	for _, tt := range []struct {
		name     string
		method   string
		readOnly bool
		none     bool
		promises promises
		answers  map[string][]int
		want     []string
		sent     int
	}{
		{"all as promised", "GET", false, false, promises{"ada on ada": check.Allow, "dan on ada": check.Deny, "nobody on ada": check.Deny}, map[string][]int{"ada on ada": {200}}, nil, 3},
		{"a denied call is answered", "GET", false, false, promises{"dan on ada": check.Deny}, map[string][]int{"dan on ada": {200}}, []string{"policy-not-enforced dan"}, 2},
		{"anonymous too", "GET", false, false, promises{"nobody on dan": check.Deny}, map[string][]int{"nobody on dan": {204}}, []string{"policy-not-enforced nobody"}, 2},
		{"an answer that does not repeat is nothing", "GET", false, false, promises{"dan on ada": check.Deny}, map[string][]int{"dan on ada": {200, 403}}, nil, 2},
		{"what was changed is not changed again", "DELETE", false, false, promises{"dan on ada": check.Deny}, map[string][]int{"dan on ada": {204, 404}}, []string{"policy-not-enforced dan"}, 1},
		{"an allowed call is refused", "GET", false, false, promises{"ada on ada": check.Allow}, map[string][]int{"ada on ada": {403}}, []string{"policy-refuses-allowed ada"}, 2},
		{"an allowed call that fails otherwise is no matter of policy", "GET", false, false, promises{"ada on ada": check.Allow}, map[string][]int{"ada on ada": {404}}, nil, 1},
		{"what cannot be judged is not sent", "GET", false, false, promises{}, map[string][]int{"dan on ada": {200}}, nil, 0},
		{"a read-only run changes nothing", "POST", true, false, promises{"dan on ada": check.Deny}, map[string][]int{"dan on ada": {200}}, nil, 0},
		{"no call is known", "GET", false, true, promises{"dan on ada": check.Deny}, nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{answers: tt.answers, sent: map[string]int{}, none: tt.none}
			var got []string
			env := &check.Env{World: w, Users: []*identity.Identity{{Name: "ada"}, {Name: "dan"}}, ReadOnly: tt.readOnly, Expect: tt.promises,
				Report: func(f finding.Finding) { got = append(got, f.Kind.ID+" "+f.Where) },
				Step: func(why string, e *check.Exchange) finding.Step {
					return finding.Step{Why: why, Status: e.Answer.Status}
				}}
			if err := Check().Operation(t.Context(), env, &spec.Operation{ID: "op", Method: tt.method, Path: "/x"}); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range w.sent {
				n += s
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || n != tt.sent {
				t.Errorf("%d requests, want %d: %s", n, tt.sent, diff)
			}
		})
	}
}

func TestCallersOfAnOperationAreBounded(t *testing.T) {
	w := &world{answers: map[string][]int{}, sent: map[string]int{}}
	env := &check.Env{World: w, Expect: everything{}, Report: func(finding.Finding) {}, Step: func(string, *check.Exchange) finding.Step { return finding.Step{} }}
	for i := range 50 {
		env.Users = append(env.Users, &identity.Identity{Name: fmt.Sprint("u", i)})
	}
	if err := Check().Operation(t.Context(), env, &spec.Operation{Method: "GET"}); err != nil {
		t.Fatal(err)
	}
	if len(w.sent) != maxUsers*(maxUsers+1) {
		t.Errorf("%d pairs were tried", len(w.sent))
	}
}

type everything struct{ promises }

func (everything) Request(context.Context, *client.Request, *identity.Identity) (check.Verdict, string) {
	return check.Deny, ""
}

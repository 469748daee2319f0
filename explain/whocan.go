// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"durward"
	"durward/pipeline"
)

// Holder is somebody who could make a request.
type Holder struct {
	Kind string `json:"kind"` // "anybody", "role", "consumer", "key"
	Name string `json:"name"`
	// Only says what else must hold: addresses, an expiry.
	Only string `json:"only,omitempty"`
}

// authzStage is the name of the stage that says who may.
const authzStage = "authz"

// WhoCan lists the roles, consumers and keys that the rules of the operation
// would let make the request, each judged by the stage that judges requests.
// Callers that only an issuer knows stand behind the roles of their tokens.
func (e *Explainer) WhoCan(ctx context.Context, q *Request) ([]Holder, *Report, error) {
	x := e.exchange(q)
	r := &Report{Method: q.Method, Target: redactQuery(q.Target)}
	op, _, d := e.pipe.Route(x)
	if op == nil || op.Refusal != "" {
		if op != nil {
			d = durward.Refuse(op.Refusal, nil)
		}
		r.Verdict = verdict(d, x)
		return nil, r, nil
	}
	r.API, r.Operation, r.Template, r.Verdict.Allowed = op.API, op.ID, op.Prefix+op.Template, true
	api := e.cfg.APIs[op.API]
	if api.Public(op.ID) {
		return []Holder{{Kind: "anybody", Name: "everybody, without a credential"}}, r, nil
	}
	var found []Holder
	for _, role := range slices.Sorted(maps.Keys(api.Authorize.Roles)) {
		if e.may(ctx, q, durward.Principal{Subject: "somebody", Method: "jwt", Roles: []string{role}}) {
			found = append(found, Holder{Kind: "role", Name: role})
		}
	}
	if e.may(ctx, q, durward.Principal{Subject: "somebody", Method: "jwt"}) {
		found = append(found, Holder{Kind: "role", Name: "(none: every authenticated caller)"})
	}
	takes := -1 // the API's way of taking keys
	flat := api.Authenticate.Flat()
	for i := range flat {
		if flat[i].APIKey != nil {
			takes = i
		}
	}
	consumers, err := e.store.Consumers(ctx)
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]durward.Consumer{}
	for _, c := range consumers {
		byID[c.ID] = c
		if !c.Disabled && e.may(ctx, q, durward.Principal{Subject: c.ID, Consumer: c.ID, Method: "api_key", Roles: c.Roles, Plan: c.Plan}) {
			found = append(found, Holder{Kind: "consumer", Name: c.ID, Only: places(c.Addresses, c.Denied)})
		}
	}
	if takes < 0 {
		return found, r, nil
	}
	keys, err := e.store.Keys(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	for _, k := range keys {
		c, ok := byID[k.Consumer]
		environments := flat[takes].APIKey.Environments
		switch {
		case !ok, c.Disabled, !k.Revoked.IsZero(), !k.Expires.IsZero() && !now.Before(k.Expires),
			len(environments) > 0 && !slices.Contains(environments, k.Environment),
			len(environments) == 0 && k.Environment == durward.ForeignEnvironment:
			continue
		}
		p := durward.Principal{Subject: c.ID, Consumer: c.ID, Method: "api_key", Credential: k.ID, Roles: durward.Union(c.Roles, k.Roles), Scopes: k.Scopes, Expires: k.Expires}
		if e.may(ctx, q, p) {
			only := places(k.Addresses, k.Denied)
			if !k.Expires.IsZero() {
				only = strings.TrimPrefix(only+", until "+k.Expires.UTC().Format(time.RFC3339), ", ")
			}
			found = append(found, Holder{Kind: "key", Name: k.ID + " of " + k.Consumer, Only: only})
		}
	}
	return found, r, nil
}

// may asks the rules about a caller.
func (e *Explainer) may(ctx context.Context, q *Request, p durward.Principal) bool {
	asked := false
	d := e.pipe.Try(ctx, pipeline.Trial{Exchange: e.exchange(q), Stand: func(stage string, x *durward.Exchange) (durward.Decision, bool) {
		if stage == authzStage {
			asked = true
			x.Principal = p
			return durward.Decision{}, false
		}
		return durward.Proceed(), true
	}})
	return asked && d.Verdict == durward.Allow
}

func places[P fmt.Stringer](allowed, denied []P) string {
	var parts []string
	for _, list := range []struct {
		word string
		all  []P
	}{{"from ", allowed}, {"not from ", denied}} {
		if len(list.all) == 0 {
			continue
		}
		var texts []string
		for _, p := range list.all {
			texts = append(texts, p.String())
		}
		parts = append(parts, list.word+strings.Join(texts, " "))
	}
	return strings.Join(parts, ", ")
}

// WriteHolders prints who could make a request.
func WriteHolders(w io.Writer, r *Report, found []Holder) error {
	if !r.Verdict.Allowed {
		_, err := fmt.Fprintf(w, "nobody: %s %s %s\n", printable(r.Method), printable(r.Target), r.Verdict.String())
		return err
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(w, "nobody that is known here can call %s of %s\n", printable(r.Operation), r.API)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, h := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", h.Kind, printable(h.Name), printable(h.Only))
	}
	return t.Flush()
}

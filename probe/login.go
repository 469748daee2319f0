// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"strings"

	"durward/probe/identity"
	"durward/probe/world"
)

// Pair is a user's name and password, for whom the run finds the way to log in.
type Pair struct{ Name, Password string }

// logIn gets the users' credentials; who cannot log in is left out, with a note.
func (r *run) logIn(ctx context.Context) error {
	var in []*identity.Identity
	var failures []string
	for i, u := range r.users {
		r.at("log in", u.Name, i, len(r.users)+len(r.cfg.Pairs))
		err := r.desk.Login(ctx, u)
		switch {
		case ends(ctx, err) != nil:
			return ends(ctx, err)
		case err != nil:
			failures = append(failures, err.Error())
		default:
			in = append(in, u)
		}
	}
	for _, p := range r.cfg.Pairs {
		u, why, err := r.enter(ctx, p)
		switch {
		case err != nil:
			return err
		case u == nil:
			failures = append(failures, fmt.Sprintf("user %s cannot log in: %s", p.Name, why))
		default:
			in = append(in, u)
		}
	}
	for _, f := range failures {
		r.note(r.mask(f))
	}
	switch {
	case len(in) == 0 && len(failures) > 0:
		return fmt.Errorf("no user could log in: %s", failures[0])
	case len(in) == 0 && r.cfg.Register && !r.cfg.ReadOnly:
		r.at("log in", "registering", 0, 2)
		found, why, err := r.world.Discover(ctx, 2)
		if err != nil {
			return err
		}
		if in = found; len(in) < 2 {
			r.note(fmt.Sprintf("%d of 2 users could be registered, so what is another user's was not tested: %s", len(in), why))
		}
	}
	r.users = in
	if r.cfg.ReadOnly {
		r.client.ReadOnly() // logins write, and are done
	}
	return nil
}

// enter finds the way in for a name and a password: a login that the document
// has, else HTTP Basic.
func (r *run) enter(ctx context.Context, p Pair) (*identity.Identity, string, error) {
	known := map[string]any{"username": p.Name}
	if strings.Contains(p.Name, "@") {
		known["email"] = p.Name
	}
	logins := world.Logins(r.cfg.API)
	if len(logins) == 0 {
		u := identity.Static(p.Name, identity.BasicCredential(p.Name, p.Password))
		u.Known = known
		u.SetPassword(p.Password)
		return u, "", nil
	}
	return r.world.Enter(ctx, logins, &identity.Identity{Name: p.Name, Known: known}, p.Password, nil)
}

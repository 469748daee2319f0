// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"durward/probe/call"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
	"durward/probe/world"
)

// newWorld serves an API and knows it by its document.
func newWorld(t *testing.T, document string, h http.Handler, users ...*identity.Identity) *world.World {
	t.Helper()
	api, err := spec.Parse("api.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{Origin: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	base := ""
	if strings.HasPrefix(api.Servers[0], "/") {
		base = strings.TrimSuffix(api.Servers[0], "/")
	}
	return world.New(world.Config{API: api, Client: c, Base: base, Users: users, Seed: 1, Desk: &identity.Desk{Client: c, Base: base}})
}

func reach(t *testing.T, w *world.World) {
	t.Helper()
	if err := w.Reach(t.Context(), world.Order(w.API), func(*spec.Operation) {}); err != nil {
		t.Fatal(err)
	}
}

func op(t *testing.T, w *world.World, id string) *spec.Operation {
	t.Helper()
	i := slices.IndexFunc(w.API.Operations, func(o *spec.Operation) bool { return o.ID == id || o.Method+" "+o.Path == id })
	if i < 0 {
		t.Fatalf("no operation %s", id)
	}
	return w.API.Operations[i]
}

func TestUsersAreRegisteredAndOperationsReachedWithoutAUsersFile(t *testing.T) {
	for _, test := range []struct {
		name, document string
		handler        http.Handler
		missing        []string
	}{
		{"names as identifiers, refusals with 200", libraryDocument, newLibrary(), []string{"deleteUser"}},
		{"uuids, envelopes, a token in a field of its own", garageDocument, &garage{users: map[string]string{}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.document, test.handler)
			users, why, err := w.Discover(t.Context(), 2)
			if err != nil || len(users) != 2 {
				t.Fatalf("%d users: %s %v", len(users), why, err)
			}
			w.Users = users
			reach(t, w)
			for _, o := range w.API.Operations {
				if a := w.Account(o); a.Reached == slices.Contains(test.missing, o.ID) {
					t.Errorf("%s %s: reached %v; %s", o.Method, o.Path, a.Reached, a.Why)
				}
			}
		})
	}
}

func TestTheUsersPasswordIsLeftAsItIs(t *testing.T) {
	l := newLibrary()
	w := newWorld(t, libraryDocument, l)
	users, _, err := w.Discover(t.Context(), 1)
	if err != nil || len(users) != 1 {
		t.Fatal(users, err)
	}
	w.Users = users
	reach(t, w)
	if !w.Account(op(t, w, "setPassword")).Reached {
		t.Error("the operation was not reached")
	}
	name, _ := users[0].Knows("username")
	if got := l.passwords[fmt.Sprint(name)]; got != users[0].Password() {
		t.Errorf("the password is %q and was %q", got, users[0].Password())
	}
}

func TestExpiredCredentialsAreRenewedInTheMiddleOfARun(t *testing.T) {
	l := newLibrary()
	w := newWorld(t, libraryDocument, l)
	users, _, err := w.Discover(t.Context(), 1)
	if err != nil || len(users) != 1 {
		t.Fatal(users, err)
	}
	w.Users = users
	reach(t, w)
	l.mu.Lock()
	clear(l.tokens)
	before := l.logins
	l.mu.Unlock()
	get := op(t, w, "getBook")
	c, err := w.Call(t.Context(), get, users[0])
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.Send(t.Context(), c, users[0])
	if err != nil || e.Answer.Status != 200 {
		t.Fatalf("%v %+v", err, e)
	}
	if l.logins != before+1 {
		t.Errorf("%d logins, want one more than %d", l.logins, before)
	}
}

func TestObjectsBelongToWhoMadeThem(t *testing.T) {
	w := newWorld(t, garageDocument, &garage{users: map[string]string{}})
	users, _, err := w.Discover(t.Context(), 2)
	if err != nil || len(users) != 2 {
		t.Fatal(users, err)
	}
	w.Users = users
	reach(t, w)
	get := op(t, w, "GET /shop/orders/{order_id}")
	place := call.Place{In: "path", Name: "order_id", Schema: &spec.Schema{Types: []string{"integer"}}}
	a, b := w.Owns(get, place, users[0]), w.Owns(get, place, users[1])
	if len(a) == 0 || len(b) == 0 {
		t.Fatalf("owned: %v and %v", a, b)
	}
	for _, id := range a {
		if slices.Contains(b, id) {
			t.Errorf("%v is said to be of both", id)
		}
	}
	// What everybody is shown is nobody's own; what only one is shown is.
	vehicle := call.Place{In: "path", Name: "vehicleId"}
	loc := op(t, w, "GET /v2/vehicle/{vehicleId}/location")
	if own := w.Owns(loc, vehicle, users[0]); len(own) != 1 || strings.Contains(fmt.Sprint(w.Owns(loc, vehicle, users[1])), fmt.Sprint(own[0])) {
		t.Errorf("vehicles: %v and %v", own, w.Owns(loc, vehicle, users[1]))
	}
}

func TestACallForEachUserIsOnTheirOwnObject(t *testing.T) {
	w := newWorld(t, garageDocument, &garage{users: map[string]string{}})
	users, _, err := w.Discover(t.Context(), 2)
	if err != nil || len(users) != 2 {
		t.Fatal(users, err)
	}
	w.Users = users
	reach(t, w)
	get := op(t, w, "GET /shop/orders/{order_id}")
	for _, u := range users {
		c, err := w.Call(t.Context(), get, u)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := w.Send(t.Context(), c, u); err != nil || e.Answer.Status != 200 {
			t.Errorf("%s: %v %v", u.Name, err, e)
		}
	}
}

func staticUser(name string) *identity.Identity {
	return identity.Static(name, identity.Bearer(name+"-token"))
}

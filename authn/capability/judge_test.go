// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"net/netip"
	"testing"
	"time"

	"durward"
)

func nets(texts ...string) Caveat {
	var all []netip.Prefix
	for _, s := range texts {
		all = append(all, netip.MustParsePrefix(s))
	}
	return Addresses(all...)
}

func after(d time.Duration) Caveat { return NotAfter(start.Add(d)) }

// TestACaveatHoldsOrRefuses has a request of listMessages of the API moot:
// GET /spaces/42/messages?space=42&limit=10 from 192.0.2.7, at start.
func TestACaveatHoldsOrRefuses(t *testing.T) {
	for _, row := range []struct {
		name    string
		caveats []Caveat
		change  func(x *durward.Exchange)
		want    error
	}{
		{"no caveat allows all", nil, nil, nil},
		{"the operation", []Caveat{Operations("listMessages")}, nil, nil},
		{"one of the operations", []Caveat{Operations("getSpace", "listMessages")}, nil, nil},
		{"another operation", []Caveat{Operations("getSpace")}, nil, errOperation},
		{"an operation in another case", []Caveat{Operations("listmessages")}, nil, errOperation},
		{"an operation that begins alike", []Caveat{Operations("listMessagesOf")}, nil, errOperation},
		{"no operation", []Caveat{Operations("listMessages")}, func(x *durward.Exchange) { x.Operation = nil }, errOperation},
		{"two sets of operations intersect", []Caveat{Operations("a", "listMessages"), Operations("listMessages", "b")}, nil, nil},
		{"two sets that have only others in common", []Caveat{Operations("a", "listMessages"), Operations("a", "b")}, nil, errOperation},
		{"the API", []Caveat{APIs("moot")}, nil, nil},
		{"another API", []Caveat{APIs("billing", "moot2")}, nil, errAPI},
		{"no API", []Caveat{APIs("moot")}, func(x *durward.Exchange) { x.Operation = nil }, errAPI},
		{"the path itself", []Caveat{Paths("/spaces/42/messages")}, nil, nil},
		{"a path above", []Caveat{Paths("/spaces/42")}, nil, nil},
		{"the root of all paths", []Caveat{Paths("/")}, nil, nil},
		{"one of two paths", []Caveat{Paths("/users", "/spaces")}, nil, nil},
		{"a path beside", []Caveat{Paths("/spaces/4")}, nil, errPath},
		{"a path below", []Caveat{Paths("/spaces/42/messages/7")}, nil, errPath},
		{"a path in another case", []Caveat{Paths("/Spaces/42")}, nil, errPath},
		{"a path with a slash at its end", []Caveat{Paths("/spaces/42")}, func(x *durward.Exchange) { x.In.Path = "/spaces/42/" }, nil},
		{"a name that goes on", []Caveat{Paths("/spaces/42")}, func(x *durward.Exchange) { x.In.Path = "/spaces/42x" }, errPath},
		{"an escape that goes on", []Caveat{Paths("/spaces/42")}, func(x *durward.Exchange) { x.In.Path = "/spaces/42%20" }, errPath},
		{"no path", []Caveat{Paths("/")}, func(x *durward.Exchange) { x.In.Path = "" }, errPath},
		{"the asterisk", []Caveat{Paths("/")}, func(x *durward.Exchange) { x.In.Path = "*" }, errPath},
		{"two paths intersect", []Caveat{Paths("/spaces", "/users"), Paths("/spaces/42")}, nil, nil},
		{"two paths without a common one", []Caveat{Paths("/spaces"), Paths("/users")}, nil, errPath},
		{"the method", []Caveat{Methods("GET")}, nil, nil},
		{"another method", []Caveat{Methods("POST", "PUT")}, nil, errMethod},
		{"a method in another case", []Caveat{Methods("get")}, nil, errMethod},
		{"HEAD is not GET", []Caveat{Methods("GET")}, func(x *durward.Exchange) { x.In.Method = "HEAD" }, errMethod},
		{"the address", []Caveat{nets("192.0.2.7/32")}, nil, nil},
		{"the network of the address", []Caveat{nets("2001:db8::/32", "192.0.2.0/24")}, nil, nil},
		{"another network", []Caveat{nets("198.51.100.0/24")}, nil, errAddress},
		{"all of the other family", []Caveat{nets("::/0")}, nil, errAddress},
		{"an address of IPv6", []Caveat{nets("2001:db8::/32")}, func(x *durward.Exchange) { x.Client.Address = netip.MustParseAddr("2001:db8::1") }, nil},
		{"no address", []Caveat{nets("0.0.0.0/0")}, func(x *durward.Exchange) { x.Client.Address = netip.Addr{} }, errAddress},
		{"two networks intersect", []Caveat{nets("192.0.2.0/24"), nets("192.0.2.128/25")}, nil, errAddress},
		{"a second before its end", []Caveat{after(time.Second)}, nil, nil},
		{"at its end", []Caveat{after(0)}, nil, errExpired},
		{"behind its end", []Caveat{after(-time.Second)}, nil, errExpired},
		{"the earlier of two ends counts", []Caveat{after(-time.Second), after(time.Hour)}, nil, errExpired},
		{"a later end gives nothing back", []Caveat{after(time.Hour), after(-time.Second), after(time.Hour)}, nil, errExpired},
		{"at its beginning", []Caveat{NotBefore(start)}, nil, nil},
		{"before its beginning", []Caveat{NotBefore(start.Add(time.Second))}, nil, errEarly},
		{"the later of two beginnings counts", []Caveat{NotBefore(start), NotBefore(start.Add(time.Hour))}, nil, errEarly},
		{"a bound key without proofs", []Caveat{BoundKey("A" + zeros[:42])}, nil, errNoProof},
		{"all kinds hold", []Caveat{Operations("listMessages"), APIs("moot"), Paths("/spaces"), Methods("GET"), Query("space", "42"), nets("192.0.2.0/24"), after(time.Hour), NotBefore(start)}, nil, nil},
		{"all kinds but one hold", []Caveat{Operations("listMessages"), APIs("moot"), Paths("/spaces"), Methods("PUT"), Query("space", "42"), nets("192.0.2.0/24"), after(time.Hour), NotBefore(start)}, nil, errMethod},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, x := newMethod(t), newExchange(minted(t, row.caveats...).Text())
			if row.change != nil {
				row.change(x)
			}
			if err := m.decide(t, x); err != row.want {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestAQueryCaveatNeedsTheParameterOnce(t *testing.T) {
	for _, row := range []struct {
		name, query string
		caveat      Caveat
		ok          bool
	}{
		{"the value", "space=42", Query("space", "42"), true},
		{"one of the values", "space=42", Query("space", "41", "42"), true},
		{"beside others", "a=1&space=42&b=2", Query("space", "42"), true},
		{"another value", "space=43", Query("space", "42"), false},
		{"a longer value", "space=421", Query("space", "42"), false},
		{"a shorter value", "space=4", Query("space", "42"), false},
		{"no query", "", Query("space", "42"), false},
		{"no parameter", "a=1", Query("space", "42"), false},
		{"the parameter twice", "space=42&space=42", Query("space", "42"), false},
		{"the parameter twice, once escaped", "space=42&%73pace=7", Query("space", "42"), false},
		{"the parameter twice, once without a value", "space=42&space", Query("space", "42"), false},
		{"an escaped name", "%73p%61ce=42", Query("space", "42"), true},
		{"an escaped value", "space=%34%32", Query("space", "42"), true},
		{"a plus is a blank", "q=a+b", Query("q", "a b"), true},
		{"an escaped plus is a plus", "q=a%2Bb", Query("q", "a+b"), true},
		{"an escaped plus is no blank", "q=a%2bb", Query("q", "a b"), false},
		{"an equals sign in the value", "q=a=b", Query("q", "a=b"), true},
		{"an empty value", "q=", Query("q", ""), true},
		{"no value is an empty one", "q", Query("q", ""), true},
		{"an empty value does not stand for another", "q=", Query("q", "a"), false},
		{"outside ASCII", "q=%C3%BC", Query("q", "ü"), true},
		{"half an escape in the value", "space=42%3", Query("space", "42"), false},
		{"half an escape elsewhere", "space=42&%zz=1", Query("space", "42"), false},
		{"a name in another case", "Space=42", Query("space", "42"), false},
		{"empty pairs are no parameter", "&&space=42&", Query("space", "42"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, x := newMethod(t), newExchange(minted(t, row.caveat).Text())
			x.In.RawQuery = row.query
			want := errQuery
			if row.ok {
				want = nil
			}
			if err := m.decide(t, x); err != want {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

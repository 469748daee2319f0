// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward"
	"durward/authz/directory"
)

// orders is a configuration whose orders are looked up at a URL.
func orders(url string) func(*Config) {
	return func(c *Config) {
		c.Directories = map[string]directory.Config{"shop": {HTTP: &directory.HTTPConfig{URL: url + "/{type}/{id}"}}}
		c.Objects = map[string]Object{
			"Order": {ID: "path.order", Directory: "shop", Fields: map[string]string{"account": "Account", "open": "Bool"}},
			"Account": {ID: "path.user", Directory: "shop", Fields: map[string]string{
				"owner": "Caller", "readers": "Set<Caller>?", "level": "Long", "tags": "Set<String>?"}},
		}
	}
}

const ownOrders = `@id("own") permit (principal, action in [Action::"getOrder", Action::"putOrder"], resource is Order)
when { resource.account.owner == principal || resource.account.readers.contains(principal) };
permit (principal, action == Action::"listOrders", resource is API);
`

type shop struct {
	*httptest.Server
	asked atomic.Int32
}

func newShop(t *testing.T, answers map[string]string) *shop {
	t.Helper()
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer, ok := answers[r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case answer == "":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestObjectsAreLookedUpTwoStepsDeep(t *testing.T) {
	s := newShop(t, map[string]string{
		"/Order/7":     `{"account":"cy","open":true,"more":1}`,
		"/Account/cy":  `{"owner":"cy","readers":["eve"],"level":1}`,
		"/Order/8":     `{"account":"dan","open":true}`,
		"/Account/dan": `{"owner":"dan","level":2}`,
		"/Order/9":     ``,
		"/Order/10":    `{"account":"cy"}`,
		"/Order/11":    `{"account":"cy","open":"true"}`,
		"/Order/13":    `{"account":"gone","open":true}`,
	})
	for _, tt := range []struct {
		name, user, account, order string
		verdict                    durward.Verdict
		code                       durward.Code
	}{
		{"the owner", "cy", "cy", "7", durward.Allow, ""},
		{"a reader", "eve", "cy", "7", durward.Allow, ""},
		{"another", "dan", "cy", "7", durward.Deny, durward.CodeForbidden},
		{"another's order by the way of one's own account", "cy", "cy", "8", durward.Deny, durward.CodeForbidden},
		{"one's own order by the way of another account", "cy", "dan", "7", durward.Deny, durward.CodeForbidden},
		{"an order that is not there", "cy", "cy", "12", durward.Deny, durward.CodeForbidden},
		{"an order of an account that is not there", "cy", "gone", "13", durward.Deny, durward.CodeForbidden},
		{"a directory that fails", "cy", "cy", "9", durward.Fail, durward.CodeStoreUnavailable},
		{"an answer without a field", "cy", "cy", "10", durward.Fail, durward.CodeStoreUnavailable},
		{"an answer of another type", "cy", "cy", "11", durward.Fail, durward.CodeStoreUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustCompile(t, ownOrders, orders(s.URL))
			x := someone(func(x *durward.Exchange) {
				x.Principal.Subject = tt.user
				x.Params[0].Value, x.Params[1].Value = tt.account, tt.order
			})
			d := c.Stage("getOrder").Request(context.Background(), x)
			if d.Verdict != tt.verdict || d.Code != tt.code {
				t.Errorf("%v %q: %v", d.Verdict, d.Code, d.Err)
			}
			if d.Err != nil && (strings.Contains(d.Err.Error(), s.URL) || strings.Contains(d.Err.Error(), "/Order/")) {
				t.Errorf("the record would hold what was asked: %v", d.Err)
			}
		})
	}
}

func TestAForbidWithoutItsDirectoryIsAFailure(t *testing.T) {
	s := newShop(t, map[string]string{"/Order/7": ""})
	c := mustCompile(t, permitAll+"forbid (principal, action, resource is Order) unless { resource.open };", orders(s.URL))
	if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict != durward.Fail || d.Code != durward.CodeStoreUnavailable {
		t.Errorf("%v %q", d.Verdict, d.Code)
	}
	// A permit that needs no directory is not stopped by another that does.
	c = mustCompile(t, ownOrders+`permit (principal in Role::"member", action, resource);`, orders(s.URL))
	if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict != durward.Allow {
		t.Errorf("%v: %v", d.Verdict, d.Err)
	}
}

// What cannot be looked up must not look like what is not there.
func TestAPermitByWhatIsNotTheCaseNeedsItsDirectory(t *testing.T) {
	s := newShop(t, map[string]string{"/Order/7": ""})
	for _, condition := range []string{
		`unless { resource has open && resource.open }`, `when { !(resource has account) }`, `unless { resource in Account::"secret" }`,
	} {
		c := mustCompile(t, `permit (principal, action in [Action::"listOrders", Action::"putOrder"], resource); permit (principal, action == Action::"getOrder", resource is Order) `+condition+";", orders(s.URL))
		if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict == durward.Allow {
			t.Errorf("%s holds while the directory is away", condition)
		}
	}
}

func TestADecisionAsksOnceForWhatIsAway(t *testing.T) {
	for _, answers := range []map[string]string{{"/Order/7": ""}, {}} {
		s := newShop(t, answers)
		text := ownOrders
		for range 20 {
			text += "permit (principal, action, resource in Account::\"cy\") when { resource is Order && resource has open && resource.open };\n"
		}
		c := mustCompile(t, text, orders(s.URL))
		if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict == durward.Allow || s.asked.Load() != 1 {
			t.Errorf("%v after %d look-ups", d.Verdict, s.asked.Load())
		}
	}
}

func TestNoPolicyNoLookUp(t *testing.T) {
	s := newShop(t, nil)
	c := mustCompile(t, permitAll, orders(s.URL))
	if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict != durward.Allow || s.asked.Load() != 0 {
		t.Errorf("%v after %d look-ups", d.Verdict, s.asked.Load())
	}
}

func TestAMemberIsFoundByItsObject(t *testing.T) {
	s := newShop(t, map[string]string{"/Order/7": `{"account":"cy","open":true}`, "/Account/cy": `{"owner":"cy","level":3,"tags":["gold"]}`})
	c := mustCompile(t, `permit (principal, action in [Action::"getOrder", Action::"putOrder"], resource in Account::"cy")
when { resource.account.level >= 3 && resource.account.tags.contains("gold") && resource.account.id == "cy" && resource.id == "7" };
permit (principal, action == Action::"listOrders", resource);`, orders(s.URL))
	if d := c.Stage("getOrder").Request(context.Background(), someone()); d.Verdict != durward.Allow {
		t.Errorf("%v: %v", d.Verdict, d.Err)
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("%d look-ups", n)
	}
}

func TestAnIdOfTwoParametersIsOneObject(t *testing.T) {
	c := mustCompile(t, `permit (principal, action in Action::"tag:orders", resource == Order::"cy/7");
permit (principal, action == Action::"listOrders", resource is API);`, func(c *Config) {
		c.Objects = map[string]Object{"Order": {ID: "path.user/path.order"}, "Account": {ID: "path.user"}}
	})
	for _, tt := range []struct {
		user, order string
		want        durward.Verdict
	}{{"cy", "7", durward.Allow}, {"cy", "8", durward.Deny}, {"cy/7", "", durward.Deny}, {"", "cy/7", durward.Deny}, {"cy%2F7", "", durward.Deny}} {
		x := someone(func(x *durward.Exchange) { x.Params[0].Value, x.Params[1].Value = tt.user, tt.order })
		if d := c.Stage("getOrder").Request(context.Background(), x); d.Verdict != tt.want {
			t.Errorf("%q and %q: %v", tt.user, tt.order, d.Verdict)
		}
	}
}

func TestRequestsAtTheSameTimeDoNotMix(t *testing.T) {
	s := newShop(t, map[string]string{
		"/Order/7": `{"account":"cy","open":true}`, "/Account/cy": `{"owner":"cy","level":1}`,
		"/Order/8": `{"account":"dan","open":true}`, "/Account/dan": `{"owner":"dan","level":2}`,
	})
	c := mustCompile(t, ownOrders, orders(s.URL))
	stage := c.Stage("getOrder")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 200 {
				user, order := "cy", "7"
				if (n+i)%2 == 0 {
					user, order = "dan", "8"
				}
				caller := user
				if i%3 == 0 {
					caller = "eve"
				}
				x := someone(func(x *durward.Exchange) {
					x.Principal.Subject, x.Params[0].Value, x.Params[1].Value = caller, user, order
				})
				if d := stage.Request(context.Background(), x); (d.Verdict == durward.Allow) != (caller == user) {
					t.Errorf("%s for %s: %v %v", caller, user, d.Verdict, d.Err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestObjectsThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"a name that Durward uses", func(c *Config) { c.Objects = map[string]Object{"Caller": {ID: "path.user"}} }, "objects.Caller"},
		{"a name that Cedar cannot have", func(c *Config) { c.Objects = map[string]Object{"my order": {ID: "path.user"}} }, "objects.my order"},
		{"an id that is no parameter", func(c *Config) { c.Objects = map[string]Object{"Order": {ID: "order"}} }, "objects.Order.id"},
		{"a directory that is not there", func(c *Config) { c.Objects = map[string]Object{"Order": {ID: "path.order", Directory: "x"}} }, "objects.Order.directory"},
		{"fields without a directory", func(c *Config) {
			c.Objects = map[string]Object{"Order": {ID: "path.order", Fields: map[string]string{"a": "String"}}}
		}, "need a directory"},
		{"a field of an unknown type", func(c *Config) { orders("http://x")(c); c.Objects["Order"].Fields["a"] = "Set<Strin>" }, "objects.Order.fields.a"},
		{"a field with a taken name", func(c *Config) { orders("http://x")(c); c.Objects["Order"].Fields["id"] = "String" }, "objects.Order.fields.id"},
		{"objects in a circle", func(c *Config) { orders("http://x")(c); c.Objects["Account"].Fields["last"] = "Order" }, "circle"},
		{"two objects by one parameter", func(c *Config) {
			c.Objects = map[string]Object{"Order": {ID: "path.order"}, "Bill": {ID: "path.order"}}
		}, "several"},
		{"an operation without the parameter", func(c *Config) {
			c.Objects = map[string]Object{"Order": {ID: "path.order", Operations: []string{"listOrders"}}}
		}, "does not have the parameters"},
		{"a directory that is neither", func(c *Config) { c.Directories = map[string]directory.Config{"x": {}} }, "directories.x"},
		{"a directory file that is not there", func(c *Config) {
			c.Directories = map[string]directory.Config{"x": {File: "testdata/none.yaml"}}
		}, "directories.x.file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := compileText(t, permitAll, tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q in: %v", tt.want, err)
			}
		})
	}
}

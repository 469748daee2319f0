// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"durward"
)

const otherOrders = "permit (principal, action in [Action::\"getOrder\", Action::\"listOrders\"], resource);\n"

func putOrder(t *testing.T, text string) (early, late durward.Stage) {
	t.Helper()
	c := mustCompile(t, text+otherOrders)
	return c.Stage("putOrder"), c.Content("putOrder")
}

func TestPoliciesReadTheContent(t *testing.T) {
	nothing := func(*durward.Exchange) {}
	coded := func(x *durward.Exchange) { body(`{"total":1}`)(x); x.In.Header.Set("Content-Encoding", "gzip") }
	typed := func(kind string) func(*durward.Exchange) {
		return func(x *durward.Exchange) { body(`{"total":1}`)(x); x.In.Header.Set("Content-Type", kind) }
	}
	for _, tt := range []struct {
		name, when string
		body       func(*durward.Exchange)
		code       durward.Code
	}{
		{"a number", `context.body.total <= 100`, body(`{"total":100}`), ""},
		{"a number beyond", `context.body.total <= 100`, body(`{"total":101}`), durward.CodeForbidden},
		{"a number that is not there", `context.body.total <= 100`, body(`{}`), durward.CodeForbidden},
		{"a number with a fraction", `context.body.total <= 100`, body(`{"total":1.0}`), durward.CodeBodyInvalid},
		{"a number with an exponent", `context.body.total <= 100`, body(`{"total":1e0}`), durward.CodeBodyInvalid},
		{"a text for a number", `context.body.total <= 100`, body(`{"total":"1"}`), durward.CodeBodyInvalid},
		{"a member twice", `context.body.total <= 100`, body(`{"total":1,"total":1000}`), durward.CodeBodyMalformed},
		{"a member twice by an escape", `context.body.total <= 100`, body(`{"total":1,"t\u006ftal":1000}`), durward.CodeBodyMalformed},
		{"a flag", `context.body has gift && context.body.gift`, body(`{"total":1,"gift":true}`), ""},
		{"a flag that is null", `context.body has gift && context.body.gift`, body(`{"total":1,"gift":null}`), durward.CodeForbidden},
		{"a text with an escape", `context.body has note && context.body.note == "a\n"`, body(`{"note":"a\n","x":{"note":"b"}}`), ""},
		{"a member of a member", `context.body has ship && context.body.ship has country && context.body.ship.country == "CH"`, body(`{"ship":{"country":"CH"}}`), ""},
		{"a member of a member that is not there", `context.body has ship && !(context.body.ship has country)`, body(`{"ship":{}}`), ""},
		{"a list for a record", `!(context.body has ship)`, body(`{"ship":[]}`), durward.CodeBodyInvalid},
		{"a list for the content", `!(context.body has ship)`, body(`[{"ship":1}]`), durward.CodeBodyInvalid},
		{"two values", `!(context.body has ship)`, body(`{} {"ship":{}}`), durward.CodeBodyMalformed},
		{"half a value", `!(context.body has ship)`, body(`{"ship":`), durward.CodeBodyMalformed},
		{"bytes that are not UTF-8", `!(context.body has ship)`, body("{\"sh\xffip\":1}"), durward.CodeBodyMalformed},
		{"no content", `!(context.body has ship)`, nothing, ""},
		{"content that is no JSON", `!(context.body has ship)`, typed("application/x-www-form-urlencoded"), durward.CodeMediaType},
		{"content without a type", `!(context.body has ship)`, func(x *durward.Exchange) { body(`{}`)(x); x.In.Header.Del("Content-Type") }, durward.CodeMediaType},
		{"content with a coding", `!(context.body has ship)`, coded, durward.CodeMediaType},
		{"another JSON type", `context.body.total == 1`, typed("application/merge-patch+json; charset=utf-8"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			early, late := putOrder(t, "@id(\"it\") permit (principal, action == Action::\"putOrder\", resource) when { "+tt.when+" };\n")
			x := someone(tt.body)
			if d := early.Request(context.Background(), x); d.Verdict != durward.Allow || x.In.Body.Touched() || len(x.Policies) > 0 {
				t.Fatalf("early: %v %v, content read %v", d.Verdict, d.Err, x.In.Body.Touched())
			}
			d := late.Request(context.Background(), x)
			if d.Code != tt.code || (d.Verdict == durward.Allow) != (tt.code == "") {
				t.Errorf("%v %q: %v", d.Verdict, d.Code, d.Err)
			}
			if tt.code == "" && !slices.Equal(x.Policies, []string{"it (policies[0]:1)"}) {
				t.Errorf("decided by %q", x.Policies)
			}
		})
	}
}

// TestTwoStagesDecideAsOne holds the two stages against the decision over all
// policies at once: the first may refuse only what that refuses.
func TestTwoStagesDecideAsOne(t *testing.T) {
	parts := []string{
		`permit (principal, action == Action::"putOrder", resource) when { context.body.total <= 10 };`,
		`permit (principal in Role::"member", action == Action::"putOrder", resource);`,
		`permit (principal in Role::"admin", action == Action::"putOrder", resource);`,
		`forbid (principal, action == Action::"putOrder", resource) when { context.body has gift && context.body.gift };`,
		`forbid (principal, action == Action::"putOrder", resource) when { context.path.user == "dan" };`,
		`forbid (principal, action == Action::"putOrder", resource) when { context == context && context.body.total == 7 };`,
	}
	contents := []string{`{"total":1}`, `{"total":11}`, `{"total":7}`, `{"total":1,"gift":true}`}
	cases := 0
	for set := 1; set < 1<<len(parts); set++ {
		var text strings.Builder
		for i, p := range parts {
			if set&(1<<i) != 0 {
				text.WriteString(p + "\n")
			}
		}
		c, err := compileText(t, text.String()+otherOrders)
		if err != nil {
			if set&7 != 0 {
				t.Fatalf("%v in\n%s", err, text.String())
			}
			continue // nothing permits the operation
		}
		for _, content := range contents {
			for _, user := range []string{"cy", "dan"} {
				x := someone(body(content), func(x *durward.Exchange) { x.Params[0].Value = user })
				all := (&stage{slice: c.slices["putOrder"], content: true}).Request(context.Background(), x)
				x = someone(body(content), func(x *durward.Exchange) { x.Params[0].Value = user })
				got := c.Stage("putOrder").Request(context.Background(), x)
				if late := c.Content("putOrder"); got.Verdict == durward.Allow && late != nil {
					got = late.Request(context.Background(), x)
				}
				if cases++; got.Verdict != all.Verdict {
					t.Errorf("%s for %s: %v (%v), in one stage %v (%v), with\n%s", content, user, got.Verdict, got.Err, all.Verdict, all.Err, text.String())
				}
			}
		}
		c.Close()
	}
	if cases < 400 {
		t.Errorf("only %d cases", cases)
	}
}

func TestTheFirstStageRefusesWhatNoContentCanChange(t *testing.T) {
	early, late := putOrder(t, `permit (principal, action == Action::"putOrder", resource) when { context.body.total <= 10 };
@id("not-dan") forbid (principal, action == Action::"putOrder", resource) when { context.path.user == "dan" };
`)
	x := someone(body(`{"total":1}`), func(x *durward.Exchange) { x.Params[0].Value = "dan" })
	if d := early.Request(context.Background(), x); d.Code != durward.CodeForbidden || x.In.Body.Touched() {
		t.Errorf("%v %q, content read %v", d.Verdict, d.Code, x.In.Body.Touched())
	}
	if len(x.Policies) != 1 || !strings.HasPrefix(x.Policies[0], "not-dan (") {
		t.Errorf("decided by %q", x.Policies)
	}
	if late == nil {
		t.Error("no second stage")
	}
	c := mustCompile(t, permitAll)
	if c.Content("putOrder") != nil || c.Content("nope") != nil {
		t.Error("a second stage where nothing reads the content")
	}
}

func TestContentThatCannotBeReadRefuses(t *testing.T) {
	_, late := putOrder(t, `permit (principal, action == Action::"putOrder", resource) when { context.body.total <= 10 };`)
	x := someone(func(x *durward.Exchange) {
		x.In.Header.Set("Content-Type", "application/json")
		x.In.Body.Init(io.MultiReader(strings.NewReader(`{"total"`), failing{}), -1)
		if err := x.In.Body.SetLimit(100); err != nil {
			t.Fatal(err)
		}
	})
	if d := late.Request(context.Background(), x); d.Code != durward.CodeBodyTimeout {
		t.Errorf("%v %q", d.Verdict, d.Code)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, durward.ErrBodyTimeout }

func FuzzContent(f *testing.F) {
	for _, s := range []string{`{"total":1}`, `{"ship":{"country":"CH"}}`, `[]`, `{"total":1,"total":2}`, "{\"t\xff\":1}"} {
		f.Add(s)
	}
	c, err := compileText(f, `permit (principal, action == Action::"putOrder", resource) when { context.body == context.body };`+otherOrders)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<15 {
			return
		}
		x := someone(body(text))
		if d := c.Content("putOrder").Request(context.Background(), x); d.Verdict == durward.Allow && text != "" && strings.TrimSpace(text) != "" && strings.TrimSpace(text)[0] != '{' {
			t.Errorf("%q was taken", text)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"limit=1", "limit=1&limit=2", "%6cimit=1", "a=%zz", "=&&=", "q=a+b;limit=1"} {
		f.Add(s)
	}
	c, err := compileText(f, `permit (principal, action == Action::"getOrder", resource) when { context.query has limit && context.query.limit == 1 };
permit (principal, action in [Action::"putOrder", Action::"listOrders"], resource);`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, q string) {
		d := c.Stage("getOrder").Request(context.Background(), someone(query(q)))
		if d.Verdict == durward.Allow && !strings.Contains(q, "=1") && !strings.Contains(q, "=%31") {
			t.Errorf("%q has limit=1", q)
		}
	})
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/allocs"
	"durward/internal/units"
)

// shelf is a Keeper in memory.
type shelf struct {
	mu    sync.Mutex
	texts map[string][]byte
	err   error
}

func (s *shelf) ChangeInventory(_ context.Context, api string, change func([]byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := change(s.texts[api])
	if err == nil {
		err = s.err
	}
	if err == nil {
		if s.texts == nil {
			s.texts = map[string][]byte{}
		}
		s.texts[api] = text
	}
	return err
}

func (s *shelf) get(t *testing.T, api string) *API {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := Parse(s.texts[api])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func open(t *testing.T, cfg Config, keeper Keeper) *Inventory {
	t.Helper()
	cfg.Flush = units.Duration(time.Hour) // tests flush themselves
	inv := Open(cfg, keeper, func() time.Time { return start }, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { inv.Close(context.Background()) })
	return inv
}

var list = &durward.Operation{API: "shop", ID: "list", Method: "GET", Template: "/orders"}

func call(query, consumer string, at time.Duration) *durward.Exchange {
	x := &durward.Exchange{Started: start.Add(at), Operation: list}
	x.In.Method, x.In.Path, x.In.RawQuery = "GET", "/orders", query
	x.Principal.Consumer = consumer
	x.Client.Address = netip.MustParseAddr("192.0.2.77")
	x.Upstream.Attempts = 1
	return x
}

func missed(path string, at time.Duration) *durward.Exchange {
	x := call("", "", at)
	x.Operation = &durward.Operation{API: "shop", Prefix: "/shop", Refusal: durward.CodeUnknownOperation}
	x.In.Path, x.Upstream.Attempts = "/shop"+path, 0
	return x
}

func TestCallsAreNotedWithTheirCallersAndUndeclaredParameters(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	op := inv.Declared(list, []string{"limit", "filter"}, false)
	op.Saw(call("limit=1&debug=true&filter[name]=x", "partner", 0), 200)
	op.Saw(call("de%62ug=17&%zz=1", "partner", time.Minute), 500)
	refused := call("", "", 2*time.Minute)
	refused.Upstream.Attempts = 0
	op.Saw(refused, 401)
	if err := inv.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	op.Saw(call("", "other", time.Hour), 200)
	if err := inv.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := &Seen{
		Method: "GET", Template: "/orders", First: start, Last: start.Add(time.Hour), Count: 4, Passed: 3,
		Callers: map[string]*Times{
			"partner":      {start, start.Add(time.Minute), 2},
			"192.0.2.0/24": {start.Add(2 * time.Minute), start.Add(2 * time.Minute), 1},
			"other":        {start.Add(time.Hour), start.Add(time.Hour), 1},
		},
		Parameters: map[string]*Parameter{"debug": {
			Times: Times{start, start.Add(time.Minute), 2}, Shape: Shape{Types: map[string]int64{"boolean": 1, "integer": 1}},
		}},
		MoreParameters: 1, // whose name cannot be read
		Statuses:       map[string]int64{"200": 2, "500": 1, "401": 1},
	}
	if diff := cmp.Diff(want, keeper.get(t, "shop").Operations["list"]); diff != "" {
		t.Error(diff)
	}
}

func TestAnOperationThatTakesAnyParameterHasNoUndeclaredOnes(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	inv.Declared(list, nil, true).Saw(call("a=1", "x", 0), 200)
	_ = inv.Flush(context.Background())
	if p := keeper.get(t, "shop").Operations["list"].Parameters; p != nil {
		t.Errorf("noted %v", p)
	}
}

func TestPathsOfManyObjectsAreOneUndeclaredOperation(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	for i := range 50 {
		inv.Missed(missed(fmt.Sprintf("/users/%d/cart", i), 0), 404, true)
	}
	inv.Missed(missed("/.env", 0), 404, false)
	_ = inv.Flush(context.Background())
	a := keeper.get(t, "shop")
	if len(a.Undeclared) != 2 || a.Undeclared["GET /users/{id}/cart"].Count != 50 || a.Undeclared["GET /users/{id}/cart"].Credentials != 50 {
		t.Errorf("%+v", a.Undeclared)
	}
	r := a.Report(nil)
	if r.Shadow[0].Path != "/users/{id}/cart" || r.Shadow[1].Path != "/.env" {
		t.Errorf("what clients of the API call does not come first: %+v", r.Shadow)
	}
}

func TestInventedPathsPushNothingOutThatCarriedACredential(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{MaxUndeclared: 10}, keeper)
	for i := range 5 {
		inv.Missed(missed(fmt.Sprintf("/old/%c", 'a'+i), 0), 404, true)
	}
	for round := range 3 {
		for i := range 500 {
			inv.Missed(missed(fmt.Sprintf("/scan/x%d%c", i, 'a'+round), time.Duration(i)*time.Second), 404, false)
		}
		if err := inv.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	a := keeper.get(t, "shop")
	kept := 0
	for key := range a.Undeclared {
		if strings.HasPrefix(key, "GET /old/") {
			kept++
		}
	}
	if kept != 5 || len(a.Undeclared) != 10 {
		t.Errorf("%d of 5 kept, %d in all", kept, len(a.Undeclared))
	}
}

func TestWhatCannotBeStoredIsKeptAndStoredLater(t *testing.T) {
	keeper := &shelf{err: errors.New("locked")}
	inv := open(t, Config{}, keeper)
	op := inv.Declared(list, nil, false)
	op.Saw(call("a=1", "x", 0), 200)
	inv.Missed(missed("/b", 0), 404, false)
	if err := inv.Flush(context.Background()); err == nil || inv.Healthy() {
		t.Fatalf("error %v, healthy %v", err, inv.Healthy())
	}
	op.Saw(call("a=2", "x", time.Minute), 200)
	inv.Missed(missed("/b", time.Minute), 404, false)
	keeper.err = nil
	if err := inv.Close(context.Background()); err != nil || !inv.Healthy() {
		t.Fatal(err)
	}
	a := keeper.get(t, "shop")
	if s := a.Operations["list"]; s.Count != 2 || s.First != start || s.Last != start.Add(time.Minute) || s.Parameters["a"].Count != 2 {
		t.Errorf("%+v", s)
	}
	if s := a.Undeclared["GET /b"]; s.Count != 2 || s.Callers["192.0.2.0/24"].Count != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAStoreThatHoldsSomethingElseIsNotOverwritten(t *testing.T) {
	keeper := &shelf{texts: map[string][]byte{"shop": []byte("no JSON")}}
	inv := open(t, Config{}, keeper)
	inv.Declared(list, nil, false).Saw(call("", "x", 0), 200)
	if err := inv.Flush(context.Background()); err == nil {
		t.Error("no error")
	}
	if string(keeper.texts["shop"]) != "no JSON" {
		t.Error("it was overwritten")
	}
}

func TestListsOfCallersAndParametersAreBounded(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	op := inv.Declared(list, nil, false)
	for round := range 2 {
		for i := range 300 {
			op.Saw(call(fmt.Sprintf("p%d-%d=1", round, i), fmt.Sprintf("c%d-%d", round, i), 0), 200)
		}
		op.Saw(call(strings.Repeat("n", 1000)+"=1", "c", 0), 200)
		_ = inv.Flush(context.Background())
	}
	s := keeper.get(t, "shop").Operations["list"]
	if len(s.Callers) != maxCallers || len(s.Parameters) != maxParameters || s.MoreCallers != 602-maxCallers || s.MoreParameters != 602-maxParameters {
		t.Errorf("%d callers and %d more, %d parameters and %d more", len(s.Callers), s.MoreCallers, len(s.Parameters), s.MoreParameters)
	}
}

func TestInventedOperationsTakeLittleRoom(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	for round := range 2 {
		for i := range 300 {
			x := missed("/old", 0)
			x.In.RawQuery, x.Principal.Consumer = fmt.Sprintf("p%d-%d=1", round, i), fmt.Sprintf("c%d-%d", round, i)
			inv.Missed(x, 404, true)
		}
		_ = inv.Flush(context.Background())
	}
	s := keeper.get(t, "shop").Undeclared["GET /old"]
	if len(s.Callers) != narrow.callers || len(s.Parameters) != narrow.parameters || s.MoreCallers != 600-8 || s.MoreParameters != 600-16 {
		t.Errorf("%d callers and %d more, %d parameters and %d more", len(s.Callers), s.MoreCallers, len(s.Parameters), s.MoreParameters)
	}
}

func TestANameThatLooksLikeAKeyIsNotKept(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	op := inv.Declared(list, nil, false)
	for _, name := range []string{"sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc", "0b0f3c3e-8f3a-4c1e-9b1e-2f3a4c5d6e7f", "jane@example.com", "4111111111111111", "debug"} {
		op.Saw(call(name+"=1", "c", 0), 200)
	}
	_ = inv.Flush(context.Background())
	s := keeper.get(t, "shop").Operations["list"]
	if len(s.Parameters) != 1 || s.Parameters["debug"] == nil || s.MoreParameters != 4 {
		t.Errorf("%v and %d more", sorted(s.Parameters), s.MoreParameters)
	}
}

func TestAReloadKeepsWhatWasSeenAndTakesTheNewNames(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	inv.Declared(list, nil, false).Saw(call("a=1", "x", 0), 200)
	inv.Declared(list, []string{"a"}, false).Saw(call("a=1", "x", 0), 200)
	_ = inv.Flush(context.Background())
	if s := keeper.get(t, "shop").Operations["list"]; s.Count != 2 || s.Parameters["a"].Count != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOffNotesNothing(t *testing.T) {
	inv := Open(Config{Off: true}, nil, nil, nil)
	op := inv.Declared(list, nil, false)
	op.Saw(call("", "", 0), 200)
	inv.Missed(missed("/x", 0), 404, false)
	if inv != nil || op.Stage() != nil || inv.Close(context.Background()) != nil || !inv.Healthy() {
		t.Error("something is noted")
	}
}

func TestCheckNamesFaults(t *testing.T) {
	err := (&Config{Flush: units.Duration(time.Millisecond), MaxUndeclared: -1, Shapes: -1}).Check()
	for _, field := range []string{"flush", "max_undeclared", "shapes"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
	if err := new(Config).Check(); err != nil {
		t.Error(err)
	}
}

func TestACallThatWasSeenBeforeAllocatesNothing(t *testing.T) {
	op := open(t, Config{}, new(shelf)).Declared(list, []string{"limit"}, false)
	for name, as := range map[string]func(x *durward.Exchange){
		"a consumer": func(*durward.Exchange) {},
		"a subject": func(x *durward.Exchange) {
			x.Principal = durward.Principal{Subject: "ann", Issuer: "https://id.example"}
		},
		"nobody": func(x *durward.Exchange) {
			x.Principal, x.Client.Address = durward.Principal{}, netip.MustParseAddr("203.0.113.9")
		},
		"nobody, over IPv6": func(x *durward.Exchange) {
			x.Principal, x.Client.Address = durward.Principal{}, netip.MustParseAddr("2001:db8::1")
		},
	} {
		x := call("limit=10", "partner", 0)
		as(x)
		op.Saw(x, 200)
		if n := allocs.PerRun(100, func() { op.Saw(x, 200) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestManyCallersAtOnceLoseNoCall(t *testing.T) {
	keeper := new(shelf)
	inv := open(t, Config{}, keeper)
	op := inv.Declared(list, nil, false)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 250 {
				op.Saw(call("", "x", 0), 200)
				inv.Missed(missed("/m", 0), 404, false)
				if i%50 == 0 {
					_ = inv.Flush(context.Background())
				}
			}
		})
	}
	wg.Wait()
	_ = inv.Flush(context.Background())
	if a := keeper.get(t, "shop"); a.Operations["list"].Count != 1000 || a.Undeclared["GET /m"].Count != 1000 {
		t.Errorf("%d and %d of 1000", a.Operations["list"].Count, a.Undeclared["GET /m"].Count)
	}
}

func BenchmarkSaw(b *testing.B) {
	inv := Open(Config{}, new(shelf), time.Now, slog.New(slog.DiscardHandler))
	defer inv.Close(context.Background())
	op := inv.Declared(list, []string{"limit"}, false)
	x := call("limit=10", "partner", 0)
	b.ReportAllocs()
	for b.Loop() {
		op.Saw(x, 200)
	}
}

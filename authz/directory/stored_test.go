// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"durward"
	"durward/authz/eval"
	"durward/internal/allocs"
)

// shelf is a store of objects; one that does not change is the same slice.
type shelf struct{ objects sync.Map }

func (s *shelf) put(id, fields string) { s.objects.Store(Ref{"Space", id}, []byte(fields)) }

func (s *shelf) Object(kind, id string) ([]byte, bool) {
	fields, ok := s.objects.Load(Ref{kind, id})
	if !ok {
		return nil, false
	}
	return fields.([]byte), true
}

func isMember(t testing.TB, d Directory, id, who string) bool {
	t.Helper()
	o, err := d.Look(context.Background(), space, id)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := o.Attribute("members")
	return v.X.(eval.Set).Has(eval.UID("Caller", who))
}

func TestStoredObjectsAreAsTheyAreNow(t *testing.T) {
	from := &shelf{}
	d := NewStored(from)
	defer d.Close()
	from.put("lobby", `{"members":["ada"],"level":1,"org":"acme"}`)
	if !isMember(t, d, "lobby", "ada") || isMember(t, d, "lobby", "bob") {
		t.Error("others are members")
	}
	first, _ := d.Look(context.Background(), space, "lobby")
	if again, _ := d.Look(context.Background(), space, "lobby"); again != first {
		t.Error("an object that did not change was read again")
	}
	if typ, id, ok := first.Parent(0); !ok || typ != "Org" || id != "acme" {
		t.Errorf("in %s %s", typ, id)
	}
	from.put("lobby", `{"members":["bob"],"level":1}`)
	if isMember(t, d, "lobby", "ada") || !isMember(t, d, "lobby", "bob") {
		t.Error("a change was not seen")
	}
	// Fields of the same length are another text, too.
	from.put("lobby", `{"members":["eve"],"level":1}`)
	if isMember(t, d, "lobby", "bob") {
		t.Error("a change of the same length was not seen")
	}
	from.objects.Clear()
	if _, err := d.Look(context.Background(), space, "lobby"); !errors.Is(err, durward.ErrNotFound) {
		t.Errorf("what was deleted gave %v", err)
	}
}

func TestStoredObjectsThatDoNotFitAreNoAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"a field that is missing":       `{"level":1}`,
		"a field of another type":       `{"members":"ada","level":1}`,
		"an element of another type":    `{"members":[7],"level":1}`,
		"a number that no float holds":  `{"members":[],"level":9007199254740994}`,
		"a number that is a fraction":   `{"members":[],"level":1.5}`,
		"a caller without a name":       `{"members":[""],"level":1}`,
		"a member twice":                `{"members":["ada"],"members":["eve"],"level":1}`,
		"a list":                        `[]`,
		"no JSON":                       `{"members":`,
		"nothing":                       ``,
		"null in place of the required": `{"members":null,"level":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			from := &shelf{}
			from.put("lobby", text)
			d := NewStored(from)
			for range 2 {
				o, err := d.Look(context.Background(), space, "lobby")
				var away *durward.Unavailable
				if o != nil || !errors.As(err, &away) || away.Code != durward.CodeStoreUnavailable || strings.Contains(err.Error(), "lobby") || strings.Contains(err.Error(), "ada") {
					t.Errorf("%v, %v", o, err)
				}
			}
			from.put("lobby", `{"members":["ada"],"level":1}`)
			if !isMember(t, d, "lobby", "ada") {
				t.Error("what was put right stays wrong")
			}
		})
	}
}

func TestWithoutAStoreNobodyCanTell(t *testing.T) {
	var away *durward.Unavailable
	if o, err := NewStored(nil).Look(context.Background(), space, "lobby"); o != nil || !errors.As(err, &away) {
		t.Errorf("%v, %v", o, err)
	}
}

func TestObjectsThatAreKeptReadyAreBounded(t *testing.T) {
	from := &shelf{}
	d := NewStored(from)
	d.most = 1000
	text := func(i int) string { return fmt.Sprintf(`{"members":["m%d"],"level":1}`, i) }
	for i := range 500 {
		from.put(strconv.Itoa(i), text(i))
		if !isMember(t, d, strconv.Itoa(i), "m"+strconv.Itoa(i)) {
			t.Fatalf("%d is another", i)
		}
		if d.bytes > d.most {
			t.Fatalf("%d bytes are kept", d.bytes)
		}
	}
	kept := 0
	for i := range d.slots {
		if b := d.slots[i].Load(); b != nil {
			kept += len(b.fields)
		}
	}
	if kept != d.bytes || kept == 0 {
		t.Errorf("%d bytes are kept, %d counted", kept, d.bytes)
	}
	// One that is larger than all may be is answered, and kept alone.
	from.put("large", `{"members":["ada"],"level":1,"x":"`+strings.Repeat("x", 2000)+`"}`)
	if !isMember(t, d, "large", "ada") || d.bytes < 2000 || d.bytes > 2100 {
		t.Errorf("%d bytes are kept", d.bytes)
	}
	from.put("small", text(7))
	if !isMember(t, d, "small", "m7") || d.bytes > d.most {
		t.Errorf("%d bytes are kept", d.bytes)
	}
}

func TestStoredObjectsInOneSlotAreNotMistaken(t *testing.T) {
	from := &shelf{}
	d := NewStored(from)
	d.slots = d.slots[:1]
	fields := []byte(`{"members":["ada"],"level":1}`)
	from.objects.Store(Ref{"Space", "a"}, fields)
	from.objects.Store(Ref{"Space", "b"}, fields) // the very same bytes
	a, _ := d.Look(context.Background(), space, "a")
	b, _ := d.Look(context.Background(), space, "b")
	if a == nil || b == nil || a == b {
		t.Errorf("%p and %p", a, b)
	}
	from.put("c", `{"members":["cy"],"level":1}`)
	for range 3 {
		if !isMember(t, d, "a", "ada") || !isMember(t, d, "c", "cy") || isMember(t, d, "c", "ada") {
			t.Fatal("one object is another")
		}
	}
}

func TestStoredObjectsAreReadWhileTheyChange(t *testing.T) {
	from := &shelf{}
	d := NewStored(from)
	d.slots, d.most = d.slots[:4], 200
	for i := range 20 {
		from.put(strconv.Itoa(i), `{"members":["ada"],"level":1}`)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 2000 {
				o, err := d.Look(context.Background(), space, strconv.Itoa(n%20))
				if err != nil {
					t.Error(err)
					return
				}
				v, _ := o.Attribute("members")
				if set := v.X.(eval.Set); !set.Has(eval.UID("Caller", "ada")) {
					t.Error("a member is gone")
					return
				}
				if n%50 == 0 {
					from.put(strconv.Itoa(n%20), fmt.Sprintf(`{"members":["ada"],"level":%d}`, n))
				}
			}
		})
	}
	wg.Wait()
	if d.bytes > d.most {
		t.Errorf("%d bytes are kept", d.bytes)
	}
}

func TestAskingForAStoredObjectAgainAllocatesNothing(t *testing.T) {
	d := NewStored(one(`{"members":["ada"],"level":1}`))
	if n := allocs.PerRun(100, func() {
		if _, err := d.Look(context.Background(), space, "lobby"); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// one is a store with one object.
type one []byte

func (o one) Object(string, string) ([]byte, bool) { return o, true }

func FuzzRead(f *testing.F) {
	for _, s := range []string{lobby, `{"members":[],"level":1e3,"open":true}`, `{"members":["a","a"],"level":-0}`, `null`, `{"level":1,"level":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := space.Read([]byte(text))
		if (o == nil) == (err == nil) {
			t.Fatalf("%v, %v", o, err)
		}
		if err != nil {
			return
		}
		members, _ := o.Attribute("members")
		if level, ok := o.Attribute("level"); !ok || level.Kind != eval.Long || members.Kind != eval.SetOf || !members.X.(eval.Set).Entities() {
			t.Errorf("%+v, %+v", level, members)
		}
	})
}

func BenchmarkStoredLookUp(b *testing.B) {
	d := NewStored(one(`{"members":["ada","bob","cy"],"level":1}`))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Look(context.Background(), space, "lobby"); err != nil {
			b.Fatal(err)
		}
	}
}

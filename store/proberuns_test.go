// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"durward"
)

func TestARunOfTestsBeginsOnceForEachTrigger(t *testing.T) {
	ctx := t.Context()
	url := "sqlite:" + filepath.Join(t.TempDir(), "d.db")
	open := func() *Store {
		s, err := Open(ctx, url, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	a, b := open(), open() // two nodes on one file
	id, ok, err := a.BeginProbe(ctx, "nightly", "2026-11-22T03:00:00Z")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := b.BeginProbe(ctx, "nightly", "2026-11-22T03:00:00Z"); err != nil || ok {
		t.Errorf("the other node begins it too: %v %v", ok, err)
	}
	for _, other := range [][2]string{{"nightly", "2026-11-23T03:00:00Z"}, {"change", "2026-11-22T03:00:00Z"}} {
		if _, ok, err := b.BeginProbe(ctx, other[0], other[1]); err != nil || !ok {
			t.Errorf("%v does not begin: %v", other, err)
		}
	}
	if err := b.FinishProbe(ctx, id, "findings", "found 1 high", []byte("report")); err != nil {
		t.Fatal(err)
	}
	r, err := a.ProbeRun(ctx, id)
	if err != nil || r.Outcome != "findings" || string(r.Report) != "report" || r.Finished.IsZero() || r.Job != "nightly" {
		t.Errorf("%+v %v", r, err)
	}
	list, err := a.ProbeRuns(ctx, "nightly", 10)
	if err != nil || len(list) != 2 || list[1].ID != id || list[0].Outcome != "" || !list[0].Finished.IsZero() || list[1].Report != nil {
		t.Errorf("%+v %v", list, err)
	}
	if all, err := a.ProbeRuns(ctx, "", 10); err != nil || len(all) != 3 {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := a.ProbeRun(ctx, 99); !errors.Is(err, durward.ErrNotFound) {
		t.Error(err)
	}
	if err := a.FinishProbe(ctx, 99, "clean", "", nil); !errors.Is(err, durward.ErrNotFound) {
		t.Error(err)
	}
	if err := a.FinishProbe(ctx, id, "clean", "", make([]byte, MaxProbeReport+1)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestOnlyTheNewestRunsOfAJobAreKept(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, "memory:", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	other, _, err := s.BeginProbe(ctx, "other", "first")
	if err != nil {
		t.Fatal(err)
	}
	var first int64
	for i := range MaxProbeRuns + 3 {
		id, ok, err := s.BeginProbe(ctx, "nightly", fmt.Sprint(i))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if i == 0 {
			first = id
		}
		if err := s.FinishProbe(ctx, id, "clean", "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.ProbeRuns(ctx, "nightly", 1000); err != nil || len(list) != MaxProbeRuns {
		t.Error(len(list), err)
	}
	if _, err := s.ProbeRun(ctx, first); !errors.Is(err, durward.ErrNotFound) {
		t.Error("the oldest is still there", err)
	}
	if _, err := s.ProbeRun(ctx, other); err != nil {
		t.Error("another job's run is gone", err)
	}
}

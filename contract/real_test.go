// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/internal/realdocs"
)

// Bounds of one real document: fixed ones, and more for each MiB of it.
const (
	longestLoad = 3 * time.Second
	perMiB      = 400 * time.Millisecond
)

// TestRealDocuments loads what people publish: each document loads, loads but
// for gaps that are named, or is refused with a reason. None panics, and none
// takes more than its size accounts for.
func TestRealDocuments(t *testing.T) {
	folder, files := realdocs.Files(t)
	outcomes := map[string]int{}
	for _, name := range files {
		path := filepath.Join(folder, name)
		start := time.Now()
		doc, err := Load(path, AllGaps)
		took := time.Since(start)
		info, statErr := os.Stat(path)
		if statErr != nil {
			t.Fatal(statErr)
		}
		if limit := longestLoad + time.Duration(info.Size()>>20)*perMiB; took > limit {
			t.Errorf("%s: loading took %v", name, took)
		}
		for _, kind := range outcomesOf(doc, err) {
			outcomes[kind]++
		}
		if err != nil {
			t.Logf("%s: refused: %v", name, strings.ReplaceAll(err.Error(), path, ""))
			if !strings.Contains(err.Error(), path) || len(err.Error()) < len(path)+10 {
				t.Errorf("%s: refused without place or reason: %v", name, err)
			}
			continue
		}
		checkRealDocument(t, name, path, doc)
	}
	for _, kind := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%5d %s", outcomes[kind], kind)
	}
	t.Logf("%5d documents", len(files))
}

// outcomesOf names the outcome, and each kind of gap.
func outcomesOf(doc *Document, err error) []string {
	var le *LoadError
	switch {
	case errors.As(err, &le):
		return []string{"refused: " + le.Reason}
	case err != nil:
		return []string{"refused: " + err.Error()[strings.LastIndex(err.Error(), ": ")+2:]}
	case len(doc.Gaps()) == 0:
		return []string{"loaded clean"}
	}
	out := []string{"loaded with gaps"}
	if len(doc.Operations()) == 0 {
		out[0] = "loaded with every operation closed"
	}
	for _, g := range doc.Gaps() {
		reason, _, _ := strings.Cut(g.Reason, " {")
		if kind := "    " + reason + "; " + g.Effect; !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}

// checkRealDocument looks that what was loaded is whole: gaps are errors where
// they are not accepted, and every operation has its stage.
func checkRealDocument(t *testing.T, name, path string, doc *Document) {
	t.Helper()
	if len(doc.Gaps()) > 0 {
		if _, err := Load(path); err == nil {
			t.Errorf("%s: loads without a word on its gaps", name)
		}
		var names []string
		for _, g := range doc.Gaps() {
			names = append(names, g.Name)
			if g.Name == "" || g.Reason == "" || g.Effect == "" || g.File != path {
				t.Errorf("%s: a gap without name, place, reason or effect: %+v", name, g)
			}
		}
		if _, err := Load(path, names...); err != nil {
			t.Errorf("%s: the names of its gaps do not accept them: %v", name, err)
		}
	}
	for _, op := range doc.Operations() {
		if _, err := doc.Stage(op.ID, &Config{}); err != nil {
			t.Errorf("%s: %s: %v", name, op.ID, err)
		}
	}
}

// TestTheLargestRealDocuments measures whole documents: with
// DURWARD_OPENAPI_LARGE=FILE:FILE each loads in less than 10 s, and the heap
// that is in use and garbage together stay below 1 GiB.
func TestTheLargestRealDocuments(t *testing.T) {
	list := os.Getenv("DURWARD_OPENAPI_LARGE")
	if list == "" {
		t.Skip("no large documents: set DURWARD_OPENAPI_LARGE to files such as api.github.com.json, with : between")
	}
	for _, path := range filepath.SplitList(list) {
		runtime.GC()
		start := time.Now()
		doc, err := Load(path, AllGaps)
		took := time.Since(start)
		if err != nil {
			t.Fatal(err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.GC()
		var kept runtime.MemStats
		runtime.ReadMemStats(&kept)
		t.Logf("%s: %d operations, %d gaps, %v, %d MiB from the system, %d MiB kept", filepath.Base(path),
			len(doc.Operations()), len(doc.Gaps()), took.Round(time.Millisecond), m.Sys>>20, kept.HeapAlloc>>20)
		if took > 10*time.Second || m.Sys > 1<<30 {
			t.Errorf("%s: too slow or too large", path)
		}
	}
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	exptypes "github.com/cedar-policy/cedar-go/x/exp/types"
)

// corpusFiles reads Cedar's integration tests, which cedar-go ships beside its
// code. They are not in this repository.
func corpusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cedar-policy/cedar-go").Output()
	if err != nil {
		t.Skip("skipped: the module of cedar-go cannot be found")
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "corpus-tests.tar.gz"))
	if err != nil {
		t.Skip("skipped: Cedar's corpus is not in the module of cedar-go")
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

type corpusCase struct {
	Schema, Policies, Entities string
	Requests                   []struct {
		Description                 string
		Principal, Action, Resource cedar.EntityUID
		Context                     cedar.Record
		Decision                    cedar.Decision
		Reason, Errors              []cedar.PolicyID
	}
}

func TestCedarsCorpusIsDecidedAsItSays(t *testing.T) {
	files := corpusFiles(t)
	cases, requests := 0, 0
	for name, data := range files {
		if !strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".entities.json") {
			continue
		}
		if cases++; testing.Short() && cases > 500 {
			break
		}
		var c corpusCase
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		requests += runCase(t, name, files, &c)
	}
	if cases < 500 {
		t.Errorf("only %d cases ran", cases)
	}
	t.Logf("%d cases, %d requests", cases, requests)
}

func runCase(t *testing.T, name string, files map[string][]byte, c *corpusCase) int {
	t.Helper()
	policies, err := cedar.NewPolicySetFromBytes("policy.cedar", files[c.Policies])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var s schema.Schema
	if err := s.UnmarshalCedar(files[c.Schema]); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	resolved, err := s.Resolve()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var typed exptypes.EntityMap
	if err := typed.UnmarshalJSONWithSchema(files[c.Entities], resolved); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	entities := types.EntityMap(typed)
	programs, layout := map[cedar.PolicyID]*Program{}, new(Layout)
	for id, p := range policies.All() {
		if programs[id], err = NewProgram((*ast.Policy)(p.AST()), nil, layout); err != nil {
			t.Fatalf("%s: policy %s: %v", name, id, err)
		}
	}
	for _, r := range c.Requests {
		e := &Env{
			Principal: convert(t, r.Principal), Action: convert(t, r.Action), Resource: convert(t, r.Resource),
			Context: convert(t, r.Context), Entities: world{entities}, Layout: layout,
		}
		permitted, forbidden, failed := 0, 0, 0
		for _, p := range programs {
			holds, failure := p.Run(e)
			switch {
			case failure != "":
				failed++
			case holds && p.Forbid:
				forbidden++
			case holds:
				permitted++
			}
		}
		if got := cedar.Decision(permitted > 0 && forbidden == 0); got != r.Decision || failed != len(r.Errors) {
			t.Errorf("%s, %s: %v with %d errors, want %v with %v", name, r.Description, got, failed, r.Decision, r.Errors)
		}
	}
	return len(c.Requests)
}

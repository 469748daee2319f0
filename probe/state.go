// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"durward/probe/finding"
)

// state is what an interrupted run is gone on from: which parts of checks are
// done, and what they found.
type state struct {
	path string
	// Bound tells which run it is of: document, seed, target.
	Bound    string            `json:"bound"`
	Done     map[string]bool   `json:"done"`
	Findings []finding.Finding `json:"findings"`
}

// openState reads a state file, or starts one. That of another run is refused.
func openState(path string, r *run) (*state, error) {
	s := &state{path: path, Done: map[string]bool{}}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%d\n%s\n%s\n", r.origin, r.base, r.cfg.Seed, r.cfg.API.Title, r.cfg.API.Version)
	for _, op := range r.cfg.API.Operations {
		fmt.Fprintf(h, "%s %s %s\n", op.ID, op.Method, op.Path)
	}
	s.Bound = hex.EncodeToString(h.Sum(nil)[:16])
	if path == "" {
		return s, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var old state
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, fmt.Errorf("%s is no state of a run: %w", path, err)
	}
	if old.Bound != s.Bound {
		return nil, fmt.Errorf("%s is the state of a run with another document, seed or target", path)
	}
	if old.Done != nil {
		s.Done = old.Done
	}
	for _, f := range old.Findings {
		r.report(f)
	}
	return s, nil
}

func (s *state) finished(check, part string) bool { return s.Done[check+" "+part] }

// save notes that a part of a check is done.
func (r *run) save(check, part string) error {
	s := r.state
	s.Done[check+" "+part] = true
	if s.path == "" {
		return nil
	}
	r.mu.Lock()
	s.Findings = r.findings
	data, err := json.Marshal(s)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	return writeFile(s.path, data)
}

// writeFile replaces a file as a whole.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

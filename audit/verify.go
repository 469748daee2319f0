// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
)

// Report is what Verify found.
type Report struct {
	Files   int
	Records uint64
	First   uint64 // number of the first record; more than 1 when older files were removed
	Last    uint64 // number of the last good record
	Hash    string // of the last good record; keep it elsewhere to notice a cut end later
}

// Verify checks all files of a log offline, without locking it. Any change,
// removal, insertion, reordering or truncation gives a *Fault with the first
// place that is wrong, and a report of what is good before it. Two things it
// cannot see, because the chain has no key: whole records cut from the very
// end, and a chain that was computed anew; compare Report.Hash and Last with
// values that were kept elsewhere.
//
// Files that are missing at the beginning are a fault unless a later record
// says that the log removed them (Config.KeepFiles, Config.KeepFor).
func Verify(dir string) (Report, error) {
	var report Report
	files, err := listFiles(dir)
	if err != nil {
		return report, err
	}
	if len(files) == 0 {
		return report, errors.New("no audit files in " + dir)
	}
	v := verifier{report: &report, removed: map[uint64]bool{}}
	for _, first := range files {
		if err := v.file(filePath(dir, first), first); err != nil {
			return report, err
		}
	}
	if report.First > 1 && !v.removed[report.First-1] {
		return report, &Fault{File: fileName(files[0]), Line: 1, Reason: fmt.Sprintf(
			"files before record %d are missing, and no record says that the log removed them", report.First)}
	}
	return report, nil
}

type verifier struct {
	report  *Report
	chain   *chain
	removed map[uint64]bool // last record of each file that was removed on purpose
}

func (v *verifier) file(path string, first uint64) error {
	r, err := openLines(path)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	defer r.Close()
	v.report.Files++
	for {
		line, err := r.next()
		if err != nil {
			return r.fault(err)
		}
		if line == nil {
			if r.number == 1 {
				return r.fault(errHeader)
			}
			return nil
		}
		if r.number == 1 {
			err = v.begin(line, first)
		}
		if err == nil {
			err = v.line(line)
		}
		if err != nil {
			return r.fault(err)
		}
	}
}

// begin checks that a file goes on where the one before it ended.
func (v *verifier) begin(line []byte, first uint64) error {
	c, err := beginChain(line, first)
	if err != nil {
		return err
	}
	if v.chain == nil {
		v.chain, v.report.First = c, first
		return nil
	}
	if first != v.chain.sequence+1 {
		return errLineSequence
	}
	if c.hash != v.chain.hash {
		return errLineHash
	}
	return nil
}

func (v *verifier) line(line []byte) error {
	if err := v.chain.check(line); err != nil {
		return err
	}
	v.report.Records++
	v.report.Last = v.chain.sequence
	v.report.Hash = hex.EncodeToString(v.chain.hash[:])
	if bytes.Contains(line, []byte(`,"removed_through":`)) {
		var removal struct {
			Kind    string `json:"kind"`
			Through uint64 `json:"removed_through"`
		}
		if json.Unmarshal(line, &removal) == nil && removal.Kind == "system" {
			v.removed[removal.Through] = true
		}
	}
	return nil
}

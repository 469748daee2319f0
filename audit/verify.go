// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"durward/audit/merkle"
)

// Report is what Verify found.
type Report struct {
	Files   int
	Records uint64
	First   uint64 // number of the first record; more than 1 when older files were removed
	Last    uint64 // number of the last good record
	Hash    string // of the last good record
	// Committed is the number of the last record under the log's last
	// checkpoint, and Origin the log's name in it; 0 and "" when there is none.
	Committed uint64
	Origin    string
	// Trusted tells that the checkpoint's key was given, and not taken from the
	// log itself, where who changes records can change it too.
	Trusted bool
	Older   int // checkpoints that were given and fit
}

// Expect is what is known from elsewhere of a log that is verified.
type Expect struct {
	// Key is the public key of its checkpoints. Without it, the one in the
	// directory is taken.
	Key string
	// Checkpoints are checkpoints that were kept elsewhere: the log must go on
	// from each.
	Checkpoints [][]byte
}

// Verify checks all files of a log offline, without locking it. Any change,
// removal, insertion, reordering or truncation gives a *Fault with the first
// place that is wrong, and a report of what is good before it. What stands
// before a checkpoint is held against that, what stands behind the last one
// against the chain alone, which has no key: records cut from the very end, or a
// chain that was computed anew, only show against a checkpoint.
//
// Files that are missing at the beginning are a fault unless a later record
// says that the log removed them (Config.KeepFiles, Config.KeepFor).
func Verify(dir string) (Report, error) { return VerifyAgainst(dir, Expect{}) }

// VerifyAgainst is Verify with what is known from elsewhere.
func VerifyAgainst(dir string, expect Expect) (Report, error) {
	var report Report
	files, err := listFiles(dir)
	if err != nil {
		return report, err
	}
	if len(files) == 0 {
		return report, errors.New("no audit files in " + dir)
	}
	v := verifier{report: &report, removed: map[uint64]bool{}}
	if err := v.commitment(dir, &expect); err != nil {
		return report, err
	}
	for _, first := range files {
		if err := v.file(filePath(dir, first), first); err != nil {
			return report, err
		}
	}
	if report.First > 1 && !v.removed[report.First-1] {
		return report, &Fault{File: fileName(files[0]), Line: 1, Reason: fmt.Sprintf(
			"files before record %d are missing, and no record says that the log removed them", report.First)}
	}
	if report.Last < report.Committed {
		return report, fmt.Errorf("the log ends with record %d, and has committed to %d: records were cut from its end", report.Last, report.Committed)
	}
	return report, nil
}

// commitment checks the log's checkpoint and tiles, before its records are held
// against them.
func (v *verifier) commitment(dir string, expect *Expect) error {
	signed, err := os.ReadFile(filepath.Join(dir, merkle.CheckpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		if expect.Key == "" && len(expect.Checkpoints) == 0 {
			return nil // a log without checkpoints
		}
		return errors.New("the log has no checkpoint: it was removed, or never made")
	}
	if err != nil {
		return err
	}
	key := expect.Key
	if v.report.Trusted = key != ""; key == "" {
		public, err := os.ReadFile(filepath.Join(dir, PublicFile))
		if err != nil {
			return fmt.Errorf("the key of the checkpoints is missing: %w", err)
		}
		key = string(public)
	}
	verifier, err := merkle.NewVerifier(key)
	if err != nil {
		return fmt.Errorf("the key of the checkpoints: %w", err)
	}
	c, _, err := merkle.Open(signed, verifier)
	if err != nil {
		return fmt.Errorf("the log's checkpoint: %w", err)
	}
	v.checker = merkle.NewChecker(dir, c)
	if err := v.checker.Tree(); err != nil {
		return fmt.Errorf("the log's tree: %w", err)
	}
	v.report.Committed, v.report.Origin = uint64(c.Size), c.Origin
	for i, text := range expect.Checkpoints {
		old, _, err := merkle.Open(text, verifier)
		if err == nil {
			err = v.checker.Old(old)
		}
		if err != nil {
			return fmt.Errorf("checkpoint %d of those that were given: %w", i+1, err)
		}
		v.report.Older++
	}
	return nil
}

type verifier struct {
	report  *Report
	chain   *chain
	removed map[uint64]bool // last record of each file that was removed on purpose
	checker *merkle.Checker // nil without a checkpoint
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
	if v.checker != nil {
		if err := v.checker.Leaf(int64(v.chain.sequence)-1, line); err != nil {
			return err
		}
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

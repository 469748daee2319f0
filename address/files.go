// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"durward"
	"durward/internal/netlist"
)

// file is a list file and what of it is in force.
type file struct {
	path   string
	allow  bool
	set    *netlist.Set
	sum    [sha256.Size]byte
	loaded time.Time

	read  stamp // the state of the file that was read last, well or not
	seen  stamp // at the last look
	fault string
}

// stamp tells one state of a file from another. A file that is not there has
// the zero stamp.
type stamp struct {
	info     os.FileInfo
	modified time.Time
	size     int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info, info.ModTime(), info.Size()}
}

// same compares times, sizes and, since a file can be replaced by one with the
// same of both, identities.
func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == other.info
	}
	return s.modified.Equal(other.modified) && s.size == other.size && os.SameFile(s.info, other.info)
}

// open reads all files for the first time.
func (l *List) open(cfg *Config) error {
	var faults []error
	read := func(field string, paths []string, allow bool) {
		for i, path := range paths {
			f := &file{path: path, allow: allow, read: stampOf(path), loaded: time.Now()}
			content, err := netlist.ReadFile(path, netlist.NotAll)
			if err != nil {
				faults = append(faults, durward.Invalid(fmt.Sprintf("%s[%d]", field, i), "%v", err))
				continue
			}
			f.set, f.sum, f.seen = content.Set, content.Sum, f.read
			l.files = append(l.files, f)
		}
	}
	read("allow_files", cfg.AllowFiles, true)
	read("deny_files", cfg.DenyFiles, false)
	return errors.Join(faults...)
}

// Refresh looks at the files once and reads those that changed. A change is
// read when two looks in a row found the same state, so that a file which is
// being written is not taken half. It tells whether other ranges are in force
// than before. Call it from one ticker; see Watch.
func (l *List) Refresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := false
	for _, f := range l.files {
		at := stampOf(f.path)
		settled := at.same(f.seen)
		f.seen = at
		if settled && !at.same(f.read) {
			f.read = at
			changed = l.reread(f) || changed
		}
	}
	if changed {
		l.publish()
	}
	return changed
}

// reread takes the new content of a file, or says why it does not.
func (l *List) reread(f *file) bool {
	content, err := netlist.ReadFile(f.path, netlist.NotAll)
	if err != nil {
		f.fault = err.Error()
		l.log.Error("address list not read; its old content stays in force", "file", f.path, "error", err)
		return false
	}
	f.fault, f.loaded = "", time.Now()
	if content.Sum == f.sum {
		return false
	}
	l.log.Info("address list read again", "file", f.path, "ranges", content.Set.Len(), "before", f.set.Len())
	f.set, f.sum = content.Set, content.Sum
	return true
}

// Watch refreshes the list every so often until ctx ends. Without files it
// returns at once. A change is in force after at most two intervals.
func (l *List) Watch(ctx context.Context, every time.Duration) {
	if len(l.files) == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.Refresh()
		}
	}
}

// FileStats is the state of one list file.
type FileStats struct {
	Path   string
	Allow  bool      // of an allow list
	Ranges int       // in force
	Loaded time.Time // when they were read
	// Fault is why the file's present content is not in force; "" when it is.
	Fault string
}

// Stats tells of every file.
func (l *List) Stats() []FileStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]FileStats, 0, len(l.files))
	for _, f := range l.files {
		out = append(out, FileStats{f.path, f.allow, f.set.Len(), f.loaded, f.fault})
	}
	return out
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"durward"
	"durward/audit/merkle"
	"durward/internal/units"
)

// Checkpoints is the `checkpoints:` part of the audit log: signed statements of
// how many records there are and what they are, by which anybody who kept one
// can show a later change.
type Checkpoints struct {
	// Off makes none. What is then changed or cut by somebody who can write to
	// the directory is not found.
	Off bool `yaml:"off"`
	// Interval is how often one is made, when there are new records: the window
	// in which records can still be changed unseen. Default 10s, from 1s to 1h.
	Interval units.Duration `yaml:"interval"`
	// Key is the file of the key that signs them. It is made when absent, for
	// its owner only; the public key is put beside it, in <key>.pub, and into
	// the directory. Default: the directory's path with .key behind it.
	Key string `yaml:"key" path:"true"`
	// Origin names the log when its key is made: a schemeless URL such as
	// example.com/gate. Default: durward/ and a random number.
	Origin string `yaml:"origin"`
	// Witnesses are where checkpoints are kept out of reach of who can change
	// the log.
	Witnesses []Witness `yaml:"witnesses"`
}

// Witness is one entry of `witnesses:`: a file, or a server.
type Witness struct {
	// File is a file that checkpoints are appended to, best on another disk.
	File string `yaml:"file" path:"true"`
	// URL is a server that cosigns checkpoints (C2SP tlog-witness), such as
	// durward audit witness of another machine.
	URL string `yaml:"url"`
	// Key is the server's public key, as it prints it.
	Key string `yaml:"key"`
}

const (
	defaultInterval = 10 * time.Second
	maxWitnesses    = 16
	// PublicFile is the public key of checkpoints, in the log's directory.
	PublicFile = "checkpoint.pub"
)

func (c *Checkpoints) check() error {
	var faults []error
	if d := c.Interval.Std(); d != 0 && (d < time.Second || d > time.Hour) {
		faults = append(faults, durward.Invalid("interval", "must be from 1s to 1h"))
	}
	if strings.ContainsAny(c.Origin, " +\t\r\n") || len(c.Origin) > 200 {
		faults = append(faults, durward.Invalid("origin", "must be a name without spaces and +"))
	}
	if len(c.Witnesses) > maxWitnesses {
		faults = append(faults, durward.Invalid("witnesses", "must be at most %d", maxWitnesses))
	}
	for i := range c.Witnesses {
		if err := c.Witnesses[i].check(); err != nil {
			faults = append(faults, durward.InvalidIn("witnesses["+strconv.Itoa(i)+"]", err))
		}
	}
	return errors.Join(faults...)
}

func (w *Witness) check() error {
	switch {
	case w.File != "" && w.URL != "", w.File == "" && w.URL == "":
		return durward.Invalid("url", "must be given, or file, and not both")
	case w.File != "":
		return nil
	}
	var faults []error
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		faults = append(faults, durward.Invalid("url", "must be an https URL without credentials and query; http only to this machine"))
	}
	if _, err := merkle.NewVerifier(w.Key); err != nil {
		faults = append(faults, durward.Invalid("key", "must be the witness's public key: name+hash+key"))
	}
	return errors.Join(faults...)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// startMaker makes the tree and the checkpoints of an open log; nil when they
// are off.
func (l *Log) startMaker() error {
	c := &l.cfg.Checkpoints
	if c.Off {
		return nil
	}
	signer, public, err := merkle.OpenKey(c.Key, c.Origin)
	if err != nil {
		return fmt.Errorf("key of checkpoints: %w", err)
	}
	if err := os.WriteFile(filepath.Join(l.cfg.Directory, PublicFile), []byte(public+"\n"), 0o600); err != nil {
		return err
	}
	client := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var publish []merkle.Publisher
	for _, w := range c.Witnesses {
		if w.File != "" {
			publish = append(publish, merkle.FileWitness{Path: w.File})
			continue
		}
		key, err := merkle.NewVerifier(w.Key)
		if err != nil {
			return err
		}
		publish = append(publish, &merkle.HTTPWitness{URL: w.URL, Key: key, Client: client})
	}
	l.maker, err = merkle.Start(merkle.Options{
		Dir: l.cfg.Directory, Signer: signer, Public: public, Interval: c.Interval.Std(), Publish: publish, Now: l.now, Log: l.log,
		Read: func(from uint64) merkle.Source { return NewReader(l.cfg.Directory, from) },
	})
	return err
}

// committed is the number of the last record that the log has committed to. A
// checkpoint that cannot be read is not this function's fault to find.
func (l *Log) committed() uint64 {
	if l.cfg.Checkpoints.Off {
		return 0
	}
	c, err := readCheckpoint(l.cfg.Directory)
	if err != nil {
		return 0
	}
	return uint64(c.Size)
}

// readCheckpoint reads the log's last checkpoint with the key in its directory.
func readCheckpoint(dir string) (*merkle.Checkpoint, error) {
	signed, err := os.ReadFile(filepath.Join(dir, merkle.CheckpointFile))
	if err != nil {
		return nil, err
	}
	public, err := os.ReadFile(filepath.Join(dir, PublicFile))
	if err != nil {
		return nil, err
	}
	verifier, err := merkle.NewVerifier(string(public))
	if err != nil {
		return nil, err
	}
	c, _, err := merkle.Open(signed, verifier)
	return c, err
}

// Checkpoints tells how far checkpoints have come; ok is false when they are
// off.
func (l *Log) Checkpoints() (s merkle.Stats, ok bool) {
	if l == nil || l.maker == nil {
		return s, false
	}
	return l.maker.Stats(), true
}

// Checkpoint makes one now, of all that is stored.
func (l *Log) Checkpoint(ctx context.Context) error {
	if l.maker == nil {
		return errors.New("checkpoints are off")
	}
	return l.maker.Now(ctx)
}

// closeMaker makes the last checkpoint. A witness that is away holds the end up
// no longer than this.
func (l *Log) closeMaker() error {
	if l.maker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := l.maker.Close(ctx)
	if err != nil {
		l.log.Warn("the last checkpoint of the audit log could not be made or published", slog.Any("error", err))
	}
	return nil // the records are stored; the next start goes on from them
}

// removable tells through which record files may be removed: the tree must have
// their hashes on the disk.
func (w *writer) removable() uint64 {
	if w.l.cfg.Checkpoints.Off {
		return ^uint64(0)
	}
	maker := w.l.ready.Load()
	if maker == nil {
		return 0 // it is not there yet
	}
	return maker.Committed()
}

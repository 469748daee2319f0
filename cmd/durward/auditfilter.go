// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"durward/audit/index"
	"durward/internal/units"
)

// auditFlags say which log is read.
type auditFlags struct {
	Directory string `short:"d" default:"audit" help:"The log's directory, or that of a copy." placeholder:"DIR"`
	Config    string `short:"c" help:"Configuration whose audit.seal opens what is sealed; its log is read where no directory is given." placeholder:"FILE"`
	Index     string `help:"Index of the log; default DIR/index.db. Without one the whole log is read." placeholder:"FILE"`
}

// open opens the index to read. What it does not have is read from the log.
func (f *auditFlags) open(ctx context.Context, s streams) (*index.Index, error) {
	if err := f.unseal(ctx); err != nil {
		return nil, err
	}
	x, err := index.Open(ctx, f.Directory, index.Options{Path: f.Index, ReadOnly: true, Hasher: auditHasher, Log: newLog(s.err, "warn", "text")})
	if err != nil {
		return nil, err
	}
	if err := x.CatchUp(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// auditHasher gives the keyed hashes of a log with sealed fields; nil where
// they are plain.
var auditHasher index.Hasher

// auditOpener gives a line with its sealed fields opened, as far as their keys
// are there; nil where they are plain.
var auditOpener func(line []byte) []byte

// openedLine is what is shown of a record.
func openedLine(line []byte) []byte {
	if auditOpener == nil {
		return line
	}
	return auditOpener(line)
}

// auditFilter is what is asked for.
type auditFilter struct {
	Subject    string `help:"Who, as the credential names them." placeholder:"NAME"`
	Consumer   string `help:"On whose behalf." placeholder:"ID"`
	Credential string `help:"With which credential: its id, never the secret." placeholder:"ID"`
	Address    string `help:"From which client address or network." placeholder:"ADDRESS|CIDR"`
	API        string `name:"api" help:"Of which API." placeholder:"NAME"`
	Operation  string `help:"Which operation." placeholder:"ID"`
	Object     string `help:"On what: a path, one of its segments, a path parameter as VALUE or NAME=VALUE." placeholder:"TEXT"`
	Outcome    string `help:"How it ended: allowed, refused or failed." enum:",allowed,refused,failed" default:"" placeholder:"HOW"`
	Code       string `help:"Problem code of the refusal." placeholder:"CODE"`
	Detection  string `help:"What was found: STAGE, STAGE/CODE, a detector of leaks, a firewall rule or class." placeholder:"NAME"`
	Kind       string `help:"Only attempt, outcome, flood, system or admin records." enum:",attempt,outcome,flood,system,admin" default:"" placeholder:"KIND"`
	Request    string `help:"Only the records of the request with this id." placeholder:"ID"`
	Since      string `help:"From a time on: RFC 3339, a date, or how long ago, such as 2h or 7d." placeholder:"TIME"`
	Until      string `help:"Until before a time, likewise." placeholder:"TIME"`
}

func (f *auditFilter) query(now time.Time) (index.Query, error) {
	q := index.Query{
		Subject: f.Subject, Consumer: f.Consumer, Credential: f.Credential, API: f.API, Operation: f.Operation, Object: f.Object,
		Outcome: f.Outcome, Code: f.Code, Detection: f.Detection, Kind: f.Kind, RequestID: f.Request,
	}
	var faults []error
	if f.Address != "" {
		var err error
		if q.Address, err = index.ParseAddress(f.Address); err != nil {
			faults = append(faults, fmt.Errorf("--address: %s is neither an address nor a network", plain(f.Address)))
		}
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"since", f.Since, &q.Since}, {"until", f.Until, &q.Until}} {
		at, err := parseMoment(t.text, now)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", t.name, err))
		}
		*t.to = at
	}
	return q, errors.Join(faults...)
}

// parseMoment reads a time: RFC 3339, a date, which is that in UTC, or how long
// ago.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return t, nil
		}
	}
	var ago units.Duration
	if err := ago.UnmarshalText([]byte(s)); err != nil {
		return time.Time{}, fmt.Errorf("%s is no time: write 2026-11-21T10:00:00Z, 2026-11-21, or 2h", plain(s))
	}
	return now.Add(-ago.Std()), nil
}

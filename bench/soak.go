// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// soakVariant names the rows of the long run.
const soakVariant = "one long run"

// soakGrowth is how much the late peak may be above the early one for memory to
// count as flat.
const soakGrowth = 1.05

// soakResult says how resident memory went in a long run.
type soakResult struct {
	Seconds float64 `json:"seconds"`
	// Early and Late are the greatest resident memory, in bytes, seen in the
	// second quarter of the run and in its second half. What the start needed,
	// and has given back since, would hide growth; so the first quarter does
	// not count.
	Early  int64   `json:"rss_early"`
	Late   int64   `json:"rss_late"`
	Growth float64 `json:"growth"` // late by early
	Flat   bool    `json:"flat"`
}

// soakOf judges resident memory that was read at even intervals.
func soakOf(rss []int64, length time.Duration) (soakResult, error) {
	if len(rss) < 4 {
		return soakResult{}, errors.New("the run was too short to judge memory by")
	}
	r := soakResult{Seconds: length.Seconds()}
	r.Early = slices.Max(rss[len(rss)/4 : len(rss)/2])
	r.Late = slices.Max(rss[len(rss)/2:])
	if r.Early == 0 {
		return soakResult{}, errors.New("no memory was seen in use")
	}
	r.Growth = float64(r.Late) / float64(r.Early)
	r.Flat = r.Growth <= soakGrowth
	return r, nil
}

// soak runs plain requests through one gateway for a long time and watches its
// memory.
func (b *bench) soak(ctx context.Context, g gateway, length time.Duration) (row, error) {
	s := scenario{job: "F", variant: soakVariant}
	c := &contestant{gateway: g, dir: filepath.Join(b.out, "work", "soak-"+g.flagName())}
	defer c.halt()
	if err := b.launch(ctx, s, c); err != nil {
		return row{}, err
	}
	pid := c.process.pid()
	before, err := b.read(c)
	if err != nil {
		return row{}, err
	}
	type end struct {
		outcome
		err error
	}
	ended := make(chan end, 1)
	go func() {
		o, err := b.load.run(ctx, s, c.address, int(length.Seconds()))
		ended <- end{o, err}
	}()
	var seen []int64
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			u, err := readUsage(pid)
			if err != nil {
				<-ended
				return row{}, fmt.Errorf("%s while it ran: %w", g.label(), err)
			}
			seen = append(seen, u.rss)
		case e := <-ended:
			if e.err != nil {
				return row{}, e.err
			}
			if err := e.check(noLimit); err != nil {
				return row{}, err
			}
			after, err := b.read(c)
			if err != nil {
				return row{}, err
			}
			c.samples = []sample{newSample(e.outcome, before, after)}
			result, err := soakOf(seen, e.duration)
			if err != nil {
				return row{}, err
			}
			r := b.row(s, c)
			r.Soak = &result
			return r, nil
		}
	}
}

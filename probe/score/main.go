// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command score runs the probe against services with planted flaws and against
// their secure twins, and prints how many flaws were found and how much was
// found that is not there.
//
//	go run ./probe/score [-app NAME] [-one] [-v] [-seed N]
//
// With -one each flaw is planted alone. It exits with 1 when less than nine of
// ten flaws are found, or anything on a twin.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	only := flag.String("app", "", "only this one")
	one := flag.Bool("one", false, "plant each flaw alone, too")
	seed := flag.Uint64("seed", 1, "of the runs")
	verbose := flag.Bool("v", false, "print every finding")
	checks := flag.String("checks", "", "only these checks, separated by commas")
	flaws := flag.String("flaws", "", "plant only these flaws, separated by commas")
	flag.BoolVar(&trace, "trace", false, "print every exchange")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := &session{seed: *seed, verbose: *verbose}
	if *checks != "" {
		s.checks = strings.Split(*checks, ",")
	}
	good := true
	for _, a := range apps() {
		if *only != "" && a.Name != *only {
			continue
		}
		planted := a.Flaws
		if *flaws != "" {
			planted = strings.Split(*flaws, ",")
		}
		ok, err := s.app(ctx, a, planted, *one)
		if err != nil {
			fmt.Fprintln(os.Stderr, "score:", err)
			os.Exit(2)
		}
		good = good && ok
	}
	s.total()
	if !good {
		os.Exit(1)
	}
}

// session is one call of the command.
type session struct {
	seed    uint64
	checks  []string
	verbose bool

	found, planted, wrong int
	classes               map[string][2]int
}

// app prints the score of one service.
func (s *session) app(ctx context.Context, a app, planted []string, one bool) (bool, error) {
	truth, err := a.truth()
	if err != nil {
		return false, err
	}
	all, err := run(ctx, a, planted, s.seed, s.checks)
	if err != nil {
		return false, err
	}
	score := judge(truth, planted, all.Findings)
	fmt.Printf("%-10s flaws  found %d of %d, %d other findings, %d of %d operations reached, %d requests, %s\n", a.Name,
		len(score.found), len(planted), len(score.other), all.reached, all.operations, all.Requests, all.Took.Round(time.Millisecond))
	for _, name := range score.missed {
		fmt.Printf("           missed %s\n", name)
	}
	if s.verbose {
		for _, f := range score.other {
			fmt.Printf("           other  %s (%s): %s\n", f.Fingerprint(), f.Confidence, f.Detail)
		}
		for _, n := range all.Notes {
			fmt.Printf("           note   %s\n", n)
		}
		for _, why := range all.unreached {
			fmt.Printf("           unreached %s\n", why)
		}
	}
	twin, err := run(ctx, a, nil, s.seed, s.checks)
	if err != nil {
		return false, err
	}
	wrong := counted(twin.Findings)
	fmt.Printf("%-10s twin   %d false, %d of %d operations reached, %d requests, %s\n", a.Name, len(wrong), twin.reached, twin.operations,
		twin.Requests, twin.Took.Round(time.Millisecond))
	for _, f := range wrong {
		fmt.Printf("           false  %s (%s %s): %s\n", f.Fingerprint(), f.Severity, f.Confidence, f.Detail)
	}
	if s.verbose {
		for _, n := range twin.Notes {
			fmt.Printf("           note   %s\n", n)
		}
		for _, why := range twin.unreached {
			fmt.Printf("           unreached %s\n", why)
		}
	}
	s.add(truth, score, len(wrong))
	ok := len(score.found)*10 >= len(planted)*9 && len(wrong) == 0
	if one {
		return ok, s.each(ctx, a, truth)
	}
	return ok, nil
}

// each plants every flaw alone.
func (s *session) each(ctx context.Context, a app, truth truth) error {
	for _, f := range truth.Flaws {
		planted := append([]string{f.Name}, f.With...)
		r, err := run(ctx, a, planted, s.seed, s.checks)
		if err != nil {
			return err
		}
		score := judge(truth, planted, r.Findings)
		word := "found"
		if slices.Contains(score.missed, f.Name) {
			word = "MISSED"
		}
		fmt.Printf("           alone  %-6s %s, %d other\n", word, f.Name, len(score.other))
		for _, o := range score.other {
			fmt.Printf("                  other %s: %s\n", o.Fingerprint(), o.Detail)
		}
	}
	return nil
}

func (s *session) add(truth truth, score score, wrong int) {
	s.found += len(score.found)
	s.planted += len(score.found) + len(score.missed)
	s.wrong += wrong
	if s.classes == nil {
		s.classes = map[string][2]int{}
	}
	for _, f := range truth.Flaws {
		n := s.classes[f.Kinds[0]]
		switch {
		case slices.Contains(score.found, f.Name):
			n[0]++
			n[1]++
		case slices.Contains(score.missed, f.Name):
			n[1]++
		}
		s.classes[f.Kinds[0]] = n
	}
}

func (s *session) total() {
	names := make([]string, 0, len(s.classes))
	for n := range s.classes {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if c := s.classes[n]; c[1] > 0 {
			fmt.Printf("%-28s %d of %d\n", n, c[0], c[1])
		}
	}
	fmt.Printf("all: %d of %d flaws found (%d %%), %d false on the twins\n", s.found, s.planted, 100*s.found/max(s.planted, 1), s.wrong)
}

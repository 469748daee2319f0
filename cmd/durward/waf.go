// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"durward/config"
	"durward/waf"
	"durward/waf/gate"
)

type wafCmd struct {
	Coverage wafCoverageCmd `cmd:"" help:"Tell which rules of the firewall its gate covers, and how, or why not."`
	Check    wafCheckCmd    `cmd:"" help:"Tell what the firewall makes of a request: verdict, rules, score, and fast or slow path."`
}

type wafCoverageCmd struct {
	configFlag
	API       string `name:"api" help:"Only this API." placeholder:"NAME"`
	Operation string `help:"Which rules are shown which values of this operation of the API, by what its contract proves." placeholder:"ID"`
	Paranoia  int    `help:"The Core Rule Set alone at this paranoia level, without a configuration." placeholder:"N"`
	JSON      bool   `name:"json" help:"Print as JSON."`
}

// gateOf is what is told of one gate: which operations it is for, and the rules.
type gateOf struct {
	API        string                        `json:"api,omitempty"`
	Operations []string                      `json:"operations,omitempty"`
	Paranoia   int                           `json:"paranoia"`
	Detection  int                           `json:"detection_paranoia"`
	Report     bool                          `json:"report,omitempty"`
	Totals     map[string]map[gate.Cover]int `json:"rules_by_paranoia"`
	Rules      []gateRule                    `json:"rules"`
}

type gateRule struct {
	ID       int        `json:"id"`
	Phase    int        `json:"phase"`
	Paranoia int        `json:"paranoia,omitempty"`
	Cover    gate.Cover `json:"cover"`
	How      string     `json:"how"`
}

func (c *wafCoverageCmd) Run(s streams) error {
	if c.Operation != "" {
		return c.narrowed(s)
	}
	b, uses, err := c.operations()
	if err != nil {
		return err
	}
	demands := make([]*waf.Demand, len(uses))
	for i := range uses {
		demands[i] = uses[i].Demand
	}
	all, err := waf.Cover(b, time.Now(), demands...)
	if err != nil {
		return err
	}
	var gates []gateOf
	for i := range all {
		gates = append(gates, c.byAPI(&all[i], uses)...)
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(gates)
	}
	return printCoverage(s, gates)
}

// operations are those of the configuration, or one with nothing but a level.
func (c *wafCoverageCmd) operations() (*waf.Builder, []config.FirewallUse, error) {
	if c.Paranoia != 0 {
		cfg := waf.Config{Paranoia: c.Paranoia}
		if err := cfg.Check(); err != nil {
			return nil, nil, err
		}
		b := waf.NewBuilder(nil)
		d, err := b.Operation("", cfg, "GET", nil)
		return b, []config.FirewallUse{{Demand: d}}, err
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return nil, nil, err
	}
	if c.API != "" && cfg.APIs[c.API] == nil {
		return nil, nil, fmt.Errorf("the configuration has no API %q", c.API)
	}
	b, uses, err := cfg.Firewall()
	if err == nil && len(uses) == 0 {
		err = errors.New("no API of the configuration has a firewall")
	}
	return b, uses, err
}

// byAPI tells of a gate once for each API that it serves.
func (c *wafCoverageCmd) byAPI(cover *waf.Coverage, uses []config.FirewallUse) (out []gateOf) {
	for _, i := range cover.Demands {
		u := uses[i]
		if c.API != "" && u.API != c.API {
			continue
		}
		n := slices.IndexFunc(out, func(g gateOf) bool { return g.API == u.API })
		if n < 0 {
			n = len(out)
			out = append(out, newGateOf(u.API, cover))
		}
		if u.Operation != "" {
			out[n].Operations = append(out[n].Operations, u.Operation)
		}
	}
	return out
}

func newGateOf(api string, cover *waf.Coverage) gateOf {
	g := gateOf{API: api, Paranoia: cover.Settings.Paranoia, Detection: cover.Settings.Detection, Report: cover.Settings.Report, Totals: map[string]map[gate.Cover]int{}}
	for level := range 5 {
		g.Totals[levelName(level)] = cover.Count(level)
	}
	for _, r := range cover.Rules {
		g.Rules = append(g.Rules, gateRule{r.ID, r.Phase, r.Paranoia, r.Cover, r.How})
	}
	return g
}

func levelName(level int) string {
	if level == 0 {
		return "none"
	}
	return strconv.Itoa(level)
}

func printCoverage(s streams, gates []gateOf) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for i, g := range gates {
		if i > 0 {
			fmt.Fprintln(w)
		}
		title := "the Core Rule Set"
		if g.API != "" {
			title = "api " + g.API + ": " + strings.Join(g.Operations, ", ")
		}
		fmt.Fprintf(w, "%s; paranoia %d\n\nlevel\tcovered\tpartly\tsettled\tuncovered\n", title, g.Paranoia)
		for level := range 5 {
			n := g.Totals[levelName(level)]
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", levelName(level), n[gate.Covered], n[gate.Partly], n[gate.Settled], n[gate.Uncovered])
		}
		fmt.Fprintf(w, "\nrule\tphase\tlevel\t\thow\n")
		for _, r := range g.Rules {
			fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\n", r.ID, r.Phase, levelName(r.Paranoia), r.Cover, r.How)
		}
	}
	return w.Flush()
}

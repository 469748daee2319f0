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
)

// placeOf is what is told of one value of an operation.
type placeOf struct {
	Value  string `json:"value"`
	Proven string `json:"proven"`
	Seen   int    `json:"rules"`
	Of     int    `json:"of"`
	Rules  []int  `json:"rule_ids"`
}

// narrowed tells of each value of an operation which rules it is shown to.
func (c *wafCoverageCmd) narrowed(s streams) error {
	if c.API == "" {
		return errors.New("--operation needs --api")
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	b, uses, err := cfg.Firewall()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(uses, func(u config.FirewallUse) bool { return u.API == c.API && u.Operation == c.Operation })
	if i < 0 {
		return fmt.Errorf("the configuration has no operation %q of an API %q with a firewall", c.Operation, c.API)
	}
	proven, why, err := cfg.Proven(c.API, c.Operation)
	if err != nil {
		return err
	}
	if why != "" {
		return fmt.Errorf("rules are shown every value: %s", why)
	}
	all, err := waf.Cover(b, time.Now(), uses[i].Demand)
	if err != nil {
		return err
	}
	var places []placeOf
	for _, p := range all[0].Narrow(proven) {
		places = append(places, placeOf{p.Place, p.Proven, len(p.Rules), p.Of, p.Rules})
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(places)
	}
	return printPlaces(s, places)
}

// shownRules is how many rules are named in a line; --json has them all.
const shownRules = 8

func printPlaces(s streams, places []placeOf) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "value\trules\tproven\tshown to\n")
	for _, p := range places {
		var ids []string
		for i, id := range p.Rules {
			if i == shownRules {
				ids = append(ids, "...")
				break
			}
			ids = append(ids, strconv.Itoa(id))
		}
		fmt.Fprintf(w, "%s\t%d of %d\t%s\t%s\n", plain(p.Value), p.Seen, p.Of, plain(p.Proven), strings.Join(ids, " "))
	}
	return w.Flush()
}

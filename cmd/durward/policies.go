// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"durward/authz"
	"durward/config"
)

type policiesCmd struct {
	configFlag
	API    string `help:"Only this API's." placeholder:"NAME"`
	Schema bool   `help:"Print the schema that policies are held against, made of the contract."`
}

// Run prints the rules of the APIs as the Cedar policies that decide, the short
// forms (roles, scopes, authenticated, owner) among them.
func (c *policiesCmd) Run(s streams) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	names := cfg.APINames()
	if c.API != "" {
		if !slices.Contains(names, c.API) {
			return fmt.Errorf("no API is called %s; there are %s", plain(c.API), strings.Join(names, ", "))
		}
		names = []string{c.API}
	}
	for i, name := range names {
		rules, err := authz.Compile(&cfg.APIs[name].Authorize, cfg.Rules(name), nil)
		if err != nil {
			return cfg.Locate(err)
		}
		text := rules.Cedar()
		if c.Schema {
			text = rules.Schema()
		}
		if err := rules.Close(); err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintf(s.out, "// API %s\n\n%s\n", name, strings.TrimRight(text, "\n"))
	}
	return nil
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"durward/authn"
	"durward/authn/capability"
	"durward/config"
	"durward/store"
)

// whichToken names a token, or all of a subject.
type whichToken struct {
	Issuer  string `help:"The issuer's name in the configuration; the issuer or URL of an introspection server; or capability." placeholder:"NAME"`
	ID      string `name:"id" help:"The token's jti, or what its records have as credential." placeholder:"JTI" xor:"which"`
	Subject string `help:"All tokens of this subject that were issued up to now." placeholder:"SUBJECT" xor:"which"`
	Token   string `help:"With -, the token itself is read from standard input; only its id is stored." placeholder:"-" xor:"which"`
}

// find gives what is named, as far as the store needs to know it.
func (w *whichToken) find(s streams, f *storeFlags) ([]store.Revocation, error) {
	given := 0
	for _, one := range []string{w.ID, w.Subject, w.Token} {
		if one != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, errors.New("give one of --id, --subject and --token -")
	case w.Token != "" && w.Token != "-":
		return nil, errors.New("--token takes - only: a token on the command line could be read by others; give it on standard input")
	case w.Token == "" && w.Issuer == "":
		return nil, errors.New("give --issuer: ids and subjects are those of one issuer")
	}
	cfg, err := config.Load(f.Config, os.LookupEnv)
	if err != nil && f.Store == "" {
		return nil, fmt.Errorf("give --store, or a configuration that loads:\n%w", err)
	}
	if w.Token != "" {
		return w.read(cfg, err)
	}
	if err != nil {
		fmt.Fprintln(s.err, "whether there is such an issuer is not known: no configuration was loaded")
	} else if names := issuerNames(cfg); !slices.Contains(names, w.Issuer) {
		return nil, fmt.Errorf("the configuration has no issuer %s; it has: %s", plain(w.Issuer), plain(strings.Join(names, ", ")))
	}
	return []store.Revocation{{Issuer: w.Issuer, ID: w.ID, Subject: w.Subject}}, nil
}

// read finds out which token stands on standard input. None of it is printed.
func (w *whichToken) read(cfg *config.Config, unloaded error) ([]store.Revocation, error) {
	b, err := readSmall("", 16<<10)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(b))
	if t, err := capability.Parse(text); err == nil {
		return w.only([]store.Revocation{{Issuer: capability.Space, ID: t.ID}})
	}
	if unloaded != nil {
		return nil, fmt.Errorf("to know the issuer of a token a configuration is needed that loads:\n%w", unloaded)
	}
	known, err := authn.Identify(cfg.Issuers, text)
	if err != nil {
		return nil, fmt.Errorf("not a token of an issuer of the configuration (an opaque one is revoked by --issuer and --id, as its records have them): %w", err)
	}
	var all []store.Revocation
	for _, t := range known {
		all = append(all, store.Revocation{Issuer: t.Issuer, ID: t.Credential, Until: t.Ends})
	}
	return w.only(all)
}

// only keeps those of the issuer that was named as well.
func (w *whichToken) only(all []store.Revocation) ([]store.Revocation, error) {
	all = slices.DeleteFunc(all, func(r store.Revocation) bool { return w.Issuer != "" && r.Issuer != w.Issuer })
	if len(all) == 0 {
		return nil, fmt.Errorf("the token is not one of %s", plain(w.Issuer))
	}
	return all, nil
}

// issuerNames are the names that records have as issuer of a token.
func issuerNames(cfg *config.Config) []string {
	names := []string{capability.Space}
	for name := range cfg.Issuers {
		names = append(names, name)
	}
	for _, api := range cfg.APIs {
		for _, m := range api.Authenticate.Flat() {
			if m.Introspection != nil {
				names = append(names, cmp.Or(m.Introspection.Issuer, m.Introspection.URL))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

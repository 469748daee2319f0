// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"durward"
	"durward/config"
	"durward/inventory"
	"durward/store"
)

type inventoryCmd struct {
	Show   inventoryShowCmd   `cmd:"" default:"withargs" help:"List operations and parameters that are called and not declared, and the other way round."`
	Draft  inventoryDraftCmd  `cmd:"" help:"Write an OpenAPI draft of what was called; it holds names, types and formats, no values."`
	Learn  inventoryLearnCmd  `cmd:"" help:"Stand before an API without a document, on this machine, and write a draft of what passes."`
	Forget inventoryForgetCmd `cmd:"" help:"Begin anew: forget what was called of an API."`
}

// apiFlags say which APIs of which configuration are meant.
type apiFlags struct {
	configFlag
	API string `name:"api" help:"Only this API." placeholder:"NAME"`
}

// each calls do for the APIs that are meant.
func (f *apiFlags) each(ctx context.Context, do func(cfg *config.Config, st *store.Store, api string) error) error {
	cfg, err := config.Load(f.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	if f.API != "" && cfg.APIs[f.API] == nil {
		return fmt.Errorf("the configuration has no API %s", plain(f.API))
	}
	flags := storeFlags{configFlag: f.configFlag, Store: cfg.Store}
	st, err := flags.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	for _, name := range cfg.APINames() {
		if f.API != "" && name != f.API {
			continue
		}
		if err := do(cfg, st, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// seen is what the store has of an API; empty when nobody has called it yet.
func seen(ctx context.Context, st *store.Store, api string) (*inventory.API, error) {
	text, err := st.Inventory(ctx, api)
	if err != nil && !errors.Is(err, durward.ErrNotFound) {
		return nil, err
	}
	return inventory.Parse(text)
}

type inventoryShowCmd struct {
	apiFlags
	JSON     bool `name:"json" help:"Print as JSON, one API a line."`
	ExitCode bool `name:"exit-code" help:"Exit with 1 when something is called that is not declared."`
}

func (c *inventoryShowCmd) Run(ctx context.Context, s streams) error {
	undeclared := 0
	err := c.each(ctx, func(cfg *config.Config, st *store.Store, name string) error {
		a, err := seen(ctx, st, name)
		if err != nil {
			return err
		}
		var declared []inventory.Declared
		for _, op := range cfg.Contract(name).Operations() {
			declared = append(declared, inventory.Declared{ID: op.ID, Method: op.Method, Template: op.Template, Deprecated: op.Deprecated})
		}
		r := a.Report(declared)
		undeclared += len(r.Shadow) + len(r.Parameters)
		if c.JSON {
			return json.NewEncoder(s.out).Encode(struct {
				API   string    `json:"api"`
				Since time.Time `json:"since"`
				inventory.Report
			}{name, a.Since, r})
		}
		return printInventory(s, name, a.Since, &r)
	})
	if err == nil && c.ExitCode && undeclared > 0 {
		return errors.New("some calls are not declared")
	}
	return err
}

// printInventory prints one API for a person.
func printInventory(s streams, name string, since time.Time, r *inventory.Report) error {
	if since.IsZero() {
		fmt.Fprintf(s.out, "%s: nothing was called yet\n", name)
	} else {
		fmt.Fprintf(s.out, "%s, since %s\n", name, moment(since))
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	section := func(title, columns string, all []inventory.Finding, row func(f *inventory.Finding) string) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n  %s\n", title, columns)
		for i := range all {
			fmt.Fprintf(w, "  %s\n", row(&all[i]))
		}
	}
	times := func(f *inventory.Finding) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s", f.Count, moment(f.First), moment(f.Last), callersText(f))
	}
	section("Called and not declared (shadow)", "METHOD\tPATH\tWITH CREDENTIAL\tCALLS\tFIRST\tLAST\tCALLERS", r.Shadow, func(f *inventory.Finding) string {
		return fmt.Sprintf("%s\t%s\t%d\t%s", plain(f.Method), plain(f.Path), f.Credentials, times(f))
	})
	section("Parameters sent and not declared", "OPERATION\tPARAMETER\tKIND\tCALLS\tFIRST\tLAST\tCALLERS OF THE OPERATION", r.Parameters, func(f *inventory.Finding) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", f.Operation, plain(f.Parameter), f.Kind, times(f))
	})
	section("Declared and never used (zombie)", "OPERATION\tMETHOD\tPATH\tREFUSED CALLS", r.Zombie, func(f *inventory.Finding) string {
		return fmt.Sprintf("%s\t%s\t%s\t%d", f.Operation, f.Method, f.Path, f.Count)
	})
	section("Deprecated and still used", "OPERATION\tCALLS\tFIRST\tLAST\tCALLERS", r.Deprecated, func(f *inventory.Finding) string { return f.Operation + "\t" + times(f) })
	section("Used, and declared no more", "OPERATION\tCALLS\tFIRST\tLAST\tCALLERS", r.Gone, func(f *inventory.Finding) string { return plain(f.Operation) + "\t" + times(f) })
	section("Used", "OPERATION\tCALLS\tFIRST\tLAST\tCALLERS", r.Used, func(f *inventory.Finding) string { return f.Operation + "\t" + times(f) })
	if r.More > 0 {
		fmt.Fprintf(w, "\n%d further calls of undeclared operations found no room in the list\n", r.More)
	}
	return w.Flush()
}

// callersText names the first few callers.
func callersText(f *inventory.Finding) string {
	const most = 3
	names := make([]string, 0, most+1)
	for _, name := range f.Callers[:min(len(f.Callers), most)] {
		names = append(names, plain(name))
	}
	if rest := len(f.Callers) - len(names); rest > 0 || f.MoreCallers > 0 {
		more := strconv.Itoa(rest)
		if f.MoreCallers > 0 {
			more += " or more"
		}
		names = append(names, "and "+more+" others")
	}
	return strings.Join(names, ", ")
}

type inventoryDraftCmd struct {
	apiFlags
	Out string `short:"o" help:"File to write; it must not exist. Else standard output." placeholder:"FILE"`
}

func (c *inventoryDraftCmd) Run(ctx context.Context, s streams) error {
	var drafts [][]byte
	err := c.each(ctx, func(cfg *config.Config, st *store.Store, name string) error {
		a, err := seen(ctx, st, name)
		if err != nil {
			return err
		}
		if len(a.Operations)+len(a.Undeclared) == 0 {
			return errors.New("nothing was called yet")
		}
		draft, err := a.Draft(name)
		drafts = append(drafts, draft)
		return err
	})
	if err != nil {
		return err
	}
	if len(drafts) != 1 {
		return errors.New("the configuration has several APIs: name one with --api")
	}
	return writeDraft(s, c.Out, drafts[0])
}

func writeDraft(s streams, path string, draft []byte) error {
	if path == "" {
		_, err := s.out.Write(draft)
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(draft)
	return errors.Join(err, f.Close())
}

type inventoryForgetCmd struct {
	configFlag
	API string `arg:"" name:"api" help:"The API."`
}

func (c *inventoryForgetCmd) Run(ctx context.Context, s streams) error {
	flags := apiFlags{configFlag: c.configFlag, API: c.API}
	return flags.each(ctx, func(_ *config.Config, st *store.Store, name string) error {
		if err := st.ForgetInventory(ctx, name); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "forgot the calls of %s\n", name)
		return nil
	})
}

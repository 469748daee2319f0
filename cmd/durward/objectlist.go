// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"durward"
	"durward/authz/directory"
	"durward/config"
	"durward/store"
)

// objectTypes are the types of the objects that the configuration's directories
// in the store know; nil where no configuration is at hand, and nothing is
// checked then.
type objectTypes []*directory.Type

// types reads them when the store is that of a configuration.
func (f *storeFlags) types() (objectTypes, error) {
	if f.Store != "" {
		return nil, nil
	}
	cfg, err := config.Load(f.Config, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("give --store, or a configuration that loads:\n%w", err)
	}
	all := objectTypes{}
	for _, name := range cfg.APINames() {
		types, err := cfg.APIs[name].Authorize.StoredTypes()
		if err != nil {
			return nil, err
		}
		all = append(all, types...)
	}
	return all, nil
}

// field finds a declared field; nil when none is known.
func (o objectTypes) field(kind, name string) *directory.Field {
	for _, t := range o {
		if f := t.Field(name); t.Name == kind && f != nil {
			return f
		}
	}
	return nil
}

// value gives a text the type of its field, where that is known.
func (o objectTypes) value(kind, name, text string) any {
	if f := o.field(kind, name); f != nil {
		return f.FromText(text)
	}
	return text
}

// checkObject refuses what a gateway could not use. Of a type that several APIs
// have, each must be able to.
func checkObject(types objectTypes, kind string, fields store.Fields) error {
	if types == nil {
		return nil
	}
	values, err := fields.Values()
	if err != nil {
		return err
	}
	known := false
	for _, t := range types {
		if t.Name != kind {
			continue
		}
		known = true
		if _, err := t.Build(values); err != nil {
			return fmt.Errorf("%w: %w", durward.ErrInvalid, err)
		}
	}
	if !known {
		return fmt.Errorf("no API of the configuration takes objects of the type %s from the store", plain(kind))
	}
	for name := range fields {
		if types.field(kind, name) == nil {
			return fmt.Errorf("%w: %s: the field %q is not declared", durward.ErrInvalid, plain(kind), name)
		}
	}
	return nil
}

// describedObject is what is shown of an object.
type describedObject struct {
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Fields  map[string]any `json:"fields"`
	Changed string         `json:"changed"`
}

func describeObject(o *store.Object) describedObject {
	d := describedObject{Type: o.Kind, ID: o.ID, Fields: map[string]any{}, Changed: moment(o.Changed)}
	for name, v := range o.Fields {
		d.Fields[name] = json.RawMessage(v) // to the last digit
	}
	return d
}

type objectGetCmd struct {
	storeFlags
	objectName
	JSON bool `name:"json" help:"Print as one line of JSON."`
}

func (c *objectGetCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	o, err := st.StoredObject(ctx, c.Type, c.ID)
	if err != nil {
		return c.about(err)
	}
	return printOne(s, describeObject(&o), c.JSON)
}

type objectListCmd struct {
	storeFlags
	Type   string `arg:"" optional:"" help:"Only objects of this type."`
	Member string `help:"Only objects that have this caller in some field." placeholder:"CALLER"`
	JSON   bool   `name:"json" help:"Print as JSON lines, with all fields."`
}

func (c *objectListCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(w, "TYPE\tID\tFIELDS\tCHANGED")
	}
	for o, err := range st.Objects(ctx, c.Type) {
		if err != nil {
			return err
		}
		if c.Member != "" && !o.Fields.Has(c.Member) {
			continue
		}
		d := describeObject(&o)
		if c.JSON {
			if err := json.NewEncoder(s.out).Encode(d); err != nil {
				return err
			}
			continue
		}
		text, err := json.Marshal(d.Fields)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", plain(d.Type), plain(d.ID), shortened(string(text)), d.Changed)
	}
	return w.Flush()
}

// shortened makes a column of what may be a hundred thousand members.
func shortened(text string) string {
	const most = 100
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

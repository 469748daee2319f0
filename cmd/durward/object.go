// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"durward"
	"durward/authz/directory"
	"durward/store"
)

type objectCmd struct {
	Set    objectSetCmd    `cmd:"" help:"Set fields of an object, such as a space; it is made when there is none."`
	Get    objectGetCmd    `cmd:"" help:"Show what is known of one object, as JSON."`
	List   objectListCmd   `cmd:"" help:"List objects."`
	Add    objectAddCmd    `cmd:"" help:"Put values into a set, such as a member; running gateways follow within a second."`
	Remove objectRemoveCmd `cmd:"" help:"Take values out of a set."`
	Delete objectDeleteCmd `cmd:"" help:"Delete an object."`
	Import objectImportCmd `cmd:"" help:"Store the objects of a YAML, JSON or CSV file, all or none."`
}

// objectName says which object is meant.
type objectName struct {
	Type string `arg:"" help:"The object's type, as the configuration names it: Space."`
	ID   string `arg:"" name:"id" help:"The object's id."`
}

func (n *objectName) about(err error) error { return about(n.Type, n.ID, err) }

func (n *objectName) done(s streams, verb string) error {
	fmt.Fprintf(s.out, "%s %s %s\n", verb, plain(n.Type), plain(n.ID))
	return nil
}

type objectSetCmd struct {
	storeFlags
	objectName
	Fields  []string `arg:"" optional:"" name:"field=value" help:"field=TEXT, or field:=JSON; a field that is given several times is a set."`
	Values  string   `name:"json" help:"Fields as a JSON object; null takes a field away." placeholder:"OBJECT"`
	Replace bool     `help:"Take away all fields that are not given."`
}

func (c *objectSetCmd) Run(ctx context.Context, s streams) error {
	types, err := c.types()
	if err != nil {
		return err
	}
	given, err := c.given(types)
	if err != nil {
		return err
	}
	st, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.ChangeObject(ctx, c.Type, c.ID, true, func(f store.Fields) error {
		if c.Replace {
			clear(f)
		}
		for name, v := range given {
			if f[name] = v; v.Kind() == 'n' {
				delete(f, name)
			}
		}
		return checkObject(types, c.Type, f)
	})
	if err != nil {
		return c.about(err)
	}
	return c.done(s, "set")
}

// given reads the fields of the command line.
func (c *objectSetCmd) given(types objectTypes) (store.Fields, error) {
	if len(c.Fields) == 0 && c.Values == "" && !c.Replace {
		return nil, errors.New("there is nothing to set: give field=value or --json")
	}
	given := store.Fields{}
	if c.Values != "" {
		var err error
		if given, err = store.ParseFields([]byte(c.Values)); err != nil {
			return nil, fmt.Errorf("--json: %w", err)
		}
	}
	lists := map[string][]any{}
	for _, arg := range c.Fields {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%s: a field is given as field=TEXT or field:=JSON", plain(arg))
		}
		if short, isJSON := strings.CutSuffix(name, ":"); isJSON {
			v := jsontext.Value(text)
			if _, twice := given[short]; twice || !v.IsValid() {
				return nil, fmt.Errorf("%s: the value is no JSON, or the field is given twice", plain(short))
			}
			given[short] = v
			continue
		}
		lists[name] = append(lists[name], types.value(c.Type, name, text))
	}
	for name, list := range lists {
		if _, twice := given[name]; twice {
			return nil, fmt.Errorf("%s: the field is given twice", plain(name))
		}
		var v any = list
		if f := types.field(c.Type, name); len(list) == 1 && (f == nil || !f.Set) {
			v = list[0]
		}
		if err := given.Set(name, v); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// objectSets are the arguments of add and remove.
type objectSets struct {
	objectName
	Field string   `arg:"" help:"The field, a set."`
	Value []string `arg:"" help:"Values, such as the caller's subject; all are changed, or none."`
}

type objectAddCmd struct {
	storeFlags
	objectSets
}

func (c *objectAddCmd) Run(ctx context.Context, s streams) error {
	types, err := c.types()
	if err != nil {
		return err
	}
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	added := 0
	_, err = st.ChangeObject(ctx, c.Type, c.ID, false, func(f store.Fields) error {
		for _, v := range c.Value {
			isNew, err := f.Add(c.Field, types.value(c.Type, c.Field, v))
			if err != nil {
				return err
			}
			if isNew {
				added++
			}
		}
		return checkObject(types, c.Type, f)
	})
	if err != nil {
		return c.about(err)
	}
	fmt.Fprintf(s.out, "added %d to %s of %s %s\n", added, plain(c.Field), plain(c.Type), plain(c.ID))
	return nil
}

type objectRemoveCmd struct {
	storeFlags
	objectSets
}

// Run checks no types: whatever else is wrong with an object must not keep
// somebody in.
func (c *objectRemoveCmd) Run(ctx context.Context, s streams) error {
	types, err := c.types()
	if err != nil {
		return err
	}
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.ChangeObject(ctx, c.Type, c.ID, false, func(f store.Fields) error {
		for _, v := range c.Value {
			if err := f.Remove(c.Field, types.value(c.Type, c.Field, v)); err != nil {
				if errors.Is(err, durward.ErrNotFound) {
					return fmt.Errorf("%s is not in %s", plain(v), plain(c.Field))
				}
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.about(err)
	}
	fmt.Fprintf(s.out, "removed %d from %s of %s %s\n", len(c.Value), plain(c.Field), plain(c.Type), plain(c.ID))
	return nil
}

type objectDeleteCmd struct {
	storeFlags
	objectName
}

func (c *objectDeleteCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.DeleteObject(ctx, c.Type, c.ID); err != nil {
		return c.about(err)
	}
	return c.done(s, "deleted")
}

type objectImportCmd struct {
	storeFlags
	File   string `arg:"" help:"A file as directories of the kind file read it; - is standard input. Objects that it does not name stay as they are."`
	CSV    bool   `name:"csv" help:"It is CSV, whatever its name; needs a configuration for the types."`
	DryRun bool   `help:"Check everything, and store nothing."`
}

func (c *objectImportCmd) Run(ctx context.Context, s streams) error {
	types, err := c.types()
	if err != nil {
		return err
	}
	all, err := c.read(types)
	if err != nil {
		return fmt.Errorf("%s: %w; nothing is stored", plain(c.File), err)
	}
	if c.DryRun {
		fmt.Fprintf(s.out, "%d objects can be imported\n", len(all))
		return nil
	}
	st, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.PutObjects(ctx, all); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "imported %d objects\n", len(all))
	return nil
}

func (c *objectImportCmd) read(types objectTypes) ([]store.Object, error) {
	text, err := readText(c.File)
	if err != nil {
		return nil, err
	}
	isCSV := c.CSV || strings.HasSuffix(strings.ToLower(c.File), ".csv")
	if isCSV && types == nil {
		return nil, errors.New("CSV does not say which values are sets and numbers: give the configuration with -c in place of --store")
	}
	raw, err := directory.ParseFile([]byte(text), isCSV, types)
	if err != nil {
		return nil, err
	}
	var all []store.Object
	for kind, objects := range raw {
		for id, values := range objects {
			fields, err := store.MakeFields(values)
			if err == nil {
				err = checkObject(types, kind, fields)
			}
			if err != nil {
				return nil, about(kind, id, err)
			}
			all = append(all, store.Object{Kind: kind, ID: id, Fields: fields})
		}
	}
	return all, nil
}

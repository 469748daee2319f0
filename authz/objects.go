// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"

	"durward"
	"durward/authz/directory"
)

// entityTypes are the names of entities that are not objects.
var entityTypes = []string{"Caller", "Role", "API", "Action", "String", "Long", "Bool", "Boolean", "Set", "Record", "Entity", "Extension", "ipaddr", "decimal", "datetime", "duration"}

// objectType is an Object, read.
type objectType struct {
	directory.Type
	params     []string // path parameters of the id
	directory  string
	operations []string
}

// readObjects reads the objects of a configuration, sorted by name.
func (c *Config) readObjects() ([]*objectType, error) {
	var out []*objectType
	var errs []error
	isObject := func(name string) bool { _, ok := c.Objects[name]; return ok }
	for _, name := range slices.Sorted(maps.Keys(c.Objects)) {
		o, at := c.Objects[name], "objects."+name
		t := &objectType{Type: directory.Type{Name: name}, directory: o.Directory, operations: o.Operations}
		if _, err := types.NewEntityType(name); err != nil || slices.Contains(entityTypes, name) || strings.Contains(name, "::") {
			errs = append(errs, durward.Invalid(at, "must be a name of letters and digits that Cedar and Durward do not use"))
		}
		for part := range strings.SplitSeq(o.ID, "/") {
			param, ok := strings.CutPrefix(part, "path.")
			if !ok || param == "" {
				errs = append(errs, durward.Invalid(at+".id", "must be path.NAME, or several joined by /"))
			}
			t.params = append(t.params, param)
		}
		_, known := c.Directories[o.Directory]
		switch {
		case o.Directory != "" && !known:
			errs = append(errs, durward.Invalid(at+".directory", "there is no directory %q", o.Directory))
		case o.Directory == "" && len(o.Fields) > 0:
			errs = append(errs, durward.Invalid(at+".fields", "need a directory"))
		}
		for _, field := range slices.Sorted(maps.Keys(o.Fields)) {
			f, err := directory.ParseField(field, o.Fields[field], isObject)
			if err != nil {
				errs = append(errs, durward.Invalid(at+".fields."+field, "%s", err.Error()))
			}
			if field == "id" || field == "" {
				errs = append(errs, durward.Invalid(at+".fields."+field, "the name is taken"))
			}
			t.Fields = append(t.Fields, f)
		}
		errs = append(errs, repeated(at+".operations", o.Operations))
		out = append(out, t)
	}
	return out, errors.Join(errs...)
}

// maxDepth is how many steps an object may be away from the one that holds it
// all: message, thread, space, organisation.
const maxDepth = 4

func (c *Config) checkObjects() error {
	objects, err := c.readObjects()
	errs := []error{err}
	for name := range c.Directories {
		d := c.Directories[name]
		errs = append(errs, durward.InvalidIn("directories."+name, d.Check()))
	}
	for _, o := range objects {
		if depth(objects, o, 0) > maxDepth {
			errs = append(errs, durward.Invalid("objects."+o.Name, "belongs to objects in a circle, or through more than %d steps", maxDepth))
		}
	}
	return errors.Join(errs...)
}

func depth(objects []*objectType, o *objectType, so int) int {
	most := so
	if so > maxDepth {
		return so
	}
	for _, f := range o.Fields {
		if !f.Parent {
			continue
		}
		if i := slices.IndexFunc(objects, func(p *objectType) bool { return p.Name == f.Of }); i >= 0 {
			most = max(most, depth(objects, objects[i], so+1))
		}
	}
	return most
}

// resourceOf finds the object that an operation acts on; nil is the API.
func resourceOf(op *Operation, objects []*objectType) (*objectType, error) {
	var best *objectType
	bestAt, tie := -1, false
	for _, o := range objects {
		if !fits(op, o) {
			if slices.Contains(o.operations, op.ID) {
				return nil, durward.Invalid("objects."+o.Name+".operations", "the path of %q does not have the parameters of the id", op.ID)
			}
			continue
		}
		if slices.Contains(o.operations, op.ID) {
			return o, nil
		}
		at := 0
		for _, p := range o.params {
			at = max(at, indexOf(op.Path, p))
		}
		// A longer id of the same last parameter is the more exact one.
		rank := at*16 + len(o.params)
		switch {
		case rank > bestAt:
			best, bestAt, tie = o, rank, false
		case rank == bestAt:
			tie = true
		}
	}
	if tie {
		return nil, durward.Invalid("objects", "%q can act on several of them; name it under operations of one", op.ID)
	}
	return best, nil
}

func fits(op *Operation, o *objectType) bool {
	return !slices.ContainsFunc(o.params, func(p string) bool { return indexOf(op.Path, p) < 0 })
}

func indexOf(params []Param, name string) int {
	return slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
}

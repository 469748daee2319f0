// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
	"strings"

	"durward"
	"durward/authz/directory"
	"durward/authz/eval"
)

// object is one object that a policy asked about.
type object struct {
	kind  *objectType
	id    string
	known *directory.Object // nil: nothing but its id
	// missing: the directory has none, or could not tell. A decision asks once,
	// so that many policies do not wait many times for a directory that is away.
	missing bool
}

// maxLookups bounds the objects that one decision looks up.
const maxLookups = 16

// idOf joins the path parameters of an object's id.
func idOf(o *objectType, x *durward.Exchange) string {
	if len(o.params) == 1 {
		return x.Param(o.params[0])
	}
	parts := make([]string, len(o.params))
	for i, p := range o.params {
		// A slash in a part would make it another object's id.
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(x.Param(p), "%", "%25"), "/", "%2F")
	}
	return strings.Join(parts, "/")
}

// object looks an object up, once.
func (r *request) object(typ, id string) (eval.Node, bool) {
	for _, o := range r.objects[:r.used] {
		if o.kind.Name == typ && o.id == id {
			return o, !o.missing
		}
	}
	var kind *objectType
	for _, o := range r.slice.objects {
		if o.Name == typ {
			kind = o
		}
	}
	if kind == nil {
		return nil, false
	}
	if r.used >= maxLookups {
		r.fail(durward.CodeInternal, errTooMany)
		return nil, false
	}
	if r.used == len(r.objects) {
		r.objects = append(r.objects, new(object))
	}
	o := r.objects[r.used]
	r.used++
	*o = object{kind: kind, id: id}
	if kind.directory != "" {
		o.known = r.look(kind, id)
		o.missing = o.known == nil
	}
	return o, !o.missing
}

var errTooMany = errors.New("a decision asks about too many objects")

// look asks the directory. It gives nil for an object that is not there, and
// notes a fault where nobody can tell.
func (r *request) look(kind *objectType, id string) *directory.Object {
	found, err := r.dirs[kind.directory].Look(r.ctx, &kind.Type, id)
	if err != nil {
		var away *durward.Unavailable
		switch {
		case errors.Is(err, durward.ErrNotFound):
		case errors.As(err, &away):
			r.fail(away.Code, err)
		default:
			r.fail(durward.CodeStoreUnavailable, err)
		}
		return nil
	}
	if kind == r.resource && id == r.id && !r.samePath(found) {
		return nil
	}
	return found
}

func (r *request) fail(code durward.Code, err error) {
	if r.fault == nil {
		d := durward.Failed(code, err)
		r.fault, r.away = &d, true
	}
}

// samePath refuses a request whose path names another holder of the object than
// the directory does: /spaces/lobby/messages/7 for a message of the council.
func (r *request) samePath(of *directory.Object) bool {
	for i := 0; ; i++ {
		typ, id, ok := of.Parent(i)
		if !ok {
			return true
		}
		for _, o := range r.slice.objects {
			if o.Name == typ && fits(r.op, o) && idOf(o, r.x) != id {
				d := durward.Refuse(durward.CodeForbidden, fmt.Errorf("the path names another %s than the one that the object belongs to", typ))
				if r.fault == nil {
					r.fault = &d
				}
				return false
			}
		}
	}
}

func (o *object) Attribute(name string) (eval.Value, bool) {
	if name == "id" {
		return eval.Text(o.id), true
	}
	if o.known == nil {
		return eval.Value{}, false
	}
	return o.known.Attribute(name)
}

func (o *object) Tag(string) (eval.Value, bool) { return eval.Value{}, false }

func (o *object) Parent(i int) (typ, id string, ok bool) {
	if o.known == nil {
		return "", "", false
	}
	return o.known.Parent(i)
}

// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

func access(p part, name string) part {
	fn := p.fn
	absent := Failure("there is no attribute " + name)
	unknown := Failure("nothing is known of the entity whose attribute " + name + " is read")
	return varying(func(e *Env) Value {
		v := fn(e)
		switch v.Kind {
		case RecordOf:
			if out, ok := v.X.(Record).Get(name); ok {
				return out
			}
			return absent
		case Entity:
			node, ok := e.Entities.Entity(v.T, v.S)
			if !ok {
				return unknown
			}
			if out, ok := node.Attribute(name); ok {
				return out
			}
			return absent
		case Error:
			return v
		}
		return errNotHolder
	})
}

func has(p part, name string) part {
	fn := p.fn
	return varying(func(e *Env) Value {
		v := fn(e)
		ok := false
		switch v.Kind {
		case RecordOf:
			v, ok = v.X.(Record).Get(name)
		case Entity:
			var node Node
			if node, ok = e.Entities.Entity(v.T, v.S); ok {
				v, ok = node.Attribute(name)
			}
		case Error:
			return v
		default:
			return errNotHolder
		}
		// A value that is there and cannot be read is neither there nor not.
		if ok && v.Kind == Error {
			return v
		}
		return Truth(ok)
	})
}

func getTag(l, r part) part {
	return tagged(l, r, func(node Node, known bool, name string) Value {
		if known {
			if v, ok := node.Tag(name); ok {
				return v
			}
		}
		return Failure("there is no such tag")
	})
}

func hasTag(l, r part) part {
	return tagged(l, r, func(node Node, known bool, name string) Value {
		if !known {
			return Truth(false)
		}
		_, ok := node.Tag(name)
		return Truth(ok)
	})
}

func tagged(l, r part, then func(node Node, known bool, name string) Value) part {
	a, b := l.fn, r.fn
	return varying(func(e *Env) Value {
		x := kindOf(a(e), Entity, errNotEntity)
		if x.Kind == Error {
			return x
		}
		y := kindOf(b(e), String, errNotString)
		if y.Kind == Error {
			return y
		}
		node, known := e.Entities.Entity(x.T, x.S)
		return then(node, known, y.S)
	})
}

func is(p part, typ string) part {
	fn := p.fn
	return simple(func(e *Env) Value {
		v := kindOf(fn(e), Entity, errNotEntity)
		if v.Kind == Error {
			return v
		}
		return Truth(v.T == typ)
	}, p)
}

func isIn(p part, typ string, above part) part {
	fn, up := p.fn, above.fn
	return varying(func(e *Env) Value {
		v := kindOf(fn(e), Entity, errNotEntity)
		switch {
		case v.Kind == Error:
			return v
		case v.T != typ:
			return Truth(false)
		}
		return e.inside(v, up(e))
	})
}

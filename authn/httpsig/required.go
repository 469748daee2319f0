// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"errors"
	"slices"
	"strings"
)

// required is what a signature must cover.
type required struct {
	parts []component
	// digest asks for content-digest even where there is no content.
	digest bool
	text   string // the inner list that Accept-Signature asks for
}

// defaultComponents cover what a request does, and to what.
var defaultComponents = []string{"@method", "@target-uri"}

// compileRequired reads the components of a configuration, written as in a
// signature, with or without the quotes around the name.
func compileRequired(names []string) (*required, error) {
	if len(names) == 0 {
		names = defaultComponents
	}
	if len(names) > maxComponents {
		return nil, errors.New("are more than a signature may cover")
	}
	r := &required{}
	list := []byte{'('}
	for _, name := range names {
		var f field
		c, err := parseIdentifier(&f, name)
		switch {
		case err != nil:
			return nil, errors.New("has " + quoteShort(name) + ", which is not a component of requests")
		case slices.Contains(r.parts, c):
			return nil, errors.New("has " + quoteShort(name) + " twice")
		}
		if c.name == "content-digest" {
			r.digest = true
		}
		r.parts = append(r.parts, c)
		list = append(f.appendItem(list, &f.members[0].item), ' ')
	}
	if !r.digest {
		list = append(list, `"content-digest" `...)
	}
	list[len(list)-1] = ')'
	r.text = string(list)
	return r, nil
}

func quoteShort(s string) string { return string(appendQuoted(nil, s[:min(len(s), 64)])) }

// parseIdentifier reads `@method`, `content-digest` or `@query-param;name="a"`
// into f, and gives the component.
func parseIdentifier(f *field, text string) (component, error) {
	if !strings.HasPrefix(text, `"`) {
		name, params, more := strings.Cut(text, ";")
		text = `"` + name + `"`
		if more {
			text += ";" + params
		}
	}
	if err := f.single(text); err != nil {
		return component{}, err
	}
	return f.componentOf(&f.members[0].item)
}

// coveredBy tells whether a signature over comps covers all that r asks for.
func (r *required) coveredBy(comps []component) bool {
	for i := range r.parts {
		if !covers(comps, &r.parts[i]) {
			return false
		}
	}
	return true
}

// covers knows which components stand for others: the target URI holds its
// parts, and its parts but for the scheme make a target URI.
func covers(comps []component, want *component) bool {
	if slices.Contains(comps, *want) {
		return true
	}
	has := func(name string) bool {
		for i := range comps {
			if comps[i].name == name && !comps[i].hasKey {
				return true
			}
		}
		return false
	}
	switch want.name {
	case "@target-uri":
		return has("@authority") && (has("@request-target") || has("@path") && has("@query"))
	case "@path", "@query":
		return has("@target-uri") || has("@request-target")
	case "@authority", "@scheme":
		return has("@target-uri")
	case "@method", "@request-target", "@query-param":
		return false
	case "content-digest":
		return coversDigest(comps, want.name)
	}
	// The whole of a field, in whatever form, is the whole of it.
	return !want.hasKey && has(want.name)
}

// coversDigest tells whether a digest field is covered, or one digest of it
// that is known here.
func coversDigest(comps []component, name string) bool {
	for i := range comps {
		if c := &comps[i]; c.name == name && (!c.hasKey || c.key == sha256Name || c.key == sha512Name) {
			return true
		}
	}
	return false
}

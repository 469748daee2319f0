// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Files are known to the library by number, so that no name needs quoting.
const libScheme = "doc:///"

func (p place) url() string {
	u := url.URL{Fragment: p.pointer}
	return libScheme + strconv.Itoa(p.file) + "#" + u.EscapedFragment()
}

// placeOf is the inverse of url.
func placeOf(ref string) (place, bool) {
	rest, ok := strings.CutPrefix(ref, libScheme)
	if !ok {
		return place{}, false
	}
	number, fragment, _ := strings.Cut(rest, "#")
	file, err := strconv.Atoi(number)
	pointer, err2 := url.PathUnescape(fragment)
	return place{file, pointer}, err == nil && err2 == nil
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema may refer only to files beside or below the document")
}

// library compiles a schema with package jsonschema.
func (sc *schemas) library(at place) (*jsonschema.Schema, error) {
	if sc.lib == nil {
		sc.lib = jsonschema.NewCompiler()
		sc.lib.DefaultDraft(jsonschema.Draft2020)
		sc.lib.AssertFormat()
		sc.lib.UseLoader(noLoader{})
		sc.lib.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) { return compilePattern(s) })
		registerFormats(sc.lib)
	}
	for sc.root(len(sc.src.files) - 1); sc.added < len(sc.roots); sc.added++ {
		if err := sc.lib.AddResource(libScheme+strconv.Itoa(sc.added), sc.roots[sc.added]); err != nil {
			return nil, sc.src.fail(place{file: sc.added}, "cannot be used: %v", err)
		}
	}
	out, err := sc.lib.Compile(at.url())
	if err != nil {
		return nil, sc.src.fail(at, "schema cannot be used: %s", oneLine(err))
	}
	return out, nil
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), libScheme, "file ")), " ")
}
